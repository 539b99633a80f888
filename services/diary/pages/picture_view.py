"""One picture in its set: a set runs from start to stop, so it is a session's pictures (M-01). Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from services.diary.pages.expiry_words import expired_whole
from services.diary.pages.formatting import DASH, short_date, short_day, zone_name
from services.diary.pages.hours import KIND_WORDS, KINDS, app_at, thumbnail
from services.diary.pages.meter import meter
from services.diary.pages.panels import Line, Panel
from services.diary.pages.paths import Paths
from services.diary.pages.reason_words import unprotected
from services.wire.language import N_, _, again, ngettext
from services.wire.slots import parse_instant, parse_slot

_WORDS = {
    "pending": N_("This picture is on its way"),
    "refused": N_("This picture was refused"),
    "removed": N_("This picture was removed"),
}


_MOST_LOOKS = 20


class Frame(NamedTuple):
    """A picture of the film strip."""

    href: str
    clock: str
    thumbnail: str | None
    height: int
    current: bool


class Step(NamedTuple):
    """The picture before or after."""

    href: str
    name: str


class PictureView(NamedTuple):
    """All that the page of one picture writes; ``facts`` are (name, value, reason of a dash).

    ``looks``: who else looked, None where the reader is not to see it (B-03). ``there``: it can still be blurred or
    deleted, with what ``sent`` says; ``closed``: why its time cannot go.
    """

    title: str
    clock: str
    place: str
    close_href: str
    previous: Step | None
    following: Step | None
    source: str | None
    width: int
    height: int
    alt: str
    words: str
    film: list[Frame]
    segment_clock: str
    kind: str
    kind_words: str
    memo: str
    label: str | None
    meter: Markup
    meter_words: str
    facts: list[tuple[str, str, str | None]]
    protected: bool
    protected_words: str
    looks: Panel | None
    whose: str | None
    there: bool
    sent: dict[str, str]
    closed: str


Shot = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A capture with the segment it belongs to."""


def set_of(day: Mapping[str, Any], capture_id: str) -> list[Shot] | None:
    """The captures of the session that took ``capture_id``, in order of the clock; None where the day has no such."""
    shots = [(segment, capture) for segment in day["segments"] for capture in segment["captures"]]
    session = next((segment["session"] for segment, capture in shots if capture["capture_id"] == capture_id), None)
    if session is None:
        return None
    mine = [(segment, capture) for segment, capture in shots if segment["session"] == session]
    return sorted(mine, key=lambda shot: (shot[1]["at"], shot[1]["capture_id"]))


def picture_view(
    shots: Sequence[Shot],
    capture_id: str,
    zone: ZoneInfo,
    paths: Paths,
    contracts: Mapping[str, str],
    looks: Panel | None,
    whose: str | None,
    closed: str = "",
) -> PictureView:
    """The view of one capture of a set; ``whose`` is the member's name where somebody else looks.

    ``closed`` is the state of its week where time can no more be deleted (approved, locked).
    """
    index = next(place for place, (_segment, capture) in enumerate(shots) if capture["capture_id"] == capture_id)
    segment, capture = shots[index]
    at, days = parse_instant(capture["at"]).astimezone(zone), capture.get("expired_after_days")
    day = date.fromisoformat(paths.date)
    app = _app(segment, capture, at)
    slot = parse_slot(segment["slot"]).astimezone(zone)
    kind = KINDS[segment["status"]]
    first, last = _clock(shots[0], zone), _clock(shots[-1], zone)
    because = segment.get("unprotected_because") or "unknown"
    close = f"{paths.day}{paths.query}#s-{segment['segment_id']}"
    return PictureView(
        title=f"{short_day(day)}, {at:%H:%M:%S}",
        clock=f"{at:%H:%M}",
        place=_(
            "Picture {number} of {count}, set {first} to {last} {zone}",
            number=index + 1,
            count=len(shots),
            first=first,
            last=last,
            zone=zone_name(zone.key),
        ),
        close_href=close,
        previous=_step(shots[index - 1], zone, paths) if index else None,
        following=_step(shots[index + 1], zone, paths) if index + 1 < len(shots) else None,
        source=f"/api/v1/captures/{capture['capture_id']}/picture" if capture["state"] == "stored" else None,
        width=capture["width"] or 1280,
        height=capture["height"] or 720,
        alt=_alt(capture, app),
        words=expired_whole(days) if days else again(_WORDS.get(capture["state"], "")),
        film=[_frame(shot, capture_id, zone, paths) for shot in shots],
        segment_clock=f"{slot:%H:%M}",
        kind=kind,
        kind_words=again(KIND_WORDS[kind]),
        memo=segment["memo"] or segment["label"] or _("No memo"),
        label=segment["label"] if segment["memo"] else None,
        meter=meter(segment["minutes"]),
        meter_words=_("{number} of 10 minutes active", number=segment["active_minutes"]),
        facts=_facts(segment, capture, at, app, contracts),
        protected=segment["protected"],
        protected_words=_("Protected") if segment["protected"] else _not_protected(because),
        looks=looks,
        whose=whose,
        there=capture["state"] in ("stored", "pending"),
        sent={"capture": capture["capture_id"], "back": close},
        closed=closed,
    )


def _alt(capture: Mapping[str, Any], app: Sequence[Any] | None) -> str:
    if not app:
        return _("Screen at this moment")
    shown = f"{app[0]}, {app[1] or ''}".rstrip(", ")
    return _("Camera: {what}", what=shown) if capture["kind"] == "camera" else _("Screen: {what}", what=shown)


def looks_lines(looks: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Panel:
    """Who else looked at one picture, of entries of the audit log, newest first: a line a person (B-03).

    It says when they looked last, in full and in the list of the day, and in how many other minutes.
    """
    people: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for look in looks:
        local = parse_instant(look["at"]).astimezone(zone)
        times = people.setdefault((look["actor_name"], look["actor_role"]), ({}, {}))
        when = _("{date} {clock}", date=short_date(local), clock=f"{local:%H:%M}")
        times[look["detail"] == "thumbnail"][when] = None
    lines = [Line("eye", name, f", {again(role)}", _looked(*times)) for (name, role), times in people.items()]
    return Panel(_("Looked at by others"), lines[:_MOST_LOOKS], _("Nobody else has looked at this picture."))


def _looked(full: Mapping[str, None], small: Mapping[str, None]) -> str:
    if full and small:
        opened, listed = _times(list(full)), _times(list(small))
        return _("In full: {opened}; in the list: {listed}", opened=opened, listed=listed)
    if full:
        return _("In full: {times}", times=_times(list(full)))
    return _("In the list: {times}", times=_times(list(small)))


def _times(clocks: Sequence[str]) -> str:
    rest = len(clocks) - 1
    if not rest:
        return clocks[0]
    return ngettext("{last} and {number} time before", "{last} and {number} times before", rest, last=clocks[0])


def _clock(shot: Shot, zone: ZoneInfo) -> str:
    return f"{parse_instant(shot[1]['at']).astimezone(zone):%H:%M}"


def _step(shot: Shot, zone: ZoneInfo, paths: Paths) -> Step:
    return Step(paths.capture(shot[1]["capture_id"]), _clock(shot, zone))


def _frame(shot: Shot, current: str, zone: ZoneInfo, paths: Paths) -> Frame:
    capture = shot[1]
    address, height = thumbnail(capture)
    return Frame(
        paths.capture(capture["capture_id"]),
        _clock(shot, zone),
        address if capture["state"] == "stored" else None,
        height,
        capture["capture_id"] == current,
    )


def _minute(segment: Mapping[str, Any], at: datetime) -> int:
    return int((at - parse_slot(segment["slot"])).total_seconds() // 60)


def _app(segment: Mapping[str, Any], capture: Mapping[str, Any], at: datetime) -> Sequence[Any] | None:
    """The application and title of the moment: what the capture itself names, else the minute's."""
    index = capture.get("app")
    if index is not None and index < len(segment["apps"]):
        named: Sequence[Any] = segment["apps"][index]
        return named
    return app_at(segment, _minute(segment, at))


def _not_protected(because: str) -> str:
    return _("Not protected: {reason}", reason=unprotected(because))


def _counts(counts: Sequence[Any] | None) -> str:
    """What was pressed, clicked and scrolled in a minute; a dash where it was not tracked."""
    if not counts:
        return DASH
    keys, clicks, scrolls = counts[:3]
    said = (
        ngettext("{number} key", "{number} keys", keys),
        ngettext("{number} click", "{number} clicks", clicks),
        ngettext("{number} scroll", "{number} scrolls", scrolls),
    )
    return ", ".join(said)


def _facts(
    segment: Mapping[str, Any],
    capture: Mapping[str, Any],
    at: datetime,
    app: Sequence[Any] | None,
    contracts: Mapping[str, str],
) -> list[tuple[str, str, str | None]]:
    place = _minute(segment, at)
    counts = segment["minutes"][place] if 0 <= place < len(segment["minutes"]) else None
    facts: list[tuple[str, str, str | None]] = [
        (_("Contract"), contracts.get(segment["contract"], DASH), None),
        (_("Application"), app[0] if app else DASH, None if app else _("The policy does not take applications")),
        (_("Window"), (app and app[1]) or DASH, None if app and app[1] else _("No title was taken")),
    ]
    if app and app[2]:
        facts.append((_("Site"), app[2], None))
    facts.append((_("Minute"), _counts(counts), None if counts else _("This minute was not tracked")))
    facts.append((_("Size"), f"{capture['width']} × {capture['height']}", None))
    return facts

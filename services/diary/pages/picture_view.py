"""One picture in its set: a set runs from start to stop, so it is a session's pictures (M-01). Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from services.diary.pages.formatting import DASH, counted, short_day, zone_name
from services.diary.pages.hours import KIND_WORDS, KINDS, app_at, meter, thumbnail
from services.diary.pages.kept_words import expired_whole
from services.diary.pages.panels import Line, Panel
from services.diary.pages.paths import Paths
from services.diary.pages.reason_words import unprotected
from services.wire.slots import parse_instant, parse_slot

_WORDS = {
    "pending": "This picture is on its way",
    "refused": "This picture was refused",
    "removed": "This picture was removed",
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
    index = next(place for place, (_, capture) in enumerate(shots) if capture["capture_id"] == capture_id)
    segment, capture = shots[index]
    at = parse_instant(capture["at"]).astimezone(zone)
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
        place=f"Picture {index + 1} of {len(shots)}, set {first} to {last} {zone_name(zone.key)}",
        close_href=close,
        previous=_step(shots[index - 1], zone, paths) if index else None,
        following=_step(shots[index + 1], zone, paths) if index + 1 < len(shots) else None,
        source=f"/api/v1/captures/{capture['capture_id']}/picture" if capture["state"] == "stored" else None,
        width=capture["width"] or 1280,
        height=capture["height"] or 720,
        alt=f"{'Camera' if capture['kind'] == 'camera' else 'Screen'}: {app[0]}, {app[1] or ''}".rstrip(", ")
        if app
        else "Screen at this moment",
        words=expired_whole(days) if (days := capture.get("expired_after_days")) else _WORDS.get(capture["state"], ""),
        film=[_frame(shot, capture_id, zone, paths) for shot in shots],
        segment_clock=f"{slot:%H:%M}",
        kind=kind,
        kind_words=KIND_WORDS[kind],
        memo=segment["memo"] or segment["label"] or "No memo",
        label=segment["label"] if segment["memo"] else None,
        meter=meter(segment["minutes"]),
        meter_words=f"{segment['active_minutes']} of 10 minutes active",
        facts=_facts(segment, capture, at, app, contracts),
        protected=segment["protected"],
        protected_words="Protected" if segment["protected"] else f"Not protected: {unprotected(because)}",
        looks=looks,
        whose=whose,
        there=capture["state"] in ("stored", "pending"),
        sent={"capture": capture["capture_id"], "back": close},
        closed=closed,
    )


def looks_lines(looks: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Panel:
    """Who else looked at one picture, of entries of the audit log, newest first: a line a person (B-03).

    It says when they looked last, in full and in the list of the day, and in how many other minutes.
    """
    people: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for look in looks:
        local = parse_instant(look["at"]).astimezone(zone)
        times = people.setdefault((look["actor_name"], look["actor_role"]), ({}, {}))
        times[look["detail"] == "thumbnail"][f"{local.day} {local:%b %H:%M}"] = None
    lines = [Line("eye", name, f", {role}", _looked(*times)) for (name, role), times in people.items()]
    return Panel("Looked at by others", lines[:_MOST_LOOKS], "Nobody else has looked at this picture.")


def _looked(full: Mapping[str, None], small: Mapping[str, None]) -> str:
    said = [f"{how}: {_times(list(found))}" for how, found in (("in full", full), ("in the list", small)) if found]
    return "; ".join([said[0][0].upper() + said[0][1:], *said[1:]])


def _times(clocks: Sequence[str]) -> str:
    rest = len(clocks) - 1
    return clocks[0] + (f" and {counted(rest, 'time')} before" if rest else "")


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


def _facts(
    segment: Mapping[str, Any],
    capture: Mapping[str, Any],
    at: datetime,
    app: Sequence[Any] | None,
    contracts: Mapping[str, str],
) -> list[tuple[str, str, str | None]]:
    place = _minute(segment, at)
    counts = segment["minutes"][place] if 0 <= place < len(segment["minutes"]) else None
    named = zip(counts, ("key", "click", "scroll"), strict=False) if counts else ()
    minute = ", ".join(counted(number, word) for number, word in named) or DASH
    facts: list[tuple[str, str, str | None]] = [
        ("Contract", contracts.get(segment["contract"], DASH), None),
        ("Application", app[0] if app else DASH, None if app else "The policy does not take applications"),
        ("Window", (app and app[1]) or DASH, None if app and app[1] else "No title was taken"),
    ]
    if app and app[2]:
        facts.append(("Site", app[2], None))
    facts.append(("Minute", minute, None if counts else "This minute was not tracked"))
    facts.append(("Size", f"{capture['width']} × {capture['height']}", None))
    return facts

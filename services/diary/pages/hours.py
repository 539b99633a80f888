"""The hour rows of a day: runs of neighbouring segments, and what a segment's card shows. Pure.

A run is neighbouring segments of one hour with the same memo, label, contract and kind; it has one memo bar. Break,
private and manual time are one block across their columns (mock-ups, *Structure to keep*); each manual entry its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from markupsafe import Markup

from services.diary.pages.expiry_words import expired
from services.diary.pages.formatting import between, duration
from services.diary.pages.grid import Grid, HourRow, Place
from services.diary.pages.meter import meter
from services.diary.pages.paths import Paths
from services.diary.pages.reason_words import unprotected
from services.wire.language import N_, _, again, ngettext
from services.wire.segments import APP, STATE, is_tracked

KINDS = {"automatic": "auto", "manual": "manual", "over_limit": "over", "unbilled": "none"}
"""A segment's status and the class (and glyph) of its colour (S-02)."""

KIND_WORDS = {
    "auto": N_("automatic, billable"),
    "manual": N_("manual, billable"),
    "over": N_("over the weekly limit, not billed"),
    "none": N_("not billed"),
}
_OUTSIDE = N_("outside the contract's term, not billed")
_BILLED = {"automatic", "manual"}
_PAUSES = {"break": N_("Break"), "private": N_("Private time")}
#: Why there is no picture, on its own and after a time.
_ON_ITS_WAY = N_("Picture on its way"), N_("picture on its way")
_REMOVED = N_("Picture removed"), N_("picture removed")
_REFUSED = N_("Picture refused"), N_("picture refused")
_NO_INPUT = N_("No input"), N_("no input")
_NO_PICTURE = N_("No picture"), N_("no picture")
_THUMBNAIL_WIDTH = 320


class Picture(NamedTuple):
    """What stands for the pictures of a segment: a thumbnail with a link, or a dashed card that says why not.

    ``said``: the same words, after a time.
    """

    href: str | None
    thumbnail: str | None
    height: int
    number: int
    blurred: bool
    pending: bool
    words: str
    said: str = ""


class Pick(NamedTuple):
    """The box that selects segments: their ids (by spaces), clock, minutes, pictures, and the week's state.

    ``minutes`` are those on the bill, else those tracked.
    """

    ids: str
    clock: str
    end: str
    minutes: int
    pictures: int
    state: str


class SegmentCard(NamedTuple):
    """One ``li.seg``; ``starts``: a set begins with it (V-01); ``late``: the week that an adjustment is billed in."""

    id: str
    name: str
    clock: str
    picture: Picture
    meter: Markup
    meter_name: str
    minutes_href: str
    app: str
    protected: bool
    reason: str
    pick: Pick | None
    starts: bool
    late: str


class Block(NamedTuple):
    """A pause or manual time across its columns; ``pick`` where it was entered by hand and may be changed.

    ``entry``: the ids of all the entry's segments on this day, for it may reach over several hours.
    """

    id: str
    strong: str
    words: str
    pick: Pick | None = None
    entry: str = ""


@dataclass(slots=True)
class Run:
    """One ``li.run``: columns ``start`` to ``start + span - 1``; ``block`` instead of cards for pauses and manual.

    ``outside``: of its contract's term, so that no minute of it is billed (S-03).
    """

    kind: str
    start: int
    span: int
    title: str = ""
    contract: str = ""
    label: str | None = None
    words: str = ""
    missing: bool = False
    cards: list[SegmentCard] = field(default_factory=list)
    block: Block | None = None
    ids: list[str] = field(default_factory=list)
    state: str = "open"
    writable: bool = True
    outside: bool = False

    @property
    def classes(self) -> str:
        """The classes of the run's element."""
        return " ".join(("run", self.kind, f"n{self.span}", *(("missing",) if self.missing else ())))


class Running(NamedTuple):
    """What a device does in the running segment: its slot, and what the block in its place says."""

    slot: str
    strong: str
    since: str
    words: str


class Hour(NamedTuple):
    """One ``section.hour``; without runs it is only a place where time may arrive.

    ``running``: the block of the running segment and its column, where a device records in this hour now.
    """

    row: HourRow
    billable: str
    runs: list[Run]
    running: tuple[Running, int] | None = None


class Terms(NamedTuple):
    """What a segment is shown with: its contract's title by id, the page's addresses, whether movement is activity.

    ``states``: the state of the week that a segment is billed in, by segment id; ``starts``: those that begin a set;
    ``entries``: manual time by id, with its reason and who entered it; ``only_read``: contracts on which the reader
    changes nothing.
    """

    contracts: Mapping[str, str]
    paths: Paths
    movement_counts: bool = False
    states: Mapping[str, str] = {}
    starts: frozenset[str] = frozenset()
    entries: Mapping[str, Mapping[str, Any]] = {}
    running: Running | None = None
    only_read: frozenset[str] = frozenset()


def hours_of(segments: Iterable[Mapping[str, Any]], grid: Grid, terms: Terms) -> list[Hour]:
    """All hour rows of the day, in order; segments of other days are left out.

    ``segments`` as the day's answer has them (architecture.md, *The edge*).
    """
    by_hour: list[list[tuple[Place, Mapping[str, Any]]]] = [[] for _ in grid.hours]
    for segment in sorted(segments, key=lambda one: (one["slot"], one["segment_id"])):
        if place := grid.place(segment["slot"]):
            by_hour[place.hour].append((place, segment))
    now = grid.place(terms.running.slot) if terms.running else None
    if now and any(place == now for place, _ in by_hour[now.hour]):
        now = None  # it has closed and is here already
    return [
        Hour(
            row,
            _billable(found),
            _runs(found, terms) if found else [],
            (terms.running, now.column) if now and terms.running and now.hour == index else None,
        )
        for index, (row, found) in enumerate(zip(grid.hours, by_hour, strict=True))
    ]


def _billable(found: list[tuple[Place, Mapping[str, Any]]]) -> str:
    if not found:
        return ""
    minutes = sum(segment["billable_minutes"] for _place, segment in found if segment["status"] in _BILLED)
    return _("{minutes} min", minutes=minutes)


def _runs(found: list[tuple[Place, Mapping[str, Any]]], terms: Terms) -> list[Run]:
    runs: list[tuple[Run, list[tuple[Place, Mapping[str, Any]]]]] = []
    open_runs: dict[tuple[Any, ...], int] = {}
    for place, segment in found:
        key = _key(segment)
        last = open_runs.get(key)
        if last is not None and runs[last][0].start + runs[last][0].span == place.column:
            runs[last][0].span += 1
            runs[last][1].append((place, segment))
        else:
            open_runs[key] = len(runs)
            runs.append((_opened(segment, place, terms), [(place, segment)]))
    for run, members in runs:
        _fill(run, members, terms)
    return [run for run, _ in runs]


def _key(segment: Mapping[str, Any]) -> tuple[Any, ...]:
    pause = pause_of(segment)
    if is_manual(segment):
        return (pause, segment.get("entry") or segment["device"], segment["memo"], segment["label"])
    if pause:
        return (pause,)
    outside = segment.get("outside_contract", False)
    return (segment["status"], segment["contract"], segment["memo"], segment["label"], outside)


def is_manual(segment: Mapping[str, Any]) -> bool:
    """Whether a segment was entered by hand, whatever came of it on the bill (S-05)."""
    return segment["status"] == "manual" or segment["device"] is None


def pause_of(segment: Mapping[str, Any]) -> str | None:
    """``break`` or ``private`` where a segment is nothing else, None where it holds any other minute."""
    states = {minute[STATE] for minute in segment["minutes"] if minute is not None}
    return states.pop() if len(states) == 1 and states <= _PAUSES.keys() else None


def _opened(segment: Mapping[str, Any], place: Place, terms: Terms) -> Run:
    if pause_of(segment):
        return Run("brk", place.column, 1)
    kind = KINDS[segment["status"]]
    title = segment["memo"] or segment["label"]
    missing = not title and kind != "none"
    return Run(
        kind,
        place.column,
        1,
        title or (_("No memo yet") if missing else _("No memo")),
        terms.contracts.get(segment["contract"], ""),
        segment["label"] if segment["memo"] else None,
        again(_OUTSIDE if segment.get("outside_contract") else KIND_WORDS[kind]),
        missing,
        outside=bool(segment.get("outside_contract")),
    )


def _fill(run: Run, members: Sequence[tuple[Place, Mapping[str, Any]]], terms: Terms) -> None:
    first = members[0][1]
    run.ids = [segment["segment_id"] for _place, segment in members]
    run.state = terms.states.get(first["segment_id"], "open")
    run.writable = first["contract"] not in terms.only_read
    if is_manual(first) or run.kind == "brk":
        run.block = _block(members, terms)
        return
    run.cards = [_card(segment, place, terms) for place, segment in members]
    named = first["memo"] or first["label"] or run.missing
    if not named and not any(segment["active_minutes"] for _place, segment in members):
        run.title = _("No activity")


def _block(members: Sequence[tuple[Place, Mapping[str, Any]]], terms: Terms) -> Block:
    first, segment = members[0]
    pause = pause_of(segment)
    minutes = sum(minute is not None for _place, one in members for minute in one["minutes"])
    words = _("Office time, not work time. Nothing is captured.") if pause else _("No pictures, not protected.")
    if segment.get("outside_contract") and not pause:
        words = _("Outside the contract's term, not billed. {more}", more=words)
    if not is_manual(segment):
        return Block(f"s-{segment['segment_id']}", f"{again(_PAUSES[pause or 'break'])}, {duration(minutes)}", words)
    entry = terms.entries.get(segment.get("entry") or "", {})
    span = entry.get("span") or between(first.clock, members[-1][0].end)
    strong = f"{again(_PAUSES[pause]) if pause else _('Manual time')}, {span}"
    if reason := entry.get("reason"):
        words = _("{reason}, added by {name}. {more}", reason=reason.rstrip("."), name=entry["name"], more=words)
    ids = " ".join(one["segment_id"] for _place, one in members)
    state = terms.states.get(segment["segment_id"], "open")
    pick = Pick(ids, first.clock, members[-1][0].end, minutes, 0, state)
    if segment["contract"] in terms.only_read:
        return Block(f"s-{segment['segment_id']}", strong, words)
    return Block(f"s-{segment['segment_id']}", strong, words, pick, entry.get("ids") or ids)


def _card(segment: Mapping[str, Any], place: Place, terms: Terms) -> SegmentCard:
    app = main_app(segment["apps"])
    picture = picture_of(segment, terms.paths)
    active = segment["active_minutes"]
    because = segment.get("unprotected_because")
    if picture.href:
        name = f"{place.clock}, {ngettext('{number} picture', '{number} pictures', picture.number)}"
    else:
        name = f"{place.clock}, {picture.said}"
    return SegmentCard(
        id=f"s-{segment['segment_id']}",
        name=f"{name}, {app}" if app else name,
        clock=place.clock,
        picture=picture,
        meter=meter(segment["minutes"], movement_counts=terms.movement_counts),
        meter_name=_(
            "{clock}: {active} of {minutes} minutes active. Show each minute",
            clock=place.clock,
            active=active,
            minutes=len(segment["minutes"]),
        ),
        minutes_href=terms.paths.minutes(segment["segment_id"]),
        app=app,
        protected=segment["protected"],
        reason=_("Protected")
        if segment["protected"]
        else _("Not protected: {reason}", reason=unprotected(because or "unknown")),
        pick=None if segment["contract"] in terms.only_read else _pick(segment, place, terms),
        starts=segment["segment_id"] in terms.starts,
        late=segment.get("adjustment") or ", ".join(one["week"] for one in segment.get("adjustments", ())),
    )


def _pick(segment: Mapping[str, Any], place: Place, terms: Terms) -> Pick:
    return Pick(
        segment["segment_id"],
        place.clock,
        place.end,
        segment["billable_minutes"] or sum(is_tracked(minute) for minute in segment["minutes"]),
        len(segment["captures"]),
        terms.states.get(segment["segment_id"], "open"),
    )


def starts_of(segments: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The segments with which a set begins: a set runs from start to stop, so it is a session (M-01, V-01)."""
    seen: set[str] = set()
    starts = set()
    for one in sorted(segments, key=lambda segment: (segment["slot"], segment["segment_id"])):
        session = one.get("session")
        if session and session not in seen and not is_manual(one):
            seen.add(session)
            starts.add(one["segment_id"])
    return frozenset(starts)


def main_app(apps: Sequence[Sequence[Any]]) -> str:
    """The application that was most of a segment; empty where none was captured."""
    seconds: dict[str, int] = {}
    for name, _title, _site, spent in apps:
        seconds[name] = seconds.get(name, 0) + spent
    return max(seconds, key=lambda name: seconds[name]) if seconds else ""


def picture_of(segment: Mapping[str, Any], paths: Paths) -> Picture:
    """The first picture that is there, with how many there are; else the reason that none is."""
    captures = segment["captures"]
    states = {capture["state"] for capture in captures}
    stored = [capture for capture in captures if capture["state"] == "stored"]
    pending = "pending" in states
    if stored:
        first = stored[0]
        address, height = thumbnail(first)
        blurred = bool(first.get("blurred"))
        return Picture(paths.capture(first["capture_id"]), address, height, len(stored), blurred, pending, "")
    if pending:
        why = _ON_ITS_WAY
    elif days := max((one.get("expired_after_days", 0) for one in captures), default=0):
        why = expired(days)
    elif "removed" in states:
        why = _REMOVED
    elif "refused" in states:
        why = _REFUSED
    elif not segment["active_minutes"]:
        why = _NO_INPUT
    else:
        why = _NO_PICTURE
    return Picture(None, None, 0, 0, False, pending, *map(again, why))


def thumbnail(capture: Mapping[str, Any]) -> tuple[str, int]:
    """The address of a capture's thumbnail, and its height at 320 px of width."""
    height = round(_THUMBNAIL_WIDTH * (capture["height"] or 9) / (capture["width"] or 16))
    return f"/api/v1/captures/{capture['capture_id']}/thumbnail", height


def app_at(segment: Mapping[str, Any], minute: int) -> Sequence[Any] | None:
    """``[app, title, site, seconds]`` most in front in a minute of the segment (M-01), None where not captured."""
    counts = segment["minutes"][minute] if 0 <= minute < len(segment["minutes"]) else None
    index = counts[APP] if counts else None
    return segment["apps"][index] if index is not None and index < len(segment["apps"]) else None

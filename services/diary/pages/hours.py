"""The hour rows of a day: runs of neighbouring segments, and what a segment's card shows. Pure.

A run is neighbouring segments of one hour with the same memo, label, contract and kind; it has one memo bar. Break,
private and manual time are one block across their columns (mock-ups, *Structure to keep*).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from markupsafe import Markup

from services.diary.pages.formatting import counted, duration
from services.diary.pages.grid import Grid, HourRow, Place
from services.wire.segments import APP, STATE, is_active

KINDS = {"automatic": "auto", "manual": "manual", "over_limit": "over", "unbilled": "none"}
"""A segment's status and the class (and glyph) of its colour (S-02)."""

KIND_WORDS = {
    "auto": "automatic, billable",
    "manual": "manual, billable",
    "over": "over the weekly limit, not billed",
    "none": "not billed",
}
_BILLED = {"automatic", "manual"}
_PAUSES = {"break": "Break", "private": "Private time"}
_NO_MEMO = "No memo"
_THUMBNAIL_WIDTH = 320

# the meter's boxes: active, no input, away (break, private, locked), not tracked
_ON, _OFF, _AWAY, _NONE = '<i class="on"></i>', "<i></i>", '<i class="st"></i>', '<i class="nt"></i>'

REASONS = {
    "no_capture": "no picture",
    "no_activity": "no activity",
    "no_memo": "neither memo nor label",
    "capture_pending": "waiting for its picture",
    "manual": "manual time",
}


def reason_words(reason: str) -> str:
    """Why a segment is not protected (S-09), in the words of the page."""
    return REASONS.get(reason, reason.replace("_", " "))


@dataclass(frozen=True)
class Paths:
    """The addresses of one day's page; ``query`` (``?zone=…``) keeps the reader's zone. Ids need no quoting."""

    member: str
    date: str
    query: str

    @property
    def day(self) -> str:
        """The page of the day, without the zone."""
        return f"/diary/{self.member}/{self.date}"

    def capture(self, capture_id: str) -> str:
        """One picture in its set."""
        return f"{self.day}/captures/{capture_id}{self.query}"

    def minutes(self, segment_id: str) -> str:
        """The counts of each minute of a segment."""
        return f"{self.day}/minutes/{segment_id}{self.query}"


class Picture(NamedTuple):
    """What stands for the pictures of a segment: a thumbnail with a link, or a dashed card that says why not."""

    href: str | None
    thumbnail: str | None
    height: int
    number: int
    blurred: bool
    pending: bool
    words: str


class SegmentCard(NamedTuple):
    """One ``li.seg``."""

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


@dataclass(slots=True)
class Run:
    """One ``li.run``: columns ``start`` to ``start + span - 1``; ``block`` instead of cards for pauses and manual."""

    kind: str
    start: int
    span: int
    title: str = ""
    contract: str = ""
    label: str | None = None
    words: str = ""
    missing: bool = False
    cards: list[SegmentCard] = field(default_factory=list)
    block: tuple[str, str] | None = None

    @property
    def classes(self) -> str:
        """The classes of the run's element."""
        return f"run {self.kind} n{self.span}{' missing' if self.missing else ''}"


class Hour(NamedTuple):
    """One ``section.hour``; without runs it is only a place where time may arrive."""

    row: HourRow
    billable: str
    runs: list[Run]


class Terms(NamedTuple):
    """What a segment is shown with: its contract's title by id, the page's addresses, whether movement is activity."""

    contracts: Mapping[str, str]
    paths: Paths
    movement_counts: bool = False


def hours_of(segments: Iterable[Mapping[str, Any]], grid: Grid, terms: Terms) -> list[Hour]:
    """All hour rows of the day, in order; segments of other days are left out.

    ``segments`` as the day's answer has them (architecture.md, *The edge*).
    """
    by_hour: list[list[tuple[Place, Mapping[str, Any]]]] = [[] for _ in grid.hours]
    for segment in sorted(segments, key=lambda one: (one["slot"], one["segment_id"])):
        if place := grid.place(segment["slot"]):
            by_hour[place.hour].append((place, segment))
    return [
        Hour(row, _billable(found), _runs(found, terms) if found else [])
        for row, found in zip(grid.hours, by_hour, strict=True)
    ]


def _billable(found: list[tuple[Place, Mapping[str, Any]]]) -> str:
    if not found:
        return ""
    return f"{sum(segment['billable_minutes'] for _, segment in found if segment['status'] in _BILLED)} min"


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
    if pause:
        return (pause,)
    return (segment["status"], segment["contract"], segment["memo"], segment["label"])


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
        title or ("No memo yet" if missing else _NO_MEMO),
        terms.contracts.get(segment["contract"], ""),
        segment["label"] if segment["memo"] else None,
        KIND_WORDS[kind],
        missing,
    )


def _fill(run: Run, members: Sequence[tuple[Place, Mapping[str, Any]]], terms: Terms) -> None:
    first, last = members[0], members[-1]
    if run.kind == "brk":
        minutes = sum(minute is not None for _, segment in members for minute in segment["minutes"])
        name = _PAUSES[pause_of(first[1]) or "break"]
        run.block = (f"{name}, {duration(minutes)}", "Office time, not work time. Nothing is captured.")
    elif run.kind == "manual":
        run.block = (f"Manual time, {first[0].clock} to {last[0].end}", _manual_words(first[1]))
    else:
        run.cards = [_card(segment, place, terms) for place, segment in members]
        idle = not any(segment["active_minutes"] for _, segment in members)
        if run.title == _NO_MEMO and idle:
            run.title = "No activity"


def _manual_words(segment: Mapping[str, Any]) -> str:
    reason = segment.get("reason")
    return f"{reason.rstrip('.')}. No pictures, not protected." if reason else "No pictures, not protected."


def _card(segment: Mapping[str, Any], place: Place, terms: Terms) -> SegmentCard:
    app = main_app(segment["apps"])
    picture = picture_of(segment, terms.paths)
    active = segment["active_minutes"]
    because = segment.get("unprotected_because")
    if picture.href:
        name = f"{place.clock}, {counted(picture.number, 'picture')}"
    else:
        name = f"{place.clock}, {picture.words[0].lower()}{picture.words[1:]}"
    return SegmentCard(
        id=f"s-{segment['segment_id']}",
        name=f"{name}, {app}" if app else name,
        clock=place.clock,
        picture=picture,
        meter=meter(segment["minutes"], movement_counts=terms.movement_counts),
        meter_name=f"{place.clock}: {active} of {len(segment['minutes'])} minutes active. Show each minute",
        minutes_href=terms.paths.minutes(segment["segment_id"]),
        app=app,
        protected=segment["protected"],
        reason="Protected" if segment["protected"] else f"Not protected: {reason_words(because or 'unknown')}",
    )


def main_app(apps: Sequence[Sequence[Any]]) -> str:
    """The application that was most of a segment; empty where none was captured."""
    seconds: dict[str, int] = {}
    for name, _, _, spent in apps:
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
        words = "Picture on its way"
    elif "removed" in states:
        words = "Picture removed"
    elif "refused" in states:
        words = "Picture refused"
    elif not segment["active_minutes"]:
        words = "No input"
    else:
        words = "No picture"
    return Picture(None, None, 0, 0, False, pending, words)


def thumbnail(capture: Mapping[str, Any]) -> tuple[str, int]:
    """The address of a capture's thumbnail, and its height at 320 px of width."""
    height = round(_THUMBNAIL_WIDTH * (capture["height"] or 9) / (capture["width"] or 16))
    return f"/api/v1/captures/{capture['capture_id']}/thumbnail", height


def meter(minutes: Sequence[Sequence[Any] | None], *, movement_counts: bool = False) -> Markup:
    """The ten boxes of the activity meter; made of constants only, so it is safe as it is."""
    boxes = "".join([_box(minute, movement_counts) for minute in minutes])
    return Markup(boxes)  # noqa: S704


def _box(minute: Sequence[Any] | None, movement_counts: bool) -> str:
    if minute is None:
        return _NONE
    if is_active(minute, movement_counts=movement_counts):
        return _ON
    return _OFF if minute[STATE] in ("work", "idle") else _AWAY


def app_at(segment: Mapping[str, Any], minute: int) -> Sequence[Any] | None:
    """``[app, title, site, seconds]`` most in front in a minute of the segment (M-01), None where not captured."""
    counts = segment["minutes"][minute] if 0 <= minute < len(segment["minutes"]) else None
    index = counts[APP] if counts else None
    return segment["apps"][index] if index is not None and index < len(segment["apps"]) else None

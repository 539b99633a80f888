"""The diary as it must be: a small, slow fold of what was closed, written from the rules alone.

It takes nothing from ``services.wire.segments`` or ``services.diary``, so that a mistake there does not stand here too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from tests.faults.book import Line

TRACKED = ("work", "idle", "locked")
CLASSES = {"gedit": "productive", "steam": "unproductive"}
"""Of the computers' applications, as the starting catalogue has them (K-01); the rest is neutral."""


@dataclass(frozen=True)
class Edit:
    """What a member did to segments: a memo for them, or they are removed (S-04, S-08)."""

    segments: frozenset[str]
    memo: str | None = None
    removed: bool = False


@dataclass
class Segment:
    """One segment: ``minutes`` are ``[keys, clicks, scrolls, moves, state, name of the app]``, or None."""

    segment_id: str
    member: str
    device: str
    contract: str
    slot: str
    session_started: str = ""
    minutes: list[list[Any] | None] = field(default_factory=lambda: [None] * 10)
    counts: list[bool] = field(default_factory=lambda: [False] * 10)
    memo: str | None = None
    label: str | None = None
    captures: dict[str, dict[str, Any]] = field(default_factory=dict)
    apps: dict[tuple[Any, ...], int] = field(default_factory=dict)
    wanted: int = 0
    over: bool = False

    @property
    def tracked(self) -> int:
        return sum(self._counted(index, TRACKED) for index in range(10))

    @property
    def active(self) -> int:
        return sum(self._is_active(index) for index in range(10))

    def _is_active(self, index: int) -> bool:
        # T-03: no moves among them
        return self._counted(index, ("work",)) and sum((self.minutes[index] or [])[:3]) > 0

    def _counted(self, index: int, states: tuple[str, ...]) -> bool:
        minute = self.minutes[index]
        return self.counts[index] and minute is not None and minute[4] in states

    @property
    def score(self) -> dict[str, float | None]:
        """K-02, K-03. Productivity only where all of its minutes count: how apps are shared is not the harness's."""
        if not self.tracked:
            return {"activity": None, "productivity": None, "tracko": None}
        halves = sum(2 - (self._front(index) == "unproductive") for index in range(10) if self._is_active(index))
        activity = Fraction(halves, 2 * self.tracked)
        if not all(self.counts[index] for index in range(10) if self.minutes[index] is not None):
            return {"activity": _half_up(activity, 4)}
        seconds: dict[str, int] = defaultdict(int)
        for (name, *_), some in self.apps.items():
            seconds[CLASSES.get(name, "neutral")] += some
        classified = seconds["productive"] + seconds["unproductive"]
        if not classified:
            return {"activity": _half_up(activity, 4), "productivity": None, "tracko": _half_up(100 * activity, 1)}
        productivity = Fraction(seconds["productive"], classified)
        tracko = _half_up(60 * activity + 40 * productivity, 1)
        return {"activity": _half_up(activity, 4), "productivity": _half_up(productivity, 4), "tracko": tracko}

    def _front(self, index: int) -> str:
        minute = self.minutes[index]
        return CLASSES.get(minute[5], "neutral") if minute else "neutral"

    @property
    def billable(self) -> int:
        return 0 if self.over else self.wanted

    @property
    def status(self) -> str:
        return "over_limit" if self.over else "automatic" if self.wanted else "unbilled"


@dataclass
class Diary:
    """Segments by id, the billable and over-limit minutes of each (contract, Monday), and what was removed."""

    segments: dict[str, Segment]
    weeks: dict[tuple[str, str], tuple[int, int]]
    removed: list[Segment]

    def day(self, member: str, day: str) -> dict[str, Segment]:
        return {
            one.segment_id: one for one in self.segments.values() if one.member == member and one.slot.startswith(day)
        }


def fold(lines: Iterable[Line], limits: Mapping[str, int | None], edits: Iterable[Edit] = ()) -> Diary:
    """The diary of admitted records, and of edits in their order, each of segments that were whole by then.

    ``limits`` are weekly minutes by contract. Weeks are Monday to Sunday in UTC.
    """
    segments = _put_together(lines)
    removed = _edit(segments, edits)
    by_slot = defaultdict(list)
    for one in segments.values():
        by_slot[one.member, one.slot].append(one)
    for members in by_slot.values():
        _count_once(members)
    return Diary(segments, _bill(segments.values(), limits), removed)


def _edit(segments: dict[str, Segment], edits: Iterable[Edit]) -> list[Segment]:
    """S-04: the last memo stays, whatever the record says. S-08: what is removed is gone; it is given."""
    removed = []
    for edit in edits:
        for name in edit.segments & segments.keys():
            if edit.removed:
                removed.append(segments.pop(name))
            else:
                segments[name].memo = edit.memo
    return removed


def _put_together(lines: Iterable[Line]) -> dict[str, Segment]:
    """Minute by minute the lowest seq stays, captures unite, the highest seq's memo and label count."""
    segments: dict[str, Segment] = {}
    for line in sorted(lines, key=lambda one: (one.device, one.seq)):
        record, detail = line.record, line.detail
        one = segments.setdefault(
            line.segment,
            Segment(line.segment, record["member"], line.device, record["contract"], record["slot"]),
        )
        one.session_started = one.session_started or record["session_started"]
        for index, minute in enumerate(record["minutes"]):
            if one.minutes[index] is None and minute is not None:
                app = None if minute[5] is None else detail["apps"][minute[5]][0]
                one.minutes[index] = [*minute[:5], app]
        for *app, seconds in detail["apps"]:
            one.apps[tuple(app)] = one.apps.get(tuple(app), 0) + seconds
        one.captures |= {capture["capture_id"]: capture for capture in detail["captures"]}
        one.memo = detail["memo"] if detail["memo"] is not None else one.memo
        one.label = detail["label"] if detail["label"] is not None else one.label
    return segments


def _count_once(segments: list[Segment]) -> None:
    """T-14: a member's minute counts for the one that started first; S-01: and ten of a contract are billed once."""
    taken, billed = set(), set()
    for one in sorted(segments, key=lambda one: (one.session_started, one.device, one.segment_id)):
        for index, minute in enumerate(one.minutes):
            if minute is not None and index not in taken:
                one.counts[index] = True
                taken.add(index)
        if one.active and one.contract not in billed:
            one.wanted = 10
            billed.add(one.contract)


def _bill(segments: Iterable[Segment], limits: Mapping[str, int | None]) -> dict[tuple[str, str], tuple[int, int]]:
    """S-03: in the order of the clock; what does not fit any more is over the limit, whole."""
    weeks: dict[tuple[str, str], tuple[int, int]] = {}
    for one in sorted(segments, key=lambda one: (one.slot, one.device)):
        day = date.fromisoformat(one.slot[:10])
        week = one.contract, (day - timedelta(days=day.weekday())).isoformat()
        billed, beyond = weeks.get(week, (0, 0))
        limit = limits.get(one.contract)
        one.over = bool(one.wanted) and limit is not None and billed + one.wanted > limit
        weeks[week] = (billed + one.billable, beyond + (one.wanted if one.over else 0))
    return weeks


def _half_up(value: Fraction, places: int) -> float:
    scale: int = 10**places
    return floor(value * scale + Fraction(1, 2)) / scale

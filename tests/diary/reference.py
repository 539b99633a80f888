"""A member's week as it must be: a small, slow fold of records and edits, minute by minute, from the rules alone.

It takes nothing from ``services.wire`` or ``services.diary``, so that a mistake there does not stand here too.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

SEEN_BY_DEVICES = ("work", "idle", "locked")
FIRST = {"desktop": 0, "mobile": 1, "manual": 2}


@dataclass
class Record:
    """One record; ``minutes`` are ``(state, active)`` or None."""

    contract: str
    device: str
    kind: str
    slot: str
    seq: int
    started: str
    minutes: list[tuple[str, bool] | None]
    memo: str | None

    @property
    def segment(self) -> str:
        return f"{self.contract}:{self.device}:{self.slot}"


@dataclass
class Removed:
    segment: str
    minutes: list[int]
    seq: int


@dataclass
class Noted:
    segments: list[str]
    memo: str | None
    at: str
    name: str


@dataclass
class Week:
    """What happened in a member's week, in no order."""

    records: list[Record] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)


@dataclass
class Expected:
    """By segment: status, billed minutes, memo, which minutes are there; by contract the figures; office minutes."""

    segments: dict[str, tuple[str, int, str | None, list[bool]]]
    contracts: dict[str, dict[str, int]]
    office: int


def fold(week: Week, limits: dict[str, int | None], rates: dict[str, int | None], unit: str) -> Expected:
    """The week's diary and bill."""
    there = _there(week)
    counts = _counts(week, there)
    wanted = {name: _wanted(name, week, there, counts, unit) for name in there}
    contracts: dict[str, dict[str, int]] = {}
    shown = {}
    for name in sorted(there, key=lambda name: (_slot(name), name)):
        contract = name.split(":", 1)[0]
        sums = contracts.setdefault(contract, {"billable": 0, "manual": 0, "over": 0, "tracked": 0})
        manual, minutes = _kind(name, week) == "manual", wanted[name] if rates[contract] is not None else 0
        sums["tracked"] += 0 if manual else sum(counts[name, at] in SEEN_BY_DEVICES for at in range(10))
        limit, status, billed = limits[contract], "unbilled", 0
        if minutes and limit is not None and sums["billable"] + minutes > limit:
            status = "over_limit"
            sums["over"] += minutes
        elif minutes:
            status, billed = ("manual" if manual else "automatic"), minutes
            sums["billable"] += minutes
            sums["manual"] += minutes if manual else 0
        shown[name] = status, billed, _memo(name, week, there), [there[name][at] is not None for at in range(10)]
    for contract, sums in contracts.items():
        exact = Fraction(sums["billable"] * (rates[contract] or 0), 60)
        sums["amount"] = int(exact + Fraction(1, 2))
    return Expected(shown, contracts, sum(state is not None for state in counts.values()))


def _slot(name: str) -> str:
    return name.split(":", 2)[2]


def _mine(name: str, week: Week) -> list[Record]:
    return sorted((one for one in week.records if one.segment == name), key=lambda one: one.seq)


def _kind(name: str, week: Week) -> str:
    return _mine(name, week)[0].kind


def _left(record: Record, at: int, week: Week) -> tuple[str, bool] | None:
    for one in week.removed:
        if one.segment == record.segment and at in one.minutes and record.seq <= one.seq:
            return None
    return record.minutes[at]


def _there(week: Week) -> dict[str, list[tuple[str, bool] | None]]:
    """S-08: what no removal covers; of several records the lowest seq's minute."""
    found = {}
    for name in {one.segment for one in week.records}:
        minutes = [
            next((left for one in _mine(name, week) if (left := _left(one, at, week)) is not None), None)
            for at in range(10)
        ]
        if any(minutes):
            found[name] = minutes
    return found


def _alive(name: str, week: Week) -> list[Record]:
    return [one for one in _mine(name, week) if any(_left(one, at, week) for at in range(10))]


def _before(name: str, week: Week) -> tuple[Any, ...]:
    first = _alive(name, week)[0]
    return FIRST[first.kind], first.started, first.device, name


def _counts(week: Week, there: dict[str, list[tuple[str, bool] | None]]) -> dict[tuple[str, int], str | None]:
    """T-14: for whom each minute counts, and in which state."""
    counts: dict[tuple[str, int], str | None] = {(name, at): None for name in there for at in range(10)}
    for slot in {_slot(name) for name in there}:
        together = sorted((name for name in there if _slot(name) == slot), key=lambda name: _before(name, week))
        for at in range(10):
            winner = next((name for name in together if there[name][at]), None)
            if winner is not None:
                minute = there[winner][at]
                counts[winner, at] = minute[0] if minute else None
    return counts


def _active(
    name: str, there: dict[str, list[tuple[str, bool] | None]], counts: dict[tuple[str, int], str | None]
) -> bool:
    return any(counts[name, at] == "work" and (there[name][at] or ("", False))[1] for at in range(10))


def _wanted(
    name: str,
    week: Week,
    there: dict[str, list[tuple[str, bool] | None]],
    counts: dict[tuple[str, int], str | None],
    unit: str,
) -> int:
    """S-01, S-05: what a segment would be billed, were there no limit."""
    same = [one for one in there if _slot(one) == _slot(name) and one.split(":")[0] == name.split(":")[0]]
    whole = [one for one in same if _kind(one, week) != "manual" and _active(one, there, counts)]
    if _kind(name, week) == "manual":
        taken = unit == "segment" and whole
        return 0 if taken else sum(counts[name, at] == "work" for at in range(10))
    if name not in whole:
        return 0
    if unit == "minute":
        return sum(counts[name, at] in SEEN_BY_DEVICES for at in range(10))
    return 10 if name == min(whole, key=lambda one: _before(one, week)) else 0


def _memo(name: str, week: Week, there: dict[str, Any]) -> str | None:
    """S-04: the latest edit's word, else the last record's that has one."""
    noted = [one for one in week.noted if name in one.segments]
    if noted:
        return max(noted, key=lambda one: (one.at, one.name)).memo
    return next((one.memo for one in reversed(_alive(name, week)) if one.memo is not None), None)

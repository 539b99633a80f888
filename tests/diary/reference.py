"""A member's week as it must be: a small, slow fold of records and edits, minute by minute, from the rules alone.

It takes nothing from ``services.wire`` or ``services.diary``, so that a mistake there does not stand here too.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

SEEN_BY_DEVICES = ("work", "idle", "locked")
FIRST = {"desktop": 0, "mobile": 1, "manual": 2}
There = dict[str, list[tuple[str, bool] | None]]
"""What is left of each booking's ten minutes: ``(state, active)``."""
Counts = dict[tuple[str, int], str | None]
"""The state of a booking's minute, where it counts for that booking."""


@dataclass
class Record:
    """One record; ``minutes`` are ``(state, active)`` or None; ``wave``: how many seals it came after."""

    contract: str
    device: str
    kind: str
    slot: str
    seq: int
    started: str
    minutes: list[tuple[str, bool] | None]
    memo: str | None
    wave: int = 0

    @property
    def segment(self) -> str:
        return f"{self.contract}:{self.device}:{self.slot}"

    @property
    def booking(self) -> str:
        """A segment on one week's bill: what comes after a seal is billed like a segment of its own, in a later one."""
        return f"{self.segment}|{self.wave}"


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
    """By booking: status, billed minutes; by segment: memo, which minutes are there; by contract and wave the figures;
    office minutes.
    """

    bookings: dict[str, tuple[str, int]]
    segments: dict[str, tuple[str | None, list[bool]]]
    contracts: dict[tuple[str, int], dict[str, int]]
    office: int


def fold(
    week: Week,
    limits: dict[str, int | None],
    rates: dict[str, int | None],
    unit: str,
    terms: dict[str, tuple[str | None, str | None]] | None = None,
) -> Expected:
    """The week's diary, and the bills of it: its own, and of what came after each seal.

    ``terms``: first and last day of contracts, in a zone eight hours behind UTC.
    """
    there = _there(week)
    counts = _counts(week, there)
    wanted = {name: _wanted(name, week, there, counts, unit) for name in there}
    bills: dict[tuple[str, int], dict[str, int]] = {}
    bookings = {}
    for name in sorted(there, key=lambda name: (_slot(name), name)):
        contract = name.split(":", 1)[0]
        bill = bills.setdefault((contract, _wave(name)), {"billable": 0, "manual": 0, "over": 0, "tracked": 0})
        bills_it = rates[contract] is not None and _runs(_slot(name), (terms or {}).get(contract, (None, None)))
        manual, minutes = _kind(name, week) == "manual", wanted[name] if bills_it else 0
        bill["tracked"] += 0 if manual else sum(counts[name, at] in SEEN_BY_DEVICES for at in range(10))
        limit, status, billed = limits[contract], "unbilled", 0
        if minutes and limit is not None and bill["billable"] + minutes > limit:
            status = "over_limit"
            bill["over"] += minutes
        elif minutes:
            status, billed = ("manual" if manual else "automatic"), minutes
            bill["billable"] += minutes
            bill["manual"] += minutes if manual else 0
        bookings[name] = status, billed
    for (contract, _), bill in bills.items():
        exact = Fraction(bill["billable"] * (rates[contract] or 0), 60)
        bill["amount"] = int(exact + Fraction(1, 2))
    return Expected(bookings, _segments(week, there), bills, sum(state is not None for state in counts.values()))


def _runs(slot: str, term: tuple[str | None, str | None]) -> bool:
    """Whether the day that a slot's start falls in is one of the contract's."""
    day = str((datetime.fromisoformat(slot) - timedelta(hours=8)).date())
    return (term[0] or day) <= day <= (term[1] or day)


def _segments(week: Week, there: There) -> dict[str, tuple[str | None, list[bool]]]:
    found = {}
    for segment in {name.split("|")[0] for name in there}:
        own = [minutes for name, minutes in there.items() if name.split("|")[0] == segment]
        found[segment] = _memo(segment, week), [any(minutes[at] for minutes in own) for at in range(10)]
    return found


def _slot(name: str) -> str:
    return name.split(":", 2)[2].split("|")[0]


def _wave(name: str) -> int:
    return int(name.split("|")[1])


def _mine(name: str, week: Week) -> list[Record]:
    return sorted((one for one in week.records if one.booking == name), key=lambda one: one.seq)


def _kind(name: str, week: Week) -> str:
    return _mine(name, week)[0].kind


def _left(record: Record, at: int, week: Week) -> tuple[str, bool] | None:
    for one in week.removed:
        if one.segment == record.segment and at in one.minutes and record.seq <= one.seq:
            return None
    return record.minutes[at]


def _there(week: Week) -> There:
    """S-08: what no removal covers; of several records the lowest seq's minute."""
    found = {}
    for name in {one.booking for one in week.records}:
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
    return _wave(name), FIRST[first.kind], first.started, first.device, name


def _counts(week: Week, there: There) -> Counts:
    """T-14: for whom each minute counts, and in which state; what was sealed keeps what it counted."""
    counts: Counts = {(name, at): None for name in there for at in range(10)}
    for slot in {_slot(name) for name in there}:
        together = sorted((name for name in there if _slot(name) == slot), key=lambda name: _before(name, week))
        for at in range(10):
            winner = next((name for name in together if there[name][at]), None)
            if winner is not None:
                minute = there[winner][at]
                counts[winner, at] = minute[0] if minute else None
    return counts


def _active(name: str, there: There, counts: Counts) -> bool:
    return any(counts[name, at] == "work" and (there[name][at] or ("", False))[1] for at in range(10))


def _wanted(name: str, week: Week, there: There, counts: Counts, unit: str) -> int:
    """S-01, S-05: what a booking would be billed, were there no limit; of a contract's ten minutes no eleventh."""
    same = [one for one in there if _slot(one) == _slot(name) and one.split(":")[0] == name.split(":")[0]]
    before = sorted(same, key=lambda one: _before(one, week))
    left = 10
    for one in before:
        mine = _alone(one, week, there, counts, unit)
        mine = min(mine, left) if unit == "segment" else mine
        left -= mine
        if one == name:
            return mine
    raise AssertionError(name)


def _alone(name: str, week: Week, there: There, counts: Counts, unit: str) -> int:
    if _kind(name, week) == "manual":
        return sum(counts[name, at] == "work" for at in range(10))
    if not _active(name, there, counts):
        return 0
    return 10 if unit == "segment" else sum(counts[name, at] in SEEN_BY_DEVICES for at in range(10))


def _memo(segment: str, week: Week) -> str | None:
    """S-04: the latest edit's word, else the last record's that has one."""
    noted = [one for one in week.noted if segment in one.segments]
    if noted:
        return max(noted, key=lambda one: (one.at, one.name)).memo
    alive = [one for one in week.records if one.segment == segment and any(_left(one, at, week) for at in range(10))]
    alive.sort(key=lambda one: one.seq)
    return next((one.memo for one in reversed(alive) if one.memo is not None), None)

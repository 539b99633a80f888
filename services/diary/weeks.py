"""Contract-weeks: the sheet of claims the projector keeps for each, and what the clock says of it (S-03, S-06).

A document of ``weeks`` has ``_id`` = ``workspace|contract|monday`` (the Monday in the workspace's billing zone), a
``version`` that every fold bumps in its own transaction, ``claims`` by ``slot|device``, the ``terms`` it was computed
with, and the bill that came out of them.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from services.wire import slots
from services.wire.billing import ALWAYS, Bill, BillingUnit, Claim, Term, bill

WeekState = Literal["open", "submitted", "approved", "locked"]


def week_key(workspace: str, contract: str, monday: str) -> str:
    """The ``_id`` of a contract-week."""
    return f"{workspace}|{contract}|{monday}"


@lru_cache(4096)
def monday_of(slot: str, zone: ZoneInfo) -> str:
    """The Monday, ``2026-11-16``, of the week a slot is billed in."""
    return slots.week_of(slots.parse_slot(slot), zone).isoformat()


def locks_at(monday: date, zone: ZoneInfo, lock_hour: int) -> datetime:
    """The instant a week locks: the Monday after it at the lock hour of the billing zone (S-06)."""
    return datetime.combine(monday + timedelta(days=7), time(lock_hour), tzinfo=zone)


@lru_cache(4096)
def lock_time(monday: date, zone: ZoneInfo, lock_hour: int) -> float:
    """``locks_at`` in epoch seconds, for whoever asks with every look at a day."""
    return locks_at(monday, zone, lock_hour).timestamp()


def state_of(monday: date, zone: ZoneInfo, lock_hour: int, now: datetime) -> WeekState:
    """A week locks by the clock alone."""
    return "locked" if now >= locks_at(monday, zone, lock_hour) else "open"


class Sheet(NamedTuple):
    """What one segment brings into its week, in minutes: what it may claim, what was tracked and active; by hand?"""

    whole: int
    exact: int
    tracked: int
    active: int
    manual: int = 0

    def pack(self) -> int:
        """All in one integer, 15 bits each, so that the sum of a week's is the packed sum of its figures.

        A week's sheet is read and summed with every fold: lists would cost twice as much to decode, and the rest again.
        """
        return self.manual << 60 | self.whole << 45 | self.exact << 30 | self.tracked << 15 | self.active

    @classmethod
    def unpack(cls, packed: int) -> "Sheet":
        """The figures again; each is less than 2^15, which are three weeks of minutes. Of a sum: how many manual."""
        return cls(
            packed >> 45 & _MASK, packed >> 30 & _MASK, packed >> 15 & _MASK, packed & _MASK, packed >> _MANUAL_BIT
        )

    @classmethod
    def total(cls, packed: Collection[int]) -> "Sheet":
        """The figures of many segments together; of so many that a packed sum has no room for them, one by one."""
        if len(packed) <= _MOST_SUMMED:
            return cls.unpack(sum(packed))
        return cls(*map(sum, zip(*map(cls.unpack, packed), strict=True)))


_MASK, _MANUAL_BIT = (1 << 15) - 1, 60
_MOST_SUMMED = _MASK // slots.SLOT_MINUTES
"""No week has as many slots, but late time of many weeks may be billed in one."""


def claimed_of(packed: int, unit: BillingUnit) -> int:
    """What a packed segment wants to be billed."""
    return packed >> 45 & _MASK if unit == "segment" else packed >> 30 & _MASK


def is_manual(packed: int) -> bool:
    """Whether a packed segment was entered by hand (S-05)."""
    return packed >> _MANUAL_BIT > 0


def sheet_key(slot: str, device: str) -> str:
    """The key of a segment in its week's sheet; of manual time the entry stands at the device's place."""
    return f"{slot}|{device}"


def claims_of(contract: str, sheet: Mapping[str, int]) -> list[Claim]:
    """The claims of a packed sheet; a claim's key is its segment's id."""
    claims = []
    for key, packed in sheet.items():
        slot, figures = key[:20], Sheet.unpack(packed)
        claims.append(Claim(slot, f"{contract}:{key[21:]}:{slot}", figures.whole, figures.exact, is_manual(packed)))
    return claims


def term_in(terms: Mapping[str, Any]) -> Term:
    """The contract's term as a contract-week keeps it among its terms."""
    return Term(terms.get("runs_from"), terms.get("runs_until"))


def roll_up(
    contract: str,
    sheet: Mapping[str, int],
    limit_minutes: int | None,
    unit: BillingUnit,
    *,
    hourly: bool = True,
    term: Term = ALWAYS,
) -> dict[str, Any]:
    """The figures of a week from its whole sheet, computed anew each time and never added to.

    ``over`` lists the ids of the segments that are over the limit, in clock order.
    """
    sums = Sheet.total(sheet.values())
    wanted = sums.whole if unit == "segment" else sums.exact
    fits = limit_minutes is None or wanted <= limit_minutes
    if hourly and not sums.manual and fits and _runs_all(sheet, term):
        billed = Bill(wanted, wanted, 0, 0, ())  # as nearly always: nothing to put in order
    else:
        billed = bill(claims_of(contract, sheet), limit_minutes, unit, hourly=hourly, term=term)
    return {
        "billable_minutes": billed.billable_minutes,
        "automatic_minutes": billed.automatic_minutes,
        "manual_minutes": billed.manual_minutes,
        "over_limit_minutes": billed.over_limit_minutes,
        "tracked_minutes": sums.tracked,
        "active_minutes": sums.active,
        "over": list(billed.over),
    }


def _runs_all(sheet: Mapping[str, int], term: Term) -> bool:
    return term == ALWAYS or not sheet or (term.holds(min(sheet)[:20]) and term.holds(max(sheet)[:20]))


_DAY = (
    *("tracked_minutes", "active_minutes", "billable_minutes"),
    *("automatic_minutes", "manual_minutes", "over_limit_minutes"),
)


def days_of(
    sheet: Mapping[str, int],
    over: frozenset[str],
    contract: str,
    unit: BillingUnit,
    monday: date,
    zone: ZoneInfo,
    *,
    hourly: bool = True,
    term: Term = ALWAYS,
) -> list[dict[str, Any]]:
    """The seven days of a week in the billing zone with their minutes; ``over`` holds segment ids (S-10).

    Time of other weeks that is billed in this one (an adjustment) is in ``adjusted_days``.
    """
    found = _by_day(sheet, over, contract, unit, zone, hourly=hourly, term=term)
    days = [(monday + timedelta(days=step)).isoformat() for step in range(7)]
    return [{"date": day, **found.get(day, dict.fromkeys(_DAY, 0))} for day in days]


def adjusted_days(
    sheet: Mapping[str, int],
    over: frozenset[str],
    contract: str,
    unit: BillingUnit,
    monday: date,
    zone: ZoneInfo,
    *,
    hourly: bool = True,
    term: Term = ALWAYS,
) -> list[dict[str, Any]]:
    """As ``days_of``, the days of sealed weeks whose late time is billed in this one; nearly always none."""
    own = {(monday + timedelta(days=step)).isoformat() for step in range(7)}
    found = _by_day(sheet, over, contract, unit, zone, hourly=hourly, term=term)
    return [{"date": day, **figures} for day, figures in sorted(found.items()) if day not in own]


def _by_day(
    sheet: Mapping[str, int],
    over: frozenset[str],
    contract: str,
    unit: BillingUnit,
    zone: ZoneInfo,
    *,
    hourly: bool,
    term: Term,
) -> dict[str, dict[str, int]]:
    days: dict[str, dict[str, int]] = {}
    for key, packed in sheet.items():
        figures = Sheet.unpack(packed)
        day = days.setdefault(slots.day_of(slots.parse_slot(key[:20]), zone).isoformat(), dict.fromkeys(_DAY, 0))
        day["tracked_minutes"] += figures.tracked
        day["active_minutes"] += figures.active
        claimed = claimed_of(packed, unit) if hourly and term.holds(key[:20]) else 0
        if f"{contract}:{key[21:]}:{key[:20]}" in over:
            day["over_limit_minutes"] += claimed
        else:
            day["billable_minutes"] += claimed
            day["manual_minutes" if is_manual(packed) else "automatic_minutes"] += claimed
    return days

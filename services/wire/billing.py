"""What of a week is billed (S-01, S-02, S-03, S-09). Pure, and the same whatever order time arrived in.

A claim is one segment's, or one manual entry's, wish to be billed in a contract-week. Claims are served in the order of
the clock until the week's limit is used up; what does not fit is over the limit, whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from services.wire.segments import MANUAL, Minute, count_minutes, counted
from services.wire.segments import Claim as MinuteClaim
from services.wire.slots import SLOT_MINUTES, format_instant, midnight, parse_instant

BillingUnit = Literal["segment", "minute"]
Status = Literal["automatic", "manual", "over_limit", "unbilled"]


class Term(NamedTuple):
    """When a contract runs: from ``runs_from`` to before ``runs_until``, instants; None: without beginning or end."""

    runs_from: str | None = None
    runs_until: str | None = None

    def holds(self, slot: str) -> bool:
        """Whether the contract runs in a slot, which belongs to the day its start falls in."""
        if self == ALWAYS:
            return True
        start, end = self
        at = parse_instant(slot)
        return (start is None or parse_instant(start) <= at) and (end is None or at < parse_instant(end))


ALWAYS = Term()


def term_of(starts_on: str | None, ends_on: str | None, zone: ZoneInfo) -> Term:
    """The term of a contract whose first and last day are these, days of the billing zone (S-03)."""
    return Term(_midnight(starts_on, 0, zone), _midnight(ends_on, 1, zone))


def _midnight(day: str | None, later: int, zone: ZoneInfo) -> str | None:
    try:
        return format_instant(midnight(date.fromisoformat(day) + timedelta(days=later), zone)) if day else None
    except OverflowError:  # the calendar's first or last day
        return None


class Claim(NamedTuple):
    """``at``: the slot's or entry's start; ``key`` tells claims of one moment apart.

    ``whole``: minutes where segments are billed whole (10, or 0 without activity); ``exact``: where minutes are.
    """

    at: str
    key: str
    whole: int
    exact: int
    manual: bool = False

    def minutes(self, unit: BillingUnit) -> int:
        """What this claim wants to be billed."""
        return self.whole if unit == "segment" else self.exact


class Bill(NamedTuple):
    """A week's figures in integer minutes; ``over`` names the claims that are over the limit, in clock order."""

    billable_minutes: int
    automatic_minutes: int
    manual_minutes: int
    over_limit_minutes: int
    over: tuple[str, ...]


NOTHING = Bill(0, 0, 0, 0, ())


def bill(
    claims: Iterable[Claim],
    limit_minutes: int | None,
    unit: BillingUnit,
    *,
    hourly: bool = True,
    term: Term = ALWAYS,
) -> Bill:
    """Serves the claims of one contract-week in clock order (S-03). ``limit_minutes`` None: no limit.

    A claim is billable while used + its minutes ≤ the limit, else it is over the limit, whole. Manual time uses up the
    limit too, at its place in the clock. Of a contract that is not hourly nothing is billed, nor outside its term.
    """
    if not hourly:
        return NOTHING
    automatic = manual = beyond = 0
    over: list[str] = []
    for claim in sorted(claims):
        minutes = claim.minutes(unit)
        if not minutes or not term.holds(claim.at):
            continue
        if limit_minutes is not None and automatic + manual + minutes > limit_minutes:
            beyond += minutes
            over.append(claim.key)
        elif claim.manual:
            manual += minutes
        else:
            automatic += minutes
    return Bill(automatic + manual, automatic, manual, beyond, tuple(over))


def status_of(minutes: int, *, over: bool, manual: bool = False) -> tuple[Status, int]:
    """The status of a claim of so many minutes, and what of it is billed (S-02)."""
    if over:
        return "over_limit", 0
    if not minutes:
        return "unbilled", 0
    return ("manual" if manual else "automatic"), minutes


def amount_minor(minutes: int, rate_minor: int) -> int:
    """What so many billable minutes come to at a rate an hour, in whole minor units, half up; of a week, once."""
    return (2 * minutes * rate_minor + 60) // 120


def line_amounts(lines: Iterable[int], rate_minor: int) -> list[int]:
    """The amounts of a week's lines, given their minutes: each is what it adds, so they sum to the week's amount."""
    amounts, minutes, before = [], 0, 0
    for line in lines:
        minutes += line
        amounts.append(amount_minor(minutes, rate_minor) - before)
        before += amounts[-1]
    return amounts


_NOTHING_BILLED: Mapping[str, int] = {}


class Recorded(NamedTuple):
    """One segment of a slot as far as counting goes; ``kind`` and ``sealed`` as in ``segments.Claim``."""

    segment_id: str
    contract: str
    device: str
    kind: str
    session_started: str
    minutes: Sequence[Minute | None]
    sealed: bool = False


class Count(NamedTuple):
    """One segment's counted minutes: which of the ten, the figures of ``count_minutes``, and what it may claim."""

    counted: list[bool]
    figures: dict[str, int]
    whole: int
    exact: int


def count_slot(
    segments: Iterable[Recorded], *, movement_counts: bool = False, billed: Mapping[str, int] = _NOTHING_BILLED
) -> dict[str, Count]:
    """Counts all of one member's segments of one slot together, by segment id.

    A minute counts once (T-14). So do the ten minutes of a contract: where two devices were active in one slot on one
    contract, the first in the order of T-14 claims the segment whole, and the other what is left of the ten. With exact
    minutes each claims its own, which never overlap. A segment without an active minute claims nothing (S-01).

    Manual time comes last: it claims the work minutes that nothing recorded has taken, and none where the contract's
    ten are claimed whole already. It is office time, and never tracked or active (S-05).

    ``billed``: minutes of the slot that an earlier seal bills already, by contract.
    """
    claims = [
        (MinuteClaim(one.segment_id, one.device, one.kind, one.session_started, one.minutes, one.sealed), one.contract)
        for one in segments
    ]
    claims.sort(key=lambda one: one[0].precedence)
    mine = counted(claim for claim, _ in claims)
    taken = dict(billed)
    result = {}
    for claim, contract in claims:
        counts = mine[claim.segment_id]
        figures = count_minutes(claim.minutes, counts, movement_counts=movement_counts)
        if claim.kind == MANUAL:
            exact = wanted = figures["work_minutes"]
            figures |= {"tracked_minutes": 0, "active_minutes": 0}
        else:
            active = figures["active_minutes"] > 0
            exact, wanted = figures["tracked_minutes"] if active else 0, SLOT_MINUTES if active else 0
        whole = min(wanted, SLOT_MINUTES - taken.get(contract, 0))
        taken[contract] = taken.get(contract, 0) + whole
        result[claim.segment_id] = Count(counts, figures, whole, exact)
    return result


_EXISTED = frozenset({"stored", "removed"})


def unprotected_because(
    active_minutes: int, capture_states: Sequence[str], memo: str | None, label: str | None
) -> str | None:
    """Why automatic time is not protected, in one word, or None where it is (S-09).

    A picture that was stored and is gone protects as before (M-05). A blank memo says nothing.
    """
    if not active_minutes:
        return "no_activity"
    if not capture_states:
        return "no_capture"
    if not _EXISTED.intersection(capture_states):
        return "capture_pending"
    if not (memo or "").strip() and not (label or "").strip():
        return "no_memo"
    return None

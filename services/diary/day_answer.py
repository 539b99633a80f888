"""The answer for a day, put together from what the store has of it. Pure; ``days.py`` asks and decides who sees what.

It is what is looked at most, and segments are many: what the projector stored of each as JSON goes out as it is, with
the billing and the score of the moment between, in one piece. What nearly no segment has is looked at only where it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from time import time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from services.diary import late, packed
from services.diary.people import Workspace
from services.diary.projections import FIGURES, counted_of
from services.diary.weeks import claimed_of, is_manual, lock_time, term_in
from services.wire import scores
from services.wire.billing import ALWAYS, BillingUnit, Status, Term, amount_minor, status_of

Document = Mapping[str, Any]
_TOTALS = (
    "tracked_minutes",
    "active_minutes",
    "billable_minutes",
    "automatic_minutes",
    "manual_minutes",
    "over_limit_minutes",
    "office_minutes",
    "work_minutes",
    "break_minutes",
    "private_minutes",
    "idle_minutes",
)
_NO_SCORE = orjson.dumps(scores.NO_SCORE._asdict())


class Asked(NamedTuple):
    """Whose day, which, and in which zone it was asked for."""

    member: str
    date: date
    zone: ZoneInfo


def encode(
    asked: Asked,
    workspace: Workspace,
    segments: Sequence[Document],
    weeks: Sequence[Document],
    others: Sequence[Document],
    *,
    scored: bool,
) -> bytes:
    """The answer as JSON: segments in the order of the clock, the weeks they lie in, and of ``others`` the billing.

    Not ``scored``: whoever asks sees no score, of a segment or of the day (S-07).
    """
    told = packed.told(one["brief"] for one in segments)
    shown = show_segments(segments, told, [*weeks, *others], scored=scored)
    day = {
        "member": asked.member,
        "date": asked.date.isoformat(),
        "zone": asked.zone.key,
        "totals": total(told, shown.minutes),
        "score": score_of(segments if scored else (), workspace.unproductive_weight_percent),
    }
    below = orjson.dumps([week_of_day(one, workspace) for one in weeks])
    return b"".join((orjson.dumps(day)[:-1], b',"segments":[', *shown.json, b'],"weeks":', below, b"}"))


class Minutes(NamedTuple):
    """What of some segments is billed, how much of that was entered by hand, and what is over the limit."""

    billable: int
    manual: int
    over: int


class Shown(NamedTuple):
    """Segments as pieces of JSON that are put one after the other, and what they come to."""

    json: list[bytes]
    minutes: Minutes


class _Bill(NamedTuple):
    status: Status
    billable: int
    over: int
    manual: bool = False
    outside: bool = False


class _Pay:
    """What of a contract-week says how its segments are billed, taken out once for all of them."""

    def __init__(
        self,
        unit: BillingUnit = "segment",
        hourly: bool = True,
        over: frozenset[str] = frozenset(),
        term: Term | None = None,
    ) -> None:
        self._unit, self._hourly, self._over, self._term = unit, hourly, over, term
        self._plain: dict[int, _Bill] = {}

    def bill(self, claim: int, slot: str, contract: str, device: str) -> _Bill:
        """How a claim is billed; most of a week's are alike."""
        over = bool(self._over) and f"{contract}:{device}:{slot}" in self._over
        outside = self._term is not None and not self._term.holds(slot)
        if over or outside:
            return self._bill(claim, over, outside)
        if claim not in self._plain:
            self._plain[claim] = self._bill(claim)
        return self._plain[claim]

    def _bill(self, claim: int, over: bool = False, outside: bool = False) -> _Bill:
        claimed = claimed_of(claim, self._unit) if self._hourly and not outside else 0
        manual = is_manual(claim)
        return _Bill(*status_of(claimed, over=over, manual=manual), claimed if over else 0, manual, outside)


_NO_WEEK = _Pay()
_Weeks = Mapping[tuple[str, bytes], _Pay]


def show_segments(
    segments: Iterable[Document], told: Iterable[packed.Told], weeks: Iterable[Document], *, scored: bool
) -> Shown:
    """Stored segments with their scores, and the billing that their weeks came to; ``told``: their briefs."""
    pays = {(one["contract"], one["week"].encode()): _pay_of(one) for one in weeks}
    json: list[bytes] = []
    billable = manual = over = 0
    for one, brief in zip(segments, told, strict=True):
        _, _, slot, contract, device = one["_id"].split("|")
        bill = pays.get((contract, brief[1]), _NO_WEEK).bill(brief[0], slot, contract, device)
        json.append(one["shown"][:-1])
        if "further" in one or bill.outside:
            bill, more = _further(one, bill, pays)
            json.append(more)
        json.append(_billed(bill.status, bill.billable))
        json.append(one["score"]["shown"] if scored and "score" in one else _NO_SCORE)
        json.append(b"},")
        billable += bill.billable
        over += bill.over
        if bill.manual:
            manual += bill.billable
    if json:
        json[-1] = b"}"
    return Shown(json, Minutes(billable, manual, over))


def _pay_of(week: Document) -> _Pay:
    terms, term = week["terms"], term_in(week["terms"])
    over = frozenset(week["over"])
    return _Pay(terms["billing_unit"], terms.get("hourly", True), over, None if term == ALWAYS else term)


def _further(one: Document, bill: _Bill, weeks: _Weeks) -> tuple[_Bill, bytes]:
    """A segment with what came late for it: what is billed of all, and what its JSON says of that."""
    _, _, slot, contract, device = one["_id"].split("|")
    pays = [(more, weeks.get((contract, more["week"].encode()), _NO_WEEK)) for more in late.further(one)]
    later = [(more, pay.bill(more["claim"], slot, contract, device)) for more, pay in pays]
    json = b',"adjustments":' + orjson.dumps([_adjustment(*each) for each in later]) if later else b""
    whole = _together([bill, *(each for _, each in later)])
    return whole, json + (b',"outside_contract":true' if whole.outside else b"")


def _adjustment(one: Document, bill: _Bill) -> dict[str, Any]:
    minutes = {"billable_minutes": bill.billable, "over_limit_minutes": bill.over}
    return {"week": one["week"], "status": bill.status, **minutes, "minutes": counted_of(one)}


def _together(bills: Sequence[_Bill]) -> _Bill:
    """A segment with what came late for it: as the first says of which anything is billed, or over the limit."""
    first = next((one for one in bills if one.billable), next((one for one in bills if one.over), bills[0]))
    billable, over = sum(one.billable for one in bills), sum(one.over for one in bills)
    return first._replace(billable=billable, over=over, manual=bills[0].manual)


@cache
def _billed(status: str, billable: int) -> bytes:
    return f',"status":"{status}","billable_minutes":{billable},"score":'.encode()


def total(told: Sequence[packed.Told], minutes: Minutes) -> dict[str, int]:
    """The totals of a day in integer minutes; what is billed is automatic or manual, never over the limit."""
    _, _, *columns = zip(*told, strict=True) if told else ((), ())
    figures = dict(zip(FIGURES, map(sum, columns), strict=False))
    figures["billable_minutes"], figures["manual_minutes"], figures["over_limit_minutes"] = minutes
    figures["automatic_minutes"] = minutes.billable - minutes.manual
    return {name: figures.get(name, 0) for name in _TOTALS}


def score_of(segments: Iterable[Document], unproductive_weight_percent: int) -> dict[str, float | None]:
    """The score of summed tallies, so that it weights by tracked time of itself (K-04); None: not known."""
    tallies = [one["score"]["tally"] for one in segments if "score" in one]
    return scores.score(packed.total(tallies), unproductive_weight_percent)._asdict()


def week_of_day(document: Document, workspace: Workspace) -> dict[str, Any]:
    """A contract-week as a day shows it: limit, minutes, money, and how far it has come."""
    terms = document["terms"]
    rate = terms.get("rate_minor")
    return {
        "contract": document["contract"],
        "week": document["week"],
        "limit_minutes": terms["limit_minutes"],
        "billable_minutes": document["billable_minutes"],
        "automatic_minutes": document["automatic_minutes"],
        "manual_minutes": document["manual_minutes"],
        "over_limit_minutes": document["over_limit_minutes"],
        "rate_minor": rate,
        "currency": terms.get("currency"),
        "amount_minor": None if rate is None else amount_minor(document["billable_minutes"], rate),
        "state": "locked" if document.get("sealed") else _stage(document, workspace),
    }


def _stage(week: Document, workspace: Workspace) -> str:
    """Locked by the clock; before that, as far as its timesheet has come (S-06, S-10)."""
    if time() >= lock_time(date.fromisoformat(week["week"]), workspace.billing, workspace.lock_hour):
        return "locked"
    return "approved" if week.get("approved") else "submitted" if week.get("submitted") else "open"

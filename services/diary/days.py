"""One day of a member's diary, as architecture.md (*The edge*) writes the answer.

One question to the store: the day's segments by a range of ``_id``, the member's weeks it touches, and the member. What
the projector stored as JSON goes out as it is, with the billing and the score of the moment.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from services.diary import late
from services.diary.access import Action, Sight, Viewer, sight
from services.diary.edge import Edge
from services.diary.people import Workspace
from services.diary.projections import FIGURES, counted_of
from services.diary.weeks import claimed_of, is_manual, state_of, term_in, week_key
from services.kit import zones
from services.kit.mongo import Database
from services.kit.mongo_line import Lines
from services.kit.problems import forbidden, invalid, not_found
from services.wire import scores, slots
from services.wire.billing import ALWAYS, BillingUnit, Status, Term, amount_minor, status_of

_FIRST, _LAST = date(1970, 1, 2), date(2199, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
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
_SEEN = dict.fromkeys(("shown", "week", "claim", "figures", "score.shown", "score.tally", "further", "adjustment"), 1)
"""What of a segment a day is made of; what is decoded for nothing costs as much as what is shown."""
_NO_SCORE = orjson.dumps(scores.NO_SCORE._asdict())


def read_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; 422 where there is none of that name."""
    try:
        return zones.zone(name)
    except ValueError as error:
        raise invalid("zone: UTC, member, workspace or an IANA name like Europe/Berlin", field="zone") from error


def read_date(text: str, field: str = "date") -> date:
    """A date ``YYYY-MM-DD`` from 1970 to 2199; 422 for anything else."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise invalid(f"{field}: a date like 2026-11-21, between 1970 and 2199", field=field)
    return day


async def see(edge: Edge, viewer: Viewer, action: Action, member: str) -> Sight:
    """What the viewer may see of a member: 404 where the workspace has no such member, 403 where the role says no.

    To a client there is nobody but those who work on a contract of theirs (S-07).
    """
    return await _see(edge, viewer, action, member, await edge.people.member(viewer.workspace, member))


async def _see(edge: Edge, viewer: Viewer, action: Action, member: str, document: dict[str, Any] | None) -> Sight:
    if document is None and member != viewer.member:
        raise not_found("member")
    allowed = sight(viewer, action, member, document["team"] if document else None)
    if allowed is None:
        raise forbidden()
    if allowed.contracts is not None and not await _works_on(edge, viewer.workspace, member, allowed):
        raise not_found("member")
    return allowed


async def _works_on(edge: Edge, workspace: str, member: str, allowed: Sight) -> bool:
    contracts = await edge.people.contracts(workspace)
    return any(one["member"] == member and allowed.shows(one["contract"]) for one in contracts)


async def zone_of(edge: Edge, workspace: str, member: str, asked: str) -> ZoneInfo:
    """The zone a day is asked in: ``UTC``, ``member`` (the member's own), ``workspace`` or an IANA name."""
    if asked == "member":
        document = await edge.people.member(workspace, member)
        return read_zone(document["zone"] if document else "UTC")
    if asked == "workspace":
        return read_zone((await edge.people.workspace(workspace)).zone)
    return read_zone(asked)


#: From one instant to another, the second not in it.
Span = tuple[datetime, datetime]


async def read_day(
    edge: Edge, viewer: Viewer, member: str, day: str, zone: str = "UTC", within: Span | None = None
) -> dict[str, Any]:
    """A day as plain data, for pages; where it begins or ends outside of ``within``, only what lies in it."""
    answer: dict[str, Any] = orjson.loads(await encode_day(edge, viewer, member, day, zone, within))
    return answer


async def encode_day(
    edge: Edge, viewer: Viewer, member: str, day: str, zone: str = "UTC", within: Span | None = None
) -> bytes:
    """A day as the JSON of the answer, encoded once."""
    wanted = read_date(day)
    where = await zone_of(edge, viewer.workspace, member, zone)
    workspace = await edge.people.workspace(viewer.workspace)
    bounds = slots.day_bounds(wanted, where)
    if within:
        bounds = max(bounds[0], within[0]), min(bounds[1], within[1])
    stored, segments, weeks = await _find(edge.lines, viewer.workspace, member, bounds, workspace.billing)
    document = edge.people.newest(viewer.workspace, member, stored)
    allowed = await _see(edge, viewer, Action.READ_DIARY, member, document)
    if allowed.contracts is not None:
        segments = [one for one in segments if allowed.shows(one["_id"].split("|")[3])]
        weeks = [one for one in weeks if allowed.shows(one["contract"])]
    others = await _other_weeks(edge.db, viewer.workspace, segments, weeks)
    if not allowed.scores:
        segments = [{name: value for name, value in one.items() if name != "score"} for one in segments]
    shown = show_segments(segments, [*weeks, *others])
    return orjson.dumps(
        {
            "member": member,
            "date": wanted.isoformat(),
            "zone": where.key,
            "totals": total(segments, shown),
            "score": score_of(segments, workspace.unproductive_weight_percent),
            "segments": [orjson.Fragment(one.json) for one in shown],
            "weeks": [week_of_day(one, workspace) for one in weeks],
        }
    )


async def _find(
    lines: Lines, workspace: str, member: str, bounds: tuple[datetime, datetime], billing: ZoneInfo
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """The member, the segments whose slot starts within the bounds, by the clock, and the weeks that these touch.

    One question, since asking costs more than what is answered.
    """
    start, end = bounds
    head = f"{workspace}|{member}|"
    span = {"_id": {"$gte": head + slots.format_instant(start), "$lt": head + slots.format_instant(end)}}
    first, last = slots.week_of(start, billing), slots.week_of(end - timedelta(seconds=1), billing)
    weeks = {"workspace": workspace, "member": member, "week": {"$gte": str(first), "$lte": str(last)}}
    key = f"{workspace}|{member}"
    question: list[dict[str, Any]] = [
        {"$match": span},
        {"$project": _SEEN},
        {"$unionWith": {"coll": "weeks", "pipeline": [{"$match": weeks}, {"$project": {"claims": 0}}]}},
        {"$unionWith": {"coll": "members", "pipeline": [{"$match": {"_id": key}}]}},
    ]
    found = await lines.aggregate("segments", question)
    segments = [one for one in found if "shown" in one]  # a score may be here before its segment
    billed = [one for one in found if "terms" in one]
    return (
        next((one for one in found if one["_id"] == key), None),
        sorted(segments, key=itemgetter("_id")),
        sorted(billed, key=itemgetter("week", "contract")),
    )


async def _other_weeks(
    db: Database, workspace: str, segments: Iterable[dict[str, Any]], weeks: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The weeks in which late time of the day is billed; nearly always none (fine-print.md, *Records*)."""
    wanted = {
        week_key(workspace, one["_id"].split("|")[3], week)
        for one in segments
        if "adjustment" in one or late.further(one)
        for week in [*([one["week"]] if "adjustment" in one else []), *(more["week"] for more in late.further(one))]
    } - {one["_id"] for one in weeks}
    if not wanted:
        return []
    return await db["weeks"].find({"_id": {"$in": sorted(wanted)}}, {"claims": 0}).to_list(None)


async def slots_on(
    db: Database, workspace: str, member: str, among: Sequence[str], contracts: frozenset[str]
) -> list[str]:
    """Which of these slots (as text) have time on one of the contracts."""
    if not among:
        return []
    span = {"$gte": f"{workspace}|{member}|{min(among)}|", "$lt": f"{workspace}|{member}|{max(among)}}}"}
    found = {tuple(one["_id"].split("|")[2:4]) async for one in db["segments"].find({"_id": span}, {"_id": 1})}
    return sorted({slot for slot, contract in found if slot in among and contract in contracts})


class Shown(NamedTuple):
    """A segment as the answer has it, and what of it is billed or over the limit."""

    json: bytes
    billable_minutes: int
    over_minutes: int
    manual: bool


class _Bill(NamedTuple):
    status: Status
    billable: int
    over: int
    outside: bool = False
    manual: bool = False


class _Pay(NamedTuple):
    """What of a contract-week says how its segments are billed, taken out once for all of them."""

    unit: BillingUnit = "segment"
    hourly: bool = True
    over: frozenset[str] = frozenset()
    term: Term | None = None


_NO_WEEK = _Pay()
_Weeks = Mapping[tuple[str, str], _Pay]


def show_segments(segments: Iterable[dict[str, Any]], weeks: Iterable[dict[str, Any]]) -> list[Shown]:
    """Stored segments with their scores, and the billing that their weeks came to."""
    pays = {(one["contract"], one["week"]): _pay_of(one) for one in weeks}
    return [_show(one, pays) for one in segments]


def _pay_of(week: Mapping[str, Any]) -> _Pay:
    terms, term = week["terms"], term_in(week["terms"])
    over = frozenset(week["over"])
    return _Pay(terms["billing_unit"], terms.get("hourly", True), over, None if term == ALWAYS else term)


def _show(document: dict[str, Any], weeks: _Weeks) -> Shown:
    # the innermost of a day: what nearly no segment has is looked at only where it is
    _, _, slot, contract, device = document["_id"].split("|")
    bill = _bill(document, document["week"], slot, contract, device, weeks)
    manual, more = bill.manual, b""
    if late.further(document):
        later = [(one, _bill(one, one["week"], slot, contract, device, weeks)) for one in document["further"]]
        more = b',"adjustments":' + orjson.dumps([_adjustment(*one) for one in later])
        bill = _together([bill, *(one for _, one in later)])
    if bill.outside:
        more += b',"outside_contract":true'
    score = document["score"]["shown"] if "score" in document else _NO_SCORE
    json = b"".join((document["shown"][:-1], more, _billed(bill.status, bill.billable), score, b"}"))
    return Shown(json, bill.billable, bill.over, manual)


def _bill(part: Mapping[str, Any], week: str, slot: str, contract: str, device: str, weeks: _Weeks) -> _Bill:
    """How a segment is billed, or what came late for it."""
    pay = weeks.get((contract, week), _NO_WEEK)
    over = bool(pay.over) and f"{contract}:{device}:{slot}" in pay.over
    outside = pay.term is not None and not pay.term.holds(slot)
    return _bill_of(part["claim"], pay.unit, pay.hourly, over, outside)


@lru_cache(4096)
def _bill_of(claim: int, unit: BillingUnit, hourly: bool, over: bool, outside: bool) -> _Bill:
    claimed = claimed_of(claim, unit) if hourly and not outside else 0
    manual = is_manual(claim)
    return _Bill(*status_of(claimed, over=over, manual=manual), claimed if over else 0, outside, manual)


def _adjustment(one: Mapping[str, Any], bill: _Bill) -> dict[str, Any]:
    minutes = {"billable_minutes": bill.billable, "over_limit_minutes": bill.over}
    return {"week": one["week"], "status": bill.status, **minutes, "minutes": counted_of(one)}


def _together(bills: Sequence[_Bill]) -> _Bill:
    """A segment with what came late for it: as the first says of which anything is billed, or over the limit."""
    first = next((one for one in bills if one.billable), next((one for one in bills if one.over), bills[0]))
    return _Bill(first.status, sum(one.billable for one in bills), sum(one.over for one in bills), first.outside)


@cache
def _billed(status: str, billable: int) -> bytes:
    return f',"status":"{status}","billable_minutes":{billable},"score":'.encode()


def total(segments: Iterable[dict[str, Any]], shown: Iterable[Shown]) -> dict[str, int]:
    """The totals of a day in integer minutes; what is billed is automatic or manual, never over the limit."""
    columns = zip(*map(late.sum_figures, segments), strict=True)
    figures = dict(zip(FIGURES, map(sum, columns), strict=False))
    billable = over = manual = 0
    for one in shown:
        billable, over = billable + one.billable_minutes, over + one.over_minutes
        manual += one.billable_minutes if one.manual else 0
    figures |= {"billable_minutes": billable, "automatic_minutes": billable - manual, "manual_minutes": manual}
    figures["over_limit_minutes"] = over
    return {name: figures.get(name, 0) for name in _TOTALS}


def score_of(segments: Iterable[dict[str, Any]], unproductive_weight_percent: int) -> dict[str, float | None]:
    """The score of summed tallies, so that it weights by tracked time of itself (K-04); None: not known."""
    tallies = [one["score"]["tally"] for one in segments if "score" in one]
    return scores.score(scores.total(tallies), unproductive_weight_percent)._asdict()


def week_of_day(document: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """A contract-week as a day shows it: limit, minutes, money, and how far it has come."""
    monday, terms = date.fromisoformat(document["week"]), document["terms"]
    rate = terms.get("rate_minor")
    names = ("billable_minutes", "automatic_minutes", "manual_minutes", "over_limit_minutes")
    return {
        "contract": document["contract"],
        "week": document["week"],
        "limit_minutes": terms["limit_minutes"],
        **{name: document[name] for name in names},
        "rate_minor": rate,
        "currency": terms.get("currency"),
        "amount_minor": None if rate is None else amount_minor(document["billable_minutes"], rate),
        "state": "locked" if document.get("sealed") else _stage(document, monday, workspace),
    }


def _stage(week: Mapping[str, Any], monday: date, workspace: Workspace) -> str:
    """Locked by the clock; before that, as far as its timesheet has come (S-06, S-10)."""
    state = state_of(monday, workspace.billing, workspace.lock_hour, datetime.now(UTC))
    if state != "open":
        return state
    return "approved" if week.get("approved") else "submitted" if week.get("submitted") else state

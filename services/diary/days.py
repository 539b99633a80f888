"""One day of a member's diary, as architecture.md (*The edge*) writes the answer.

One question to the store: the day's segments by a range of ``_id``, the member's weeks it touches, and the member;
``day_answer.py`` puts the answer together.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from bson import encode
from bson.raw_bson import RawBSONDocument

from services.diary import day_answer, late, packed
from services.diary.access import Action, Sight, Viewer, sight
from services.diary.edge import Edge
from services.diary.weeks import week_key
from services.kit import zones
from services.kit.mongo import Database
from services.kit.mongo_line import Lines
from services.kit.problems import forbidden, invalid, not_found
from services.wire import slots
from services.wire.language import N_, _

_FIRST, _LAST = date(1970, 1, 2), date(2199, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEEN = dict.fromkeys(("shown", "brief", "score.shown", "score.tally", "further", "adjustment"), 1)
"""What of a segment a day is made of; what is decoded for nothing costs as much as what is shown."""
_BEFORE = _SEEN | dict.fromkeys(("week", "claim", "figures"), 1)
"""The same, of segments that nothing has happened to since briefs are written."""
_BILL = dict.fromkeys(
    (
        *("contract", "week", "terms", "over", "sealed", "approved", "submitted"),
        *("billable_minutes", "automatic_minutes", "manual_minutes", "over_limit_minutes"),
    ),
    1,
)
"""What of a contract-week it takes to bill them."""
_SHOW = RawBSONDocument(encode({"$project": _SEEN}))
_SHOW_WEEK = RawBSONDocument(encode({"$project": _BILL}))
"""What is the same in every question is encoded once."""


def read_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; 422 where there is none of that name."""
    try:
        return zones.zone(name)
    except ValueError as error:
        words = _("zone: UTC, member, workspace or an IANA name like Europe/Berlin")
        raise invalid(words, field="zone") from error


def read_date(text: str, field: str = "date") -> date:
    """A date ``YYYY-MM-DD`` from 1970 to 2199; 422 for anything else."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise invalid(_("{field}: a date like 2026-11-21, between 1970 and 2199", field=field), field=field)
    return day


async def see(edge: Edge, viewer: Viewer, action: Action, member: str) -> Sight:
    """What the viewer may see of a member: 404 where the workspace has no such member, 403 where the role says no.

    To a client there is nobody but those who work on a contract of theirs (S-07).
    """
    return await _see(edge, viewer, action, member, await edge.people.member(viewer.workspace, member))


async def _see(edge: Edge, viewer: Viewer, action: Action, member: str, document: dict[str, Any] | None) -> Sight:
    if document is None and member != viewer.member:
        raise not_found(N_("member"))
    allowed = sight(viewer, action, member, document["team"] if document else None)
    if allowed is None:
        raise forbidden()
    if allowed.contracts is not None and not await _works_on(edge, viewer.workspace, member, allowed):
        raise not_found(N_("member"))
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
    asked = day_answer.Asked(member, read_date(day), await zone_of(edge, viewer.workspace, member, zone))
    workspace = await edge.people.workspace(viewer.workspace)
    span = _span_of(asked.date, asked.zone, workspace.billing, within)
    stored, segments, weeks = await _find(edge.lines, viewer.workspace, member, span)
    document = edge.people.newest(viewer.workspace, member, stored)
    allowed = await _see(edge, viewer, Action.READ_DIARY, member, document)
    if allowed.contracts is not None:
        segments = [one for one in segments if allowed.shows(one["_id"].split("|")[3])]
        weeks = [one for one in weeks if allowed.shows(one["contract"])]
    others = await _other_weeks(edge.db, viewer.workspace, segments, weeks)
    return day_answer.encode(asked, workspace, segments, weeks, others, scored=allowed.scores)


class _Texts(NamedTuple):
    """A span as the store has it: from and to which slot (not in it), and the first and last week it touches."""

    start: str
    end: str
    first: str
    last: str


@lru_cache(4096)  # a few days are asked for over and over
def _span_of(day: date, zone: ZoneInfo, billing: ZoneInfo, within: Span | None) -> _Texts:
    start, end = slots.day_bounds(day, zone)
    if within:
        start, end = max(start, within[0]), min(end, within[1])
    first, last = slots.week_of(start, billing), slots.week_of(end - timedelta(seconds=1), billing)
    return _Texts(slots.format_instant(start), slots.format_instant(end), str(first), str(last))


async def _find(
    lines: Lines, workspace: str, member: str, span: _Texts
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """The member, the segments whose slot starts within the span, by the clock, and the weeks that these touch.

    One question, since asking costs more than what is answered.
    """
    key = f"{workspace}|{member}"
    slot = {"$gte": f"{key}|{span.start}", "$lt": f"{key}|{span.end}"}
    weeks = {"workspace": workspace, "member": member, "week": {"$gte": span.first, "$lte": span.last}}
    question: list[Mapping[str, Any]] = [
        {"$match": {"_id": slot}},
        _SHOW,
        {"$unionWith": {"coll": "weeks", "pipeline": [{"$match": weeks}, _SHOW_WEEK]}},
        {"$unionWith": {"coll": "members", "pipeline": [{"$match": {"_id": key}}]}},
    ]
    found = await lines.aggregate("segments", question)
    segments = [one for one in found if "shown" in one]  # a score may be here before its segment
    if not all("brief" in one for one in segments):
        older = await lines.aggregate("segments", [{"$match": {"_id": slot}}, {"$project": _BEFORE}])
        segments = [one | {"brief": packed.brief(one)} for one in older if "shown" in one]
    billed = [one for one in found if "terms" in one]
    return (
        next((one for one in reversed(found) if one["_id"] == key), None),
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
        if "adjustment" in one or "further" in one
        for week in [packed.week_of(one["brief"]), *(more["week"] for more in late.further(one))]
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

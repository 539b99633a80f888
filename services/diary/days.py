"""One day of a member's diary, as architecture.md (*The edge*) writes the answer.

Two questions to the store: the day's segments by a range of ``_id``, and the member's weeks it touches. What the
projector stored as JSON (minutes, apps, captures) goes out as it is.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import orjson

from services.diary.access import Action, Sight, Viewer, sight
from services.diary.billing import status_of, unprotected_because
from services.diary.edge import Edge
from services.diary.people import Workspace
from services.diary.weeks import Sheet, state_of
from services.kit.mongo import Database
from services.kit.problems import forbidden, invalid, not_found
from services.wire import scores, slots

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
_NO_SCORE = {"activity": None, "productivity": None, "tracko": None}
_UNREAD = {"parts": 0}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; 422 where there is none of that name."""
    if name not in _zones():
        raise invalid("zone: UTC, member, workspace or an IANA name like Europe/Berlin", field="zone")
    return ZoneInfo(name)


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
    """What the viewer may see of a member: 404 where the workspace has no such member, 403 where the role says no."""
    document = await edge.people.member(viewer.workspace, member)
    if document is None and member != viewer.member:
        raise not_found("member")
    allowed = sight(viewer, action, member, document["team"] if document else None)
    if allowed is None:
        raise forbidden()
    return allowed


async def zone_of(edge: Edge, workspace: str, member: str, asked: str) -> ZoneInfo:
    """The zone a day is asked in: ``UTC``, ``member`` (the member's own), ``workspace`` or an IANA name."""
    if asked == "member":
        document = await edge.people.member(workspace, member)
        return read_zone(document["zone"] if document else "UTC")
    if asked == "workspace":
        return read_zone((await edge.people.workspace(workspace)).zone)
    return read_zone(asked)


async def read_day(edge: Edge, viewer: Viewer, member: str, day: str, zone: str = "UTC") -> dict[str, Any]:
    """A day as plain data, for pages."""
    answer = await _read(edge, viewer, member, day, zone)
    for segment in answer["segments"]:
        for name in ("minutes", "apps", "captures"):
            segment[name] = orjson.loads(segment[name])
    return answer


async def encode_day(edge: Edge, viewer: Viewer, member: str, day: str, zone: str = "UTC") -> bytes:
    """A day as the JSON of the answer, encoded once."""
    answer = await _read(edge, viewer, member, day, zone)
    for segment in answer["segments"]:
        for name in ("minutes", "apps", "captures"):
            segment[name] = orjson.Fragment(segment[name])
    return orjson.dumps(answer)


async def _read(edge: Edge, viewer: Viewer, member: str, day: str, zone: str) -> dict[str, Any]:
    wanted = read_date(day)
    allowed = await see(edge, viewer, Action.READ_DIARY, member)
    where = await zone_of(edge, viewer.workspace, member, zone)
    workspace = await edge.people.workspace(viewer.workspace)
    bounds = slots.day_bounds(wanted, where)
    segments, weeks = await asyncio.gather(
        find_segments(edge.db, viewer.workspace, member, *bounds),
        find_weeks(edge.db, viewer.workspace, member, *bounds, workspace.billing),
    )
    segments = [one for one in segments if allowed.shows(one["contract"])]
    weeks = [one for one in weeks if allowed.shows(one["contract"])]
    shown = show_segments(segments, weeks)
    return {
        "member": member,
        "date": wanted.isoformat(),
        "zone": where.key,
        "totals": total(segments, shown),
        "score": score_of(segments, workspace.unproductive_weight_percent),
        "segments": [one.segment for one in shown],
        "weeks": [_week(one, workspace) for one in weeks],
    }


async def find_segments(
    db: Database, workspace: str, member: str, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """The segments whose slot starts in [start, end), in the order of the clock."""
    head = f"{workspace}|{member}|"
    span = {"$gte": head + slots.format_instant(start), "$lt": head + slots.format_instant(end)}
    found = await db["segments"].find({"_id": span}, _UNREAD).sort("_id", 1).to_list(None)
    return [one for one in found if "minutes" in one]  # a score may be here before its segment


async def slots_on(
    db: Database, workspace: str, member: str, among: Sequence[str], contracts: frozenset[str]
) -> list[str]:
    """Which of these slots (as text) have time on one of the contracts."""
    if not among:
        return []
    span = {"$gte": f"{workspace}|{member}|{min(among)}|", "$lt": f"{workspace}|{member}|{max(among)}}}"}
    wanted = {"_id": span, "slot": {"$in": list(among)}, "contract": {"$in": sorted(contracts)}}
    return sorted(set(await db["segments"].distinct("slot", wanted)))


async def find_weeks(
    db: Database, workspace: str, member: str, start: datetime, end: datetime, billing: ZoneInfo
) -> list[dict[str, Any]]:
    """The member's contract-weeks that [start, end) touches, without their sheets."""
    first, last = slots.week_of(start, billing), slots.week_of(end - timedelta(seconds=1), billing)
    wanted = {
        "workspace": workspace,
        "member": member,
        "week": {"$gte": first.isoformat(), "$lte": last.isoformat()},
    }
    found = await db["weeks"].find(wanted, {"claims": 0}).to_list(None)
    return sorted(found, key=lambda one: (one["week"], one["contract"]))


class Shown(NamedTuple):
    """A segment as the answer has it (minutes, apps and captures still JSON), and what of it is over the limit."""

    segment: dict[str, Any]
    over_minutes: int


def show_segments(segments: Iterable[dict[str, Any]], weeks: Iterable[dict[str, Any]]) -> list[Shown]:
    """Stored segments with the billing that their weeks came to."""
    bills = {(one["contract"], one["week"]): one for one in weeks}
    return [_show(one, bills.get((one["contract"], one["week"]))) for one in segments]


def _show(document: dict[str, Any], week: Mapping[str, Any] | None) -> Shown:
    sheet = Sheet.unpack(document["claim"])
    unit = week["terms"]["billing_unit"] if week else "segment"
    over = week is not None and document["segment_id"] in week["over"]
    claimed = sheet.whole if unit == "segment" else sheet.exact
    status, billable = status_of(claimed, over=over)
    score, active = document.get("score"), document["figures"]["active_minutes"]
    because = unprotected_because(active, document["capture_states"], document["memo"], document["label"])
    segment = {
        "segment_id": document["segment_id"],
        "slot": document["slot"],
        "contract": document["contract"],
        "device": document["device"],
        "status": status,
        "billable_minutes": billable,
        "memo": document["memo"],
        "label": document["label"],
        "minutes": document["minutes"],
        "active_minutes": active,
        "apps": document["apps"],
        "captures": document["captures"],
        "score": {name: score[name] for name in _NO_SCORE} if score else _NO_SCORE,
        "protected": because is None,
        "unprotected_because": because,
        "session": document["session"],
    }
    return Shown(segment, claimed if over else 0)


def total(segments: Iterable[dict[str, Any]], shown: Iterable[Shown]) -> dict[str, int]:
    """The totals of a day in integer minutes; what is billed is automatic or manual, never over the limit."""
    totals = dict.fromkeys(_TOTALS, 0)
    for document, (segment, over_minutes) in zip(segments, shown, strict=True):
        for name, minutes in document["figures"].items():
            totals[name] += minutes
        totals["billable_minutes"] += segment["billable_minutes"]
        totals["automatic_minutes"] += segment["billable_minutes"]
        totals["over_limit_minutes"] += over_minutes
    return totals


def score_of(segments: Iterable[dict[str, Any]], unproductive_weight_percent: int) -> dict[str, float | None]:
    """The score of summed tallies, so that it weights by tracked time of itself (K-04); None: not known."""
    tallies = [scores.Tally(*one["score"]["tally"]) for one in segments if "score" in one]
    return scores.score(scores.total(tallies), unproductive_weight_percent)._asdict()


def _week(document: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    monday = date.fromisoformat(document["week"])
    return {
        "contract": document["contract"],
        "week": document["week"],
        "limit_minutes": document["terms"]["limit_minutes"],
        "billable_minutes": document["billable_minutes"],
        "state": state_of(monday, workspace.billing, workspace.lock_hour, datetime.now(UTC)),
    }

"""The segments of some days as rows for a spreadsheet, of whatever week, also of one that is open (V-04, S-07).

They are what the pages of the days show, and prove nothing: each row says whether its week is sealed. What proves a
sealed week's bill is its statement.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.diary import audit, days
from services.diary.access import Viewer
from services.diary.edge import Edge
from services.diary.tables import to_csv, to_xlsx
from services.diary.weeks import monday_of
from services.kit.problems import invalid
from services.wire import slots
from services.wire.language import _
from services.wire.segments import is_tracked

MOST_DAYS = 62
COLUMNS = (
    *("date", "from", "to", "project", "contract", "segment", "device", "status", "billed_minutes", "tracked_minutes"),
    *("active_minutes", "memo", "label", "protected", "week", "sealed"),
)
_Row = Sequence[object]


async def read(
    edge: Edge, viewer: Viewer, member: str, first: str, last: str, zone: str, contract: str | None = None
) -> list[_Row]:
    """A row a segment, by the clock, of all days from ``first`` to ``last``, both included, in a zone.

    404 and 403 as for the day; 422 for more than ``MOST_DAYS``. ``contract``: of that one alone.
    """
    begin, end = days.read_date(first, "from"), days.read_date(last, "to")
    number = (end - begin).days + 1
    if not 1 <= number <= MOST_DAYS:
        raise invalid(_("to: a day after the first, at most {number} days", number=MOST_DAYS), field="to")
    where = await days.zone_of(edge, viewer.workspace, member, zone)
    titles = {one["contract"]: one["project"] for one in await edge.people.contracts(viewer.workspace)}
    billing = (await edge.people.workspace(viewer.workspace)).billing
    sealed = await _sealed(edge, viewer.workspace, member, begin)
    rows: list[_Row] = []
    for step in range(number):
        day = await days.read_day(edge, viewer, member, str(begin + timedelta(days=step)), where.key)
        shown = [one for one in day["segments"] if contract in (None, one["contract"])]
        rows += _rows(shown, day["date"], where, billing, titles, sealed)
    return rows


async def note(edge: Edge, viewer: Viewer, member: str, what: str) -> None:
    """Writes the export into the audit log, before anything is handed out (G-02)."""
    await audit.note(edge.db, viewer, "diary.exported", member, detail=what)


def csv(rows: Sequence[_Row]) -> bytes:
    """The rows as CSV."""
    return to_csv(COLUMNS, rows)


def xlsx(rows: Sequence[_Row]) -> bytes:
    """The rows as a workbook of one sheet."""
    return to_xlsx({"Segments": (COLUMNS, rows)})


async def _sealed(edge: Edge, workspace: str, member: str, begin: date) -> frozenset[tuple[str, str]]:
    """The member's contract-weeks that are sealed, from the one before the first day on."""
    weeks = {"$gte": str(begin - timedelta(days=8))}
    where = {"workspace": workspace, "member": member, "week": weeks, "sealed.root": {"$exists": True}}
    found = edge.db["weeks"].find(where, {"contract": 1, "week": 1})
    return frozenset([(one["contract"], one["week"]) async for one in found])


def _rows(
    segments: Sequence[Mapping[str, Any]],
    day: str,
    zone: ZoneInfo,
    billing: ZoneInfo,
    titles: Mapping[str, str],
    sealed: frozenset[tuple[str, str]],
) -> Iterator[_Row]:
    for one in segments:
        start = slots.parse_slot(one["slot"])
        clocks = (f"{at.astimezone(zone):%H:%M}" for at in (start, start + slots.SLOT))
        week = one.get("adjustment") or monday_of(one["slot"], billing)
        here = [m for place, m in enumerate(one["minutes"]) if place not in one.get("elsewhere", ())]
        yield (
            *(day, *clocks, titles.get(one["contract"], ""), one["contract"], one["segment_id"], one["device"]),
            *(one["status"], one["billable_minutes"], sum(map(is_tracked, here)), one["active_minutes"]),
            *(one["memo"], one["label"], one["protected"], week),
            "sealed" if (one["contract"], week) in sealed else "not sealed",
        )

"""What a week's page reads before it can be worked out: seven days, the timesheets, names and the proof of sync."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.diary import days, sync, timesheets
from services.diary.access import Action, Viewer
from services.diary.edge import Edge
from services.diary.pages.week_view import WeekAround, WeekView, week_view
from services.kit.problems import Problem
from services.wire.slots import week_of


async def this_week(edge: Edge, workspace: str) -> date:
    """The Monday of the running week in the billing zone."""
    settings = await edge.people.workspace(workspace)
    return week_of(datetime.now(UTC), settings.billing)


async def read_week_view(edge: Edge, viewer: Viewer, member: str, monday: date) -> WeekView:
    """A member's week as the viewer may see it; 403 or 404 where they may not."""
    await days.see(edge, viewer, Action.READ_TIMESHEET, member)
    workspace = await edge.people.workspace(viewer.workspace)
    zone = workspace.billing
    found, sheets, contracts, statements = await asyncio.gather(
        read_days(edge, viewer, member, monday, 7, zone.key),
        sheets_of(edge, viewer, member, monday),
        edge.people.contracts(viewer.workspace),
        sync_of(edge, viewer, member),
    )
    around = WeekAround(
        member=member,
        contracts={one["contract"]: one for one in contracts},
        sheets=sheets,
        zone=zone,
        now=datetime.now(UTC),
        address=lambda week: f"/timesheets/{member}?week={week.isoformat()}",
        sync=statements,
        devices={one["device"]: one["name"] for one in statements or () if one["name"]},
    )
    return week_view(monday, found, around)


async def read_days(
    edge: Edge, viewer: Viewer, member: str, first: date, number: int, zone: str
) -> list[dict[str, Any]]:
    """So many days from the first one on, in a zone."""
    wanted = [(first + timedelta(days=step)).isoformat() for step in range(number)]
    return list(await asyncio.gather(*(days.read_day(edge, viewer, member, one, zone) for one in wanted)))


async def sheets_of(edge: Edge, viewer: Viewer, member: str, monday: date) -> list[dict[str, Any]]:
    """The timesheets of a member's week, whole, those the viewer may see."""
    week, now = monday.isoformat(), datetime.now(UTC)
    found, _ = await timesheets.listed(edge, viewer, week=week, member=member)
    cases = await asyncio.gather(*(timesheets.find(edge, viewer, one["contract"], week) for one in found))
    return [timesheets.show(case, now) for case in cases]


async def sync_of(edge: Edge, viewer: Viewer, member: str) -> list[dict[str, Any]] | None:
    """The proof of sync of a member's devices; None where it is not known, or not the viewer's to see (B-02)."""
    try:
        return await sync.of_member(edge, viewer, member)
    except Problem:
        return None

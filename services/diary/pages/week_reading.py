"""What a week's page reads before it can be worked out: seven days, the timesheets, names and the proof of sync."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.diary import days, sync, timesheets
from services.diary.access import Action, Viewer
from services.diary.edge import Edge
from services.diary.pages.shell import Zones, with_query, zones_of
from services.diary.pages.week_view import WeekAround, WeekView, dates_of, week_view
from services.kit.problems import Problem
from services.wire.language import _
from services.wire.slots import week_bounds, week_of


async def this_week(edge: Edge, workspace: str) -> date:
    """The Monday of the running week in the billing zone."""
    settings = await edge.people.workspace(workspace)
    return week_of(datetime.now(UTC), settings.billing)


async def zones_of_week(edge: Edge, viewer: Viewer, member: str, monday: date, asked: str | None) -> Zones:
    """The zones in which a member's week can be read: the billing zone, in which it is cut, where none is asked for."""
    workspace = await edge.people.workspace(viewer.workspace)
    mine, theirs = await asyncio.gather(*(edge.people.member(viewer.workspace, one) for one in (viewer.member, member)))
    choices = [(_("Billing"), workspace.billing.key), (_("Mine"), mine["zone"] if mine else "UTC")]
    if member != viewer.member:
        choices.append((_("Theirs"), theirs["zone"] if theirs else "UTC"))
    choices.append((_("Workspace"), workspace.zone))
    zone = await days.zone_of(edge, viewer.workspace, member, asked) if asked else None
    return zones_of(_address(member, monday), zone, choices, workspace.billing.key)


def _address(member: str, monday: date) -> str:
    return f"/timesheets/{member}?week={monday.isoformat()}"


async def read_week_view(edge: Edge, viewer: Viewer, member: str, monday: date, zones: Zones) -> WeekView:
    """A member's week as the viewer may see it; 403 or 404 where they may not."""
    await days.see(edge, viewer, Action.READ_TIMESHEET, member)
    workspace = await edge.people.workspace(viewer.workspace)
    span = week_bounds(monday, workspace.billing)
    dates = dates_of(span, zones.zone)
    found, sheets, contracts, statements = await asyncio.gather(
        read_days(edge, viewer, member, dates[0], len(dates), zones.zone.key, span),
        sheets_of(edge, viewer, member, monday),
        edge.people.contracts(viewer.workspace),
        sync_of(edge, viewer, member),
    )
    around = WeekAround(
        member=member,
        contracts={one["contract"]: one for one in contracts},
        sheets=sheets,
        zone=zones.zone,
        billing=workspace.billing,
        now=datetime.now(UTC),
        address=lambda week: with_query(_address(member, week), zones.query),
        sync=statements,
        devices={one["device"]: one["name"] for one in statements or () if one["name"]},
    )
    return week_view(monday, found, around)


async def read_days(
    edge: Edge, viewer: Viewer, member: str, first: date, number: int, zone: str, within: days.Span | None = None
) -> list[dict[str, Any]]:
    """So many days from the first one on, in a zone; ``within``: what lies in this span alone."""
    wanted = [(first + timedelta(days=step)).isoformat() for step in range(number)]
    return list(await asyncio.gather(*(days.read_day(edge, viewer, member, one, zone, within) for one in wanted)))


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

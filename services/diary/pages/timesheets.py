"""The pages of timesheets: a member's week, and the weeks that wait for a decision (S-10, V-06)."""

from datetime import date
from types import SimpleNamespace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.diary import days
from services.diary.access import Action, Viewer
from services.diary.api.bodies import identifier
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.pages.shell import framed
from services.diary.pages.week_reading import read_week_view, this_week
from services.kit.problems import invalid

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.READ_TIMESHEET)])
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]


@router.get("/timesheets")
async def mine(viewer: _SomeViewer) -> RedirectResponse:
    """To one's own week."""
    return RedirectResponse(f"/timesheets/{viewer.member}", 303)


@router.get("/timesheets/{member}")
async def week(request: Request, member: str, viewer: _SomeViewer, week: str | None = None) -> HTMLResponse:
    """A member's week in the billing zone, this one where none is asked for."""
    edge, whose = edge_of(request), identifier(member, "member")
    monday = await monday_of(edge, viewer, week)
    view = await read_week_view(edge, viewer, whose, monday)
    document = await edge.people.member(viewer.workspace, whose)
    own = whose == viewer.member
    page = SimpleNamespace(whose=None if own else document["name"] if document else "", own=own, member=whose)
    return await framed(request, viewer, "timesheet.html", at="/timesheets" if own else "", view=view, page=page)


async def monday_of(edge: Edge, viewer: Viewer, asked: str | None) -> date:
    """The Monday that is asked for, or this week's; 422 where it is none."""
    if not asked:
        return await this_week(edge, viewer.workspace)
    monday = days.read_date(asked, "week")
    if monday.weekday():
        raise invalid("week: the date of a Monday", field="week")
    return monday

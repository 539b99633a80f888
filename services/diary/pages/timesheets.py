"""The pages of timesheets: a member's week, the steps it takes, and the weeks that wait for a decision (S-10, V-06)."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.diary import decisions, timesheets
from services.diary.access import Action, Viewer, can, sight
from services.diary.api.bodies import identifier
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.pages.contracts_reading import member_names
from services.diary.pages.contracts_view import week_row
from services.diary.pages.formatting import listed, week_name, week_title
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.listing import folded
from services.diary.pages.shell import framed
from services.diary.pages.week_reading import read_week_view, this_week, zones_of_week
from services.diary.pages.week_view import WeekView
from services.kit.problems import Problem, invalid
from services.wire.language import ENGLISH, N_, _, spoken

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_READS = gate(Action.READ_TIMESHEET)


@router.get("/timesheets", dependencies=[_READS])
async def mine(viewer: _SomeViewer) -> RedirectResponse:
    """To one's own week; a client's way leads to their contracts."""
    return RedirectResponse("/contracts" if viewer.role == "client" else f"/timesheets/{viewer.member}", 303)


@router.get("/approvals", dependencies=[gate(Action.DECIDE_TIMESHEET)])
async def approvals(request: Request, viewer: _SomeViewer, week: str | None = None) -> HTMLResponse:
    """The timesheets that wait for the viewer, and a week of everybody's."""
    edge = edge_of(request)
    monday = await _monday(edge, viewer, week)
    waiting = (await timesheets.listed(edge, viewer, state="submitted"))[0]
    everybody = (await timesheets.listed(edge, viewer, week=monday.isoformat()))[0]
    names = await member_names(edge, viewer)
    ahead, before = monday + timedelta(days=7), monday - timedelta(days=7)
    return await framed(
        request,
        viewer,
        "approvals.html",
        at="/approvals",
        title=week_title(monday),
        waiting=_rows([one for one in waiting if await _may_decide(edge, viewer, one["member"])], names),
        everybody=_rows(everybody, names),
        previous=(f"/approvals?week={before}", week_name(before)),
        following=(f"/approvals?week={ahead}", week_name(ahead))
        if ahead <= await this_week(edge, viewer.workspace)
        else None,
    )


def _rows(sheets: list[dict[str, Any]], names: dict[str, str]) -> list[Any]:
    rows = [
        SimpleNamespace(
            member=one["member"],
            name=names.get(one["member"], ""),
            contract=one["contract"],
            project=one["project"],
            changed=one["changed_since"],
            week=week_row(one),
        )
        for one in sheets
    ]
    return sorted(rows, key=lambda row: (row.week.week, folded(row.name), folded(row.project)))


@router.get("/timesheets/{member}", dependencies=[_READS])
async def week(
    request: Request, member: str, viewer: _SomeViewer, week: str | None = None, zone: str | None = None
) -> HTMLResponse:
    """A member's week as the billing zone cuts it, this one where none is asked for; its days in any zone (V-01)."""
    whose = identifier(member, N_("member"))
    monday = await _monday(edge_of(request), viewer, week)
    return await _page(request, viewer, whose, monday, Form(), zone=zone)


@router.post("/timesheets/{member}/submission", dependencies=[gate(Action.SUBMIT_TIMESHEET)])
async def submit(request: Request, member: str, viewer: _SomeViewer) -> Response:
    """The member says of their week, all its contracts, that it is as it should be."""
    return await _decide(request, viewer, member, "submission", _("The week is submitted."))


@router.post("/timesheets/{member}/approval", dependencies=[gate(Action.DECIDE_TIMESHEET)])
async def approve(request: Request, member: str, viewer: _SomeViewer) -> Response:
    """One contract's week is agreed to."""
    return await _decide(request, viewer, member, "approval", _("The week is approved."))


@router.post("/timesheets/{member}/rejection", dependencies=[gate(Action.DECIDE_TIMESHEET)])
async def reject(request: Request, member: str, viewer: _SomeViewer) -> Response:
    """One contract's week goes back to the member, with the reason."""
    return await _decide(request, viewer, member, "rejection", _("The week is open again, and the member reads why."))


async def _decide(request: Request, viewer: Viewer, member: str, step: decisions.Step, said: str) -> Response:
    """Takes a step for the contracts that the form names; the page again, with the words, where it is refused."""
    edge, whose, sent = edge_of(request), identifier(member, N_("member")), await read_form(request)
    monday = timesheets.read_monday(sent.text("week"))
    reason = sent.some("reason")
    try:
        if step == "rejection" and not reason:
            raise invalid(_("reason: say why, so that the member can put it right"), field="reason")
        for contract in sent.many("contract"):
            id = identifier(contract, N_("contract"))
            await decisions.decide(edge, viewer, id, monday.isoformat(), step, reason[:1000] if reason else None)
    except Problem as problem:
        if problem.status not in (403, 409, 422):
            raise
        name = next(iter(sent.many("contract")), "f")
        form = Form.refused({"reason": sent.text("reason")}, problem, ("reason",), name=name)
        return await _page(request, viewer, whose, monday, form, problem.status)
    return done(f"/timesheets/{whose}?week={monday}", said)


async def _page(
    request: Request, viewer: Viewer, whose: str, monday: date, form: Form, status: int = 200, zone: str | None = None
) -> HTMLResponse:
    edge = edge_of(request)
    zones = await zones_of_week(edge, viewer, whose, monday, zone)
    view = await read_week_view(edge, viewer, whose, monday, zones)
    document = await edge.people.member(viewer.workspace, whose)
    own = whose == viewer.member
    page = SimpleNamespace(
        whose=None if own else document["name"] if document else "",
        own=own,
        member=whose,
        zones=zones.links,
        checked=viewer.role != "client",
        form=form,
        forms={one.id: Form(name=one.id) for one in view.contracts},
        submits=_to_submit(view) if own and can(viewer, Action.SUBMIT_TIMESHEET) else [],
        submit_words=_submit_words(view),
        decides=await _may_decide(edge, viewer, whose),
    )
    at = "/timesheets" if own else ""
    return await framed(request, viewer, "timesheet.html", at=at, status=status, view=view, page=page)


def _to_submit(view: WeekView) -> list[str]:
    """The contracts of a week that the member may submit now."""
    return [one.id for one in view.contracts if one.state in ("open", "rejected")]


def _submit_words(view: WeekView) -> str:
    """What is said before a week is submitted."""
    rest = [_within(line.strong) for line in view.checks if line.icon == "warn"]
    words = [_("Still to look at: {these}.", these=listed(rest))] if rest else []
    return " ".join([*words, _("You can still change the week until it is approved or locked.")])


def _within(sentence: str) -> str:
    """A sentence's words within another; where nouns begin with capitals, its first may be one."""
    return sentence[0].lower() + sentence[1:] if spoken() == ENGLISH else sentence


async def _may_decide(edge: Edge, viewer: Viewer, member: str) -> bool:
    document = await edge.people.member(viewer.workspace, member)
    return sight(viewer, Action.DECIDE_TIMESHEET, member, document["team"] if document else None) is not None


async def _monday(edge: Edge, viewer: Viewer, asked: str | None) -> date:
    return timesheets.read_monday(asked) if asked else await this_week(edge, viewer.workspace)

"""The page of teams: who is in which, and who manages it (W-04)."""

import asyncio
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer, can
from services.diary.edge import current_viewer, gate
from services.diary.pages import asking
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.listing import folded
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire.language import N_, _, again

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_change = gate(Action.CHANGE_TEAMS)


class Row(NamedTuple):
    """A team: its members, and those who manage it."""

    id: str
    name: str
    members: list[dict[str, Any]]
    managers: list[str]
    archived: bool


@router.get("/teams", dependencies=[gate(Action.READ_TEAMS)])
async def teams(request: Request, viewer: _Viewer) -> HTMLResponse:
    """All teams."""
    return await _page(request, viewer)


@router.post("/teams", dependencies=[gate(Action.CREATE_TEAMS)])
async def create(request: Request, viewer: _Viewer) -> Response:
    """A new team."""
    values = {"name": (await read_form(request)).text("name")}
    try:
        made = await asking.create(request, viewer, "teams", values)
    except Problem as problem:
        return await _page(request, viewer, new=Form.refused(values, problem, name="new"), status=problem.status)
    said = _("{name} is a team now. Put members into it on their own pages.", name=made["name"])
    return done(f"/teams/{made['id']}", said)


@router.get("/teams/{id}", dependencies=[gate(Action.READ_TEAMS)])
async def team(request: Request, id: str, viewer: _Viewer) -> HTMLResponse:
    """All teams, and one beside them."""
    return await _page(request, viewer, await asking.one(request, viewer, "teams", id))


@router.post("/teams/{id}", dependencies=[_change])
async def rename(request: Request, id: str, viewer: _Viewer) -> Response:
    """Another name."""
    values = {"name": (await read_form(request)).text("name")}
    return await _changed(request, viewer, id, values, N_("The team is called {name} now."), values)


@router.post("/teams/{id}/archive", dependencies=[_change])
async def archive(request: Request, id: str, viewer: _Viewer) -> Response:
    """Archived where it is empty, or restored."""
    away = (await read_form(request)).text("archived") == "yes"
    said = N_("{name} is archived.") if away else N_("{name} is restored.")
    return await _changed(request, viewer, id, {"archived": away}, said)


async def _changed(
    request: Request, viewer: Viewer, id: str, body: dict[str, Any], words: str, values: dict[str, Any] | None = None
) -> Response:
    try:
        changed = await asking.change(request, viewer, "teams", id, body)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        found = await asking.one(request, viewer, "teams", id)
        return await _page(request, viewer, found, form=Form.refused(values or found, problem), status=problem.status)
    return done(f"/teams/{id}", again(words).format(name=changed["name"]))


async def _page(
    request: Request,
    viewer: Viewer,
    opened: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
    new: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    found, members = await asyncio.gather(
        asking.some(request, viewer, "teams"), asking.some(request, viewer, "members")
    )
    rows = [_row(one, members) for one in found]
    rows.sort(key=lambda row: (row.archived, folded(row.name)))
    return await framed(
        request,
        viewer,
        "teams.html",
        at="/teams",
        status=status,
        rows=rows,
        opened=next((row for row in rows if opened and row.id == opened["id"]), None),
        form=form or Form(opened or {}),
        new=new or Form(name="new"),
        leads=viewer.role != "employee",
        may={"create": can(viewer, Action.CREATE_TEAMS), "change": can(viewer, Action.CHANGE_TEAMS)},
    )


def _row(team: dict[str, Any], members: list[dict[str, Any]]) -> Row:
    here = [one for one in members if not one["archived"]]
    mine = sorted((one for one in here if one["team"] == team["id"]), key=lambda one: folded(one["name"]))
    managers = sorted(one["name"] for one in here if team["id"] in one["manages"] and one["role"] == "manager")
    return Row(team["id"], team["name"], mine, managers, team["archived"])

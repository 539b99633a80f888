"""The workspaces of a person: going from one to another, and making a new one (W-02)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.diary.access import Action, Viewer
from services.diary.api.bodies import identifier, take
from services.diary.api.sessions import browser_of, set_cookie
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages.forms import Form, done, read_form, show
from services.diary.pages.gate import zones
from services.diary.pages.shell import framed
from services.diary.pages.sign_in import inside
from services.kit.problems import Problem
from services.wire import accounts as wire
from services.wire.language import _
from services.wire.requests import SignedIn

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]


@router.get("/workspaces", dependencies=[gate(Action.OWN_ACCOUNT)])
async def workspaces(request: Request, viewer: _Viewer, next: str = "/") -> HTMLResponse:
    """Where the person may go; ``next`` is the page to be shown there."""
    return await _page(request, viewer, Form({"zone": "UTC"}), next=inside(next))


async def _page(request: Request, viewer: Viewer, form: Form, status: int = 200, next: str = "/") -> HTMLResponse:
    places = await _places(request, viewer)
    more = {"places": places, "here": viewer.workspace, "form": form, "next": next, "zones": zones()}
    return await framed(request, viewer, "workspaces.html", at="/workspaces", status=status, **more)


async def _places(request: Request, viewer: Viewer) -> list[dict[str, Any]]:
    found = await asking.account(request, "workspaces", wire.AccountOf, principal=viewer.principal)
    items: list[dict[str, Any]] = found["items"]
    return items


@router.get("/workspaces/menu", dependencies=[gate(Action.OWN_ACCOUNT)])
async def menu(request: Request, viewer: _Viewer) -> HTMLResponse:
    """The same, for the profile menu."""
    places = await _places(request, viewer)
    return show(request, "workspaces_menu.html", places=places, here=viewer.workspace)


@router.post("/workspaces", dependencies=[gate(Action.CREATE_WORKSPACES)])
async def create(request: Request, viewer: _Viewer) -> Response:
    """A new workspace, owned by whoever makes it."""
    sent = await read_form(request)
    values = {"name": sent.text("name"), "zone": sent.text("zone") or "UTC"}
    try:
        await asking.create(request, viewer, "workspaces", values)
    except Problem as problem:
        return await _page(request, viewer, Form.refused(values, problem), problem.status)
    return done("/workspaces", _("{name} is there. Go to it to invite people.", name=values["name"]))


@router.post("/workspaces/{id}/switch", dependencies=[gate(Action.OWN_ACCOUNT)])
async def switch(request: Request, id: str, viewer: _Viewer) -> Response:
    """A session there instead of here."""
    edge, wanted = edge_of(request), inside((await read_form(request)).text("next") or "/")
    given = {"workspace": identifier(id, "workspace"), "address": client_address(request), "agent": browser_of(request)}
    content = await asking.account(
        request, "switch_workspace", wire.SwitchWorkspace, principal=viewer.principal, **given
    )
    edge.sessions.ended(viewer.principal.session)
    response = RedirectResponse(wanted, 303)
    set_cookie(edge, response, take(SignedIn, content).token)
    return response

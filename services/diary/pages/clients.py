"""The page of clients: invited by mail, active once they confirm (W-05)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer, can
from services.diary.edge import current_viewer, gate
from services.diary.pages import asking
from services.diary.pages import people_view as view
from services.diary.pages.account_view import languages
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.listing import folded, initials, search
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire.language import _

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_change = gate(Action.CHANGE_CLIENTS)
_FIELDS = ("name", "email", "language")


@router.get("/clients", dependencies=[gate(Action.READ_CLIENTS)])
async def clients(request: Request, viewer: _Viewer) -> HTMLResponse:
    """All clients."""
    return await _page(request, viewer)


@router.get("/clients/new", dependencies=[gate(Action.CREATE_CLIENTS)])
async def new(request: Request, viewer: _Viewer) -> HTMLResponse:
    """All clients, and the form that invites one."""
    return await _page(request, viewer, form=Form(name="new"))


@router.post("/clients/new", dependencies=[gate(Action.CREATE_CLIENTS)])
async def invite(request: Request, viewer: _Viewer) -> Response:
    """Invites a client: they read the diaries of their contracts once they accept."""
    sent = await read_form(request)
    values = {name: sent.text(name) for name in _FIELDS}
    try:
        made = await asking.create(request, viewer, "clients", values | {"language": values["language"] or None})
    except Problem as problem:
        if problem.kind == "already-a-member":
            problem.extra["field"] = "email"
        form = Form.refused(values, problem, name="new")
        return await _page(request, viewer, form=form, status=problem.status)
    return done(
        f"/clients/{made['id']}",
        _("{name} is invited; a mail is on its way to {email}.", name=made["name"], email=made["email"]),
    )


@router.get("/clients/{id}", dependencies=[gate(Action.READ_CLIENTS)])
async def client(request: Request, id: str, viewer: _Viewer) -> HTMLResponse:
    """All clients, and one beside them."""
    return await _page(request, viewer, await asking.one(request, viewer, "clients", id))


@router.post("/clients/{id}", dependencies=[_change])
async def rename(request: Request, id: str, viewer: _Viewer) -> Response:
    """Another name."""
    values = {"name": (await read_form(request)).text("name")}
    return await _changed(request, viewer, id, values, lambda name: _("The client is called {name} now.", name=name))


@router.post("/clients/{id}/archive", dependencies=[_change])
async def archive(request: Request, id: str, viewer: _Viewer) -> Response:
    """Archived, or restored."""
    away = (await read_form(request)).text("archived") == "yes"
    return await _changed(request, viewer, id, {"archived": away}, _away if away else _back)


def _away(name: str) -> str:
    return _("{name} is archived.", name=name)


def _back(name: str) -> str:
    return _("{name} is restored.", name=name)


async def _changed(
    request: Request, viewer: Viewer, id: str, body: dict[str, Any], words: Callable[[str], str]
) -> Response:
    try:
        changed = await asking.change(request, viewer, "clients", id, body)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        found = await asking.one(request, viewer, "clients", id)
        form = Form.refused({**found, **body}, problem)
        return await _page(request, viewer, found, form=form, status=problem.status)
    return done(f"/clients/{id}", words(changed["name"]))


async def _page(
    request: Request,
    viewer: Viewer,
    opened: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    asked = {name: request.query_params.get(name, "")[:200] for name in ("q", "state")}
    found, contracts = await asyncio.gather(
        asking.some(request, viewer, "clients"), asking.some(request, viewer, "contracts")
    )
    fits = [
        one
        for one in search(found, asked["q"], ("name", "email"))
        if asked["state"] == "all" or one["archived"] == (asked["state"] == "archived")
    ]
    booked = Counter(one["client"] for one in contracts)
    rows = [
        {**one, "initials": initials(one["name"]), "pill": view.client_state_of(one), "contracts": booked[one["id"]]}
        for one in sorted(fits, key=lambda one: folded(one["name"]))
    ]
    return await framed(
        request,
        viewer,
        "clients.html",
        at="/clients",
        status=status,
        asked=asked,
        rows=rows,
        all=len(found),
        opened=opened and opened | {"pill": view.client_state_of(opened)},
        theirs=[one for one in contracts if opened and one["client"] == opened["id"]],
        form=form or Form(opened or {}),
        languages=languages(),
        inviting=form is not None and opened is None,
        may={
            "invite": can(viewer, Action.CREATE_CLIENTS),
            "change": can(viewer, Action.CHANGE_CLIENTS),
            "mail": can(viewer, Action.CHANGE_MAILS),
        },
    )

"""The page of members: who there is, one of them opened beside the list, and what an admin may change (W-03)."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer, can
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages import people_view as view
from services.diary.pages.account_view import languages
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.gate import zones
from services.diary.pages.listing import address_of, page_of
from services.diary.pages.shell import framed
from services.diary.pages.week_reading import this_week
from services.kit.problems import Problem
from services.wire.language import N_, _, again

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_FILTERS = ("q", "role", "team", "state")
_FIELDS = ("name", "email", "role", "team", "zone", "language", "manages")
_change = gate(Action.CHANGE_MEMBERS)


@router.get("/people", dependencies=[gate(Action.READ_MEMBERS)])
async def people(request: Request, viewer: _Viewer) -> HTMLResponse:
    """The list."""
    return await _page(request, viewer)


@router.get("/people/new", dependencies=[gate(Action.CREATE_MEMBERS)])
async def new(request: Request, viewer: _Viewer) -> HTMLResponse:
    """The list, and the form that invites somebody."""
    role = "client" if request.query_params.get("as") == "client" else "employee"
    return await _page(request, viewer, form=Form({"role": role}, name="new"))


@router.post("/people/new", dependencies=[gate(Action.CREATE_MEMBERS)])
async def invite(request: Request, viewer: _Viewer) -> Response:
    """Invites somebody: they are a member once they accept."""
    sent = await read_form(request)
    values = _values(sent)
    body = {"email": values["email"], "name": values["name"], "role": values["role"], "team": values["team"] or None}
    body["language"] = values["language"] or None
    try:
        made = await asking.create(request, viewer, "members", body)
    except Problem as problem:
        form = Form.refused(values, _at_email(problem), _FIELDS, name="new")
        return await _page(request, viewer, form=form, status=problem.status)
    return done(
        f"/people/{made['id']}",
        _("{name} is invited; a mail is on its way to {email}.", name=made["name"], email=made["email"]),
    )


def _at_email(problem: Problem) -> Problem:
    if problem.kind == "already-a-member":
        problem.extra["field"] = "email"
    return problem


@router.get("/people/{id}", dependencies=[gate(Action.READ_MEMBERS)])
async def member(request: Request, id: str, viewer: _Viewer) -> HTMLResponse:
    """The list, and one member beside it."""
    return await _page(request, viewer, await asking.one(request, viewer, "members", id))


@router.post("/people/{id}", dependencies=[_change])
async def change(request: Request, id: str, viewer: _Viewer) -> Response:
    """Another name, role, team or zone."""
    sent = await read_form(request)
    values = _values(sent)
    body = {"name": values["name"], "role": values["role"], "team": values["team"] or None, "zone": values["zone"]}
    body["manages"] = values["manages"] if values["role"] == "manager" else []
    try:
        changed = await asking.change(request, viewer, "members", id, body)
    except Problem as problem:
        return await _refused(request, viewer, id, values, problem)
    return done(f"/people/{id}", _("{name} is changed.", name=changed["name"]))


@router.post("/people/{id}/role", dependencies=[_change])
async def convert(request: Request, id: str, viewer: _Viewer) -> Response:
    """A manager, or no manager any more."""
    role = "manager" if (await read_form(request)).text("role") == "manager" else "employee"
    said = N_("{name} is a manager now.") if role == "manager" else N_("{name} is an employee now.")
    return await _changed(request, viewer, id, {"role": role}, said)


@router.post("/people/{id}/hold", dependencies=[_change])
async def hold(request: Request, id: str, viewer: _Viewer) -> Response:
    """Puts a member on legal hold, or lifts it (M-05)."""
    on = (await read_form(request)).text("hold") == "yes"
    words = N_("On legal hold: no picture of {name} expires.") if on else N_("The legal hold is lifted.")
    return await _changed(request, viewer, id, {"legal_hold": on}, words)


@router.post("/people/{id}/archive", dependencies=[_change])
async def archive(request: Request, id: str, viewer: _Viewer) -> Response:
    """Archived, or restored."""
    away = (await read_form(request)).text("archived") == "yes"
    return await _changed(
        request, viewer, id, {"archived": away}, N_("{name} is archived.") if away else N_("{name} is restored.")
    )


@router.post("/people/{id}/invite", dependencies=[gate(Action.CHANGE_MAILS)])
async def invite_again(request: Request, id: str, viewer: _Viewer) -> Response:
    """The mail of the invitation goes out once more, with a new link (W-09)."""
    found = await asking.one(request, viewer, "members", id)
    mails = await asking.some(request, viewer, "mails", member=found["id"], kind="invitation")
    if not mails:
        title = _("There is no invitation to send again.")
        raise Problem(409, "no-invitation", title, _("Archive them, and invite anew."))
    await asking.change(request, viewer, "mails", mails[-1]["id"], {"state": "waiting"})
    back = "/clients" if found["role"] == "client" else "/people"
    return done(f"{back}/{found['id']}", _("The invitation goes out again, to {email}.", email=found["email"]))


async def _changed(request: Request, viewer: Viewer, id: str, body: dict[str, Any], words: str) -> Response:
    try:
        changed = await asking.change(request, viewer, "members", id, body)
    except Problem as problem:
        return await _refused(request, viewer, id, None, problem)
    return done(f"/people/{id}", again(words).format(name=changed["name"]))


async def _refused(request: Request, viewer: Viewer, id: str, values: Any, problem: Problem) -> HTMLResponse:
    if problem.status in (403, 404):
        raise problem
    found = await asking.one(request, viewer, "members", id)
    form = Form.refused(values or found, problem, _FIELDS)
    return await _page(request, viewer, found, form=form, status=problem.status)


def _values(sent: Sent) -> dict[str, Any]:
    values: dict[str, Any] = {name: sent.text(name) for name in _FIELDS}
    return values | {"manages": sent.many("manages")}


async def _page(
    request: Request,
    viewer: Viewer,
    opened: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    asked = {name: request.query_params.get(name, "")[:200] for name in _FILTERS}
    members, teams, licences, policies = await asyncio.gather(
        asking.some(request, viewer, "members"),
        asking.some(request, viewer, "teams"),
        asking.some(request, viewer, "licences"),
        asking.some(request, viewer, "policies"),
    )
    number = request.query_params.get("page", "")
    fits = view.narrowed(members, asked["q"], asked["role"], asked["team"], asked["state"])
    page = page_of(fits, int(number) if number.isdecimal() and len(number) < 7 else 1, "/people", asked)
    around = view.Around(
        teams={one["id"]: one["name"] for one in teams},
        recording=view.recordings(licences, policies),
        minutes=await _minutes(edge_of(request), viewer, [one["id"] for one in page.items]),
        query=address_of("", asked),
    )
    return await framed(
        request,
        viewer,
        "people.html",
        at="/people",
        status=status,
        asked=asked,
        page=page,
        rows=[view.row_of(one, around) for one in page.items],
        all=len(members),
        roles=view.roles_for("owner"),
        states=view.STATES,
        teams=view.team_choices(teams),
        opened=opened,
        opened_row=view.row_of(opened, around) if opened else None,
        form=form or Form(opened or {}),
        may=_rights(viewer, opened),
        role_choices=view.roles_for(viewer.role, opened["role"] if opened else ""),
        team_choices=view.team_choices(teams, opened["team"] if opened else None),
        zones=zones(),
        languages=languages(),
        inviting=form is not None and opened is None,
        close=address_of("/people", asked),
    )


def _rights(viewer: Viewer, opened: dict[str, Any] | None) -> dict[str, bool]:
    change = can(viewer, Action.CHANGE_MEMBERS)
    of_owner = opened is not None and opened["role"] == "owner" and viewer.role != "owner"
    return {
        "invite": can(viewer, Action.CREATE_MEMBERS),
        "upload": can(viewer, Action.CREATE_IMPORTS),
        "change": change and not of_owner,
        "mail": can(viewer, Action.CHANGE_MAILS),
    }


async def _minutes(edge: Edge, viewer: Viewer, members: list[str]) -> dict[str, int]:
    """The tracked and manual minutes of the running week, by member; without those who have none."""
    monday = await this_week(edge, viewer.workspace)
    where = {"workspace": viewer.workspace, "week": monday.isoformat(), "member": {"$in": members}}
    wanted = {"member": 1, "tracked_minutes": 1, "manual_minutes": 1}
    minutes: dict[str, int] = {}
    for one in await edge.db["weeks"].find(where, wanted).to_list(None):
        counted = one.get("tracked_minutes", 0) + one.get("manual_minutes", 0)
        minutes[one["member"]] = minutes.get(one["member"], 0) + counted
    return minutes

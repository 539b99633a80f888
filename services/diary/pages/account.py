"""One's own account: name, password, second factor, sessions, API tokens, and one's workspaces (W-01, W-02, W-08)."""

import asyncio
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from services.diary.access import Action, Viewer
from services.diary.api.bodies import identifier
from services.diary.edge import COOKIE, client_address, current_viewer, edge_of, gate
from services.diary.pages import account_view as view
from services.diary.pages import asking
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.gate import with_wait, zones
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire import accounts as wire
from services.wire.language import _, spoken
from services.wire.slots import format_instant

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.OWN_ACCOUNT)])
_Viewer = Annotated[Viewer, Depends(current_viewer)]


@dataclass
class Page:
    """The forms of the page as they are to be shown, and what is shown this once."""

    profile: Form | None = None
    password: Form = field(default_factory=lambda: Form(name="password"))
    factor: Form = field(default_factory=lambda: Form(name="factor"))
    token: Form = field(default_factory=lambda: Form({"days": "90"}, name="token"))
    offer: dict[str, Any] | None = None
    codes: list[str] | None = None
    secret: str = ""


@router.get("/account")
async def account(request: Request, viewer: _Viewer) -> HTMLResponse:
    """All of it on one page."""
    return await _page(request, viewer, Page())


async def _page(request: Request, viewer: Viewer, page: Page, status: int = 200) -> HTMLResponse:
    edge, principal = edge_of(request), viewer.principal
    me, factor, sessions, places, tokens = await asyncio.gather(
        edge.people.member(viewer.workspace, viewer.member),
        asking.account(request, "two_factor", wire.AccountOf, principal=principal),
        asking.account(request, "sessions", wire.AccountOf, principal=principal),
        asking.account(request, "workspaces", wire.AccountOf, principal=principal),
        asking.some(request, viewer, "tokens"),
    )
    zone = me["zone"] if me else "UTC"
    mine = {"name": me["name"] if me else principal.name, "zone": zone, "language": (me or {}).get("language")}
    names = {place["workspace"]: place["name"] for place in places["items"]}
    return await framed(
        request,
        viewer,
        "account.html",
        at="/account",
        status=status,
        page=page,
        email=me["email"] if me else "",
        profile=page.profile or Form(mine, name="profile"),
        factor_on=factor["enabled"],
        codes_left=factor["recovery_codes_left"],
        sessions=[view.session_row(one, names, zone) for one in sessions["items"]],
        tokens=[view.token_row(one, zone) for one in tokens if one["state"] == "active"],
        scopes=view.scopes(),
        lasting=view.lasting(),
        zones=zones(),
        languages=view.languages(),
    )


async def _refused(request: Request, viewer: Viewer, page: Page, problem: Problem) -> HTMLResponse:
    return with_wait(await _page(request, viewer, page, problem.status), problem)


@router.post("/account/profile")
async def profile(request: Request, viewer: _Viewer) -> Response:
    """Another name or time zone in this workspace."""
    sent = await read_form(request)
    values = {name: sent.text(name) for name in ("name", "zone", "language")}
    try:
        given = values | {"principal": viewer.principal, "address": client_address(request)}
        await asking.account(request, "change_profile", wire.ChangeProfile, **given)
    except Problem as problem:
        return await _refused(request, viewer, Page(profile=Form.refused(values, problem, name="profile")), problem)
    return done("/account", _("Saved. Your new name stands everywhere within a moment."))


@router.post("/account/password")
async def password(request: Request, viewer: _Viewer) -> Response:
    """Another password, by the present one."""
    sent = await read_form(request)
    try:
        given = {"old": sent.secret("old"), "new": sent.secret("new"), "language": spoken()}
        given["address"] = client_address(request)
        await asking.account(request, "change_password", wire.ChangePassword, principal=viewer.principal, **given)
    except Problem as problem:
        form = view.password_form(problem, "password", old="old", new="new")
        return await _refused(request, viewer, Page(password=form), problem)
    return done("/account", _("Your password is changed. Your other sessions have ended."))


@router.post("/account/two-factor")
async def begin_factor(request: Request, viewer: _Viewer) -> Response:
    """A secret for an authenticator, to be confirmed by a code of it."""
    sent = await read_form(request)
    try:
        given = {"password": sent.secret("password"), "address": client_address(request)}
        offer = await asking.account(
            request, "two_factor_begin", wire.TwoFactorBegin, principal=viewer.principal, **given
        )
    except Problem as problem:
        form = view.password_form(problem, "factor", old="password", new="password")
        return await _refused(request, viewer, Page(factor=form), problem)
    return await _page(request, viewer, Page(offer=_offer(offer["secret"], offer["uri"])))


@router.post("/account/two-factor/confirm")
async def confirm_factor(request: Request, viewer: _Viewer) -> Response:
    """Turns it on, and shows the recovery codes this once."""
    sent = await read_form(request)
    try:
        given = {"code": sent.text("code"), "address": client_address(request)}
        answer = await asking.account(
            request, "two_factor_confirm", wire.TwoFactorConfirm, principal=viewer.principal, **given
        )
    except Problem as problem:
        form = Form.refused({}, problem, ("code",), name="factor")
        offer = _offer(sent.text("secret")[:200], sent.text("uri")[:500]) if problem.status != 409 else None
        return await _refused(request, viewer, Page(factor=form, offer=offer), problem)
    return await _page(request, viewer, Page(codes=answer["recovery_codes"]))


@router.post("/account/two-factor/off")
async def end_factor(request: Request, viewer: _Viewer) -> Response:
    """Turns it off, for whoever has both factors."""
    sent = await read_form(request)
    try:
        given = {"password": sent.secret("password"), "code": sent.text("code"), "address": client_address(request)}
        await asking.account(request, "two_factor_off", wire.TwoFactorOff, principal=viewer.principal, **given)
    except Problem as problem:
        form = view.password_form(problem, "factor", old="password", new="password", code="code")
        return await _refused(request, viewer, Page(factor=form), problem)
    return done("/account", _("Two-factor is off."))


def _offer(secret: str, uri: str) -> dict[str, Any]:
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, dark="#000", light="#fff", nl=False
    )
    return {"secret": secret, "uri": uri, "picture": Markup(drawn.getvalue().decode())}  # noqa: S704 (drawn by segno)


@router.post("/account/sessions/{id}/end")
async def end_session(request: Request, id: str, viewer: _Viewer) -> Response:
    """One of one's own sessions ends."""
    given = {"principal": viewer.principal, "session": identifier(id, "session")}
    await asking.account(request, "end_sessions", wire.EndSessions, **given)
    edge_of(request).sessions.ended(id)
    return done("/account#sessions", _("That session has ended."))


@router.post("/account/sessions/end-all")
async def end_all(request: Request, viewer: _Viewer) -> Response:
    """Signs out everywhere, here too."""
    edge = edge_of(request)
    await asking.account(request, "end_sessions", wire.EndSessions, principal=viewer.principal, session=None)
    edge.sessions.ended(viewer.principal.session)
    response = done("/sign-in", _("You are signed out everywhere."))
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=edge.settings.secure)
    return response


@router.post("/account/tokens")
async def make_token(request: Request, viewer: _Viewer) -> Response:
    """An API token, its secret shown this once."""
    sent = await read_form(request)
    values = {"name": sent.text("name"), "scopes": sent.many("scopes"), "days": sent.text("days")}
    try:
        body: dict[str, Any] = {"name": values["name"], "scopes": values["scopes"]}
        if days := sent.number("days"):
            body["expires"] = format_instant(datetime.now(UTC) + timedelta(days=min(max(days, 1), 3660)))
        made = await asking.create(request, viewer, "tokens", body)
    except Problem as problem:
        form = Form.refused(values, problem, name="token")
        return await _refused(request, viewer, Page(token=form), problem)
    return await _page(request, viewer, Page(secret=made["token"]))


@router.post("/account/tokens/{id}/revoke")
async def revoke_token(request: Request, id: str, viewer: _Viewer) -> Response:
    """The token is one no more."""
    await asking.change(request, viewer, "tokens", id, {"state": "revoked"})
    return done("/account#tokens", _("The token is revoked. Programs that use it are refused from now on."))

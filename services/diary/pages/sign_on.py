"""Signing in with a workspace's own provider (OpenID Connect, W-08): there and back; licensing decides.

The way there begins by a link, not by the form itself: a browser lets no form go on to another site here (guard.py).
What binds the way back to this browser is a cookie that no script and no other site's request has.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.diary.access import Action
from services.diary.api.bodies import identifier, take
from services.diary.api.sessions import browser_of
from services.diary.edge import client_address, edge_of, gate, set_cookie
from services.diary.pages.forms import Form, read_form, show, told
from services.diary.pages.gate import with_wait
from services.diary.pages.sign_in import inside
from services.kit.problems import Problem
from services.wire import sign_on as wire
from services.wire.language import _

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.ENTER)])
_COOKIE = "daybook_sign_on"
_SECONDS = 600


@router.post("/sign-in/with")
async def ways(request: Request) -> Response:
    """The providers that the part behind the @ may sign in with, each a link."""
    sent = await read_form(request)
    email, next = sent.text("email"), inside(sent.text("next"))
    try:
        asked = take(wire.Ways, {"email": email, "address": client_address(request)})
        found = (await edge_of(request).bus.ask("licensing", "sign_on_ways", asked))["items"]
    except Problem as problem:
        return _again(request, problem, email, next)
    if not found:
        nobody = _("No workspace has a provider for this address. Sign in with your password.")
        words = nobody if email else _("Type it first.")
        return show(request, "sign_in.html", 404, form=Form({"email": email}, {"email": words}), next=next)
    links = [{**one, "href": f"/sign-in/with/{one['workspace']}?{urlencode({'next': next})}"} for one in found]
    return show(request, "sign_in_with.html", ways=links)


@router.get("/sign-in/with/{workspace}")
async def begin(request: Request, workspace: str, next: str = "/") -> Response:
    """To the provider."""
    edge = edge_of(request)
    named = identifier(workspace, "workspace")
    asked = wire.Begin(workspace=named, next=inside(next)[:2000], address=client_address(request))
    try:
        begun = take(wire.Begun, await edge.bus.ask("licensing", "sign_on_begin", asked, timeout=15.0))
    except Problem as problem:
        return _again(request, problem, "", inside(next))
    response = RedirectResponse(begun.url, 303)
    kept: dict[str, Any] = {"path": "/sign-in", "httponly": True, "samesite": "lax", "secure": edge.settings.secure}
    response.set_cookie(_COOKIE, begun.binding, max_age=_SECONDS, **kept)
    return response


@router.get("/sign-in/back")
async def back(request: Request, state: str = "", code: str = "") -> Response:
    """Back from the provider: a session, and on to where the reader wanted to be."""
    edge = edge_of(request)
    if not code or not state:
        title, detail = _("The provider did not let you in."), _("Begin again, or ask an owner.")
        return _again(request, Problem(401, "sign-on-refused", title, detail), "", "/")
    place = {"address": client_address(request), "agent": browser_of(request)}
    try:
        asked = take(wire.Finish, {"state": state, "code": code, "binding": request.cookies.get(_COOKIE, ""), **place})
        done = take(wire.Finished, await edge.bus.ask("licensing", "sign_on_finish", asked, timeout=20.0))
    except Problem as problem:
        return _again(request, problem, "", "/")
    response = RedirectResponse(inside(done.next), 303)
    set_cookie(edge, response, done.signed_in.token)
    response.delete_cookie(_COOKIE, path="/sign-in")
    return response


def _again(request: Request, problem: Problem, email: str, next: str) -> HTMLResponse:
    notice = told(problem)[1]
    page = show(request, "sign_in.html", problem.status, form=Form({"email": email}, notice=notice), next=next)
    return with_wait(page, problem)

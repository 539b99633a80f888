"""Signing in and out by form; licensing decides, exactly as for ``POST /api/v1/sessions`` (W-01)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.diary.access import Action
from services.diary.api.bodies import take
from services.diary.api.sessions import Credentials, ask_sign_in, end_session, set_cookie
from services.diary.edge import client_address, current_principal, edge_of, gate
from services.diary.pages.render import render
from services.kit.problems import Problem

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.ENTER)])
_Text = Annotated[str, Form(max_length=1000)]


@router.get("/sign-in")
async def form(next: str = "/") -> HTMLResponse:
    """The form; ``next`` is the page that asked for a session."""
    return _form(next)


@router.post("/sign-in")
async def sign_in(
    request: Request, email: _Text = "", password: _Text = "", totp: _Text = "", next: _Text = "/"
) -> Response:
    """Signs in and goes on to where the reader wanted to be; else the form again, with the reason at its field."""
    edge = edge_of(request)
    try:
        credentials = take(Credentials, {"email": email.strip(), "password": password, "totp": totp.strip() or None})
        signed_in = await ask_sign_in(edge, credentials, client_address(request))
    except Problem as problem:
        return _refused(problem, next, email)
    response = RedirectResponse(_inside(next), 303)
    set_cookie(edge, response, signed_in["token"])
    return response


def _refused(problem: Problem, next: str, email: str) -> HTMLResponse:
    if problem.status in (401, 422):
        words = problem.title if problem.status == 401 else "E-mail and password do not match."
        return _form(next, email, error=f"{words} {problem.detail}".strip(), status=problem.status)
    notice = f"{problem.title} {problem.detail}".strip()
    seconds = problem.extra.get("retry_after")
    response = _form(next, email, notice=notice, status=problem.status)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _form(next: str, email: str = "", *, error: str = "", notice: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(render("sign_in.html", next=_inside(next), email=email, error=error, notice=notice), status)


def _inside(next: str) -> str:
    """Only a path of this site is gone to after signing in."""
    plain = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isprintable()
    return next if plain and "\\" not in next else "/"


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session everywhere and goes to the form."""
    response = RedirectResponse("/sign-in", 303)
    try:
        await end_session(edge_of(request), response, await current_principal(request))
    except Problem as problem:
        if problem.status != 401:
            raise
    return response

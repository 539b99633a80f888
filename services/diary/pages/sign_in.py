"""Signing in and out by form; licensing decides, exactly as for ``POST /api/v1/sessions`` (W-01).

Other ways to sign in (W-08) stand in ``templates/sign_in_ways.html``, below the button.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.diary.access import Action
from services.diary.api.bodies import take
from services.diary.api.sessions import Credentials, ask_sign_in, browser_of, end_session, set_cookie
from services.diary.edge import client_address, current_principal, edge_of, gate
from services.diary.pages.forms import Form, read_form, show, told
from services.diary.pages.gate import with_wait
from services.kit.problems import Problem
from services.wire.language import _

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.ENTER)])


@router.get("/sign-in")
async def form(request: Request, next: str = "/") -> HTMLResponse:
    """The form; ``next`` is the page that asked for a session."""
    return show(request, "sign_in.html", form=Form(), next=inside(next))


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Signs in and goes on to where the reader wanted to be; else the form again, with the reason at its field.

    Who belongs to several workspaces chooses one first (W-02).
    """
    edge, sent = edge_of(request), await read_form(request)
    values, wanted = {"email": sent.text("email")}, inside(sent.text("next"))
    try:
        secrets = {"password": sent.secret("password"), "totp": sent.some("totp")}
        credentials = take(Credentials, values | secrets)
        signed_in = await ask_sign_in(edge, credentials, client_address(request), browser_of(request))
    except Problem as problem:
        again = show(request, "sign_in.html", problem.status, form=_refused(values, problem), next=wanted)
        return with_wait(again, problem)
    several = len(signed_in["workspaces"]) > 1
    response = RedirectResponse(f"/workspaces?{urlencode({'next': wanted})}" if several else wanted, 303)
    set_cookie(edge, response, signed_in["token"])
    return response


def _refused(values: Mapping[str, str], problem: Problem) -> Form:
    words = " ".join(problem.words)
    if problem.kind in ("code-needed", "wrong-code"):  # the password is never sent back: it is typed first
        return Form(values, {"password": _("Type it again: it is not kept."), "totp": words})
    if problem.status == 401:
        return Form(values, {"password": words})
    if problem.status == 422:
        at = told(problem)[0]
        wrong = _("This is no code.") if at == "totp" else _("E-mail and password do not match.")
        return Form(values, {"totp" if at == "totp" else "password": wrong})
    return Form(values, notice=words)


def inside(next: str) -> str:
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

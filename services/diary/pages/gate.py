"""The pages before anybody is signed in: a new account, and the links of mails (W-01, W-03, W-05).

They work without script. A mail's link is opened by GET, which changes nothing: programs that look through mails open
links too. What it is for is done by the button on its page.
"""

from typing import Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action
from services.diary.edge import client_address, gate
from services.diary.pages.asking import account
from services.diary.pages.forms import Form, done, read_form, show
from services.kit.problems import Problem
from services.wire import accounts as wire
from services.wire.language import _, spoken

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.ENTER)])
_SIGN_UP = ("name", "email", "password", "workspace", "zone")


def zones() -> list[tuple[str, str]]:
    """All time zones, as a form's choices."""
    odd = ("Etc/", "posix", "right")
    names = sorted(one for one in available_timezones() if "/" in one and not one.startswith(odd))
    return [("UTC", "UTC"), *((one, one.replace("_", " ")) for one in names)]


@router.get("/sign-up")
async def sign_up_form(request: Request) -> HTMLResponse:
    """Asks for a new account and its workspace."""
    return show(request, "sign_up.html", form=Form({"zone": "UTC"}), zones=zones())


@router.post("/sign-up")
async def sign_up(request: Request) -> HTMLResponse:
    """A mail goes out; the answer is the same whether the address is known or not."""
    sent = await read_form(request)
    values = {name: sent.text(name) for name in _SIGN_UP} | {"password": sent.secret("password")}
    given = values | {"language": spoken(), "address": client_address(request)}
    try:
        await account(request, "sign_up", wire.SignUp, **given)
    except Problem as problem:
        return _again(request, "sign_up.html", Form.refused(values, problem, _SIGN_UP), problem, zones=zones())
    return _mailed(
        request,
        _("Look into your mail"),
        _(
            "A mail is on its way to {address}. Its link confirms the address and makes the workspace; it works once, "
            "for 24 hours.",
            address=values["email"],
        ),
        _("No mail? Look among the unwanted ones, or try again with the right address."),
    )


@router.get("/sign-up/verify")
async def verify_form(request: Request, token: str = "") -> HTMLResponse:
    """What the link of the mail is for."""
    return show(request, "verify.html", form=Form(), token=token[:100])


@router.post("/sign-up/verify")
async def verify(request: Request) -> Response:
    """Confirms the address and makes the workspace."""
    token = (await read_form(request)).text("token")[:100]
    try:
        await account(request, "verify", wire.Verify, token=token, address=client_address(request))
    except Problem as problem:
        return _over(request, problem, "/sign-up", _("Sign up again"))
    return done("/sign-in", _("Your address is confirmed, and your workspace is there. Sign in to it."))


@router.get("/password/forgotten")
async def forgotten_form(request: Request) -> HTMLResponse:
    """Asks for the address of the account."""
    return show(request, "forgotten.html", form=Form())


@router.post("/password/forgotten")
async def forgotten(request: Request) -> HTMLResponse:
    """A mail goes out where there is such an account; the answer is the same."""
    values = {"email": (await read_form(request)).text("email")}
    given = values | {"language": spoken(), "address": client_address(request)}
    try:
        await account(request, "forgot_password", wire.ForgotPassword, **given)
    except Problem as problem:
        return _again(request, "forgotten.html", Form.refused(values, problem), problem)
    return _mailed(
        request,
        _("Look into your mail"),
        _(
            "If {address} has an account here, a mail is on its way to it. Its link lets you choose a new password; "
            "it works once, for 2 hours.",
            address=values["email"],
        ),
        _("No mail? Look among the unwanted ones, or try another address."),
    )


@router.get("/password/reset")
async def reset_form(request: Request, token: str = "") -> HTMLResponse:
    """Asks for the new password."""
    return show(request, "reset.html", form=Form(), token=token[:100])


@router.post("/password/reset")
async def reset(request: Request) -> Response:
    """Sets the new password; every session ends."""
    sent = await read_form(request)
    token = sent.text("token")[:100]
    try:
        values = {"token": token, "password": sent.secret("password"), "language": spoken()}
        await account(request, "reset_password", wire.ResetPassword, **values, address=client_address(request))
    except Problem as problem:
        if problem.status == 404:
            return _over(request, problem, "/password/forgotten", _("Ask for a new link"))
        form = Form.refused({}, problem, ("password",))
        return _again(request, "reset.html", form, problem, token=token)
    return done("/sign-in", _("Your password is changed, and you are signed out everywhere. Sign in with the new one."))


@router.get("/invitations/accept")
async def invitation(request: Request, token: str = "") -> HTMLResponse:
    """What the link of the mail invites to."""
    try:
        invited = await _invitation(request, token[:100])
    except Problem as problem:
        return _over(request, problem, "/sign-in", _("Sign in"))
    return show(request, "invitation.html", form=Form({"name": invited["name"]}), invited=invited, token=token[:100])


@router.post("/invitations/accept")
async def accept(request: Request) -> Response:
    """Accepts it, with a password where the person has none yet."""
    sent = await read_form(request)
    token, values = sent.text("token")[:100], {"name": sent.text("name")}
    password = {"password": sent.secret("password") or None}
    try:
        invited = await _invitation(request, token)
        asked = values | password | {"token": token, "address": client_address(request)}
        await account(request, "accept_invitation", wire.AcceptInvitation, **asked)
    except Problem as problem:
        if problem.status == 404:
            return _over(request, problem, "/sign-in", _("Sign in"))
        if problem.status == 429:
            return _wait(request, problem)
        form = Form.refused(values, problem, ("name", "password"))
        return _again(request, "invitation.html", form, problem, invited=invited, token=token)
    return done("/sign-in", _("You belong to {workspace} now. Sign in to it.", workspace=invited["workspace_name"]))


async def _invitation(request: Request, token: str) -> Any:
    return await account(request, "read_invitation", wire.ReadInvitation, token=token, address=client_address(request))


def _mailed(request: Request, title: str, detail: str, hint: str) -> HTMLResponse:
    on = {"action": _("Back to sign in"), "href": "/sign-in"}
    return show(request, "message.html", 200, title=title, detail=detail, hint=hint, **on)


def _over(request: Request, problem: Problem, href: str, action: str) -> HTMLResponse:
    if problem.status == 429:
        return _wait(request, problem)
    title, detail = problem.words
    return show(request, "message.html", problem.status, title=title, detail=detail, action=action, href=href)


def _wait(request: Request, problem: Problem) -> HTMLResponse:
    on = {"action": _("Back to sign in"), "href": "/sign-in"}
    title, detail = problem.words
    page = show(request, "message.html", problem.status, title=title, detail=detail, **on)
    return with_wait(page, problem)


def _again(request: Request, template: str, form: Form, problem: Problem, **context: Any) -> HTMLResponse:
    return with_wait(show(request, template, problem.status, form=form, **context), problem)


def with_wait(response: HTMLResponse, problem: Problem) -> HTMLResponse:
    """Says when to come again where the problem does."""
    if (seconds := problem.extra.get("retry_after")) is not None:
        response.headers["Retry-After"] = str(seconds)
    return response

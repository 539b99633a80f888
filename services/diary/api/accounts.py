"""A person's own account: sign-up, passwords, two-factor, sessions, other workspaces (W-01, W-02).

Licensing decides; the edge carries. Who is not signed in may sign up, and come with the link of a mail.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from services.diary.access import Action
from services.diary.api import API
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import body_schema, identifier, read_body, take
from services.diary.api.sessions import browser_of, set_cookie
from services.diary.edge import COOKIE, client_address, current_principal, edge_of, gate, renewed
from services.wire import accounts as wire
from services.wire import language as languages
from services.wire.events import Id, Strict
from services.wire.language import N_
from services.wire.requests import Principal, SignedIn

router = APIRouter(prefix=API)
#: before anybody is signed in: a mail's link, or the wish for one
_door = APIRouter(prefix=API, dependencies=[gate(Action.ENTER)])
_own = APIRouter(prefix=API, dependencies=[gate(Action.OWN_ACCOUNT)])
_Password = Annotated[str, Field(max_length=1000)]


class SignUp(Strict):
    """What ``POST /sign-ups`` takes."""

    email: str = Field(max_length=254)
    password: _Password
    name: str = Field(max_length=100)
    workspace: str = Field(max_length=100)
    zone: str = Field(default="UTC", max_length=64)


class Token(Strict):
    """The secret of a mail's link."""

    token: str = Field(max_length=100)


class Acceptance(Token):
    """The link's secret; a password where the person has none yet."""

    password: _Password | None = None
    name: str | None = Field(default=None, max_length=100)


class Email(Strict):
    """Whose password is forgotten."""

    email: str = Field(max_length=254)


class Reset(Token):
    """The link's secret and the new password."""

    password: _Password


class NewPassword(Strict):
    """The present password and the new one."""

    old: _Password
    new: _Password


class Profile(Strict):
    """What somebody may change of themselves here."""

    name: str | None = Field(default=None, max_length=100)
    zone: str | None = Field(default=None, max_length=64)
    language: languages.Code | Literal[""] | None = None
    """What Daybook speaks with them (W-06); empty: what the workspace speaks."""


class Password(Strict):
    """The present password."""

    password: _Password


class Code(Strict):
    """A code of the authenticator."""

    code: str = Field(max_length=40)


class Both(Password):
    """Both factors."""

    code: str = Field(max_length=40)


class Other(Strict):
    """The workspace to go to."""

    workspace: Id


Own = Annotated[Principal, Depends(current_principal)]


async def _ask(request: Request, verb: str, model: type[BaseModel], **values: Any) -> Any:
    return await edge_of(request).bus.ask("licensing", verb, take(model, values), timeout=10.0)


async def _renewing(
    request: Request, principal: Principal, verb: str, model: type[BaseModel], asked: dict[str, Any]
) -> Response:
    content = await _ask(request, verb, model, principal=principal, **asked)
    renewed(request, principal, content)
    return answer(content)


async def _taken(request: Request, model: type[Strict]) -> dict[str, Any]:
    """The body's fields, and where the request comes from."""
    return take(model, await read_body(request)).model_dump() | {"address": client_address(request)}


@_door.post("/sign-ups", status_code=202, openapi_extra=body_schema(SignUp))
async def sign_up(request: Request) -> Response:
    """Asks for an account and a workspace; a mail says how to go on, whether the address is known or not."""
    return answer(await _ask(request, "sign_up", wire.SignUp, **await _taken(request, SignUp)), 202)


@_door.post("/sign-ups/verify", openapi_extra=body_schema(Token))
async def verify(request: Request) -> Response:
    """Confirms the address by the mail's link, and makes the workspace."""
    return answer(await _ask(request, "verify", wire.Verify, **await _taken(request, Token)))


@_door.post("/invitations/read", openapi_extra=body_schema(Token))
async def read_invitation(request: Request) -> Response:
    """What the link of a mail invites to, and whether a password is to be chosen."""
    return answer(await _ask(request, "read_invitation", wire.ReadInvitation, **await _taken(request, Token)))


@_door.post("/invitations/accept", openapi_extra=body_schema(Acceptance))
async def accept_invitation(request: Request) -> Response:
    """Accepts an invitation by the mail's link (W-03, W-05)."""
    return answer(await _ask(request, "accept_invitation", wire.AcceptInvitation, **await _taken(request, Acceptance)))


@_door.post("/password-resets", status_code=202, openapi_extra=body_schema(Email))
async def forgot_password(request: Request) -> Response:
    """Asks for a mail with a link to choose a new password; the answer is the same whether there is an account."""
    return answer(await _ask(request, "forgot_password", wire.ForgotPassword, **await _taken(request, Email)), 202)


@_door.post("/password-resets/confirm", status_code=204, openapi_extra=body_schema(Reset))
async def reset_password(request: Request) -> Response:
    """Sets a new password by the mail's link; every session ends."""
    await _ask(request, "reset_password", wire.ResetPassword, **await _taken(request, Reset))
    return Response(status_code=204)


@_own.patch("/me", openapi_extra=body_schema(Profile))
async def change_profile(request: Request, principal: Own) -> Response:
    """Sets one's own name, time zone or language in this workspace."""
    asked = await _taken(request, Profile)
    return answer(await _ask(request, "change_profile", wire.ChangeProfile, principal=principal, **asked))


@_own.put("/me/password", openapi_extra=body_schema(NewPassword))
async def change_password(request: Request, principal: Own) -> Response:
    """Sets a new password by the present one; all sessions end, and this one goes on under a new token."""
    asked = await _taken(request, NewPassword)
    return await _renewing(request, principal, "change_password", wire.ChangePassword, asked)


@_own.get("/me/two-factor")
async def two_factor(request: Request, principal: Own) -> Response:
    """Whether two-factor is on, and how many recovery codes are left."""
    return answer(await _ask(request, "two_factor", wire.AccountOf, principal=principal))


@_own.post("/me/two-factor", openapi_extra=body_schema(Password))
async def begin_two_factor(request: Request, principal: Own) -> Response:
    """A secret for an authenticator; it holds once a code of it was confirmed."""
    asked = await _taken(request, Password)
    return answer(await _ask(request, "two_factor_begin", wire.TwoFactorBegin, principal=principal, **asked))


@_own.post("/me/two-factor/confirm", openapi_extra=body_schema(Code))
async def confirm_two_factor(request: Request, principal: Own) -> Response:
    """Turns two-factor on, and shows the recovery codes this once; this session goes on under a new token."""
    asked = await _taken(request, Code)
    return await _renewing(request, principal, "two_factor_confirm", wire.TwoFactorConfirm, asked)


@_own.post("/me/two-factor/off", openapi_extra=body_schema(Both))
async def end_two_factor(request: Request, principal: Own) -> Response:
    """Turns two-factor off, for whoever has both factors; this session goes on under a new token."""
    return await _renewing(request, principal, "two_factor_off", wire.TwoFactorOff, await _taken(request, Both))


@_own.get("/me/workspaces")
async def workspaces(request: Request, principal: Own) -> Response:
    """The workspaces somebody may switch to."""
    return listed((await _ask(request, "workspaces", wire.AccountOf, principal=principal))["items"])


@_own.get("/sessions")
async def sessions(request: Request, principal: Own) -> Response:
    """One's own sessions, in all workspaces, the newest first."""
    return listed((await _ask(request, "sessions", wire.AccountOf, principal=principal))["items"])


@_own.post("/sessions/end-all")
async def end_all(request: Request, principal: Own) -> Response:
    """Signs out everywhere, here too."""
    edge = edge_of(request)
    response = answer(await _ask(request, "end_sessions", wire.EndSessions, principal=principal, session=None))
    edge.sessions.ended(principal.session)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=edge.settings.secure)
    return response


@_own.delete("/sessions/{id}", status_code=204)
async def end_one(request: Request, id: str, principal: Own) -> Response:
    """Ends one of one's own sessions."""
    await _ask(request, "end_sessions", wire.EndSessions, principal=principal, session=identifier(id, N_("session")))
    edge_of(request).sessions.ended(id)
    return Response(status_code=204)


@_own.post("/sessions/workspace", openapi_extra=body_schema(Other))
async def switch(request: Request, principal: Own) -> Response:
    """A session in another workspace of one's own; this one ends (W-02)."""
    edge, asked = edge_of(request), await _taken(request, Other)
    content = await _ask(
        request, "switch_workspace", wire.SwitchWorkspace, principal=principal, agent=browser_of(request), **asked
    )
    signed_in = take(SignedIn, content).model_dump()
    edge.sessions.ended(principal.session)
    response = answer(signed_in)
    set_cookie(edge, response, signed_in["token"])
    return response


router.routes += _door.routes + _own.routes

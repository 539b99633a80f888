"""Signing in and out, who I am, and the activation of a device (W-01, L-03). Licensing decides; the edge carries."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.diary.access import Action
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.bodies import body_schema, read_body, take
from services.diary.edge import COOKIE, Edge, client_address, current_principal, edge_of, gate
from services.diary.edge import set_cookie as set_cookie
from services.wire.events import Id, Strict
from services.wire.requests import Activate, DeviceOffer, Principal, SignedIn, SignIn, SignOut

router = APIRouter(prefix=API)


class Credentials(Strict):
    """What ``POST /sessions`` takes; ``workspace`` where somebody has several."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    totp: str | None = Field(default=None, max_length=12)
    workspace: Id | None = None


class Activation(Strict):
    """What ``POST /activations`` takes: a licence's key, or the text of its signed file."""

    licence_key: str = Field(default="", max_length=200)
    licence_file: str = Field(default="", max_length=16 * 1024)
    device: DeviceOffer
    proof: str = Field(max_length=200)


@router.post("/sessions", openapi_extra=body_schema(Credentials), dependencies=[gate(Action.ENTER)])
async def sign_in(request: Request) -> Response:
    """Signs in: a token for programs, and the same as a cookie for pages."""
    edge, credentials = edge_of(request), take(Credentials, await read_body(request))
    content = await ask_sign_in(edge, credentials, client_address(request), browser_of(request))
    response = answer(content)
    set_cookie(edge, response, content["token"])
    return response


def browser_of(request: Request) -> str:
    """What a browser or program calls itself, for the list of sessions."""
    return "".join(one for one in request.headers.get("user-agent", "")[:300] if one.isprintable())


async def ask_sign_in(edge: Edge, credentials: Credentials, address: str, agent: str = "") -> dict[str, Any]:
    """The answer of a sign-in; 401 where it does not fit, 429 after too many failures."""
    asked = SignIn(**credentials.model_dump(), address=address, agent=agent)
    signed_in = take(SignedIn, await edge.bus.ask("licensing", "sign_in", asked, timeout=10.0))
    return signed_in.model_dump()


@router.delete("/sessions", status_code=204, dependencies=[gate(Action.OWN_ACCOUNT)])
async def sign_out(request: Request, principal: Annotated[Principal, Depends(current_principal)]) -> Response:
    """Ends this session everywhere."""
    response = Response(status_code=204)
    await end_session(edge_of(request), response, principal)
    return response


async def end_session(edge: Edge, response: Response, principal: Principal) -> None:
    """Ends a session and takes its cookie away."""
    await edge.bus.ask("licensing", "sign_out", SignOut(principal=principal))
    edge.sessions.ended(principal.session)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=edge.settings.secure)


@router.get("/me", dependencies=[gate(Action.READ_ME)])
async def me(request: Request, principal: Annotated[Principal, Depends(current_principal)]) -> Response:
    """Who is signed in, and in which workspace and role."""
    known = await edge_of(request).people.member(principal.workspace, principal.member)
    place = {name: known[name] for name in ("email", "team", "manages", "zone")} if known else {}
    return answer(
        {
            "member": principal.member,
            "workspace": principal.workspace,
            "role": principal.role,
            "name": principal.name,
            "person": principal.person,
            **place,
        }
    )


@router.post("/activations", openapi_extra=body_schema(Activation), dependencies=[gate(Action.ENTER)])
async def activate(request: Request) -> Response:
    """Binds a licence to a device's key: whoever has the licence key and the device's may (L-01, L-03)."""
    content = take(Activation, await read_body(request))
    asked = Activate(**dict(content), address=client_address(request))
    return answer(await edge_of(request).bus.ask("licensing", "activate", asked, timeout=10.0))

"""What every request of the web stands on, and who is asking: the principal is opened here and nowhere else."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response

from services.diary.access import Action, Viewer, can
from services.diary.access_changes import AccessChanges
from services.diary.editing import Editor
from services.diary.live import Live
from services.diary.operations import Operations
from services.diary.people import People
from services.diary.queries import only_known
from services.diary.sealing import Sealer
from services.diary.settings import DiarySettings
from services.kit import principals
from services.kit.bus import Bus
from services.kit.mongo import Database
from services.kit.mongo_line import Lines
from services.kit.problems import Problem, forbidden
from services.wire.events import check
from services.wire.language import _, speak
from services.wire.requests import Principal, SessionOf, TokenOf

COOKIE = "daybook_session"
TOKEN_PREFIX = "daybook_"  # noqa: S105 (what every API token begins with)
_ASK_SECONDS = 30.0
_AWAY_SECONDS = 5.0
"""How soon licensing is asked again that did not answer."""
_REMEMBER_MOST = 10_000
Key = TypeVar("Key")
Value = TypeVar("Value")


class Sessions:
    """Opens tokens by themselves, and asks licensing twice a minute whether the session still holds, and whenever
    something of its member's access was changed (``access_changes.py``).
    """

    def __init__(self, public_key: bytes, bus: Bus) -> None:
        self._key, self._bus = public_key, bus
        self.changes = AccessChanges(bus)
        self._opened: OrderedDict[str, Principal] = OrderedDict()
        self._tokens: OrderedDict[tuple[str, str], tuple[float, Principal, list[str]]] = OrderedDict()
        self._asked: OrderedDict[tuple[str, str | None], tuple[float, bool]] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()

    async def principal(self, token: str, address: str | None = None) -> Principal:
        """Whose token it is; 401 where it is forged, over, ended or may not be used from that address."""
        now = time.time()
        principal = self._opened.get(token)
        if principal is None:
            try:
                principal = principals.open_token(self._key, token, now)
            except ValueError as error:
                raise signed_out() from error
            _keep(self._opened, token, principal)
        if principal.expires <= now or not await self.holds(principal, address):
            raise signed_out()
        return principal

    async def holds(self, principal: Principal, address: str | None = None) -> bool:
        """Whether licensing says, or said within the last half minute, that the session has not ended."""
        asked_at = time.monotonic()
        if (ended_at := self._ended.get(principal.session)) and ended_at > asked_at - _ASK_SECONDS:
            return False
        key = principal.session, address
        known = self._asked.get(key)
        if known and self._stands(known[0], principal):
            return known[1]
        try:
            answer = await self._bus.ask(
                "licensing", "session", SessionOf(principal=principal, address=address), timeout=2.0
            )
            holds = answer.get("holds") is True
        except Problem:
            # Signatures hold while licensing is away: reading one's diary must not hang on it.
            holds, asked_at = known[1] if known else True, asked_at - _ASK_SECONDS + _AWAY_SECONDS
        _keep(self._asked, key, (asked_at, holds))
        return holds

    async def of_api_token(self, token: str, address: str) -> tuple[Principal, list[str]]:
        """Whom a personal API token speaks for, and its scopes; 401 where it is none (W-08)."""
        key, asked_at = (hashlib.sha256(token.encode()).hexdigest(), address), time.monotonic()
        known = self._tokens.get(key)
        if known is None or not self._stands(known[0], known[1]):
            answer = await self._bus.ask("licensing", "token", TokenOf(token=token[:100], address=address), timeout=2.0)
            principal = check(Principal, answer["principal"])
            known = asked_at, principal, list(answer["scopes"])
            _keep(self._tokens, key, known)
        if known[1].expires <= time.time():
            raise signed_out()
        return known[1], known[2]

    def ended(self, session: str) -> None:
        """This session was signed out here: no need to ask."""
        _keep(self._ended, session, time.monotonic())

    def _stands(self, asked_at: float, principal: Principal) -> bool:
        """Whether what licensing said of somebody may be relied on still."""
        since = self.changes.since(principal.workspace, principal.member)
        return asked_at > max(since, time.monotonic() - _ASK_SECONDS)


def _keep(known: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _REMEMBER_MOST:
        known.popitem(last=False)


def signed_out() -> Problem:
    """401: nobody is signed in."""
    words = _("Nobody is signed in."), _("Sign in, and send the token as Bearer or the cookie.")
    return Problem(401, "signed-out", *words)


@dataclass
class Edge:
    """The parts of one web replica; ``request.app.state.edge``."""

    settings: DiarySettings
    db: Database
    bus: Bus
    people: People
    sessions: Sessions
    editor: Editor
    sealer: Sealer
    live: Live = field(default_factory=Live)
    operations: Operations = field(init=False)
    lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        self.operations, self.lines = Operations(self.db), Lines(self.db)


def edge_of(request: Request) -> Edge:
    """The parts this request stands on."""
    edge: Edge = request.app.state.edge
    return edge


def set_cookie(edge: Edge, response: Response, token: str) -> None:
    """Gives a browser its session: out of reach of scripts, and not sent along from other sites."""
    principal = principals.open_token(edge.settings.session_key, token, 0)
    response.set_cookie(
        COOKIE,
        token,
        max_age=principal.expires - principal.issued,
        httponly=True,
        samesite="lax",
        secure=edge.settings.secure,
    )


def renewed(request: Request, principal: Principal, answer: Any) -> None:
    """Where licensing gave a new session in the place of this one: a browser gets it as its cookie (``guard.py``)."""
    if isinstance(answer, dict) and "token" in answer:
        edge_of(request).sessions.ended(principal.session)
        if token_of(request) == request.cookies.get(COOKIE):
            request.state.renewed = answer["token"]


def token_of(request: Request) -> str | None:
    """The bearer token, or else the cookie's."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return bearer.strip() if scheme.lower() == "bearer" else ""
    return request.cookies.get(COOKIE)


async def current_principal(request: Request) -> Principal:
    """Who is asking; 401 where nobody is signed in (pages send browsers to /sign-in then)."""
    token = token_of(request)
    if not token:
        raise signed_out()
    action = action_of(request.scope.get("route"))
    if action is None:
        raise forbidden(_("This address names no action, so nobody may ask it."))
    if token.startswith(TOKEN_PREFIX):
        principal, scopes = await edge_of(request).sessions.of_api_token(token, client_address(request))
        if not action.opened_by(scopes) or not request.scope["path"].startswith("/api/v1/"):
            raise forbidden(_("The token has no scope for this."), rule="W-08")
        return principal
    return await edge_of(request).sessions.principal(token, client_address(request))


async def current_viewer(request: Request) -> Viewer:
    """Who is asking, with what their role reaches."""
    people, principal = edge_of(request).people, await current_principal(request)
    if not request.scope["path"].startswith("/api/"):  # programs are answered in English
        speak(await people.language(principal))
    return await people.viewer(principal, client_address(request))


class Gate:
    """What a route does, for those whose role the table gives any business there; 401 and 403 problems."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> None:
        """Refuses who has none; whose things somebody may touch, the handler asks by ``sight``."""
        if not can(viewer, self.action):
            raise forbidden(rule=self.action.rule)
        only_known(request)


class OpenGate(Gate):
    """What a route does for everybody, also for who is not signed in."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        """Lets everybody pass: the handler asks for another proof."""
        only_known(request)


def gate(action: Action) -> Any:
    """What every route declares, page and API alike: ``dependencies=[gate(Action.…)]``."""
    return Depends(OpenGate(action) if action.open else Gate(action))


def action_of(route: Any) -> Action | None:
    """What a route declared that it does; None: nothing, so it is open to nobody (kit/access.py)."""
    gates = (one.dependency for one in getattr(route, "dependencies", ()))
    return next((one.action for one in gates if isinstance(one, Gate)), None)


def client_address(request: Request) -> str:
    """The address a request came from, as far as trusted proxies say."""
    host, *_ = request.scope.get("client") or ("unknown",)
    return str(host)[:64]

"""What stands before every request and on every answer: health paths, same-origin for cookies, security headers."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.diary.api.answers import refusal
from services.diary.edge import COOKIE, Edge, set_cookie
from services.diary.lean import Lean
from services.kit.problems import Problem
from services.kit.service import HEALTH_PATHS, Service, respond
from services.wire.language import N_, accepted, speak

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Plain ASGI around the application."""

    def __init__(self, app: Any, edge: Edge, service: Service, first: Sequence[Lean] = ()) -> None:
        """``first``: routes that are answered here, before the application."""
        self._app, self._edge, self._service, self._first = app, edge, service, first
        headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if edge.settings.secure else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["path"] in HEALTH_PATHS and _near(scope, self._edge.settings.public_origin)
        if asked and (health := await respond(self._service, scope["path"])) is not None:
            await _send_health(send, *health)
            return

        if not scope["path"].startswith(("/api/", "/static/")):
            speak(accepted(Headers(scope=scope).get("accept-language", "")))
        state = scope["state"] = dict(scope.get("state") or {})

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                if token := state.get("renewed"):
                    cookie = Response()
                    set_cookie(self._edge, cookie, token)
                    headers.append((b"set-cookie", cookie.headers["set-cookie"].encode("latin-1")))
                if self._edge.settings.secure:
                    _by_tls_only(headers)
                there = {name for name, _ in headers}
                headers += [one for one in self._headers if one[0] not in there]
                if b"cache-control" not in there and not scope["path"].startswith("/static/"):
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        for route in self._first:
            if route.takes(scope):
                await route.answer(scope, receive, send_guarded)
                return
        if scope["method"] not in _SAFE and not self._same_origin(scope):
            await refusal(_CROSS_SITE)(scope, receive, send_guarded)
            return
        if scope["method"] == "HEAD":
            await _head(self._app, scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _same_origin(self, scope: Any) -> bool:
        """Whether a change may go on: by bearer token, or from a page of ours.

        A browser says where a request comes from; one that carries our cookie and does not say is refused, unless it
        asks for a new session, which the cookie does not help with.
        """
        headers = Headers(scope=scope)
        if headers.get("authorization"):
            return True
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return site in ("same-origin", "none")
        if origin is not None:
            return origin == self._edge.settings.public_origin or _host_of(origin) == headers.get("host")
        signing_in = (scope["method"], scope["path"]) == ("POST", "/api/v1/sessions")
        return signing_in or f"{COOKIE}=" not in headers.get("cookie", "")


def _near(scope: Any, public_origin: str) -> bool:
    """Whether a request comes from the installation's own network, and by no proxy: health is for its operators."""
    headers = Headers(scope=scope)
    if any(name in headers for name in _FORWARDED):
        return False
    address = (scope.get("client") or ("",))[0]
    try:
        peer = ip_address(address)
    except ValueError:
        return True  # a socket of this machine
    return peer.is_loopback or (not peer.is_global and headers.get("host") != urlsplit(public_origin).netloc)


async def _head(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """What GET would answer, without its body; a stream ends before it begins."""
    answered = False

    async def send_head(message: Any) -> None:
        nonlocal answered
        if message["type"] == "http.response.start":
            await send(message)
        elif not answered:
            answered = True
            await send({"type": "http.response.body", "body": b""})
            if message.get("more_body"):
                raise OSError("whoever asked for the head wants no more")

    try:
        await app({**scope, "method": "GET"}, receive, send_head)
    except (OSError, ClientDisconnect):
        if not answered:
            raise


def _by_tls_only(headers: list[tuple[bytes, bytes]]) -> None:
    """No cookie goes out in the clear, whoever set it: a toast may name people."""
    for at, (name, value) in enumerate(headers):
        if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
            headers[at] = name, value + b"; Secure"


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


_CROSS_SITE = Problem(
    403,
    "cross-site",
    N_("This came from another site."),
    N_("Send the request from Daybook's own pages, or with a Bearer token."),
)


async def _send_health(send: Any, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

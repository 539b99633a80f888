"""A service's process: its parts start and stop in one place, and its health and metrics are served beside them.

``/livez`` says only that the process runs its loop; ``/readyz`` asks every part that the service needs; ``/metrics``
is Prometheus'.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.kit import telemetry
from services.kit.bus import Bus
from services.kit.http import Protocol
from services.kit.settings import Settings

Check = Callable[[], Awaitable[None]]
Hook = Callable[[], Awaitable[Any]]
_CHECK_SECONDS = 3.0


@dataclass
class Service:
    """What one process is made of. ``before`` runs before the bus hands out work, ``after`` once it no longer does."""

    name: str
    settings: Settings
    bus: Bus
    checks: dict[str, Check] = field(default_factory=dict)
    before: Sequence[Hook] = ()
    after: Sequence[Hook] = ()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Starts all parts, and stops them in the other order."""
        async with AsyncExitStack() as stack:
            stack.callback(telemetry.send_rest)  # last: all that is in hand has its spans by then
            for hook in self.after:
                stack.push_async_callback(hook)
            for hook in self.before:
                await hook()
            stack.push_async_callback(self.bus.stop)
            await self.bus.start()
            yield

    async def health(self) -> tuple[int, dict[str, str]]:
        """The readiness of every part: 200 or 503, and a word for each."""
        names = ["bus", *self.checks]
        results = await asyncio.gather(*(_run(check) for check in (self.bus.ping, *self.checks.values())))
        return (200 if all(result == "ok" for result in results) else 503), dict(zip(names, results, strict=True))


async def _run(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), _CHECK_SECONDS)
    except Exception as error:
        return f"{type(error).__name__}"
    return "ok"


HEALTH_PATHS = frozenset({"/livez", "/readyz", "/metrics"})


async def respond(service: Service, path: str) -> tuple[int, str, bytes] | None:
    """Status, content type and body of a health path, or None where it is none; the diary mounts these too."""
    if path == "/livez":
        return 200, "application/json", b'{"status":"ok"}'
    if path == "/readyz":
        status, parts = await service.health()
        return status, "application/json", orjson.dumps(parts)
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    return None


def asgi(service: Service) -> Any:
    """The ASGI application of a service that has no web of its own."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(service, receive, send)
        elif scope["type"] == "http":
            status, kind, body = await respond(service, scope["path"]) or (404, "text/plain", b"not found\n")
            headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


async def _lifespan(service: Service, receive: Any, send: Any) -> None:
    await receive()
    async with service.running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


def run(service: Service, app: Any = None) -> None:
    """Runs a service until SIGTERM or SIGINT: what is in hand is finished, then all is closed."""
    telemetry.setup(service.name, service.settings.log_level)
    # Batches of facts are many small objects and no cycles: at Python's own thresholds looking for cycles among them
    # takes up to two fifths of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    uvicorn.run(
        app or asgi(service),
        host=service.settings.http_host,
        port=service.settings.http_port,
        loop="uvloop",
        http=Protocol,
        log_config=None,
        lifespan="on",  # the default goes on serving when a part could not start, and would never be ready
        access_log=False,
        server_header=False,
        # uvicorn would believe whoever calls from loopback, and an address decides how often one may try a password
        proxy_headers=bool(service.settings.trusted_proxies),
        forwarded_allow_ips=service.settings.trusted_proxies or None,
        timeout_graceful_shutdown=int(service.settings.graceful_seconds),
    )

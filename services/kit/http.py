"""HTTP as the web speaks it: what is not even a request is answered with a problem document, like any other refusal."""

import asyncio
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.kit.problems import Problem
from services.wire.language import N_

_NO_REQUEST = Problem(
    400,
    "not-a-request",
    N_("This is no request."),
    N_("The methods that do something are listed in /api/v1/openapi.json."),
)


class Protocol(HttpToolsProtocol):
    """uvicorn's, with our words for what cannot be parsed (an unknown verb, a broken header), and less to send."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection begins."""
        super().connection_made(cast(asyncio.Transport, _Together(transport, self.loop)))

    def send_400_response(self, msg: str) -> None:
        """Says so and closes."""
        body = orjson.dumps(_NO_REQUEST.document())
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nx-content-type-options: nosniff\r\n"
            f"cache-control: no-store\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Together:
    """A transport that sends the head of an answer with what follows at once: sending costs more than what is sent."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop, self._held = transport, loop, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Holds it for the next, or for as long as nobody else has had a turn."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        else:
            self._held = data
            self._loop.call_soon(self._release)

    def close(self) -> None:
        """Ends the connection, when all is sent."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

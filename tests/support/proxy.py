"""A TCP proxy in front of the bus or the web: it can swallow what comes back, fall silent, and cut."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from tests.support.stack import until

_CHUNK = 65_536


class Proxy:
    """``async with Proxy(url) as proxy``: ``proxy.url`` leads there too."""

    def __init__(self, target: str) -> None:
        self.lead_to(target)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._deaf: set[asyncio.StreamWriter] = set()
        self._swallowing = False
        self._sent = 0

    def lead_to(self, target: str) -> None:
        """Where what connects from now on gets to."""
        parts = urlsplit(target)
        self._scheme = parts.scheme
        self._target = str(parts.hostname), int(parts.port or 4222)

    @property
    def url(self) -> str:
        assert self._server
        return f"{self._scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Every connection is gone."""
        for writer in self._writers:
            with suppress(Exception):
                writer.transport.abort()
        self._writers.clear()

    def fall_silent(self) -> None:
        """What is connected now stays so and hears nothing any more, as after a sleep; what connects later does."""
        self._deaf |= self._writers

    async def swallow_and_cut(self, sent: int, seconds: float = 3) -> None:
        """Nothing comes back to the devices until they have sent so many bytes more; then the connections are cut."""
        self._swallowing, self._sent = True, 0
        with suppress(AssertionError):
            await until(lambda: self._sent >= sent, seconds, every=0.01)
        self.cut()
        self._swallowing = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            their_reader, their_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, their_writer}
            ways = [self._pass(reader, their_writer, up=True), self._pass(their_reader, writer, up=False)]
            await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
            their_writer.close()
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if writer in self._deaf:
                    continue
                if up:
                    self._sent += len(chunk)
                elif self._swallowing:
                    continue
                writer.write(chunk)
                await writer.drain()

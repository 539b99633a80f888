"""HTTP to servers that a tenant named: public addresses only, looked at when connecting, without redirects.

Else whoever may set such an address could have this service ask its own neighbours. Hosts that the installation trusts
(``DAYBOOK_TRUSTED_HOSTS``, a provider in one's own network) may be private, and may be asked without TLS.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

from httpcore import (
    AnyIOBackend,
    AsyncConnectionPool,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ProtocolError,
    TimeoutException,
)
from httpcore import NetworkError as _NetworkError

_SECONDS = 5.0
_MOST_BYTES = 256 * 1024
_TIMEOUT = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)}


class Refused(Exception):
    """The server did not answer as it should; the text says what to look at, without its answer."""


class _PublicOnly(AsyncNetworkBackend):
    def __init__(self, trusted: Collection[str]) -> None:
        self._trusted, self._inner = frozenset(trusted), AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        if host in self._trusted:
            return await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        if not ip_address(address.partition("%")[0]).is_global:
            raise ConnectError(f"{host} is not at a public address")
        # the address that was looked at is the one connected to: a name may answer otherwise a moment later
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Outward:
    """A client of such servers."""

    def __init__(self, trusted: Collection[str]) -> None:
        self._trusted = frozenset(trusted)
        self._pool = AsyncConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=_PublicOnly(self._trusted), max_connections=20
        )

    def may_name(self, url: str) -> bool:
        """Whether an address may be asked at all: by TLS, or at a trusted host."""
        try:
            parts = urlsplit(url)
            if not parts.hostname or parts.username or parts.fragment or (parts.port or 1) < 1:
                return False
        except ValueError:
            return False
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in self._trusted)

    async def get(self, url: str) -> dict[str, Any]:
        """The object that a server answers with 200; ``Refused`` for anything else."""
        return await self._ask("GET", url, {}, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """As ``get``, with a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", url, {**headers, **kind}, urlencode(form).encode())

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, Any]:
        host = urlsplit(url).hostname if self.may_name(url) else None
        if host is None:
            raise Refused("not an https address")
        given: dict[bytes | str, bytes | str] = {"Accept": "application/json", "Host": urlsplit(url).netloc}
        given.update(headers.items())
        try:
            async with asyncio.timeout(2 * _SECONDS):
                content = await self._read(method, url, given, body)
            found = json.loads(content)
        except (_NetworkError, ProtocolError, TimeoutException, OSError, ValueError, TimeoutError) as error:
            raise Refused(f"{host} does not answer as it should") from error
        if not isinstance(found, dict):
            raise Refused(f"{host} does not answer as it should")
        return found

    async def _read(
        self, method: str, url: str, headers: Mapping[bytes | str, bytes | str], body: bytes | None
    ) -> bytes:
        taken = bytearray()
        async with self._pool.stream(method, url, headers=headers, content=body, extensions=_TIMEOUT) as answer:
            if answer.status != 200:
                raise Refused(f"{urlsplit(url).hostname} answered {answer.status}")
            async for chunk in answer.aiter_stream():
                taken += chunk
                if len(taken) > _MOST_BYTES:
                    raise Refused(f"{urlsplit(url).hostname} answered too much")
        return bytes(taken)

    async def close(self) -> None:
        """Lets go of its connections."""
        await self._pool.aclose()

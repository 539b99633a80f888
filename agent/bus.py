"""One connection of a device to the bus: signing in with its own key, and asking (architecture.md, *On the bus*)."""

import asyncio
import random as rnd
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import nats.errors
from nacl.signing import SigningKey
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.wire import proof, subjects
from services.wire.language import _

T = TypeVar("T")


class Unreachable(Exception):
    """The bus cannot be had just now; the text says why."""


class Refused(Exception):
    """The bus refuses this device: revoked, expired, unknown (L-05)."""


class NoAnswer(Exception):
    """Nobody answered a request, or the bus did not take a record; the text says why."""


class DeviceClient(Client):
    """A client that signs in with a key held in memory.

    nats-py signs the nonce with ``signature_cb``, but names the public key in CONNECT only when it has read the seed
    itself (``nkeys_seed…``), and then signs whatever it is given: so the name is set here, and the form of the nonce
    is checked in ``proof.sign_nonce``.
    """

    def __init__(self, key: SigningKey) -> None:
        super().__init__()
        self._public_nkey = proof.user_nkey(bytes(key.verify_key))


async def _apart(call: Coroutine[Any, Any, T]) -> T:
    """Runs a call of nats-py in a task of its own: it swallows a cancellation that finds it flushing."""
    task = asyncio.ensure_future(call)
    # an abandoned call may still fail; nobody is left to hear it
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        raise


class Connection:
    """A signed-in connection. It never reconnects by itself: ``closed`` is set, and the uplink makes another."""

    def __init__(self, key: SigningKey, device: str) -> None:
        self._client, self._key, self._device = DeviceClient(key), key, device
        self.closed = asyncio.Event()
        self.last_error: str | None = None

    async def open(self, server: str, name: str, timeout: float) -> None:
        """Connects and waits for a round trip: without the callout a connection alone proves nothing.

        Raises Refused where the bus does not let this device in, else Unreachable.
        """
        try:
            async with asyncio.timeout(timeout):
                await _apart(
                    self._client.connect(
                        servers=[server],
                        name=name,
                        signature_cb=self._sign,
                        inbox_prefix=subjects.device_inbox(self._device),
                        # any -ERR closes a nats-py client for good, so there is an outer loop anyway: one way is enough
                        allow_reconnect=False,
                        max_reconnect_attempts=1,
                        reconnect_time_wait=0,
                        connect_timeout=max(2, int(timeout)),
                        ping_interval=30,
                        closed_cb=self._on_closed,
                        error_cb=self._on_error,
                    )
                )
                await _apart(self._client.flush(max(1, int(timeout))))
        except (nats.errors.Error, OSError, TimeoutError, proof.ProofError) as error:
            await self.close()
            text = str(error) or self.last_error or type(error).__name__
            if "authorization violation" in f"{text} {self.last_error}".lower():
                raise Refused(_("the bus refuses this device: Authorization Violation")) from error
            raise Unreachable(f"{server}: {text}") from error

    async def close(self) -> None:
        """Closes; harmless where it is closed already."""
        with suppress(nats.errors.Error, OSError, TimeoutError):
            await _apart(self._client.close())
        self.closed.set()

    def _sign(self, nonce: str) -> bytes:
        return proof.sign_nonce(self._key, nonce.encode())

    async def _on_closed(self) -> None:
        self.closed.set()

    async def _on_error(self, error: Exception) -> None:
        self.last_error = str(error) or type(error).__name__

    async def request(
        self, subject: str, body: bytes, timeout: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The answer's bytes; NoAnswer where there is none in time. Raises Unreachable where the connection is gone."""
        try:
            own = dict(headers) if headers else None
            answer = await _apart(self._client.request(subject, body, timeout, headers=own))
        except nats.errors.NoRespondersError as error:
            raise NoAnswer("nobody listens") from error
        except TimeoutError as error:  # before OSError, which is its parent
            raise NoAnswer(self.last_error or _("no answer in time")) from error
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError, OSError) as error:
            raise Unreachable(_("the connection is gone")) from error
        except nats.errors.Error as error:
            raise NoAnswer(str(error)) from error
        return bytes(answer.data)

    async def publish(self, subject: str, body: bytes) -> None:
        """Sends without waiting for anybody; raises Unreachable where the connection is gone."""
        try:
            await _apart(self._client.publish(subject, body))
        except (nats.errors.Error, OSError) as error:
            raise Unreachable(str(error)) from error

    async def listen(self, subject: str, heard: "asyncio.Queue[bytes]") -> None:
        """Puts every message's body on a queue."""

        async def hear(message: Msg) -> None:
            with suppress(asyncio.QueueFull):
                heard.put_nowait(message.data)

        try:
            await _apart(self._client.subscribe(subject, cb=hear, pending_bytes_limit=4 * 1024**2))
        except (nats.errors.Error, OSError) as error:
            raise Unreachable(str(error)) from error


class Backoff:
    """Full jitter: each wait is random between 0 and a ceiling that doubles up to a cap; seconds."""

    def __init__(self, base: float, cap: float, random: rnd.Random) -> None:
        self._base, self._cap, self._random, self._failures = base, cap, random, 0

    def next(self) -> float:
        """How long to wait after one more failure."""
        ceiling = min(self._cap, self._base * 2**self._failures)
        self._failures = min(self._failures + 1, 30)
        return self._random.uniform(0, ceiling)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0

"""Publishing many messages to a stream at once, each of them on the bus's disk when it returns.

The bus syncs its disk for what it acknowledges. Acknowledged one by one that is one sync a message, and the bus is the
slowest part of all; said as one atomic batch (NATS 2.12) they are one write, one sync and one acknowledgement.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence

import orjson
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import Header, PubAck
from nats.js.errors import NoStreamResponseError

from services.kit import bulk

Message = tuple[str, bytes, Mapping[str, str]]
"""Subject, body and headers."""

TIMEOUT_SECONDS = 10.0
_BATCH, _NUMBER, _COMMIT = Header.BATCH_ID.value, Header.BATCH_SEQUENCE.value, Header.BATCH_COMMIT.value
_FEW = 16
"""Fewer cost the bus less one by one: it keeps what is said of a batch apart until the batch is complete."""
_MOST = 500
"""The bus takes a thousand in a batch."""


class Journal:
    """Says facts on a stream."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._js: JetStreamContext = client.jetstream(timeout=TIMEOUT_SECONDS)

    async def say(self, messages: Sequence[Message]) -> None:
        """Returns when the bus has them all; raises where that is not certain, and then they must be said again."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            for start in range(0, len(messages), _MOST):
                some = messages[start : start + _MOST]
                if len(some) < _FEW or not await self._as_one(some):
                    await self._one_by_one(some)

    async def _as_one(self, messages: Sequence[Message]) -> bool:
        """All of them or none; False where the bus refuses (too many batches at a time, a stream that takes none)."""
        batch = secrets.token_hex(8)
        *before, (subject, body, headers) = messages
        placed = [(one[0], "", one[1], _placed(one[2], batch, number)) for number, one in enumerate(before, 1)]
        await bulk.publish(self._client, placed)
        end = {**_placed(headers, batch, len(messages)), _COMMIT: "1"}
        try:
            answer = await self._client.request(subject, body, timeout=TIMEOUT_SECONDS, headers=end)
        except NoRespondersError as error:
            raise NoStreamResponseError from error
        return bool(orjson.loads(answer.data).get("count") == len(messages))

    async def _one_by_one(self, messages: Sequence[Message]) -> None:
        acks: list[asyncio.Future[PubAck]] = []
        try:
            for subject, body, headers in messages:
                # without wait_stall: with it nats-py makes a task, and a write to the socket, for every message
                acks.append(await self._js.publish_async(subject, body, headers=dict(headers) or None))
            await asyncio.gather(*acks)
        finally:
            for ack in acks:
                ack.cancel()  # one that is never answered would keep its place among the pending for ever


def _placed(headers: Mapping[str, str], batch: str, number: int) -> dict[str, str]:
    return {**headers, _BATCH: batch, _NUMBER: str(number)}

"""Facts are on the bus's disk when publishing returns; many go as one batch, whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from services.kit.bus import Bus
from services.kit.streams import stream_config
from services.wire.subjects import JOURNAL, STREAMS
from tests.support.servers import new_id

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(params=[True, False], ids=["a stream that takes batches", "one that takes none"])
async def stream(request: pytest.FixtureRequest, client: Client) -> AsyncIterator[str]:
    name, js = new_id("j"), client.jetstream()
    await js.add_stream(StreamConfig(name=name, subjects=[f"{name}.*"], allow_atomic=request.param))
    yield name
    await js.delete_stream(name)


def facts(stream: str, count: int) -> list[tuple[str, bytes, str | None]]:
    return [(f"{stream}.{number}", str(number).encode(), TRACE if number % 2 else None) for number in range(count)]


async def stored(client: Client, stream: str) -> int:
    return (await client.jetstream().stream_info(stream)).state.messages


@pytest.mark.parametrize("count", [0, 1, 15, 16, 500, 517, 1000])
async def test_all_are_there_in_their_order_with_what_belongs_to_them(
    bus: Bus, client: Client, stream: str, count: int
) -> None:
    await bus.start()
    said = facts(stream, count)
    await bus.journal(said, replay=True)
    assert await stored(client, stream) == count
    js = client.jetstream()
    for number in {0, 1, count // 2, count - 1} & set(range(count)):
        found = await js.get_msg(stream, number + 1)
        headers = found.headers or {}
        assert (found.subject, found.data, headers.get("traceparent")) == said[number]
        assert headers["Daybook-Replay"] == "1"


@pytest.mark.parametrize("count", [2, 30])
async def test_a_refused_one_raises(bus: Bus, client: Client, stream: str, count: int) -> None:
    """Nothing is acked that relies on a fact the bus does not have; and nothing stays pending for ever."""
    await bus.start()
    astray: Sequence[tuple[str, bytes, str | None]] = [("nobody.stores.this", b"x", None)]
    for said in ([*facts(stream, count - 1), *astray], [*astray, *facts(stream, count - 1)]):
        with pytest.raises(Exception, match=r"(?i)no ?stream|no response"):
            await bus.journal(said)
    await bus.journal(facts(stream, count))


async def test_more_batches_at_a_time_than_the_bus_takes_are_all_stored(bus: Bus, client: Client, stream: str) -> None:
    await bus.start()
    await asyncio.gather(*(bus.journal(facts(stream, 20)) for _ in range(80)))
    assert await stored(client, stream) == 1600


def test_the_journal_takes_batches() -> None:
    assert [stream.name for stream in STREAMS if stream_config(stream).allow_atomic] == [JOURNAL]

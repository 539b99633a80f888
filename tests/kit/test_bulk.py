"""Fetching, publishing and acking in bulk does what nats-py's own ways do, against the real bus."""

import asyncio
import time

import pytest
from nats.aio.client import Client
from nats.errors import BadHeaderError, BadSubjectError, ConnectionClosedError
from nats.js import JetStreamContext

from services.kit import bulk
from services.kit.bus import round_trip
from tests.kit.conftest import Queue
from tests.kit.test_bus_work import drained
from tests.support.servers import Installation
from tests.support.stack import until


@pytest.fixture
async def pull(client: Client, queue: Queue) -> JetStreamContext.PullSubscription:
    return await client.jetstream().pull_subscribe_bind(durable=queue.durable.name, stream=queue.durable.stream)


async def fill(client: Client, queue: Queue, count: int) -> None:
    js = client.jetstream()
    await asyncio.gather(*[await js.publish_async(queue.subject, str(one).encode()) for one in range(count)])


async def test_a_fetch_gives_what_is_there_in_order_and_no_more_than_asked(
    client: Client, queue: Queue, pull: JetStreamContext.PullSubscription
) -> None:
    await fill(client, queue, 25)
    first, second = await bulk.fetch(pull, 10, 2), await bulk.fetch(pull, 100, 0.3)
    assert [int(one.data) for one in first + second] == list(range(25))
    await bulk.acknowledge(client, first + second)
    await drained(client, queue)


async def test_a_fetch_of_nothing_waits_and_the_next_one_is_not_misled(
    client: Client, queue: Queue, pull: JetStreamContext.PullSubscription
) -> None:
    """The bus's word that the time is over comes when the next fetch listens already."""
    for _ in range(3):
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await bulk.fetch(pull, 10, 0.05)
        assert time.monotonic() - begun >= 0.05
    waiting = asyncio.create_task(bulk.fetch(pull, 1, 5))
    await fill(client, queue, 1)
    (message,) = await waiting
    assert message.data == b"0"
    assert pull.pending_msgs == 0


async def test_what_is_not_acked_comes_again(
    client: Client, queue: Queue, pull: JetStreamContext.PullSubscription
) -> None:
    await fill(client, queue, 4)
    first = await bulk.fetch(pull, 4, 2)
    await bulk.acknowledge(client, first[:2])
    await first[2].nak()
    (again,) = await bulk.fetch(pull, 1, 2)
    assert (again.data, again.metadata.num_delivered) == (b"2", 2)


async def test_a_refusal_of_the_bus_is_waited_out(
    client: Client, queue: Queue, pull: JetStreamContext.PullSubscription
) -> None:
    """A durable that is gone is answered at once, each time: a loop must not ask without pause."""
    await client.jetstream().delete_consumer(queue.durable.stream, queue.durable.name)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        await bulk.fetch(pull, 10, 0.2)
    assert time.monotonic() - begun >= 0.2


async def test_it_is_published_as_nats_py_would(client: Client) -> None:
    heard = await client.subscribe("bulk.>")
    said = [
        ("bulk.a", "", b"", {}),
        ("bulk.b", "answer.here", "größer\r\n".encode(), {}),
        ("bulk.c", "", b"PUB x 0\r\n\r\n", {"traceparent": "00-aa", "Name": "Zoë: 1"}),
        ("bulk.d", "back", b"", {"a": ""}),
    ]
    await bulk.publish(client, said)
    for subject, reply, body, headers in said:
        await client.publish(subject, body, reply=reply, headers=headers)
    await round_trip(client)
    await until(lambda: heard.pending_msgs == 2 * len(said))
    found = [await heard.next_msg() for _ in range(2 * len(said))]
    shown = [(one.subject, one.reply, one.data, one.headers) for one in found]
    assert shown[: len(said)] == shown[len(said) :]
    assert shown[2] == ("bulk.c", "", b"PUB x 0\r\n\r\n", {"traceparent": "00-aa", "Name": "Zoë: 1"})


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\n", "\r"])
async def test_no_header_brings_another(client: Client, value: str) -> None:
    with pytest.raises(BadHeaderError):
        await bulk.publish(client, [("bulk.a", "", b"", {"name": value})])


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0"])
async def test_no_subject_brings_another_command(client: Client, subject: str) -> None:
    with pytest.raises(BadSubjectError):
        await bulk.publish(client, [(subject, "", b"", {})])


async def test_a_closed_connection_is_said(installation: Installation) -> None:
    client = await installation.connect()
    await client.close()
    with pytest.raises(ConnectionClosedError):
        await bulk.publish(client, [("bulk.a", "", b"", {})])


async def test_a_round_trip_proves_what_was_subscribed_before_it(client: Client, installation: Installation) -> None:
    """nats-py's own ``flush`` does not: its ping overtakes what is not written yet."""
    other = await installation.connect()
    try:
        for number in range(50):
            heard = await client.subscribe(f"round.{number}")
            await round_trip(client)
            await other.publish(f"round.{number}", b"said once")
            assert (await heard.next_msg(timeout=5)).data == b"said once"
            await heard.unsubscribe()
    finally:
        await other.close()

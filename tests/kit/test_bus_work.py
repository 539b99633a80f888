"""Work from a durable is never thrown away: acked after the commit, tried again until then (field-notes.md)."""

import asyncio
import importlib
import inspect
import time
from pathlib import Path
from typing import Any

import pytest
from faststream import AckPolicy
from faststream.nats import NatsBroker
from nats.aio.client import Client

from deploy.local.keys import Keys, Places
from services.kit.bus import Bus, Delivery
from services.kit.settings import Settings
from tests.kit.conftest import Queue
from tests.support.servers import ROOT, new_id
from tests.support.stack import until

APPS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in Path(ROOT / "services").glob("*/*.py")
    if path.name in ("app.py", "projector.py")
)


@pytest.fixture
def explicit(monkeypatch: pytest.MonkeyPatch) -> list[AckPolicy]:
    """Refuses every subscriber that is made without its own MANUAL; FastStream's default throws work away."""
    made: list[AckPolicy] = []
    real = NatsBroker.subscriber

    def subscriber(self: NatsBroker, *args: Any, **named: Any) -> Any:
        assert named.get("ack_policy") is AckPolicy.MANUAL, f"{args}: a subscriber without an explicit ack policy"
        made.append(named["ack_policy"])
        return real(self, *args, **named)

    monkeypatch.setattr(NatsBroker, "subscriber", subscriber)
    return made


@pytest.mark.parametrize("module", APPS)
def test_every_subscriber_of_every_service_acks_by_hand(
    module: str, explicit: list[AckPolicy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = importlib.import_module(module)
    (parameter,) = inspect.signature(app.build).parameters.values()
    service = "projector" if module.endswith("projector") else module.split(".")[1]
    places = Places(nats="nats://127.0.0.1:9", mongo="mongodb://127.0.0.1:9", s3="http://127.0.0.1:9")
    for name, value in Keys.open(tmp_path).environment(service, places).items():
        monkeypatch.setenv(name, value)
    app.build(parameter.annotation())
    assert explicit, "a service that hears nothing"


async def test_what_the_bus_acknowledged_to_others_is_counted_and_passed_over(
    bus: Bus, queue: Queue, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A device may have its PubAck sent to any subject (field-notes.md): no error, and one line however many come."""
    done: list[bytes] = []

    async def handle(batch: list[Delivery]) -> None:
        done.extend(one.body for one in batch)

    bus.work(queue.durable, handle)
    await bus.start()
    for body in (b"1", b"2", b"3"):
        await client.publish(queue.subject, body, reply=queue.subject)
    await client.publish(queue.subject, b'{"stream":"a fact may have such a key","member":"mem-1"}')
    await until(lambda: len(done) == 4)
    await drained(client, queue)
    assert sorted(done)[:3] == [b"1", b"2", b"3"]
    lines = [one for one in caplog.records if "acknowledgements of the bus" in one.message]
    assert [one.levelname for one in lines] == ["WARNING"]
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_a_subscriber_without_a_policy_would_be_found(settings: Settings, explicit: list[AckPolicy]) -> None:
    with pytest.raises(AssertionError, match="explicit ack policy"):
        Bus("x", settings).broker.subscriber("forgotten")


async def test_a_batch_is_acked_once_it_is_done(bus: Bus, queue: Queue, client: Client) -> None:
    done: list[bytes] = []

    async def handle(batch: list[Delivery]) -> None:
        done.extend(one.body for one in batch)

    bus.work(queue.durable, handle)
    await bus.start()
    for body in (b"1", b"12345678901234567890", b"1.50", b'{"a":1}', b""):
        await client.jetstream().publish(queue.subject, body)
    await until(lambda: len(done) == 5)
    assert done == [b"1", b"12345678901234567890", b"1.50", b'{"a":1}', b""]  # bytes as sent, not guessed at
    await drained(client, queue)


async def test_a_batch_that_fails_comes_again_with_a_delay_until_it_is_done(
    bus: Bus, queue: Queue, client: Client
) -> None:
    tries: list[tuple[float, int]] = []

    async def handle(batch: list[Delivery]) -> None:
        tries.append((time.monotonic(), batch[0].message.metadata.num_delivered))
        if len(tries) < 3:
            raise RuntimeError("the store is away")

    bus.work(queue.durable, handle)
    await bus.start()
    await client.jetstream().publish(queue.subject, b"x")
    await until(lambda: len(tries) == 3)
    assert [delivered for _, delivered in tries] == [1, 2, 3]
    first, second, third = (at for at, _ in tries)
    assert second - first >= 0.5
    assert third - second >= 1.0
    await drained(client, queue)


async def test_one_that_is_postponed_holds_nobody_up(bus: Bus, queue: Queue, client: Client) -> None:
    seen: list[bytes] = []

    async def handle(batch: list[Delivery]) -> None:
        for one in batch:
            if one.body == b"later" and one.message.metadata.num_delivered == 1:
                one.postpone(0.3)
            else:
                seen.append(one.body)

    bus.work(queue.durable, handle)
    await bus.start()
    for body in (b"later", b"now"):
        await client.jetstream().publish(queue.subject, body)
    await until(lambda: len(seen) == 2)
    assert seen == [b"now", b"later"]
    await drained(client, queue)


async def test_a_plain_timeout_from_fetch_strands_nothing(bus: Bus, queue: Queue, client: Client) -> None:
    """nats-py can raise asyncio.TimeoutError itself; FastStream's loop would die of it and fetch no more."""
    done: list[bytes] = []

    async def handle(batch: list[Delivery]) -> None:
        done.extend(one.body for one in batch)

    bus.work(queue.durable, handle)
    await bus.start()
    (subscriber,) = bus.broker.subscribers
    subscription: Any = subscriber.subscription  # type: ignore[attr-defined]
    real, raised = subscription.fetch, asyncio.Event()

    async def fetch(*args: Any, **named: Any) -> Any:
        if not raised.is_set():
            raised.set()
            raise TimeoutError
        return await real(*args, **named)

    subscription.fetch = fetch
    await asyncio.wait_for(raised.wait(), 20)
    await client.jetstream().publish(queue.subject, b"after")
    await until(lambda: done == [b"after"])


async def drained(client: Client, queue: Queue) -> None:
    async def empty() -> bool:
        return (await client.jetstream().stream_info(queue.durable.stream)).state.messages == 0

    await until(empty)


async def test_what_is_heard_is_heard_by_every_replica_and_one_that_fails_ends_nothing(
    bus: Bus, settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    other = Bus(bus.service, settings)
    heard: list[tuple[str, bytes]] = []

    async def handle(subject: str, body: bytes) -> None:
        if body == b"bad":
            raise ValueError("this one cannot be taken")
        heard.append((subject, body))

    topic = new_id("topic")
    for one in (bus, other):
        one.listen(f"{topic}.*", handle)
        await one.start()
    try:
        for body in (b"1", b"bad", b"2"):
            await client.publish(f"{topic}.mem", body)
        await until(lambda: len(heard) == 4)
    finally:
        await other.stop()
    assert sorted(heard) == [(f"{topic}.mem", body) for body in (b"1", b"1", b"2", b"2")]
    assert sum("could not be taken" in one.message for one in caplog.records) == 2

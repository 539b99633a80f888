"""A bus of a service under test, with a stream of its own for each test, on the real servers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from nats.aio.client import Client
from nats.js.api import RetentionPolicy, StreamConfig

from services.kit.bus import Bus
from services.kit.mongo import Database, database
from services.kit.settings import Settings
from services.kit.streams import consumer_config
from services.wire.subjects import Durable
from tests.support.servers import Installation, new_id


@pytest.fixture
def settings(installation: Installation, mongo_prefix: str) -> Settings:
    """Of a user that may do everything, so that tests can use subjects of their own."""
    return Settings(
        nats_url=installation.nats.url,
        bus_seed=installation.operator_seed,
        mongo_url=installation.mongo_url,
        mongo_prefix=mongo_prefix,
        graceful_seconds=2,
    )


@pytest.fixture
async def client(installation: Installation) -> AsyncIterator[Client]:
    one = await installation.connect()
    yield one
    await one.close()


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    """Not yet started: a test makes its subscribers first."""
    one = Bus(new_id("svc"), settings)
    yield one
    await one.stop()


@pytest.fixture
def db(settings: Settings) -> Database:
    return database(settings, "kit")


@dataclass(frozen=True)
class Queue:
    """A work queue of one test, and its durable."""

    durable: Durable
    subject: str


@pytest.fixture
async def queue(client: Client) -> AsyncIterator[Queue]:
    name = new_id("q")
    subject, js = f"{name}.one.two", client.jetstream()
    durable = Durable(name, name, (f"{name}.*.*",), ack_wait_seconds=5)
    await js.add_stream(StreamConfig(name=name, subjects=[f"{name}.*.*"], retention=RetentionPolicy.WORK_QUEUE))
    await js.add_consumer(name, consumer_config(durable))
    yield Queue(durable, subject)
    await js.delete_stream(name)

"""Ingest as the real process, on the real servers; only licensing is a double (``tests.ingest.fleet.Licensing``)."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.ingest.app import DURABLE
from services.kit.streams import consumer_config
from services.wire.subjects import SEGMENTS
from tests.ingest.fleet import Licensing
from tests.ingest.running import Ingest, Observer
from tests.support.servers import Installation, drop_databases, new_id


@pytest.fixture(scope="module")
def ingest(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """One running process for all tests of a module, on an empty bus."""
    with _ingest(installation, tmp_path_factory.mktemp("ingest")) as one:
        one.start().wait_ready()
        yield one


@pytest.fixture
async def stopped_ingest(installation: Installation, tmp_path: Path) -> AsyncIterator[Ingest]:
    """A process of the test's own, on an empty bus; the test starts, kills and starts it.

    What a killed process had in hand comes again after three seconds instead of thirty.
    """
    with _ingest(installation, tmp_path) as one:
        client = await installation.connect()
        await client.jetstream().add_consumer(SEGMENTS, replace(consumer_config(DURABLE), ack_wait=3))
        await client.close()
        yield one


class _ingest:
    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._one = Ingest(installation, folder, new_id("t").replace("-", ""))

    def __enter__(self) -> Ingest:
        self._installation.reset_bus()
        self._installation.migrate(self._one.mongo_prefix)
        return self._one

    def __exit__(self, *_: object) -> None:
        self._one.kill()
        drop_databases(self._installation.mongo_url, self._one.mongo_prefix)


@pytest.fixture
async def licensing(installation: Installation) -> AsyncIterator[Licensing]:
    client = await installation.connect("licensing")
    one = Licensing(client)
    await one.come()
    yield one
    await client.close()


@pytest.fixture
async def observer(installation: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Observer]:
    """Publishes as a device would, and looks at the bus and the store."""
    name = "stopped_ingest" if "stopped_ingest" in request.fixturenames else "ingest"
    one: Ingest = request.getfixturevalue(name)
    client = await installation.connect()
    looking = Observer(client, one)
    yield looking
    looking.close()
    await client.close()

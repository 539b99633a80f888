"""The licensing service on real servers, its people and licences seeded, and devices that sign in to the bus.

``licensing``   ``Licensing``: one running instance over a database of its own; ``.start()`` starts a further one
``acme``        a seeded workspace (the answer of services.licensing.seed), with ``.principal(email)``
"""

from collections.abc import AsyncIterator

import pytest

from tests.licensing.support import Acme, Licensing
from tests.support.servers import Installation


@pytest.fixture(scope="session")
def migrated(installation: Installation) -> Installation:
    installation.migrate("migration")
    return installation


@pytest.fixture
async def licensing(migrated: Installation, mongo_prefix: str) -> AsyncIterator[Licensing]:
    running = Licensing(migrated, mongo_prefix)
    try:
        await running.start()
        await running.open()
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def acme(licensing: Licensing) -> Acme:
    return await licensing.seed()

"""The licensing service on real servers, its people and licences seeded, and devices that sign in to the bus.

``licensing``   ``Licensing``: one running instance over a database of its own; ``.start()`` starts a further one
``acme``        a seeded workspace (the answer of services.licensing.seed), with ``.principal(email)``
``shared``      as ``licensing``, one for a whole module, with a mail server: ``.mails`` is what it caught; a test that
                takes it is marked ``asyncio(loop_scope="module")`` and seeds a workspace of its own
``web``         ``Web``: the diary's web origin in front of ``shared``, which carries what browsers and programs ask
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.licensing.mailbox import Mailbox
from tests.licensing.support import Acme, Licensing
from tests.licensing.web import Web
from tests.support.servers import Installation, drop_databases, new_id


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(migrated: Installation) -> AsyncIterator[Licensing]:
    prefix = new_id("t").replace("-", "")
    with Mailbox() as mails:
        running = Licensing(migrated, prefix, smtp_url=mails.url, trusted_hosts="127.0.0.1")
        running.mails = mails
        try:
            await running.start()
            await running.open()
            yield running
        finally:
            await running.stop()
            drop_databases(migrated.mongo_url, prefix)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(shared: Licensing) -> AsyncIterator[Web]:
    async with Web(shared).running() as running:
        yield running

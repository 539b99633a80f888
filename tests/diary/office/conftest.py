"""``office``: the back office on real services, one a module. ``acme`` and ``other``: workspaces for all tests of a
module that leave alone what others look at; who counts things seeds one of their own (``office.acme()``).
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.diary.office.running import Office
from tests.licensing.support import Acme
from tests.support.servers import Installation, drop_databases, new_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(installation: Installation) -> AsyncIterator[Office]:
    prefix = new_id("t").replace("-", "")
    installation.migrate(prefix)
    try:
        async with Office(installation, prefix).running() as running:
            yield running
    finally:
        drop_databases(installation.mongo_url, prefix)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme(office: Office) -> Acme:
    return await office.acme()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(office: Office) -> Acme:
    return await office.acme()

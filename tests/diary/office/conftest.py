"""``office``: the back office on real services, one a module; tests seed workspaces of their own in it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.diary.office.running import Office
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

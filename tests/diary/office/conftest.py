"""``office``: the back office on real services, one a module. ``acme`` and ``other``: workspaces for all tests of a
module that leave alone what others look at; who counts things seeds one of their own (``office.acme()``).
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.diary.office.running import Office, an_office
from tests.licensing.support import Acme
from tests.support.servers import Installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(installation: Installation) -> AsyncIterator[Office]:
    async with an_office(installation) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme(office: Office) -> Acme:
    return await office.acme()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(office: Office) -> Acme:
    return await office.acme()

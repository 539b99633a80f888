"""The diary's pages on real servers (``diary``, one a module)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.diary.pages.running import Diary
from tests.support.servers import Installation, drop_databases, new_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def diary(installation: Installation, mongo_url: str) -> AsyncIterator[Diary]:
    prefix = new_id("t").replace("-", "")
    running = Diary(installation, prefix)
    try:
        yield await running.start()
    finally:
        await running.stop()
        drop_databases(mongo_url, prefix)

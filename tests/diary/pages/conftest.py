"""The diary on real servers (``diary``, one a module), and who reads its pages in a browser (``reader``)."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.diary.pages.reading import Reader
from tests.diary.pages.running import Diary, a_diary
from tests.support.servers import Installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def diary(installation: Installation, mongo_url: str) -> AsyncIterator[Diary]:
    async with a_diary(installation, mongo_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(diary: Diary, browser: Browser) -> Reader:
    return await Reader(diary, browser).settle_in()


@pytest_asyncio.fixture(loop_scope="module")
async def quiet_console(reader: Reader) -> AsyncIterator[None]:
    """No page says anything in the console: no violation of the content policy, no error of a script."""
    reader.said.clear()
    yield
    await reader.close()
    assert reader.said == []

"""The diary's two processes on the real bus and store; other services are doubles that answer on that bus.

``diary``  ``tests.diary.running.Diary``: a web server and a projector in this process, with a workspace of its own
``browser``  a headless Chromium, one a module
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.diary.running import Diary
from tests.support.browser import chromium
from tests.support.servers import Installation


@pytest.fixture
async def diary(installation: Installation, mongo_prefix: str, workspace_id: str) -> AsyncIterator[Diary]:
    installation.reset_bus()
    async with Diary(installation, mongo_prefix, workspace_id).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched

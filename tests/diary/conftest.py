"""The diary's two processes on the real bus and store; other services are doubles that answer on that bus.

``diary``  ``tests.diary.running.Diary``: a web server and a projector in this process, with a workspace of its own
"""

from collections.abc import AsyncIterator

import pytest

from tests.diary.running import Diary
from tests.support.servers import Installation


@pytest.fixture
async def diary(installation: Installation, mongo_prefix: str, workspace_id: str) -> AsyncIterator[Diary]:
    installation.reset_bus()
    async with Diary(installation, mongo_prefix, workspace_id).running() as running:
        yield running

"""``world``: the stack as a place for faults, one a module; afterwards every service is itself again."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.world import World
from tests.support.stack import Stack

_ACK_WAIT_SECONDS = 6
"""`make faults` has the bus wait as long as in operation."""


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    made = World(stack)
    asyncio.run(made.hasten(_ACK_WAIT_SECONDS))
    yield made
    asyncio.run(made.restore())
    made.close()

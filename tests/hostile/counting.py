"""How many hostile requests were made, and which of them did what they must not: the figure of ``make hostile``."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import httpx

from tests.support.long import LONG

Item = TypeVar("Item")
MADE: Counter[str] = Counter()
"""By the class of the answer (``4xx`` …), and ``succeeded``: those that a test found to have got through."""


async def note(response: httpx.Response) -> None:
    """A hook of every client here."""
    MADE["requests"] += 1
    MADE[f"{response.status_code // 100}xx"] += 1


def part(items: Sequence[Item], most: int) -> Sequence[Item]:
    """All of them in a long run, else ``most``, the same ones each time."""
    return items if LONG or len(items) <= most else random.Random(20_261_122).sample(items, most)


def got_through(what: list[str]) -> list[str]:
    """The requests that got through, counted; to be compared with none."""
    MADE["succeeded"] += len(what)
    return what

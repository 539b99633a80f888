"""Scoring alone: from a record on the bus to its score on the bus, and again for what comes twice.

500 members, one slot after the other through a working day, so that every record of a batch belongs to another member's
day and the days fill up.
"""

import random
from collections.abc import Iterator

from tests.bench.harness import SCORING, Bench, Figure, median, work_off
from tests.scoring.records import message, segment

MEMBERS = 500
APPS = [(name, f"window {name}", None, 120) for name in ("code", "terminal", "slack", "nautilus")]


def records(number: int) -> Iterator[tuple[str, bytes]]:
    """The facts of one slot: the usual record of about 2 KB, ten minutes, six applications."""
    draw, slot = random.Random(number), f"2026-11-21T{8 + number // 6:02}:{number % 6}0:00Z"
    for member in range(MEMBERS):
        minutes = [[draw.randrange(60), draw.randrange(9), 0, 20, "work", draw.randrange(6)] for _ in range(10)]
        apps = [*APPS, ("firefox", "video", "youtube.com", 60), ("firefox", "code", "github.com", 60)]
        named = {"member": f"m-{member}", "device": f"d-{member}", "slot": slot, "seq": number + 1}
        yield message(segment("ws", minutes=minutes, apps=apps, **named))  # type: ignore[arg-type]


async def measure(bench: Bench) -> list[Figure]:
    """CPU of one process for each record."""
    slots, fresh, again = bench.of(4, 1), [], []
    async with bench.client() as client:
        services = await bench.start("scoring")
        warm = [message(segment("warm", member=f"m-{one}", seq=one + 1)) for one in range(500)]
        await work_off(bench, client, services, warm, SCORING)
        for number in range(bench.rounds):
            corpus = [one for slot in range(number * slots, (number + 1) * slots) for one in records(slot)]
            fresh.append((await work_off(bench, client, services, corpus, SCORING)).cpu["scoring"])
            again.append((await work_off(bench, client, services, corpus, SCORING)).cpu["scoring"])
    return [
        median("scoring alone", "µs CPU a segment", fresh),
        median("scoring alone, what comes again", "µs CPU a segment", again),
    ]

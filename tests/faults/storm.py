"""Several faults at once, chosen by chance, beside one stream of records."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from random import Random

from tests.faults.catalogue import CATALOGUE
from tests.faults.crew import Crew, days_for
from tests.faults.oracle import Verdict, examine
from tests.faults.scenes import Fault, Scene
from tests.faults.world import World

STRIKES = 3


class Onlooker(Scene):
    """A scene whose records flow by themselves: the fault strikes among them."""

    @contextlib.asynccontextmanager
    async def flowing(self, part: float = 1.0) -> AsyncIterator[None]:
        yield


async def storm(
    world: World,
    seed: str,
    records: int,
    *,
    members: int = 3,
    devices: int = 2,
    pictures: float = 0.05,
    strikes: Sequence[Fault] | None = None,
) -> Verdict:
    """These faults, or some that may happen together, each at its own moment of the same records."""
    random = Random(f"{seed}/storm")
    composing = [one for one in CATALOGUE.values() if one.composes]
    chosen = strikes if strikes is not None else random.sample(composing, STRIKES)
    crew = await Crew.hire(world, random, members, devices, pictures=pictures, days=days_for(records))
    try:
        scenes = [Onlooker(world, crew, Random(random.random()), records) for _ in chosen]
        happening = [one.happen(scene) for one, scene in zip(chosen, scenes, strict=True)]
        await asyncio.gather(crew.live(records), *happening)
        return await examine(world, crew)
    finally:
        await crew.close()

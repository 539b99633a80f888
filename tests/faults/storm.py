"""Several faults at once, chosen by chance, under more computers."""

import asyncio
from dataclasses import replace
from random import Random

from tests.faults.crew import Crew
from tests.faults.oracle import Verdict, examine
from tests.faults.scenes import CATALOGUE, Scene
from tests.faults.world import World

MEMBERS, DEVICES, FAULTS = 3, 2, 3


class _Onlooker(Scene):
    """A scene whose records flow by themselves: a fault strikes, and does not wait for its own."""

    def flowing(self, part: float = 1.0):  # type: ignore[no-untyped-def,override]
        return _Nothing()


class _Nothing:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None


async def storm(world: World, seed: str, records: int) -> Verdict:
    """Some faults that may happen together, beside one stream of records."""
    random = Random(seed)
    crew = await Crew.hire(world, random, MEMBERS, DEVICES, pictures=0.05)
    composing = [one for one in CATALOGUE.values() if one.composes]
    chosen = random.sample(composing, FAULTS)
    scene = Scene(world, crew, random, records)
    onlookers = [replace(_onlooker(scene), random=Random(random.random())) for _ in chosen]
    try:
        flow = asyncio.create_task(crew.live(records))
        await asyncio.gather(flow, *(one.happen(on) for one, on in zip(chosen, onlookers, strict=True)))
        return await examine(world, crew)
    finally:
        await crew.close()


def _onlooker(scene: Scene) -> Scene:
    return _Onlooker(scene.world, scene.crew, scene.random, scene.records)

"""A scene: computers live, something happens to them or to the stack, and at the end nothing may be lost or doubled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.faults.crew import Crew, days_for
from tests.faults.oracle import Verdict, examine
from tests.faults.world import World
from tests.support.stack import until


@dataclass
class Scene:
    """What a fault acts on: the stack, the computers, chance, and how many records each computer closes."""

    world: World
    crew: Crew
    random: Random
    records: int

    async def after(self, part: float) -> None:
        """Waits until this part of the records, 0 to 1, is closed since the scene began."""
        wanted = self._before + round(part * self.records * len(self.crew.computers))
        await until(lambda: self.crew.closed() >= wanted, 120, every=0.02)

    async def somewhere(self) -> None:
        """Waits for a moment in the first half."""
        await self.after(self.random.uniform(0.05, 0.5))

    def __post_init__(self) -> None:
        self._before = self.crew.closed()

    @contextlib.asynccontextmanager
    async def flowing(self, part: float = 1.0) -> AsyncIterator[None]:
        """The computers live on beside what is done within; it ends when this part of the records is closed."""
        task = asyncio.create_task(self.crew.live(round(self.records * part)))
        try:
            yield
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


Happening = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """Something that happens, with its name and the computers it needs."""

    name: str
    happen: Happening
    members: int = 1
    devices: int = 2
    pictures: float = 0.1
    composes: bool = False
    """It may happen beside others, to computers that are not its own."""


CATALOGUE: dict[str, Fault] = {}


def fault(
    members: int = 1, devices: int = 2, *, pictures: float = 0.1, composes: bool = False
) -> Callable[[Happening], Happening]:
    """Puts a happening into the catalogue, under its own name."""

    def enter(happen: Happening) -> Happening:
        name = happen.__name__
        CATALOGUE[name] = Fault(name, happen, members, devices, pictures, composes)
        return happen

    return enter


async def play(world: World, one: Fault, seed: str, records: int) -> Verdict:
    """One fault from its first record to the oracle's verdict; the same seed closes the same records."""
    random = Random(f"{seed}/{one.name}")
    crew = await Crew.hire(world, random, one.members, one.devices, pictures=one.pictures, days=days_for(records))
    try:
        await one.happen(Scene(world, crew, random, records))
        return await examine(world, crew)
    finally:
        await crew.close()

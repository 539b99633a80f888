"""Faults of our own services: killed at any moment and at the worst one, and frozen for longer than the bus waits."""

import asyncio
from functools import partial

from services.wire.subjects import STREAMS
from tests.faults.scenes import CATALOGUE, Fault, Scene, fault
from tests.faults.world import SERVICES
from tests.support.stack import until

ACK_WAIT = max(durable.ack_wait_seconds for stream in STREAMS for durable in stream.durables)

#: service → the call whose return is the commit; killed after it, before the bus hears of it.
COMMITS = {
    "ingest": "services.ingest.intake:Intake.take",
    "scoring": "services.scoring.handlers:Handlers._score",
    "projector": "services.diary.folding:Folder.fold",
    "media": "services.media.pictures:Pictures.store",
}
MODULES = {
    "ingest": "services.ingest.app",
    "scoring": "services.scoring.app",
    "projector": "services.diary.projector",
    "media": "services.media.app",
}


def altered(service: str, *how: str) -> list[str]:
    """Arguments of Python for a service that is altered (tests/faults/altered.py)."""
    return ["-m", "tests.faults.altered", MODULES[service], *how]


async def kill(name: str, scene: Scene) -> None:
    """SIGKILL at a random moment."""
    async with scene.flowing():
        await scene.somewhere()
        await scene.world.kill(name)


async def die_between_commit_and_ack(name: str, scene: Scene) -> None:
    """The process ends itself right after a commit: what is acked late comes again, and must change nothing."""
    once = scene.world.folder / f"{name}.once"
    once.touch()
    nth = scene.random.randint(1, 4)
    await scene.world.replace(name, altered(name, f"--die=after {COMMITS[name]} {nth}", f"--once={once}"))
    try:
        async with scene.flowing():
            await scene.after(1.0)
        await until(lambda: not once.exists(), 30)
        await scene.world.ready(name)
    finally:
        await scene.world.replace(name, None)


for _name in SERVICES:
    _fault = Fault(f"kill_{_name}", partial(kill, _name), pictures=0.4 if _name == "media" else 0.1, composes=True)
    CATALOGUE[_fault.name] = _fault
for _name in COMMITS:
    _fault = Fault(
        f"{_name}_dies_between_commit_and_ack",
        partial(die_between_commit_and_ack, _name),
        pictures=0.4 if _name == "media" else 0.1,
    )
    CATALOGUE[_fault.name] = _fault


@fault()
async def freeze_ingest_longer_than_the_ack_wait(scene: Scene) -> None:
    """SIGSTOP for longer than the real ack wait: what it has in hand is delivered again before it moves on."""
    async with scene.flowing():
        await scene.somewhere()
        async with scene.world.frozen("ingest"):
            await asyncio.sleep(ACK_WAIT + 5)


@fault(devices=1)
async def kill_everything_that_is_ours(scene: Scene) -> None:
    """All services at once."""
    async with scene.flowing():
        await scene.somewhere()
        await asyncio.gather(*(scene.world.kill(name) for name in SERVICES))

"""Seeded defects under the same oracle: without the defect the scene is sound, with it the oracle must say so."""

import time
from random import Random

from tests.faults.catalogue import CATALOGUE
from tests.faults.crew import Crew
from tests.faults.defects import DEFECTS, Defect
from tests.faults.on_services import altered
from tests.faults.oracle import Verdict, examine
from tests.faults.scenes import Scene
from tests.faults.world import World
from tests.support.stack import until

RECORDS = 24


async def plant(world: World, name: str, seed: str, *, defect: bool = True, restore: bool = True) -> Verdict:
    """Plays the defect's scene. ``defect=False``: the same scene and fault with the service as it is.

    ``restore=False`` leaves the altered service running, for who replaces it next.
    """
    one = DEFECTS[name]
    once = world.folder / f"{name}-{time.monotonic_ns()}.once"
    await world.restore(one.service)
    await world.replace(one.service, altered(one.service, *_options(name, one, defect), f"--once={once}"))
    crew = await Crew.hire(world, Random(f"{seed}/{name}"), 1, _devices(one), pictures=one.pictures)
    once.touch()  # not sooner: a projector that starts tries first what an earlier scene had set aside
    try:
        scene = Scene(world, crew, crew.random, RECORDS)
        if one.fault:
            await CATALOGUE[one.fault].happen(scene)
        else:
            for _ in range(2):  # a machine that is busy takes all that waits in one batch, and there must be a second
                await crew.live(RECORDS // 2)
                await crew.drained()
                await until(world.is_idle, 60)
        return await examine(world, crew, grace=1)
    finally:
        await crew.close()
        if restore:
            await world.replace(one.service, None)


def _options(name: str, one: Defect, defect: bool) -> tuple[str, ...]:
    return (*one.options, f"--defect={name}") if defect else one.options


def _devices(one: Defect) -> int:
    return CATALOGUE[one.fault].devices if one.fault else one.devices


def found(name: str, verdict: Verdict) -> bool:
    """Whether a finding names the defect."""
    return any(finding.startswith(DEFECTS[name].finding) for finding in verdict.findings)

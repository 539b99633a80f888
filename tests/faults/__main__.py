"""``python -m tests.faults``: every fault on a whole stack of its own, then storms of several, and the seeded defects.

The report goes to ``var/faults`` (or ``--report``). The same seed closes the same records and strikes after the same
ones; how the processes interleave is the machine's.
"""

import argparse
import asyncio
import logging
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from deploy.local.services import ROOT
from tests.faults.catalogue import CATALOGUE
from tests.faults.defects import DEFECTS
from tests.faults.report import Report
from tests.faults.scenes import play
from tests.faults.seeded import found, plant
from tests.faults.storm import storm
from tests.faults.world import World
from tests.support.stack import Stack

SCENE_SECONDS = 240


def main() -> int:
    """0 where nothing was lost or doubled and every defect was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="replays a run (default: a new one, printed)")
    parser.add_argument("--minutes", type=float, default=14, help="how long storms go on, at the most (default: 14)")
    parser.add_argument("--records", type=int, default=150, help="records each computer closes in a fault")
    parser.add_argument("--only", help="faults or defects whose name contains this")
    parser.add_argument("--report", type=Path, default=ROOT / "var" / "faults", help="where the report goes")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended in either way, it takes its stack with it
    folder = Path(tempfile.mkdtemp(prefix="daybook-faults-"))
    stack = Stack(folder, module="tests.support.staged")
    try:
        stack.wait_ready(300)
        return asyncio.run(run(World(stack), asked, Report(asked.seed, asked.report)))
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def run(world: World, asked: argparse.Namespace, report: Report) -> int:
    """Each fault once, in the order of the seed; then the defects; then a storm, and further ones for the time left."""
    deadline = time.monotonic() + asked.minutes * 60
    names = [name for name in CATALOGUE if not asked.only or asked.only in name]
    for name in Random(asked.seed).sample(names, len(names)):
        try:
            async with asyncio.timeout(SCENE_SECONDS):
                report.enter(name, await play(world, CATALOGUE[name], asked.seed, asked.records))
        except Exception as error:  # the next fault is played all the same, and the run is not sound
            report.fail(name, error)
    for name in (name for name in DEFECTS if not asked.only or asked.only in name):
        verdict = await plant(world, name, asked.seed)
        report.enter_defect(name, verdict, found=found(name, verdict))
    number = 0
    while not asked.only or asked.only in "storm":
        number += 1
        report.enter(f"storm {number}", await storm(world, f"{asked.seed}/{number}", asked.records * 2))
        if time.monotonic() + SCENE_SECONDS / 4 > deadline:
            break
    world.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

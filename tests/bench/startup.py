"""``make run`` on a machine where everything is installed, from the command to a diary with data: an empty folder.

With data is: every segment of the fortnight with its score, and the pictures of today and of the working day before; it
is when the person at the terminal is told the address. The older pictures follow, and then the ready file is written.
"""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.bench.harness import Bench, Figure, until
from tests.support.servers import ROOT


async def measure(bench: Bench) -> list[Figure]:
    """Seconds of the clock on the wall; indicative."""
    ready, fleet = bench.folder / "ready.json", bench.of(3, 0)
    command = ["make", "run", f"ARGS=--port 0 --fleet {fleet} --data {bench.folder / 'data'} --ready-file {ready}"]
    log, started = bench.folder / "make.log", time.perf_counter()
    process = _start(command, log)
    try:
        await until(lambda: "Daybook is at" in log.read_text() or process.poll() is not None, 170)
        seconds = time.perf_counter() - started
        await until(lambda: ready.exists() or process.poll() is not None, 170)
        arrived = time.perf_counter() - started
        if process.poll() is not None:
            raise RuntimeError("make run ended by itself:\n" + log.read_text()[-3000:])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            await asyncio.to_thread(process.wait, 30)
    name = "make run, all installed, to a diary with data (indicative)"
    return [
        Figure(name, seconds, "s", 15, note=f"a fleet of {fleet}; with the last two working days' pictures"),
        Figure("the same, until the older pictures are there, too", arrived, "s"),
    ]


def _start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DAYBOOK_", "MAKE", "MFLAGS"))}
    with log.open("wb") as said:
        return subprocess.Popen(command, cwd=ROOT, env=own, stdout=said, stderr=said, start_new_session=True)

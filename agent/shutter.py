"""When captures are taken, and the short-lived worker that takes them (T-05, T-06, T-08).

The worker (``python -m agent.capture``) hands its pictures back through a pipe: so it imports nothing but mss and
Pillow, and the spool has one writer.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from agent.slot import App, OpenSlot, capture_moments, part_of
from agent.spool import Spool, SpoolError
from services.wire.language import _

MARGIN = timedelta(seconds=10)
"""No capture begins this close to the end of its slot: it would come too late to be named in the record."""
WORKER_SECONDS = 20
ROOM = 200 * 1024**2
MOST_PICTURES = 2 * 1024**3
"""Captures stop where less room than this is left, or more than this waits: time must never lack room (W-09)."""


class CaptureFailed(Exception):
    """No picture could be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the worker is to do; ``pointer`` finds the active monitor."""

    at: str
    monitors: str
    width: int
    blur: bool
    pointer: tuple[int, int] | None = None


class Plan:
    """The moments of the running slot. Pure but for chance."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._moments: list[datetime] = []

    def make(self, slot: OpenSlot, captures: int, now: datetime, taken: Collection[datetime]) -> None:
        """One random moment in each of the slot's n parts that is still to come and has no capture yet."""
        done = {part_of(slot.slot, captures, at) for at in taken} if captures else set()
        moments = capture_moments(slot.slot, captures, now, self._random)
        self._moments = [min(at, slot.end - MARGIN) for part, at in moments.items() if part not in done]

    def due(self, now: datetime) -> bool:
        """Whether a moment has come; each is said once."""
        before = len(self._moments)
        self._moments = [at for at in self._moments if at > now]
        return len(self._moments) < before


class Shutter:
    """Runs the worker, one at a time, and keeps what it brings."""

    def __init__(self, spool: Spool, folder: Path, command: Sequence[str] = ()) -> None:
        self._spool, self._folder = spool, folder
        self._command = command or (sys.executable, "-m", "agent.capture")
        self._busy = asyncio.Lock()

    async def finished(self) -> None:
        """Waits for a worker that runs."""
        async with self._busy:
            pass

    async def take(self, job: Job) -> list[tuple[dict[str, Any], bytes, bytes]]:
        """Entry, picture and thumbnail of each monitor asked for; CaptureFailed says why there is none."""
        self._check_room()
        async with self._busy:
            worker = await asyncio.create_subprocess_exec(
                *self._command,
                env=_environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(WORKER_SECONDS):
                    output, complaint = await worker.communicate(json.dumps(asdict(job)).encode())
            except TimeoutError as error:
                raise CaptureFailed(_("the capture took too long")) from error
            finally:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
        if worker.returncode:
            said = complaint.decode(errors="replace").strip().splitlines()
            raise CaptureFailed(said[-1][:200] if said else _("the worker ended with {code}", code=worker.returncode))
        return list(_unpack(output))

    def keep(self, segment_id: str, app: App | None, shots: list[tuple[dict[str, Any], bytes, bytes]]) -> None:
        """Holds the pictures until their segment is closed."""
        try:
            with self._spool.batch():
                for entry, picture, thumbnail in shots:
                    self._spool.hold_picture(segment_id, entry, app, picture, thumbnail)
        except SpoolError as error:
            raise CaptureFailed(_("the disk does not take it: {problem}", problem=str(error))) from error

    def _check_room(self) -> None:
        if shutil.disk_usage(self._folder).free < ROOM:
            raise CaptureFailed(_("the disk is nearly full: time is recorded, captures are not"))
        if self._spool.picture_bytes() > MOST_PICTURES:
            raise CaptureFailed(_("too many captures wait to be sent: time is recorded, captures are not"))


def _environment() -> dict[str, str]:
    """The worker finds the agent where this process found it, whatever folder we were started in."""
    home = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))}


def _unpack(output: bytes) -> list[tuple[dict[str, Any], bytes, bytes]]:
    shots = []
    while output:
        line, _, output = output.partition(b"\n")
        head = json.loads(line)
        picture, rest = output[: head["picture"]], output[head["picture"] :]
        thumbnail, output = rest[: head["thumbnail"]], rest[head["thumbnail"] :]
        shots.append((head["entry"], picture, thumbnail))
    return shots

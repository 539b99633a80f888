"""The agent's spool in a process of its own, to be killed.

It lives minute by minute by the agent's own book, spool and uplink, and notes each minute that a checkpoint has taken.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from agent.book import Book as AgentsBook
from agent.slot import Minute
from agent.spool import Spool
from deploy.local.device import Activation
from deploy.local.services import ROOT
from services.wire import slots
from tests.faults.book import Book, Line
from tests.faults.computers import EDITOR, Computer
from tests.faults.world import World
from tests.support.stack import until

_MINUTE = timedelta(minutes=1)


class Typist:
    """The process, started and killed until it has closed its records."""

    def __init__(self, world: World, computer: Computer, records: int, seed: int) -> None:
        self._computer, self._records = computer, records
        computer.activation.keep(computer.folder / "activation.json")
        start = slots.format_instant(slots.slot_of(computer.clock.now()))
        arguments = (str(computer.folder), computer.contract, start, str(records), str(seed))
        self._command = [sys.executable, "-m", "tests.faults.typist", *arguments]
        self._log = computer.folder / "typist.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def killed_until_done(self, random: Random, kills: int) -> int:
        """How often it was killed; each time at a random moment after it has got somewhere."""
        done = 0
        while True:
            begun = self._noted()
            wanted = begun + random.randint(5, max(6, self._records * 10 // (kills + 1)))
            process, last = self._start(), done >= kills
            await until(partial(self._is_due, process, sys.maxsize if last else wanted), 120, every=0.01)
            if process.poll() is not None:
                assert process.returncode == 0, self._log.read_text()[-2000:]
                return done
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            done += 1

    def _is_due(self, process: "subprocess.Popen[bytes]", wanted: int) -> bool:
        return process.poll() is not None or self._noted() >= wanted

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("a") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        return self._process

    def _noted(self) -> int:
        return len(_minutes(self._computer.folder))

    def end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def minutes_lost(self) -> int:
        """Minutes that a checkpoint had taken and that no record carries."""
        carried = set()
        for line in self._computer.book.lines:
            record = line.record
            carried |= {f"{record['slot']} {index}" for index, minute in enumerate(record["minutes"]) if minute}
        return len(set(_minutes(self._computer.folder)) - carried)


def _minutes(folder: Path) -> list[str]:
    file = folder / "minutes"
    return file.read_text().splitlines() if file.exists() else []


class Life:
    """What runs in the process."""

    def __init__(self, folder: Path, contract: str, start: datetime, random: Random) -> None:
        activation = Activation.load(folder / "activation.json")
        assert activation
        noted = _minutes(folder)
        if noted:
            slot, index = noted[-1].split()
            start = slots.parse_slot(slot) + (int(index) + 1) * _MINUTE
        self.computer = Computer(folder, activation, random, start, contract=contract)
        self.spool: Spool = self.computer.spool
        self.agents = AgentsBook(self.spool, activation.identity, self.computer.clock, self.enter)
        self.book: Book = self.computer.book
        self._noted = (folder / "minutes").open("a")
        self.enter()
        self.agents.recover()

    def enter(self) -> None:
        """What the spool has closed and the book does not have yet; a kill may come between the two."""
        last = self.book.lines[-1].seq if self.book.lines else 0
        rows = self.spool._rows("SELECT seq, hash, segment, body FROM records WHERE seq > ? ORDER BY seq", last)
        for seq, digest, segment, body in rows:
            self.book.write(Line(self.computer.device, seq, digest, segment, bytes(body).decode()))
        head = self.spool.head().seq
        assert not self.book.lines or self.book.lines[-1].seq == head, "the spool has forgotten a closed record"

    async def run(self, records: int) -> None:
        self.computer.switch_on()
        while len(self.book.lines) < records:
            await self._minute()
        await self.computer.close()

    async def _minute(self) -> None:
        now = self.computer.clock.now()
        slot = slots.slot_of(now)
        if self.agents.slot is None or self.agents.slot.slot != slot:
            self.agents.close()
            self.agents.open(self.computer.begin(slot, now))
        self.computer.clock.move(60)
        minute = Minute(7, 1, 0, 3, "work", EDITOR)
        self.agents.put(now, minute, {EDITOR: 60_000}, self.computer.clock.uptime_ms())
        self._noted.write(f"{slots.format_instant(slot)} {(now - slot) // _MINUTE}\n")
        self._noted.flush()
        if slots.slot_of(self.computer.clock.now()) != slot:
            self.agents.close()
            self.computer.wake()
        await asyncio.sleep(0.002)


def main() -> None:
    """The process."""
    folder, contract, start, records, seed = sys.argv[1:]
    life = Life(Path(folder), contract, slots.parse_slot(start), Random(f"{seed}{os.getpid()}"))
    asyncio.run(_run(life, int(records)))


async def _run(life: Life, records: int) -> None:
    await life.run(records)
    sys.stdout.write(json.dumps({"closed": len(life.book.lines)}) + "\n")


if __name__ == "__main__":
    main()

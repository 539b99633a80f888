"""The computers of one scene: a few members, each with devices, and what of them is expected beyond their books."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pymongo.errors import PyMongoError

from services.wire import slots
from tests.faults.book import Line
from tests.faults.computers import Computer
from tests.faults.reference import Edit
from tests.faults.world import Hired, World
from tests.support.stack import until

_PAUSE = 0.02


def days_for(records: int) -> tuple[int, int]:
    """How many days ago a computer may begin that closes so many records, in every second slot, by now."""
    return 3 + records // 72, 60


class Crew:
    """Computers that live side by side; all that happens by chance comes from ``random``."""

    def __init__(self, world: World, random: Random) -> None:
        self.world, self.random = world, random
        self.computers: list[Computer] = []
        self.members: list[Hired] = []
        self.claims: asyncio.Queue[tuple[Computer, list[int]]] = asyncio.Queue()
        self.lies: list[str] = []
        self.hired_at = time.monotonic()
        self.edits: list[Edit] = []
        """What members changed in their diaries, in that order."""
        self.litter: dict[str, int] = {}
        """Per device, how many different bodies were sent that prove nothing."""
        self.cloned: set[str] = set()
        self.unfinished: set[str] = set()
        """Devices of which it is right that records are missing."""
        self._checking = asyncio.create_task(self._check_claims())

    @classmethod
    async def hire(cls, world: World, random: Random, members: int = 1, devices: int = 2, **more: Any) -> "Crew":
        """So many members with so many devices each, switched on; they begin in different weeks."""
        crew = cls(world, random)
        for _ in range(members):
            await crew.join(devices, **more)
        return crew

    async def join(self, devices: int, *, days: tuple[int, int] = (3, 60), pictures: float = 0.1) -> Hired:
        """One more member; the devices of one member live through the same slots."""
        hired = await self.world.hire(devices)
        self.members.append(hired)
        ago = timedelta(minutes=10 * self.random.randint(days[0] * 144, days[1] * 144))
        start = slots.slot_of(datetime.now(UTC)) - ago
        for _ in range(devices):
            await self.add(hired, start, pictures=pictures)
        return hired

    async def add(self, hired: Hired, start: datetime, *, pictures: float = 0.0) -> Computer:
        """One more device of a member, switched on."""
        name = f"computer-{len(self.computers)}"
        activation = await hired.activate(name)
        folder = self.world.folder / activation.answer["device"]
        computer = Computer(
            *(folder, activation, Random(self.random.random()), start),
            contract=hired.contract,
            pictures=pictures,
            claim=self.claim,
            name=name,
        )
        self.computers.append(computer)
        computer.switch_on()
        return computer

    async def close(self) -> None:
        """Everything off."""
        self._checking.cancel()
        await asyncio.gather(self._checking, *(one.close() for one in self.computers), return_exceptions=True)

    # what the oracle asks ---------------------------------------------------------------------------------------------

    @property
    def limits_of(self) -> dict[str, str]:
        """The contract of each member."""
        return {one.member: one.contract for one in self.members}

    @property
    def limits(self) -> dict[str, int | None]:
        """Weekly limits by contract."""
        return {one.contract: one.limit for one in self.members}

    def books(self) -> Iterator[tuple[list[Line], str]]:
        """Each device's lines, once, however many copies of the device there are."""
        seen: dict[str, dict[tuple[int, str], Line]] = {}
        for one in self.computers:
            seen.setdefault(one.device, {}).update({(line.seq, line.hash): line for line in one.book.lines})
        for device, lines in seen.items():
            yield list(lines.values()), device

    def closed(self) -> int:
        return sum(len(lines) for lines, _ in self.books())

    # living -----------------------------------------------------------------------------------------------------------

    async def live(self, records: int, burst: int = 3, only: Computer | None = None) -> None:
        """Every computer, or this one, closes so many records, side by side, in small bursts."""
        those = [only] if only else [one for one in self.computers if not one.cut_off]
        await asyncio.gather(*(self._live(one, records, burst) for one in those))

    async def _live(self, computer: Computer, records: int, burst: int) -> None:
        wanted = len(computer.book.lines) + records
        while (left := wanted - len(computer.book.lines)) > 0:
            computer.live(min(left, computer.random.randint(1, burst)))
            await asyncio.sleep(_PAUSE)

    async def drained(self, seconds: float = 60, only: Computer | None = None) -> None:
        """Waits until no computer, or this one, has anything waiting."""
        those = [only] if only else [one for one in self.computers if not one.cut_off]
        await until(lambda: not any(any(one.waiting()) for one in those), seconds)

    async def quiet(self) -> None:
        """Waits until all is on the other side and every promise was compared with the ledger."""
        await self.drained()
        await self.claims.join()

    # receipts must be true --------------------------------------------------------------------------------------------

    def claim(self, computer: Computer, seqs: list[int]) -> None:
        """A computer believes that these are safe."""
        self.claims.put_nowait((computer, seqs))

    async def _check_claims(self) -> None:
        while True:
            computer, seqs = await self.claims.get()
            missing = await self._missing(computer.device, set(seqs))
            if missing:
                said = f"{computer.device} seq {sorted(missing)[:5]}"
                self.lies.append(f"receipt: it promised {said}, which the ledger did not have then")
            self.claims.task_done()

    async def _missing(self, device: str, seqs: set[int]) -> set[int]:
        while True:
            try:
                kept = await asyncio.to_thread(self.world.ingest_rows, "ledger", device)
                held = await asyncio.to_thread(self.world.ingest_rows, "quarantine", device)
            except PyMongoError:
                await asyncio.sleep(0.1)  # the store is away just now
                continue
            return seqs - {int(row["_id"].rsplit("|", 1)[1]) for row in kept} - {row["seq"] for row in held}

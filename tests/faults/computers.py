"""A simulated computer: the agent's own slot, chain, spool and uplink, with chance for hands and a clock that is moved.

What it closes goes into its book, and each receipt it believes is handed on, to be compared with the ledger at once.
"""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import nats
import nkeys
from nats.aio.client import Client

from agent.chain import Record
from agent.clock import HandClock, SystemClock
from agent.slot import App, Minute, OpenSlot
from agent.spool import Settled, Spool
from agent.uplink import Pace, Uplink
from deploy.local.device import Activation
from services.wire import proof, slots
from tests.faults.book import Book, Line
from tests.support.pictures import webp

SLOT = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
EDITOR, GAME, MAIL = App("gedit", "report.txt"), App("steam"), App("harness-mail")
"""By the starting catalogue productive, unproductive, and neutral (K-01)."""
#: As an agent's, but for its patience: a test does not wait ten minutes before it sends something again.
PACE = Pace(
    connect_timeout=4,
    request_timeout=3,
    picture_timeout=5,
    retry_base=0.1,
    retry_cap=1,
    refused_cap=2,
    ask_every=2,
    entitlement_every=5,
    patience=timedelta(seconds=6),
)
_SHARES = [(EDITOR, 30_000), (GAME, 10_000), (MAIL, 20_000)]
_STATES = ("work", "work", "work", "work", "work", "work", "reading", "idle", "break", "private", "locked")
_PICTURES = [(webp(480, 300, seed), webp(160, 100, seed)) for seed in range(3)]

Claim = Callable[["Computer", list[int]], None]


class TellingSpool(Spool):
    """A spool that tells which records a receipt freed."""

    told: Callable[[list[int]], None] | None = None

    def settle(self, receipt: Mapping[str, Any], at: datetime, *, answered: bool) -> Settled:
        before = self._unsafe()
        settled = super().settle(receipt, at, answered=answered)
        if self.told and (freed := sorted(before - self._unsafe())):
            self.told(freed)
        return settled

    def _unsafe(self) -> set[int]:
        return {seq for (seq,) in self._rows("SELECT seq FROM records WHERE safe_at IS NULL")}


class Computer:
    """One device. ``live`` closes slots, ``switch_on`` connects it; offline it lives on."""

    def __init__(
        self,
        folder: Path,
        activation: Activation,
        random: Random,
        start: datetime,
        *,
        contract: str = "",
        pictures: float = 0.0,
        claim: Claim | None = None,
        name: str = "computer",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.activation, self.name, self.random = folder, activation, name, random
        self.identity = activation.identity
        self.contract: str = contract or activation.entitlement["contracts"][0]["contract"]
        self.pictures = pictures
        self.clock = HandClock(start, f"boot-{name}")
        self.book = Book(folder.parent / f"{self.identity.device}.book")
        self.bus: list[str] = list(activation.answer["bus"])
        self.cut_off = False
        """The bus is to refuse it: what waits in its spool does not count as unrest."""
        self.minutes_kept = 0
        self._claim = claim
        self._task: asyncio.Task[None] | None = None
        self.open_spool()

    @property
    def device(self) -> str:
        return self.identity.device

    @property
    def member(self) -> str:
        return self.identity.member

    # the connection ---------------------------------------------------------------------------------------------------

    def open_spool(self, **options: Any) -> None:
        """Opens the spool of its folder, as a started process does."""
        self.spool = TellingSpool(self.folder / "spool.db", durable=False, **options)
        self.spool.told = lambda freed: self._claim(self, freed) if self._claim else None

    def switch_on(self, bus: Iterable[str] | None = None) -> None:
        """Connects, and keeps connecting."""
        self.bus = list(bus or self.bus)
        ids = self.identity, self.bus, self.activation.notice_key, SystemClock()
        self.uplink = Uplink(self.spool, *ids, pace=PACE, random=Random(self.random.random()))
        self._task = asyncio.create_task(self.uplink.run())

    async def switch_off(self) -> None:
        """The connection is gone at once; the spool stays."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def close(self) -> None:
        await self.switch_off()
        self.spool.close()

    async def raw(self) -> Client:
        """A connection of its own with the device's key and no agent behind it."""
        seed = bytes(nkeys.encode_seed(bytes(self.identity.key), nkeys.PREFIX_BYTE_USER)).decode()
        inbox = f"_INBOX.{self.device}".encode()
        return await nats.connect(self.activation.answer["bus"], nkeys_seed_str=seed, inbox_prefix=inbox)

    @property
    def subject(self) -> str:
        return f"segments.closed.{self.identity.workspace}.{self.device}"

    def waiting(self) -> tuple[int, int]:
        """Records and pictures that wait."""
        backlog = self.spool.backlog()
        return backlog.unsent, backlog.pictures

    def wake(self) -> None:
        if self._task:
            self.uplink.wake()

    # living -----------------------------------------------------------------------------------------------------------

    def live(self, count: int = 1, *, expected: str | None = None) -> None:
        """Lives through slots, until so many further records are closed."""
        done = 0
        while done < count:
            cut = self.random.randint(1, 9) if self.random.random() < 0.12 else 10
            done += self.stretch(0, cut, expected)
            if cut < 10 and done < count and self.random.random() < 0.7:
                done += self.stretch(cut, 10, expected)  # Start again in the same slot
            self.clock.move((slots.slot_of(self.clock.now()) + SLOT - self.clock.now()).total_seconds())
        self.wake()

    def stretch(self, first: int, last: int, expected: str | None = None) -> int:
        """One session within the running slot, from minute ``first`` to before ``last``."""
        slot = slots.slot_of(self.clock.now())
        opened = self.begin(slot, slot + first * MINUTE)
        quiet = self.random.random() < 0.08
        for index in range(first, last):
            self.clock.move((slot + (index + 1) * MINUTE - self.clock.now()).total_seconds())
            opened.put(
                index, self._minute(quiet), [(EDITOR, 30_000), (GAME, 10_000), (MAIL, 20_000)], self.clock.uptime_ms()
            )
        if self.random.random() < self.pictures:
            self._take_picture(opened, slot + first * MINUTE)
        return self.shut(opened, expected=expected)

    def begin(self, slot: datetime, started: datetime) -> OpenSlot:
        """A slot as the agent opens it."""
        segment = f"{self.contract}:{self.device}:{slots.format_instant(slot)}"
        return OpenSlot(
            slot=slot,
            contract=self.contract,
            session=f"ses-{self.name}-{int(started.timestamp())}",
            session_started=slots.format_instant(started - self.random.randint(0, 20) * MINUTE),
            zone="UTC",
            policy=1,
            boot=self.clock.boot,
            uptime_ms=(self.clock.uptime_ms(), self.clock.uptime_ms()),
            memo=self.random.choice(["Write the report", "Answer mails", None]),
            label=None,
            carried=self.spool.carried(segment),
        )

    def _minute(self, quiet: bool) -> Minute:
        state = "idle" if quiet else self.random.choice(_STATES)
        if state == "reading":
            return Minute(0, 0, 0, self.random.randint(1, 9), "work", EDITOR)
        if state != "work":
            return Minute(0, 0, 0, 0, state, EDITOR if state == "idle" else None)
        counts = self.random.randint(1, 200), self.random.randint(0, 20), self.random.randint(0, 9)
        return Minute(*counts, self.random.randint(0, 50), "work", self.random.choice([EDITOR, EDITOR, GAME, MAIL]))

    def _take_picture(self, opened: OpenSlot, at: datetime) -> None:
        picture, thumbnail = self.random.choice(_PICTURES)
        entry = {
            "capture_id": f"cap-{uuid.uuid4().hex[:20]}",
            "kind": "screen",
            "at": slots.format_instant(at),
            "sha256": hashlib.sha256(picture).hexdigest(),
            "bytes": len(picture),
            "width": 480,
            "height": 300,
            "monitor": 0,
            "blurred": False,
        }
        segment = f"{opened.contract}:{self.device}:{slots.format_instant(opened.slot)}"
        self.spool.hold_picture(segment, entry, EDITOR, picture, thumbnail)

    def shut(self, opened: OpenSlot, *, expected: str | None = None) -> int:
        """Closes a slot into the spool and writes it into the book; how many records that made."""
        record = self.spool.close_slot(opened, self.identity, self.clock.now())
        if record is None:
            return 0
        self.enter(record, expected)
        return 1

    def enter(self, record: Record, expected: str | None = None) -> None:
        """Writes a closed record into the book."""
        line = Line(self.device, record.seq, record.hash, record.segment_id, record.body.decode(), expected)
        self.book.write(line)

    def spoil(self, change: Callable[[dict[str, Any]], None], expected: str) -> None:
        """Closes a record that is signed and in its place in the chain, and wrong."""
        opened = self.begin(slots.slot_of(self.clock.now()), self.clock.now())
        opened.put(0, self._minute(False), [(EDITOR, 40_000)], self.clock.uptime_ms())
        with suppress(_Undo), self.spool.batch():
            sound = self.spool.close_slot(opened, self.identity, self.clock.now() + SLOT)
            raise _Undo
        assert sound
        envelope = json.loads(sound.body)
        record = json.loads(envelope["record"])
        change(record)
        text = json.dumps(record)
        body = proof.seal_record(self.identity.key, text, envelope["detail"])
        spoiled = Record(
            *(sound.seq, f"spoiled:{sound.seq}", sound.minutes, sound.closed_at, proof.digest(text), body),
            sound.traceparent,
        )
        self.spool.append(spoiled)
        self.enter(spoiled, expected)
        self.clock.move(SLOT.total_seconds())
        self.wake()


class _Undo(Exception):
    """Leaves a transaction without keeping it."""

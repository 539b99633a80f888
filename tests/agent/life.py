"""A device's life without a computer: a desk and a clock that do what the test says, a spool in memory."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from agent.chain import Identity
from agent.clock import HandClock
from agent.policy import Entitlement, read_entitlement
from agent.sampler import NONE, Counts
from agent.session import Session
from agent.slot import App
from agent.spool import Spool
from services.wire import events, proof, slots
from services.wire.segments import Merged, merge
from tests.agent.doubles import START, identity


@dataclass
class PlayedDesk:
    """Shows what the test says."""

    counts: Counts = NONE
    window: App | None = None
    idle: int | None = None
    screen_locked: bool = False

    def take(self) -> Counts:
        counts, self.counts = self.counts, NONE
        return counts

    def front(self) -> App | None:
        return self.window

    def idle_ms(self) -> int | None:
        return self.idle

    def locked(self) -> bool:
        return self.screen_locked


def entitled(state: str = "active", contracts: tuple[str, ...] = ("contract",), **policy: Any) -> Entitlement:
    """An entitlement as licensing words it: apps and titles on, unless the test says otherwise."""
    return read_entitlement(
        {
            "state": state,
            "licence": "lic",
            "mode": policy.pop("mode", "worklog"),
            "minimum_agent": policy.pop("minimum_agent", None),
            "policy": {"version": 1, "apps": True, "titles": True} | policy,
            "contracts": [
                {"contract": one, "title": one, "labels": [], "memo_required": False, "manual_time": False}
                for one in contracts
            ],
        }
    )


@dataclass
class Life:
    """One device: ``live`` lets time pass with something happening in each second."""

    entitlement: Entitlement = field(default_factory=entitled)
    start: datetime = START
    who: Identity = field(default_factory=identity)
    spool: Spool = field(default_factory=lambda: Spool(":memory:"))
    clock: HandClock = field(init=False)
    desk: PlayedDesk = field(default_factory=PlayedDesk)

    def __post_init__(self) -> None:
        self.clock = HandClock(self.start)
        self.session = self.again()

    def again(self) -> Session:
        """A new process on the same disk, as after a kill."""
        self.session = Session(self.spool, self.who, self.clock, self.desk, self.entitlement, random=Random(3))
        self.session.book.recover()
        return self.session

    def live(self, seconds: float, counts: Counts = NONE, every: float = 1) -> int:
        """Time passes in steps, each with that much input. How many steps."""
        steps = 0
        while seconds > 1e-6:  # what is left below that is how floats subtract
            step = min(every, seconds)
            self.clock.move(step)
            self.desk.counts = self.desk.counts.plus(counts)
            self.session.tick()
            seconds -= step
            steps += 1
        return steps

    def records(self) -> list[tuple[events.Record, events.Detail]]:
        """Everything closed so far, read as strictly as the services read it; the chain must hold."""
        found, links = [], []
        for record in self.spool.unsent(100_000):
            envelope = events.read(events.Envelope, record.body)
            proof.check(
                bytes(self.who.key.verify_key), proof.SEGMENT_DOMAIN, envelope.record.encode(), envelope.signature
            )
            parsed = events.read(events.Record, envelope.record)
            assert parsed.detail == proof.digest(envelope.detail)
            assert (parsed.seq, proof.digest(envelope.record)) == (record.seq, record.hash)
            assert len(record.body) <= proof.MAX_BODY
            assert parsed.segment_id == f"{parsed.contract}:{parsed.device}:{parsed.slot}"
            links.append(proof.Link(parsed.seq, record.hash, parsed.prev))
            found.append((parsed, events.read(events.Detail, envelope.detail)))
        chain = proof.examine(links)
        assert chain.whole
        assert chain.records == len(found)
        return found

    def segments(self) -> dict[str, Merged]:
        """The records merged as the services merge them."""
        parts: dict[str, list[Any]] = {}
        for record, detail in self.records():
            part = events.part_of(json.loads(record.model_dump_json()), json.loads(detail.model_dump_json()))
            parts.setdefault(record.segment_id, []).append(part)
        return {segment: merge(found) for segment, found in parts.items()}

    def states(self, slot: datetime | None = None, contract: str = "contract") -> list[str | None]:
        """The states of a slot's ten minutes."""
        segment = f"{contract}:{self.who.device}:{slots.format_instant(slot or slots.slot_of(self.start))}"
        return [minute and minute[4] for minute in self.segments()[segment].minutes]

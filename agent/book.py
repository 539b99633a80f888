"""Keeps the open slot: checkpointed each minute, closed into a record, held in memory while the disk is full (T-10)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from agent import chain
from agent.chain import Identity
from agent.clock import Clock
from agent.slot import App, Minute, OpenSlot, minute_of
from agent.spool import Spool, SpoolError


class Book:
    """The open slot and those that are closed but not written yet. ``written`` is called after each new record."""

    def __init__(self, spool: Spool, identity: Identity, clock: Clock, written: Callable[[], None]) -> None:
        self.slot: OpenSlot | None = None
        self.problem: str | None = None
        """Why the disk does not take it; recording goes on in memory."""
        self._spool, self._identity, self._clock, self._written = spool, identity, clock, written
        self._waiting: list[OpenSlot] = []

    def segment_of(self, slot: OpenSlot) -> str:
        """The segment a slot belongs to."""
        return chain.segment_id(slot.contract, self._identity.device, slot.slot)

    def recover(self) -> None:
        """After a kill: the slot that was open at the last checkpoint becomes a record (S-11)."""
        left = self._spool.open_slot()
        if left is not None:
            self._waiting.append(left)
            self.flush()
        keep = self.segment_of(left) if left and self._waiting else None
        self._try(partial(self._spool.drop_held, but=keep))

    def open(self, slot: OpenSlot) -> None:
        """Begins a slot. Minutes that earlier records of its segment carry are not taken again."""
        segment = self.segment_of(slot)
        for earlier in self._waiting:
            if self.segment_of(earlier) == segment:
                slot.carried |= earlier.tracked
        try:
            slot.carried |= self._spool.carried(segment)
        except SpoolError as error:
            self.problem = str(error)
        self.slot = slot
        self.checkpoint()

    def put(self, start: datetime, minute: Minute, front: Mapping[App, int], uptime_ms: int) -> None:
        """A minute that began at ``start`` is over, or is cut short; ``front`` in milliseconds."""
        if self.slot:
            self.slot.put(minute_of(self.slot.slot, start), minute, front.items(), uptime_ms)
            self.checkpoint()

    def checkpoint(self) -> None:
        """Keeps the open slot as it is. Not over one that was closed and still waits for room on the disk."""
        slot = self.slot
        if slot and not self._waiting:
            self._try(partial(self._spool.checkpoint, slot))

    def close(self) -> None:
        """The open slot becomes a record, now or as soon as the disk takes it."""
        if self.slot:
            self._waiting.append(self.slot)
            self.slot = None
            self.flush()

    def discard(self) -> None:
        """Takes the open slot's time and captures out, for good (T-07, S-08)."""
        if self.slot:
            segment = self.segment_of(self.slot)
            self.slot.drop()
            self._try(partial(self._spool.drop_held, segment))
            self.checkpoint()

    def flush(self) -> None:
        """Writes what waits, in order."""
        while self._waiting:
            slot = self._waiting[0]
            if not self._try(partial(self._spool.close_slot, slot, self._identity, self._clock.now())):
                return
            self._waiting.pop(0)
            self._written()

    def _try(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except SpoolError as error:
            self.problem = str(error)
            return False
        self.problem = None
        return True

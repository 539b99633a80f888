"""Facts are staged in the same transaction as the write they tell of, and published after it (architecture.md).

A crash between the two repairs itself: what is still staged is published by the sweep of any replica. So a fact may be
said twice, and everybody who hears facts takes them idempotently.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo.errors import PyMongoError

from services.kit import metrics
from services.kit.bus import Bus
from services.kit.mongo import Database, Session
from services.kit.rounds import Rounds
from services.wire import subjects
from services.wire.events import Fact

log = logging.getLogger(__name__)

_GRACE = timedelta(seconds=2)
_BATCH = 500


class Outbox:
    """A service's staged facts, in its own database's ``outbox``."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._facts, self._bus = db["outbox"], bus
        self._wanted, self._nudged = asyncio.Event(), False
        late = "staged facts wait: the bus or the store does not answer"
        self._sweeping = Rounds(self._sweep, 1, log, late, wake=self._wanted, at_once=False)

    async def stage(self, facts: Sequence[tuple[str, Fact]], session: Session | None = None) -> None:
        """Stages (kind, fact) pairs, inside the caller's transaction where there is one."""
        if not facts:
            return
        now = datetime.now(UTC)
        rows = [
            {
                "subject": subjects.fact(kind, fact.workspace, fact.member),
                "body": fact.model_dump_json().encode(),
                "at": now,
            }
            for kind, fact in facts
        ]
        await self._facts.insert_many(rows, session=session)

    async def flush(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Publishes what is staged, oldest first, and forgets it once the bus has it; gives how many."""
        before = datetime.now(UTC) - older_than
        sent = 0
        while rows := await self._facts.find({"at": {"$lte": before}}).sort("_id", 1).limit(_BATCH).to_list(_BATCH):
            await self._bus.journal([(row["subject"], bytes(row["body"]), None) for row in rows])
            await self._facts.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
            sent += len(rows)
            if len(rows) < _BATCH:
                break
        return sent

    def nudge(self) -> None:
        """Has the sweep publish at once, in one go for all who ask meanwhile; for who need not wait until it is out."""
        self._nudged = True
        self._wanted.set()

    def start(self) -> None:
        """Starts the sweep that publishes what a crash left behind."""
        self._sweeping.start()

    async def stop(self) -> None:
        """Ends the sweep."""
        await self._sweeping.stop()

    async def _sweep(self) -> None:
        nudged, self._nudged = self._nudged, False
        try:
            await self.flush(older_than=timedelta(0) if nudged else _GRACE)
        finally:
            with contextlib.suppress(PyMongoError):  # the store's own alarm rings for that
                metrics.OUTBOX_STAGED.set(await self._overdue())

    async def _overdue(self) -> int:
        """How many facts should be out by now, counted up to 10,000; what was staged just now is not among them."""
        return await self._facts.count_documents({"at": {"$lte": datetime.now(UTC) - 2 * _GRACE}}, limit=10_000)

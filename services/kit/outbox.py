"""Facts are staged in the same transaction as the write they tell of, and published after it (architecture.md).

A crash between the two repairs itself: what is still staged is published by the sweep of any replica. So a fact may be
said twice, and everybody who hears facts takes them idempotently.

Very many of one kind are staged in packs, a document for a hundred: its writing, its reading and its removal are what a
fact costs.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

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
_FEW = 16
"""So many facts are staged each in a document of its own."""
_PACK = 100
Row = dict[str, Any]
""" ``{subject, body}`` of a fact; of a pack ``{subject, facts}``, where the subject is its first fact's. """


class Outbox:
    """A service's staged facts, in its own database's ``outbox``."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._facts, self._bus = db["outbox"], bus
        self._wanted, self._nudged = asyncio.Event(), False
        self._staged: WeakKeyDictionary[object, list[Row]] = WeakKeyDictionary()
        late = "staged facts wait: the bus or the store does not answer"
        self._sweeping = Rounds(self._sweep, 1, log, late, wake=self._wanted, at_once=False)

    def begin(self, session: Session) -> None:
        """What is staged from here on in this session's transaction is kept in mind for ``publish``."""
        self._staged[session.delegate] = []

    async def stage(self, facts: Sequence[tuple[str, Fact]], session: Session | None = None) -> None:
        """Stages (kind, fact) pairs, inside the caller's transaction where there is one."""
        if not facts:
            return
        now = datetime.now(UTC)
        said = [
            (subjects.fact(kind, fact.workspace, fact.member), fact.model_dump_json().encode()) for kind, fact in facts
        ]
        rows = [row | {"at": now} for row in (_rows(said) if len(said) <= _FEW else _packs(said))]
        await self._facts.insert_many(rows, session=session)
        if session is not None and session.delegate in self._staged:
            self._staged[session.delegate] += rows

    async def publish(self, session: Session) -> None:
        """Publishes what was staged since ``begin``, once its transaction holds; nobody else's, who do it themselves.

        Raises where the bus does not take it: then the sweep does it.
        """
        await self._publish(self._staged.pop(session.delegate, []))

    async def flush(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Publishes what is staged, oldest first, and forgets it once the bus has it; gives how many."""
        before = datetime.now(UTC) - older_than
        sent = 0
        while rows := await self._facts.find({"at": {"$lte": before}}).sort("_id", 1).limit(_BATCH).to_list(_BATCH):
            sent += await self._publish(rows)
            if len(rows) < _BATCH:
                break
        return sent

    async def _publish(self, rows: Sequence[Row]) -> int:
        """Says the facts of these rows, some hundred at a time, and forgets the rows; gives how many facts."""
        said, done, sent = list[tuple[str, bytes, None]](), list[Any](), 0
        for number, row in enumerate(rows, 1):
            said += [
                (subject, bytes(body), None) for subject, body in row.get("facts") or [(row["subject"], row["body"])]
            ]
            done.append(row["_id"])
            if len(said) >= _BATCH or number == len(rows):
                await self._bus.journal(said)
                await self._facts.delete_many({"_id": {"$in": done}})
                sent += len(said)
                said, done = [], []
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


def _rows(said: Sequence[tuple[str, bytes]]) -> Iterator[Row]:
    return ({"subject": subject, "body": body} for subject, body in said)


def _packs(said: Sequence[tuple[str, bytes]]) -> Iterator[Row]:
    """Packs of one kind and workspace each, so that the subject says what a pack is about (``deletions.py``)."""
    for _, alike in groupby(said, lambda one: one[0].rsplit(".", 1)[0]):
        facts = list(alike)
        for start in range(0, len(facts), _PACK):
            yield {"subject": facts[start][0], "facts": [list(one) for one in facts[start : start + _PACK]]}

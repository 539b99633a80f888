"""What arrives on the bus for the projector: batches of facts, folded, then told to open pages.

A fact that cannot be read or folded is kept in ``poison`` with its subject and reason, and never blocks the others.
What was set aside is tried again whenever a projector starts: the next version may know better.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeVar

from pymongo import UpdateOne
from pymongo.errors import ConnectionFailure, OperationFailure

from services.diary import edits
from services.diary.folding import Folder, Told, Touched
from services.diary.resettling import Resettler
from services.diary.sheets import StaleWeek
from services.kit import declared, metrics, telemetry
from services.kit.bus import Bus, Delivery
from services.kit.deletions import Deletions
from services.kit.mongo import Database
from services.wire import events, subjects
from services.wire.edits import read_edit
from services.wire.events import (
    FACTS,
    CaptureRemoved,
    CaptureStored,
    DiaryChanged,
    DiaryEdited,
    Fact,
    SegmentRecorded,
    SegmentScored,
)

log = logging.getLogger(__name__)

_Fact = TypeVar("_Fact", bound=Fact)
_TRANSIENT = "TransientTransactionError"
_SPANS = {
    SegmentRecorded: declared.SEGMENT_VISIBLE,
    SegmentScored: declared.SCORE_VISIBLE,
    CaptureStored: declared.PICTURE_VISIBLE,
}


class Projector:
    """Folds JOURNAL into the diary."""

    def __init__(self, db: Database, bus: Bus, seal_public: bytes, deletions: Deletions) -> None:
        self._db, self._bus, self._seal_public, self._deletions = db, bus, seal_public, deletions
        self._folder = Folder(db)
        self._resettler = Resettler(db, self._folder)

    async def take(self, batch: list[Delivery]) -> None:
        """Folds a batch; where it fails for one fact's sake, that one is found and set aside."""
        read: list[tuple[Delivery, Fact]] = []
        for delivery in await self._deletions.sift(batch):
            if events.kind_of(delivery.subject) not in FACTS and _is_journals(delivery.subject):
                continue  # facts of the journal that the diary's days have no use for
            try:
                read.append((delivery, events.read_fact(delivery.subject, delivery.body)))
            except ValueError as error:
                await self._set_aside(delivery, str(error))
        with telemetry.Steps() as step:
            for delivery, fact in read:
                if what := _SPANS.get(type(fact)):
                    step.below(what, delivery.traceparent)
            try:
                touched, time = await self._fold([fact for _, fact in read])
            except Exception as error:
                if _passes(error):
                    raise
                touched, time = await self._fold_singly(read)
            await self._tell(touched)
        _observe(read, time)

    async def retry(self) -> None:
        """Takes what was set aside once more, before anything new; what can be folded now is poison no longer."""
        async for kept in self._db["poison"].find():
            try:
                await self._fold([events.read_fact(kept["subject"], kept["body"])])
            except Exception as error:
                if _passes(error):
                    raise
                log.warning("what was set aside still cannot be folded: %s", type(error).__name__)
                continue
            await self._db["poison"].delete_one({"_id": kept["_id"]})

    async def _fold(self, facts: Sequence[Fact]) -> tuple[Touched, Touched]:
        """What changed at all, and what of that by records, pictures and edits."""
        touched, time = await self._resettler.tell(facts), Touched()
        touched.merge(await self._folder.score(_only(SegmentScored, facts)))
        recorded = _only(SegmentRecorded, facts)
        captured = [one for one in facts if isinstance(one, CaptureStored | CaptureRemoved)]
        edited = [self._open(one) for one in _only(DiaryEdited, facts)]
        if recorded or captured or edited:
            time = await self._folder.fold(recorded, captured, edited)
            touched.merge(time)
        return touched, time

    def _open(self, fact: DiaryEdited) -> Told:
        """The edit a fact tells of; ProofError where the diary never signed it."""
        signed = edits.signed_of(fact)
        return Told(read_edit(self._seal_public, signed), signed)

    async def _fold_singly(self, read: Sequence[tuple[Delivery, Fact]]) -> tuple[Touched, Touched]:
        touched, time = Touched(), Touched()
        for delivery, fact in read:
            try:
                for whole, part in zip((touched, time), await self._fold([fact]), strict=True):
                    whole.merge(part)
            except Exception as error:
                if _passes(error):
                    raise
                # the error's text may quote the fact, and what is personal in it has no place in a log
                log.error("a %s cannot be folded: %s", events.kind_of(delivery.subject), type(error).__name__)
                await self._set_aside(delivery, f"{type(error).__name__} while folding")
        return touched, time

    async def _set_aside(self, delivery: Delivery, reason: str) -> None:
        tokens = delivery.subject.split(".")
        workspace = tokens[2] if len(tokens) == 4 else "-"
        key = f"{workspace}|{sha256(delivery.subject.encode() + delivery.body).hexdigest()}"
        kept = {"subject": delivery.subject, "body": delivery.body, "reason": reason, "at": datetime.now(UTC)}
        await self._db["poison"].bulk_write([UpdateOne({"_id": key}, {"$set": kept}, upsert=True)])
        metrics.MESSAGES.labels("projector", "poison").inc()

    async def _tell(self, touched: Touched) -> None:
        for (workspace, member), slots in touched.slots.items():
            change = DiaryChanged(workspace=workspace, member=member, slots=sorted(slots))
            await self._bus.say(subjects.diary_changed(workspace, member), change.model_dump_json().encode())


def _only(kind: type[_Fact], facts: Sequence[Fact]) -> list[_Fact]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _is_journals(subject: str) -> bool:
    return events.kind_of(subject) in subjects.JOURNAL_FACTS


def _passes(error: Exception) -> bool:
    """Whether trying again later may help: the store is away, or others were quicker."""
    if isinstance(error, OperationFailure):
        return error.has_error_label(_TRANSIENT) or error.code in _PASSING_CODES
    return isinstance(error, ConnectionFailure | TimeoutError | StaleWeek)


#: NotWritablePrimary and its kin, WriteConflict, MaxTimeMSExpired, NoSuchTransaction.
_PASSING_CODES = frozenset({50, 91, 112, 189, 251, 10107, 11600, 11602, 13435, 13436})


def _observe(read: Sequence[tuple[Delivery, Fact]], time: Touched) -> None:
    """Counts how long each record took to be seen; what came again and changed nothing was counted before."""
    now, visible = datetime.now(UTC), metrics.FRESHNESS_SECONDS.labels("visible")
    for delivery, fact in read:
        if not isinstance(fact, SegmentRecorded) or delivery.replayed:
            continue
        if fact.slot not in time.slots.get((fact.workspace, fact.member), ()):
            continue
        try:
            seconds = events.seconds_since(fact.record["closed_at"], now)
        except (KeyError, TypeError, ValueError):
            continue  # set aside already
        visible.observe(max(0.0, seconds))

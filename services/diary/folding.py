"""Facts become the diary: read what they touch, change it in memory, write it back, all in one transaction.

A transaction holds segments, pictures and contract-weeks together, so a week is never out of step with its segments,
and any two that touch the same document cannot both hold: the server makes one of them begin again. Everything is
computed anew from what is there, so facts may come in any order, twice, and to several projectors at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from pymongo import UpdateOne

from services.diary import edits, projections
from services.diary.documents import Documents, Kept, Settled
from services.diary.projections import Document
from services.diary.terms import Terms
from services.kit.mongo import Database, Session, transaction
from services.wire.edits import Edit, Signed
from services.wire.events import CaptureRemoved, CaptureStored, SegmentRecorded, SegmentScored

CaptureFact = CaptureStored | CaptureRemoved


class Told(NamedTuple):
    """An edit that somebody told of, read, and as it was told."""

    edit: Edit
    signed: Signed


@dataclass
class Touched:
    """What a fold changed: slots by (workspace, member), so that open pages can be told."""

    slots: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, segment: str) -> None:
        """A segment, by its ``_id``."""
        workspace, member, slot, *_ = segment.split("|")
        self.slots[workspace, member].add(slot)

    def merge(self, other: "Touched") -> None:
        """What another fold changed, too."""
        for key, slots in other.slots.items():
            self.slots[key] |= slots


class Folder:
    """Folds facts about time into the diary's collections."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._segments = db["segments"]

    async def score(self, facts: Sequence[SegmentScored]) -> Touched:
        """Keeps each segment's highest score; it may be here before its segment."""
        touched, updates = Touched(), []
        for fact in facts:
            key = projections.segment_key(fact)
            updates.append(_higher_score(key, projections.score_of(fact)))
            touched.add(key)
        if updates:
            await self._segments.bulk_write(updates, ordered=False)
        return touched

    async def fold(
        self, recorded: Sequence[SegmentRecorded], captured: Sequence[CaptureFact], edited: Sequence[Told] = ()
    ) -> Touched:
        """Folds records, what media says of pictures, and edits; edits made here are in the diary already."""
        moments = {
            projections.moment_key(one.workspace, one.member, projections.canonical_slot(one.slot)) for one in recorded
        }
        return await self._settled(recorded, captured, edited, moments)

    async def refold(self, moments: Iterable[str]) -> Touched:
        """Computes the segments of these slots anew, where the workspace's settings are others now."""
        return await self._settled((), (), (), set(moments))

    async def _settled(
        self,
        recorded: Sequence[SegmentRecorded],
        captured: Sequence[CaptureFact],
        edited: Sequence[Told],
        moments: set[str],
    ) -> Touched:
        # A transaction that began before a contract or setting changed would not see the change, nor be seen by it:
        # so it looks again afterwards.
        touched = Touched()
        while True:

            async def work(session: Session) -> tuple[Touched, Terms]:
                return await self._work(Documents(self._db, session), recorded, captured, edited, moments)

            changed, terms = await transaction(self._db, work)
            touched.merge(changed)
            if await terms.still_hold(self._db):
                return touched

    async def _work(
        self,
        held: Documents,
        recorded: Sequence[SegmentRecorded],
        captured: Sequence[CaptureFact],
        edited: Sequence[Told],
        moments: set[str],
    ) -> tuple[Touched, Terms]:
        said = set(map(_picture_of, captured)) | {key for one in edited for key in edits.pictures_of(one.edit)}
        about = {key for one in edited for key in edits.segments_of(one.edit)}
        await held.read_pictures({key for fact in recorded for key in projections.captures_of(fact)} | said)
        for fact in captured:
            projections.note_picture(held.pictures.now[_picture_of(fact)], fact)
        named = {segment for key in said for segment in held.pictures.now[key]["named"]}
        await held.read_segments(moments | {segment.rsplit("|", 2)[0] for segment in named | about})
        fresh = _add_parts(held.segments, recorded)
        for one in edited:
            edits.apply(one.edit, held.segments.now, held.pictures.now)
        held.put_together(fresh | named | about)
        settled = await held.settle(datetime.now(UTC))
        await held.write(settled)
        await self._keep(edited, held.session)
        return told(held, settled), settled.terms

    async def _keep(self, edited: Sequence[Told], session: Session) -> None:
        """Edits that are not kept any more (a diary built anew) are kept again, as they were signed."""
        if edited:
            kept = (edits.document_of(*one) for one in edited)
            updates = [UpdateOne({"_id": one["_id"]}, {"$setOnInsert": one}, upsert=True) for one in kept]
            await self._db["edits"].bulk_write(updates, ordered=False, session=session)


def told(held: Documents, settled: Settled) -> Touched:
    """The slots that look different now that all is written, so that open pages can be told."""
    touched = Touched()
    for segment in {*held.written, *settled.moved}:
        touched.add(segment)
    return touched


def _add_parts(segments: Kept, recorded: Sequence[SegmentRecorded]) -> set[str]:
    keys = set()
    for fact in recorded:
        key = projections.segment_key(fact)
        segments.now[key] = projections.new_segment(key) | segments.now.get(key, {})
        projections.add_part(segments.now[key], fact)
        keys.add(key)
    return keys


def _picture_of(fact: CaptureFact) -> str:
    return projections.picture_key(fact.workspace, fact.capture_id, fact.device)


def _higher_score(key: str, score: Document) -> UpdateOne:
    higher = {"$gt": [{"$literal": score["rank"]}, {"$ifNull": ["$score.rank", []]}]}
    return UpdateOne(
        {"_id": key}, [{"$set": {"score": {"$cond": [higher, {"$literal": score}, "$score"]}}}], upsert=True
    )

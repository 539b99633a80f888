"""Facts become the diary: read what they touch, change it in memory, write it back, all in one transaction.

A transaction holds segments, pictures and contract-weeks together, so a week is never out of step with its segments,
and any two that touch the same document cannot both hold: the server makes one of them begin again. Everything is
computed anew from what is there, so facts may come in any order, twice, and to several projectors at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bson import Regex
from pymongo import ReplaceOne, UpdateOne

from services.diary import projections
from services.diary.projections import Document
from services.diary.sheets import Moved, Terms, WeekBook
from services.kit.mongo import Database, Session, transaction
from services.wire.events import CaptureRemoved, CaptureStored, SegmentRecorded, SegmentScored

CaptureFact = CaptureStored | CaptureRemoved
_FEW_SPANS = 8
_NEAR_SLOTS = 600 * 12


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
        self._segments, self._pictures = db["segments"], db["pictures"]

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

    async def fold(self, recorded: Sequence[SegmentRecorded], captured: Sequence[CaptureFact]) -> Touched:
        """Folds records and what media says of pictures."""
        moments = {
            projections.moment_key(one.workspace, one.member, projections.canonical_slot(one.slot)) for one in recorded
        }
        return await self._settled(recorded, captured, moments)

    async def refold(self, moments: Iterable[str]) -> Touched:
        """Computes the segments of these slots anew, where the workspace's settings are others now."""
        return await self._settled((), (), set(moments))

    async def _settled(
        self, recorded: Sequence[SegmentRecorded], captured: Sequence[CaptureFact], moments: set[str]
    ) -> Touched:
        # A transaction that began before a contract or setting changed would not see the change, nor be seen by it:
        # so it looks again afterwards.
        touched = Touched()
        while True:

            async def work(session: Session) -> tuple[Touched, Terms]:
                return await self._work(session, recorded, captured, moments)

            changed, terms = await transaction(self._db, work)
            touched.merge(changed)
            if await terms.still_hold(self._db):
                return touched

    async def _work(
        self, session: Session, recorded: Sequence[SegmentRecorded], captured: Sequence[CaptureFact], moments: set[str]
    ) -> tuple[Touched, Terms]:
        pictures = _Kept(await self._read_pictures(session, recorded, captured))
        for fact in captured:
            projections.note_picture(pictures.now[_picture_of(fact)], fact)
        named = {segment for fact in captured for segment in pictures.now[_picture_of(fact)]["named"]}
        wanted = moments | {segment.rsplit("|", 2)[0] for segment in named}
        segments = _Kept(await self._read_segments(session, wanted))
        fresh = _add_parts(segments, recorded)
        for key in fresh | (named & segments.now.keys()):
            projections.put_together(segments.now[key], pictures.now)
        terms = await Terms.read(self._db, session, segments.now.values())
        _count(segments.now.values(), terms)
        book = WeekBook(self._db, terms, datetime.now(UTC))
        moved = await book.enter(session, segments.before, segments.now)
        await self._write(session, segments, pictures)
        return _told(segments, moved), terms

    async def _read_pictures(
        self, session: Session, recorded: Sequence[SegmentRecorded], captured: Sequence[CaptureFact]
    ) -> dict[str, Document]:
        keys = {key for fact in recorded for key in projections.captures_of(fact)} | set(map(_picture_of, captured))
        found = {key: projections.new_picture(key) for key in keys}
        if keys:
            async for document in self._pictures.find({"_id": {"$in": list(keys)}}, session=session):
                found[document["_id"]] = document
        return found

    async def _read_segments(self, session: Session, moments: set[str]) -> dict[str, Document]:
        if not moments:
            return {}
        found = self._segments.find(_within(moments), session=session)
        return {one["_id"]: one async for one in found if one["_id"].rsplit("|", 2)[0] in moments}

    async def _write(self, session: Session, segments: "_Kept", pictures: "_Kept") -> None:
        updates = [
            UpdateOne({"_id": key}, {"$set": changed}, upsert=True) for key, changed in segments.changes() if changed
        ]
        if updates:
            await self._segments.bulk_write(updates, ordered=False, session=session)
        replaced = [
            ReplaceOne({"_id": key}, pictures.now[key], upsert=True) for key, changed in pictures.changes() if changed
        ]
        if replaced:
            await self._pictures.bulk_write(replaced, ordered=False, session=session)


class _Kept:
    """Documents as they were read, and as they are to be. A value is replaced, never changed in place."""

    def __init__(self, read: dict[str, Document]) -> None:
        self.before = {key: dict(document) for key, document in read.items()}
        self.now = read

    def changes(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """The fields of each document that are others than they were read."""
        for key, document in self.now.items():
            before = self.before.get(key, {})
            yield (
                key,
                {
                    name: value
                    for name, value in document.items()
                    if name != "_id" and (name not in before or before[name] != value)
                },
            )


def _add_parts(segments: _Kept, recorded: Sequence[SegmentRecorded]) -> set[str]:
    keys = set()
    for fact in recorded:
        key = projections.segment_key(fact)
        segments.now[key] = projections.new_segment(key) | segments.now.get(key, {})
        projections.add_part(segments.now[key], fact)
        keys.add(key)
    return keys


def _count(segments: Iterable[Document], terms: Terms) -> None:
    slots = defaultdict(list)
    for document in segments:
        slots[document["_id"].rsplit("|", 2)[0]].append(document)
    for moment, documents in slots.items():
        settings = terms.workspace(moment.split("|", 1)[0])
        projections.count(documents, movement_counts=settings.movement_counts)


def _told(segments: _Kept, moved: Moved) -> Touched:
    touched = Touched()
    for key, changed in segments.changes():
        if changed:
            touched.add(key)
    for segment in moved:
        touched.add(segment)
    return touched


def _picture_of(fact: CaptureFact) -> str:
    return projections.picture_key(fact.workspace, fact.capture_id, fact.device)


def _within(moments: set[str]) -> dict[str, Any]:
    """All segments of these slots: by spans of ``_id`` where a few hold them all, else by prefixes."""
    spans: list[list[str]] = []
    for moment in sorted(moments):
        if spans and _near(spans[-1][1], moment):
            spans[-1][1] = moment
        else:
            spans.append([moment, moment])
    if len(spans) <= _FEW_SPANS:
        return {"$or": [{"_id": {"$gte": f"{first}|", "$lt": f"{last}}}"}} for first, last in spans]}
    return {"_id": {"$in": [Regex("^" + moment.replace("|", r"\|") + r"\|") for moment in moments]}}


def _near(one: str, other: str) -> bool:
    """Within two hours of one member's time: reading what lies between costs less than another span."""
    (owner, slot), (other_owner, other_slot) = one.rsplit("|", 1), other.rsplit("|", 1)
    if owner != other_owner:
        return False
    return (datetime.fromisoformat(other_slot) - datetime.fromisoformat(slot)).total_seconds() <= _NEAR_SLOTS


def _higher_score(key: str, score: Document) -> UpdateOne:
    higher = {"$gt": [{"$literal": score["rank"]}, {"$ifNull": ["$score.rank", []]}]}
    return UpdateOne(
        {"_id": key}, [{"$set": {"score": {"$cond": [higher, {"$literal": score}, "$score"]}}}], upsert=True
    )

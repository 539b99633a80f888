"""What one fold or edit holds in memory: documents as they were read, and as they are to be, within a transaction.

Segments, pictures and contract-weeks are read here and written here, so that whatever changes a diary (a fact, an edit)
goes the same way: read what it touches, change it, ``settle``, write.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from bson import Regex
from pymongo import ReplaceOne, UpdateOne

from services.diary import projections
from services.diary.projections import Document
from services.diary.sheets import Moved, Rolled, WeekBook
from services.diary.terms import Terms
from services.kit.mongo import Database, Session

Step = Callable[[float], Awaitable[None]]
CHUNK = 1000
_FEW_SPANS = 8
_NEAR_SLOTS = 600 * 12


class Change(NamedTuple):
    """Of one document the fields that are others than they were read, and the names of those that are gone."""

    key: str
    changed: dict[str, Any]
    gone: list[str]


class Kept:
    """Documents as they were read, and as they are to be. A value is replaced, never changed in place."""

    def __init__(self, read: dict[str, Document]) -> None:
        self.before = {key: dict(document) for key, document in read.items()}
        self.now = read

    def add(self, read: dict[str, Document]) -> None:
        """Further documents; those that are held already stay as they are."""
        for key, document in read.items():
            if key not in self.now:
                self.before[key], self.now[key] = dict(document), document

    def changes(self) -> Iterable[Change]:
        """What is to be written of each document."""
        for key, document in self.now.items():
            before = self.before.get(key, {})
            changed = {
                name: value
                for name, value in document.items()
                if name != "_id" and (name not in before or before[name] != value)
            }
            yield Change(key, changed, [name for name in before if name not in document])

    def changed(self) -> list[str]:
        """The ``_id`` of those that are to be written."""
        return [one.key for one in self.changes() if one.changed or one.gone]


class Settled(NamedTuple):
    """What settling came to: segments that turned red or no longer are, and the weeks as they are to be."""

    moved: Moved
    weeks: list[Rolled]
    terms: Terms
    book: WeekBook


class Documents:
    """The documents of one transaction."""

    def __init__(self, db: Database, session: Session) -> None:
        self._db, self.session = db, session
        self.segments, self.pictures = Kept({}), Kept({})
        self.written: list[str] = []
        """The ``_id`` of the segments that ``write`` wrote."""
        self.step: Step | None = None
        """Hears how far many segments are: half of it put together, half of it written."""

    async def read_segments(self, moments: set[str]) -> None:
        """All of the members' segments in these slots (``workspace|member|slot``): they are counted together."""
        wanted = moments - {key.rsplit("|", 2)[0] for key in self.segments.before}
        if not wanted:
            return
        found = self._db["segments"].find(_within(wanted), session=self.session)
        there = {one["_id"]: one async for one in found if one["_id"].rsplit("|", 2)[0] in wanted}
        # of one whose score came before its record nothing else is known yet
        self.segments.add({key: projections.new_segment(key) | one for key, one in there.items()})

    async def read_pictures(self, keys: set[str]) -> None:
        """Pictures by ``_id``; of what is not there yet, a document that knows nothing."""
        if not keys:
            return
        found = {key: projections.new_picture(key) for key in keys}
        async for document in self._db["pictures"].find({"_id": {"$in": list(keys)}}, session=self.session):
            found[document["_id"]] = document
        self.pictures.add(found)

    def put_together(self, keys: Iterable[str]) -> None:
        """Puts these segments together anew from their parts and what edits did to them."""
        for key in keys:
            if key in self.segments.now:
                projections.put_together(self.segments.now[key], self.pictures.now)

    async def put_all_together(self, keys: Collection[str]) -> None:
        """As ``put_together``, letting others have their turn between."""
        ordered = list(keys)
        for start in range(0, len(ordered), CHUNK):
            self.put_together(ordered[start : start + CHUNK])
            await self._at(min(start + CHUNK, len(ordered)) / len(ordered) / 2)

    async def _at(self, part: float) -> None:
        if self.step:
            await self.step(part)

    async def settle(self, now: datetime, bump: Iterable[str] = ()) -> Settled:
        """Counts the slots, enters them into their weeks and rolls these up; ``bump``: weeks that change anyhow."""
        segments = self.segments
        terms = await Terms.read(self._db, self.session, segments.now.values())
        book = WeekBook(self._db, terms, now)
        weeks, late = await book.place(self.session, segments.before, segments.now)
        self.put_together(late)
        projections.count_all(
            segments.now.values(), terms.workspace, lambda one, week: book.is_sealed(one, week, weeks)
        )
        changes = book.enter(segments.before, segments.now, weeks)
        rolled = book.roll(weeks, changes, frozenset(bump))
        for document in segments.now.values():
            projections.tell_in_brief(document)
        return Settled({one for week in rolled for one in week.moved}, rolled, terms, book)

    async def write(self, settled: Settled) -> None:
        """Writes all of it."""
        changes = [one for one in self.segments.changes() if one.changed or one.gone]
        self.written = [one.key for one in changes]
        await self._take_turns(changes)
        updates = [UpdateOne({"_id": one.key}, _set(one.changed) | _unset(one.gone), upsert=True) for one in changes]
        replaced = [ReplaceOne({"_id": key}, self.pictures.now[key], upsert=True) for key in self.pictures.changed()]
        done, total = 0, len(updates) + len(replaced)
        for name, writes in (("segments", updates), ("pictures", replaced)):
            for start in range(0, len(writes), CHUNK):
                chunk = writes[start : start + CHUNK]
                await self._db[name].bulk_write(chunk, ordered=False, session=self.session)
                done += len(chunk)
                await self._at(0.5 + done / total / 2)
        await settled.book.write(self.session, settled.weeks)

    async def _take_turns(self, changes: Iterable[Change]) -> None:
        """Has two that count anew on one member's day follow one another, whatever contracts they are about (T-14).

        Neither would see the segment that the other adds to a slot, and no document they write is the same: a minute
        on two devices would count twice. So both write this one.
        """
        days = sorted({_day_of(one.key) for one in changes if not _COUNTED.isdisjoint(one.changed)})
        if days:
            turns = [UpdateOne({"_id": day}, {"$inc": {"turn": 1}}, upsert=True) for day in days]
            await self._db["turns"].bulk_write(turns, ordered=False, session=self.session)


#: What of a segment others of its slot are counted by, or came out of counting.
_COUNTED = frozenset({"parts", "figures", "claim"})


def _day_of(segment: str) -> str:
    """``workspace|member|2026-11-20`` of a segment's ``_id``."""
    workspace, member, slot, *_ = segment.split("|")
    return f"{workspace}|{member}|{slot[:10]}"


def _set(changed: dict[str, Any]) -> dict[str, Any]:
    return {"$set": changed} if changed else {}


def _unset(names: list[str]) -> dict[str, Any]:
    return {"$unset": dict.fromkeys(names, "")} if names else {}


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

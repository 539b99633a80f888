"""Scoring's Mongo: ``slots``, ``rollups`` and ``rules``, in few round trips for many documents.

Every write holds only against the state it was computed from: what another replica wrote meanwhile is named, to be
read and folded again. So no slower worker overwrites what is newer, and everything may be done twice.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.kit.mongo import DUPLICATE_KEY, Database, prefix_range
from services.scoring.tracko import Rules
from services.wire.events import WorkspaceChanged
from services.wire.slots import SLOT, format_instant, parse_instant, slot_of

Document = dict[str, Any]
Documents = dict[str, Document]


class Store:
    """What scoring keeps."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, collection: str, keys: Iterable[str]) -> Documents:
        """The documents there are of these keys."""
        wanted = list(keys)
        found = await self._db[collection].find({"_id": {"$in": wanted}}).to_list(None)
        return {one["_id"]: one for one in found}

    async def save(self, collection: str, stamp: str, known: Mapping[str, Document], new: Documents) -> set[str]:
        """Writes the documents that differ from what is known, each only where that still stands.

        ``stamp`` is the field that changes with every change. Gives the keys to be read again and tried again.
        """
        added = [one for key, one in new.items() if key not in known]
        changed = [one for key, one in new.items() if key in known and known[key][stamp] != one[stamp]]
        lost = await self._insert(collection, added) if added else set()
        if changed:
            operations = [ReplaceOne({"_id": one["_id"], stamp: known[one["_id"]][stamp]}, one) for one in changed]
            result = await self._db[collection].bulk_write(operations, ordered=False)
            if result.matched_count < len(changed):  # which of them is not told; those that are written stay so
                lost |= {one["_id"] for one in changed}
        return lost

    async def _insert(self, collection: str, documents: list[Document]) -> set[str]:
        try:
            await self._db[collection].insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failures = (error.details or {}).get("writeErrors", [])
            if not failures or any(failure["code"] != DUPLICATE_KEY for failure in failures):
                raise
            return {documents[failure["index"]]["_id"] for failure in failures}
        return set()

    async def superseded(self, slots: Documents) -> set[str]:
        """Which of these slots have become newer since."""
        rows = self._db["slots"].find({"_id": {"$in": list(slots)}}, {"stamp": 1})
        return {row["_id"] async for row in rows if row["stamp"] != slots[row["_id"]]["stamp"]}

    async def slots_between(self, workspace: str, start: str, end: str, after: str, limit: int) -> list[str]:
        """Keys of a workspace's slots that start in [start, end), those behind ``after``, at most ``limit``."""
        wanted = {
            "_id": prefix_range(workspace) | {"$gt": after},
            "slot": {"$gte": first_slot(start), "$lt": first_slot(end)},
        }
        rows = await self._db["slots"].find(wanted, {"_id": 1}).sort("_id", 1).limit(limit).to_list(limit)
        return [row["_id"] for row in rows]

    async def days(self, workspace: str, members: Iterable[str], first: str, last: str) -> list[Document]:
        """The rollups of members from day ``first`` to ``last``, both included, by member and day."""
        ranges = [
            {"_id": {"$gte": f"{workspace}|{member}|{first}", "$lte": f"{workspace}|{member}|{last}"}}
            for member in sorted(set(members))
        ]
        if not ranges:
            return []
        return await self._db["rollups"].find({"$or": ranges}).sort("_id", 1).to_list(None)

    async def keep_rules(self, fact: WorkspaceChanged) -> None:
        """Keeps what a workspace computes with; an older revision changes nothing."""
        key = f"{fact.workspace}|rules"
        rules = {
            "revision": fact.revision,
            "movement_counts": fact.movement_counts,
            "unproductive_weight_percent": fact.unproductive_weight_percent,
        }
        try:
            await self._db["rules"].update_one(
                {"_id": key, "revision": {"$lt": fact.revision}}, {"$set": rules}, upsert=True
            )
        except DuplicateKeyError:
            return  # a newer one, or this one, is there

    async def rules(self, workspaces: Iterable[str]) -> dict[str, Rules]:
        """What each of these workspaces computes with; the defaults where it never said."""
        wanted = set(workspaces)
        found = await self.find("rules", [f"{one}|rules" for one in wanted])
        return {one: _rules(found.get(f"{one}|rules")) for one in wanted}


def _rules(document: Document | None) -> Rules:
    if document is None:
        return Rules()
    return Rules(*(document[name] for name in Rules._fields))


def first_slot(instant: str) -> str:
    """The first slot that starts at an instant or after it."""
    slot = slot_of(parse_instant(instant))
    return format_instant(slot if slot >= parse_instant(instant) else slot + SLOT)

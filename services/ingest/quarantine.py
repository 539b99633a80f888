"""What was not admitted, verbatim and with its reason, until an admin releases it: never dropped (product.md: B-02)."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from services.ingest.reading import Arrival, Fault
from services.kit.mongo import DUPLICATE_KEY, Database, prefix_range
from services.wire.proof import Link
from services.wire.slots import format_instant

Row = dict[str, Any]
_SHOWN = 1000


def key(arrival: Arrival, seq: int | None, record_hash: str | None) -> str:
    """The same for the same record under redelivery; what proves nothing is known by its bytes."""
    known = record_hash or hashlib.sha256(arrival.body).hexdigest()
    return f"{arrival.workspace}|{arrival.device}|{seq or 0:016d}|{known[:32]}"


def row_of(
    arrival: Arrival, fault: Fault, now: datetime, seq: int | None, record_hash: str | None, prev: str | None
) -> Row:
    """One entry; seq, hash and prev are there only where the device's signature proves them."""
    return {
        "_id": key(arrival, seq, record_hash),
        "workspace": arrival.workspace,
        "device": arrival.device,
        "seq": seq,
        "hash": record_hash,
        "prev": prev,
        "reason": fault.reason,
        "message": fault.message,
        "body": arrival.body,
        "traceparent": arrival.traceparent,
        "received_at": now,
    }


class Quarantine:
    """The collection ``quarantine`` of ingest's database."""

    def __init__(self, db: Database) -> None:
        self._rows = db["quarantine"]

    async def hold(self, rows: Sequence[Row]) -> None:
        """Keeps these; one that is held already keeps its bytes and time, and says the newest reason."""
        if not rows:
            return
        try:
            await self._rows.bulk_write([_upsert(row) for row in rows], ordered=False)
        except BulkWriteError as error:
            # two replicas held the same one at the same moment: it is held
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise

    async def held(self, keys: Collection[str]) -> list[str]:
        """Which of these keys are held."""
        return [row["_id"] async for row in self._rows.find({"_id": {"$in": list(keys)}}, {"_id": 1})]

    async def forget(self, keys: Collection[str]) -> None:
        """These are in the ledger now."""
        if keys:
            await self._rows.delete_many({"_id": {"$in": list(keys)}})

    async def get(self, workspace: str, keys: Collection[str]) -> list[Row]:
        """Whole entries of one workspace; others' keys match nothing."""
        own = [one for one in keys if one.startswith(f"{workspace}|")]
        return await self._rows.find({"_id": {"$in": own}}).sort("_id", 1).to_list(None)

    async def newest(self, workspace: str, device: str | None) -> list[Row]:
        """The newest thousand entries, without their bytes, as ``rpc.ingest.quarantine`` answers."""
        below = prefix_range(workspace, device) if device else prefix_range(workspace)
        found = self._rows.find({"_id": below}, {"body": 0}).sort("received_at", -1).limit(_SHOWN)
        return [
            {
                "id": row["_id"],
                "device": row["device"],
                "seq": row["seq"],
                "reason": row["reason"],
                "message": row["message"],
                "received_at": format_instant(row["received_at"]),
            }
            async for row in found
        ]

    async def count(self, workspace: str, device: str) -> int:
        """How many entries take a seq that the ledger does not."""
        query = {"_id": prefix_range(workspace, device), "seq": {"$ne": None}, "reason": {"$ne": "conflict"}}
        return await self._rows.count_documents(query)

    async def proved(self, workspace: str, device: str) -> list[tuple[Link, str]]:
        """The links of a device's quarantined records, as far as they are proved, with the reasons."""
        query = {"_id": prefix_range(workspace, device), "seq": {"$ne": None}}
        rows = self._rows.find(query, {"seq": 1, "hash": 1, "prev": 1, "reason": 1})
        return [(Link(row["seq"], row["hash"], row["prev"] or ""), row["reason"]) async for row in rows]


def _upsert(row: Row) -> UpdateOne:
    newest = {name: row[name] for name in ("reason", "message")}
    kept = {name: value for name, value in row.items() if name not in newest and name != "_id"}
    return UpdateOne({"_id": row["_id"]}, {"$setOnInsert": kept, "$set": newest}, upsert=True)

"""The ledger: every admitted record, verbatim and for ever, under ``workspace|device|seq``.

A key is written once. The same key with another record hash is a conflict and never overwrites.
"""

import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from pymongo.errors import BulkWriteError

from services.ingest.admission import Decision, Fields, Terms
from services.ingest.reading import Arrival, Proved
from services.kit.mongo import DUPLICATE_KEY, Database, prefix_range
from services.wire import subjects
from services.wire.proof import Link
from services.wire.slots import format_instant

Row = dict[str, Any]
_ERASED = orjson.dumps({"salt": "0" * 32, "memo": None, "label": None, "apps": [], "captures": []})
_CHUNK = 500
_BRIEF = {"hash": 1, "received_at": 1, "arrived_after_revocation": 1, "label_unlisted": 1, "device_kind": 1}


def key(workspace: str, device: str, seq: int) -> str:
    """The ``_id`` of a record; seq is padded so that the order of keys is the order of the chain."""
    return f"{workspace}|{device}|{seq:016d}"


def seq_of(_id: str) -> int:
    """The seq of a key."""
    return int(_id.rsplit("|", 1)[1])


def row_of(arrival: Arrival, proved: Proved, terms: Terms, decision: Decision, now: datetime) -> Row:
    """A record as the ledger keeps it; ``slot`` is there to find it by time, ``prev`` to examine the chain."""
    row = {
        "_id": key(arrival.workspace, arrival.device, proved.seq),
        "workspace": arrival.workspace,
        "device": arrival.device,
        "device_kind": terms.device_kind,
        "slot": proved.slot,
        "hash": proved.hash,
        "prev": proved.record["prev"],
        "record": proved.record_text,
        "detail": proved.detail_text,
        "signature": proved.signature,
        "received_at": now,
    }
    if decision.arrived_after_revocation:
        row["arrived_after_revocation"] = True
    if decision.label_unlisted:
        row["label_unlisted"] = True
    return row


def fact_of(row: Mapping[str, Any], record: Fields, record_text: str, detail_text: str | None) -> tuple[str, bytes]:
    """Subject and body of ``segment.recorded``: the same for the same row, however often it is said.

    Record and detail go in as the text they came as, which was read when it came; an erased detail (G-03) is empty.
    """
    fact = {
        "workspace": record["workspace"],
        "member": record["member"],
        "device": record["device"],
        "device_kind": row["device_kind"],
        "contract": record["contract"],
        "segment_id": record["segment_id"],
        "slot": record["slot"],
        "seq": record["seq"],
        "record_hash": row["hash"],
        "record": msgspec.Raw(record_text),
        "detail": msgspec.Raw(detail_text or _ERASED),
        "received_at": _written(row["received_at"]),
        "arrived_after_revocation": row.get("arrived_after_revocation", False),
        "label_unlisted": row.get("label_unlisted", False),
    }
    return subjects.fact("segment.recorded", record["workspace"], record["member"]), msgspec.json.encode(fact)


@lru_cache(64)  # all of a batch came at the same time
def _written(received_at: datetime) -> str:
    return format_instant(received_at)


def stored_fact(row: Mapping[str, Any]) -> tuple[str, bytes]:
    """The fact of a row read back."""
    return fact_of(row, orjson.loads(row["record"]), row["record"], row["detail"])


@dataclass(frozen=True, slots=True)
class History:
    """A device's part of the ledger, for the proof of sync (B-02)."""

    links: list[Link]
    last_received_at: datetime | None


class Ledger:
    """The collection ``ledger`` of ingest's database, and the name of its generation."""

    def __init__(self, db: Database) -> None:
        self._rows, self._meta = db["ledger"], db["meta"]
        self._generation = ""

    async def prepare(self) -> None:
        """Makes the index by time and names the generation, where they are not there yet."""
        await self._rows.create_index([("workspace", 1), ("device", 1), ("slot", 1)])
        await self.generation(again=True)

    async def generation(self, *, again: bool = False) -> str:
        """Made once for each ledger database: an agent sees by it that it talks to another ledger."""
        if again or not self._generation:
            named = {"$setOnInsert": {"generation": secrets.token_hex(8)}}
            await self._meta.update_one({"_id": "-|ledger"}, named, upsert=True)
            self._generation = ((await self._meta.find_one({"_id": "-|ledger"})) or {})["generation"]
        return self._generation

    async def known(self, keys: Collection[str]) -> dict[str, Row]:
        """What the ledger holds under these keys: hash, received_at and marks."""
        if not keys:
            return {}
        rows = await self._rows.find({"_id": {"$in": list(keys)}}, _BRIEF).to_list(None)
        return {row["_id"]: row for row in rows}

    async def write(self, rows: Sequence[Row]) -> dict[str, Row]:
        """Writes new rows, majority and journalled; gives those another replica had written first, as they stand."""
        if not rows:
            return {}
        try:
            await self._rows.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if error.details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in failed):
                raise
            return await self.known([one["op"]["_id"] for one in failed])
        return {}

    # reading --------------------------------------------------------------------------------------------------------

    async def count(self, workspace: str, device: str) -> int:
        """How many records of a device there are, from the index alone."""
        return await self._rows.count_documents({"_id": prefix_range(workspace, device)})

    async def seqs(self, workspace: str, device: str) -> set[int]:
        """The seqs of a device's records, from the index alone."""
        return {
            seq_of(row["_id"]) async for row in self._rows.find({"_id": prefix_range(workspace, device)}, {"_id": 1})
        }

    async def rows(self, workspace: str, device: str, seqs: Collection[int]) -> list[Row]:
        """Whole rows by seq."""
        keys = [key(workspace, device, seq) for seq in seqs]
        return await self._rows.find({"_id": {"$in": keys}}).sort("_id", 1).to_list(None)

    async def history(self, workspace: str, device: str) -> History:
        """Every link of a device, and when the last record came."""
        links, last = [], None
        fields = {"hash": 1, "prev": 1, "received_at": 1}
        async for row in self._rows.find({"_id": prefix_range(workspace, device)}, fields):
            links.append(Link(seq_of(row["_id"]), row["hash"], row["prev"]))
            last = max(last, row["received_at"]) if last else row["received_at"]
        return History(links, last)

    async def span(
        self, workspace: str, device: str, start: datetime, end: datetime, after: str = ""
    ) -> AsyncIterator[Row]:
        """A device's rows whose slot lies in [start, end), by seq, those behind the key ``after``."""
        query = {"workspace": workspace, "device": device, "slot": {"$gte": start, "$lt": end}}
        found = await self._rows.find(query, {"_id": 1}).to_list(None)
        keys = sorted(row["_id"] for row in found if row["_id"] > after)
        for first in range(0, len(keys), _CHUNK):
            chunk = {"_id": {"$in": keys[first : first + _CHUNK]}}
            for row in await self._rows.find(chunk).sort("_id", 1).to_list(None):
                yield row

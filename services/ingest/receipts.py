"""Receipts: the signed word on what is safe, by which an agent forgets records (architecture.md, *The way*).

Each device's watermark moves by a conditional update on its revision, so any number of replicas may move it at once.
It says only what is journalled or quarantined: it is written after both, and a crash before it is repaired by
redelivery.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nacl.signing import SigningKey
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from services.ingest import ledger as ledgers
from services.ingest import watermark
from services.ingest.grants import Device
from services.ingest.ledger import Ledger
from services.ingest.quarantine import Quarantine
from services.ingest.watermark import Mark
from services.kit.bus import Bus
from services.kit.mongo import DUPLICATE_KEY, Database, prefix_range
from services.wire import proof, subjects
from services.wire.slots import format_instant

_REPEATED = 2000


@dataclass(slots=True)
class News:
    """What became safe of one device: seqs that are journalled, and quarantined ones with their reason."""

    admitted: set[int] = field(default_factory=set)
    quarantined: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stored:
    revision: int
    mark: Mark


_NOTHING = _Stored(0, Mark())


class Receipts:
    """The collection ``watermarks`` of ingest's database, and the key that signs receipts."""

    def __init__(self, db: Database, bus: Bus, ledger: Ledger, quarantine: Quarantine, key: SigningKey) -> None:
        self._marks, self._bus = db["watermarks"], bus
        self._ledger, self._quarantine, self._key = ledger, quarantine, key

    async def settle(self, news: Mapping[Device, News]) -> dict[Device, Mark]:
        """Moves the watermarks of these devices; gives each as it stands then."""
        while True:
            stored = await self._read(news)
            marks = {
                device: watermark.advance(stored.get(device, _NOTHING).mark, one.admitted, one.quarantined)
                for device, one in news.items()
            }
            # Where another replica moved one of them in between, look again: what did succeed has nothing left to move.
            if await self._write(stored, marks):
                return marks

    async def push(self, marks: Mapping[Device, Mark]) -> None:
        """Tells each device; lost where it does not listen, and then it asks."""
        generation, now = await self._ledger.generation(), datetime.now(UTC)
        for device, mark in marks.items():
            await self._bus.say(subjects.receipts(*device), self._seal(device, mark, generation, now))

    async def current(self, workspace: str, device: str) -> bytes:
        """The signed answer to a device that asks: what the watermark says and the ledger can still show.

        A restored store may have lost what the watermark promises, or hold what it does not know of yet: the first is
        taken back, the second is said on JOURNAL again before it is promised.
        """
        one = (workspace, device)
        generation = await self._ledger.generation(again=True)
        while True:
            # the watermark first: whatever it says was in the ledger before
            stored = await self._read([one])
            mark = stored.get(one, _NOTHING).mark
            there = await self._ledger.count(*one) + await self._quarantine.count(*one)
            if mark.total() != there:
                mark = await self._reconciled(one, mark)
            if await self._write(stored, {one: mark}):
                return self._seal(one, mark, generation, datetime.now(UTC))

    async def _reconciled(self, device: Device, mark: Mark) -> Mark:
        present = await self._ledger.seqs(*device)
        refused = {link.seq: reason for link, reason in await self._quarantine.proved(*device)}
        untold = sorted(seq for seq in present if seq not in mark)[:_REPEATED]
        rows = await self._ledger.rows(*device, untold)
        await self._bus.journal([(*ledgers.stored_fact(row), None) for row in rows])
        kept = watermark.keep(mark, present | refused.keys())
        unseen = {seq: reason for seq, reason in refused.items() if seq not in kept}
        return watermark.advance(kept, untold, unseen)

    def _seal(self, device: Device, mark: Mark, generation: str, now: datetime) -> bytes:
        return proof.seal_notice(self._key, watermark.receipt(mark, generation, *device, format_instant(now)))

    # the collection -------------------------------------------------------------------------------------------------

    async def devices(self, workspace: str) -> list[str]:
        """The devices of a workspace that ever had a record proved."""
        rows = self._marks.find({"_id": prefix_range(workspace)}, {"_id": 1})
        return [row["_id"].split("|")[1] async for row in rows]

    async def _read(self, devices: Collection[Device]) -> dict[Device, _Stored]:
        rows = await self._marks.find({"_id": {"$in": ["|".join(device) for device in devices]}}).to_list(None)
        found = {}
        for row in rows:
            workspace, device = row["_id"].split("|")
            above = tuple((first, last) for first, last in row["above"])
            quarantined = tuple((seq, reason) for seq, reason in row["quarantined"])
            found[workspace, device] = _Stored(row["revision"], Mark(row["through"], above, quarantined))
        return found

    async def _write(self, stored: Mapping[Device, _Stored], marks: Mapping[Device, Mark]) -> bool:
        writes = [
            _conditional(device, before.revision, mark)
            for device, mark in marks.items()
            if mark != (before := stored.get(device, _NOTHING)).mark
        ]
        if not writes:
            return True
        try:
            result = await self._marks.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise
            return False
        return result.matched_count + result.upserted_count == len(writes)


def _conditional(device: Device, revision: int, mark: Mark) -> UpdateOne:
    values: dict[str, Any] = {**mark._asdict(), "revision": revision + 1}
    return UpdateOne({"_id": "|".join(device), "revision": revision}, {"$set": values}, upsert=revision == 0)

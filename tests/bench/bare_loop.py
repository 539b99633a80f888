"""The reference that ingest is held against, a process of its own: fetch 500, validate, find and insert, ack.

Nothing is decided, journalled, receipted or signed for. ``python -m tests.bench.bare_loop`` with the variables of a
service, the stream ``BARE`` and its durable ``bare``.
"""

import asyncio
import hashlib

import nats
import uvloop
from pydantic import TypeAdapter

from services.kit.mongo import database
from services.kit.settings import Settings
from services.wire.events import Detail, Envelope, Record

BATCH = 500


async def main(settings: Settings) -> None:
    """Goes on until it is killed."""
    client = await nats.connect(settings.nats_urls, nkeys_seed_str=settings.bus_seed.get_secret_value())
    pull = await client.jetstream().pull_subscribe_bind(durable="bare", stream="BARE")
    rows = database(settings, "bare")["ledger"]
    envelopes, records, details = TypeAdapter(Envelope), TypeAdapter(Record), TypeAdapter(Detail)
    while True:
        try:
            batch = await pull.fetch(BATCH, timeout=0.3)
        except TimeoutError:
            continue
        found = {}
        for message in batch:
            envelope = envelopes.validate_json(message.data)
            record = records.validate_json(envelope.record)
            details.validate_json(envelope.detail)
            key = f"{record.workspace}|{record.device}|{record.seq:016d}"
            found[key] = {
                "_id": key,
                "slot": record.slot,
                "hash": hashlib.sha256(envelope.record.encode()).hexdigest(),
                "record": envelope.record,
                "detail": envelope.detail,
                "signature": envelope.signature,
            }
        known = await rows.find({"_id": {"$in": list(found)}}, {"hash": 1}).to_list(None)
        for row in known:
            del found[row["_id"]]
        if found:
            await rows.insert_many(list(found.values()), ordered=False)
        for message in batch:
            await message.ack()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(Settings()))

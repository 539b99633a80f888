"""The outbox's own alarm: what should be out by now is counted until it is."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.kit import metrics, mongo
from services.kit.bus import Bus
from services.kit.outbox import Outbox
from services.kit.settings import Settings
from tests.support.servers import Installation, new_id


async def _until(overdue: int) -> None:
    async with asyncio.timeout(30):
        while metrics.OUTBOX_STAGED._value.get() != overdue:  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0.05)


async def test_overdue_facts_are_counted_until_the_bus_has_them(installation: Installation, mongo_prefix: str) -> None:
    """The gauge behind the alert FactsWait: while the bus is away it shows them, afterwards none."""
    installation.migrate(mongo_prefix)
    keys = installation.keys
    settings = Settings(
        nats_url=installation.nats.url,
        bus_seed=keys.bus_seed("ingest"),
        mongo_url=installation.mongo_url,
        mongo_prefix=mongo_prefix,
    )
    db, bus = mongo.database(settings, "ingest"), Bus("ingest", settings)
    now, subject = datetime.now(UTC), f"segment.recorded.{new_id('ws')}.{new_id('member')}"
    fresh, old = ({"subject": subject, "body": b"{}", "at": now + timedelta(minutes=m)} for m in (1, -1))
    await db["outbox"].insert_one(old)
    outbox = Outbox(db, bus)
    outbox.start()  # the bus is not connected, so nothing can go out
    try:
        await _until(1)
        await db["outbox"].insert_one(fresh)
        await bus.start()
        await _until(0)
        assert await db["outbox"].count_documents({}) == 1, "what is staged ahead of time is not overdue"
    finally:
        await outbox.stop()
        await bus.stop()
        db.client.close()

"""Ingest's wiring: ``python -m services.ingest.app``."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from pydantic import SecretStr

from services.ingest.grants import Grants
from services.ingest.handlers import Handlers
from services.ingest.intake import Intake
from services.ingest.ledger import Ledger
from services.ingest.quarantine import Quarantine
from services.ingest.receipts import Receipts
from services.ingest.traces import Traces
from services.kit.bus import Bus
from services.kit.deletions import Deletions, of_documents
from services.kit.mongo import database, ping
from services.kit.service import Service, run
from services.kit.settings import Settings, signing_key
from services.wire.requests import GrantOf, QuarantineOf, RecordsOf, Release, Replay, SyncOf
from services.wire.subjects import JOURNAL, SEGMENTS, STREAMS

DURABLE, DELETIONS = (
    next(one for stream in STREAMS if stream.name == name for one in stream.durables if one.name == "ingest")
    for name in (SEGMENTS, JOURNAL)
)
_GRANT_SECONDS = 3.0


class IngestSettings(Settings):
    """``DAYBOOK_NOTICE_SEED``: base64 of the seed that signs receipts."""

    notice_seed: SecretStr


def build(settings: IngestSettings) -> Service:
    """The service, ready to run."""
    bus, db = Bus("ingest", settings), database(settings, "ingest")
    ledger, quarantine, traces = Ledger(db), Quarantine(db), Traces()
    receipts = Receipts(db, bus, ledger, quarantine, signing_key(settings.notice_seed))
    grants = Grants(_ask_licensing(bus))
    deletions = Deletions(db, of_documents(db))
    deletions.attach(bus)
    intake = Intake(bus, grants, ledger, quarantine, receipts, traces)
    handlers = Handlers(bus, intake, ledger, quarantine, receipts, deletions)
    bus.work(DURABLE, handlers.segments)
    bus.work(DELETIONS, deletions.take)
    bus.listen("licence.changed.>", grants.changed)
    bus.listen("contract.changed.>", grants.changed)
    bus.serve_device("receipts", handlers.receipt)
    bus.serve("records", RecordsOf, handlers.records)
    bus.serve("sync", SyncOf, handlers.sync)
    bus.serve("quarantine", QuarantineOf, handlers.quarantine)
    bus.serve("release", Release, handlers.release)
    bus.serve("replay", Replay, handlers.replay)

    async def close() -> None:
        await deletions.stop()
        traces.close()
        db.client.close()

    begin = [ledger.prepare, deletions.begin]
    return Service("ingest", settings, bus, {"mongo": partial(ping, db)}, before=begin, after=[close])


def _ask_licensing(bus: Bus) -> Callable[[GrantOf], Awaitable[Any]]:
    return partial(bus.ask, "licensing", "grant", timeout=_GRANT_SECONDS)


if __name__ == "__main__":
    run(build(IngestSettings()))

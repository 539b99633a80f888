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
from services.kit.mongo import database, ping
from services.kit.service import Service, run
from services.kit.settings import Settings, signing_key
from services.wire.requests import GrantOf, QuarantineOf, RecordsOf, Release, Replay, SyncOf
from services.wire.subjects import SEGMENTS, STREAMS

DURABLE = next(durable for stream in STREAMS if stream.name == SEGMENTS for durable in stream.durables)
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
    handlers = Handlers(bus, Intake(bus, grants, ledger, quarantine, receipts, traces), ledger, quarantine, receipts)
    bus.work(DURABLE, handlers.segments)
    bus.listen("licence.changed.>", grants.changed)
    bus.listen("contract.changed.>", grants.changed)
    bus.serve_device("receipts", handlers.receipt)
    bus.serve("records", RecordsOf, handlers.records)
    bus.serve("sync", SyncOf, handlers.sync)
    bus.serve("quarantine", QuarantineOf, handlers.quarantine)
    bus.serve("release", Release, handlers.release)
    bus.serve("replay", Replay, handlers.replay)

    async def close() -> None:
        traces.close()
        db.client.close()

    return Service("ingest", settings, bus, {"mongo": partial(ping, db)}, before=[ledger.prepare], after=[close])


def _ask_licensing(bus: Bus) -> Callable[[GrantOf], Awaitable[Any]]:
    return partial(bus.ask, "licensing", "grant", timeout=_GRANT_SECONDS)


if __name__ == "__main__":
    run(build(IngestSettings()))

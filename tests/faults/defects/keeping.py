"""Wrong ledgers and receipts, and pictures that are not kept."""

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from pymongo import ReplaceOne

from services.ingest import ledger
from services.ingest.intake import Case, Intake
from services.ingest.ledger import Ledger, Row
from services.ingest.reading import Arrival, Proved, read
from services.ingest.receipts import News
from services.kit.objects import Objects


def no_unique_key() -> None:
    """Every arrival has a key of its own, so nothing is ever there already."""
    ledger.key = lambda workspace, device, seq: f"{workspace}|{device}|{secrets.token_hex(4)}|{seq:016d}"


def overwrite() -> None:
    """What comes later replaces what is there, and nobody looks before."""

    async def known(self: Ledger, keys: Collection[str]) -> dict[str, Row]:
        return {}

    async def write(self: Ledger, rows: Sequence[Row]) -> dict[str, Row]:
        if rows:
            await self._rows.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])
        return {}

    Ledger.known, Ledger.write = known, write  # type: ignore[method-assign]


def promise_first() -> None:
    """The watermark moves, and the receipt goes out, before the ledger has the records."""
    take: Any = Intake.take

    async def early(self: Intake, arrivals: Sequence[Arrival]) -> list[Case]:
        snapshots = await self._grants.of({(one.workspace, one.device) for one in arrivals})
        news: dict[tuple[str, str], News] = {}
        for one in arrivals:
            device = one.workspace, one.device
            terms = snapshots[device].terms
            reading = read(one, terms.public_key) if terms else None
            if isinstance(reading, Proved):
                news.setdefault(device, News()).admitted.add(reading.seq)
        await self._receipts.push(await self._receipts.settle(news))
        await self._bus.ping()
        cases: list[Case] = await take(self, arrivals)
        return cases

    Intake.take = early  # type: ignore[method-assign]


def lose_pictures() -> None:
    """Every second picture is called stored and is not."""
    put: Any = Objects.put
    count = 0

    async def forgetful(self: Objects, key: str, body: bytes, content_type: str) -> None:
        nonlocal count
        count += 1
        if count % 2:
            await put(self, key, body, content_type)

    Objects.put = forgetful  # type: ignore[method-assign]

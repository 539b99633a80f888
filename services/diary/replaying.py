"""``rpc.diary.replay``: the diary says its edits and seals of a span again, for who lost them (architecture.md)."""

from collections.abc import AsyncIterator
from typing import Any

from services.diary import edits, sealing
from services.kit.bus import Bus
from services.kit.mongo import Database, prefix_range
from services.wire import subjects
from services.wire.events import Fact
from services.wire.requests import Replay

_AT_ONCE = 500
_Message = tuple[str, bytes, str | None]


async def replay(db: Database, bus: Bus, wanted: Replay) -> dict[str, Any]:
    """Every edit of the workspace made in [from, to), and every seal, as they were signed."""
    emitted, batch = 0, list[_Message]()
    async for message in _facts(db, wanted):
        batch.append(message)
        if len(batch) == _AT_ONCE:
            await bus.journal(batch, replay=True)
            emitted, batch = emitted + len(batch), []
    await bus.journal(batch, replay=True)
    return {"emitted": emitted + len(batch)}


async def _facts(db: Database, wanted: Replay) -> AsyncIterator[_Message]:
    workspace, span = prefix_range(wanted.workspace), {"$gte": wanted.start, "$lt": wanted.end}
    async for kept in db["edits"].find({"_id": workspace, "at": span}):
        yield _message("diary.edited", edits.fact_of(kept))
    async for seal in db["seals"].find({"_id": workspace, "sealed_at": span}):
        yield _message("week.sealed", sealing.fact_of(seal))


def _message(kind: str, fact: Fact) -> _Message:
    return subjects.fact(kind, fact.workspace, fact.member), fact.model_dump_json().encode(), None

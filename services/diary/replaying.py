"""``rpc.diary.replay``: the diary says its edits of a span again, for who lost them (architecture.md, *On the bus*)."""

from typing import Any

from services.diary import edits
from services.kit.bus import Bus
from services.kit.mongo import Database, prefix_range
from services.wire import subjects
from services.wire.requests import Replay

_AT_ONCE = 500
_Message = tuple[str, bytes, str | None]


async def replay(db: Database, bus: Bus, wanted: Replay) -> dict[str, Any]:
    """Every edit of the workspace made in [from, to), as it was signed."""
    span = {"_id": prefix_range(wanted.workspace), "at": {"$gte": wanted.start, "$lt": wanted.end}}
    emitted, batch = 0, list[_Message]()
    async for kept in db["edits"].find(span):
        fact = edits.fact_of(kept)
        subject = subjects.fact("diary.edited", fact.workspace, fact.member)
        batch.append((subject, fact.model_dump_json().encode(), None))
        if len(batch) == _AT_ONCE:
            await bus.journal(batch, replay=True)
            emitted, batch = emitted + len(batch), []
    await bus.journal(batch, replay=True)
    return {"emitted": emitted + len(batch)}

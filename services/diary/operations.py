"""Changes of very many segments: they go on behind the answer, and say how far they are (S-12).

An operation is still one change, whole or not at all: ``done`` counts what has been worked through so far, and nothing
of it holds before the state is ``done``. Documents: ``operations`` ``workspace|operation``, kept for a day.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.diary.access import Viewer
from services.kit.mongo import Database
from services.kit.problems import Problem, not_found
from services.wire.language import ENGLISH, N_, _, speaking

log = logging.getLogger(__name__)
_TOLD_SECONDS = 0.2
_BEAT_SECONDS = 2.0
_SILENT = timedelta(seconds=20)
KEPT_SECONDS = 86_400
Answer = dict[str, Any]


class Progress:
    """How far an operation is; told to the store now and then."""

    def __init__(self, db: Database, key: str, total: int) -> None:
        self._operations, self._key, self.total = db["operations"], key, total
        self.done, self._told = 0, time.monotonic()

    async def at(self, done: int) -> None:
        """So many are worked through; lets others have their turn."""
        self.done = done
        await asyncio.sleep(0)
        if time.monotonic() - self._told >= _TOLD_SECONDS:
            await self.tell()

    async def tell(self, **more: Any) -> None:
        """Writes it down, with whatever else there is to say."""
        self._told = time.monotonic()
        told = {"done": self.done, "seen": datetime.now(UTC), **more}
        await self._operations.update_one({"_id": self._key}, {"$set": told})


class Operations:
    """The operations of one replica; whoever polls may be answered by any."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, viewer: Viewer, total: int, work: Callable[[Progress], Awaitable[Answer]]) -> Answer:
        """Starts ``work`` and gives the operation as ``read`` does."""
        name, now = f"op_{secrets.token_hex(10)}", datetime.now(UTC)
        key = f"{viewer.workspace}|{name}"
        document = {"_id": key, "actor": viewer.member, "state": "running", "done": 0, "total": total}
        await self._db["operations"].insert_one(document | {"at": now, "seen": now})
        with speaking(ENGLISH):  # what is stored is English: ``read`` says it again
            task = asyncio.create_task(self._run(Progress(self._db, key, total), work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await self.read(viewer, name)

    async def _run(self, progress: Progress, work: Callable[[Progress], Awaitable[Answer]]) -> None:
        beat = asyncio.create_task(_beat(progress))
        try:
            answer = await work(progress)
            progress.done = progress.total
            await progress.tell(state="done", answer=answer)
        except Problem as problem:
            await progress.tell(state="failed", problem=problem.told())
        except Exception:
            log.exception("an operation failed")
            await progress.tell(state="failed", problem=_interrupted().told())
        finally:
            beat.cancel()

    async def read(self, viewer: Viewer, name: str) -> Answer:
        """The operation as its actor may see it: id, state ``running|done|failed``, done, total, answer, problem."""
        found = await self._db["operations"].find_one({"_id": f"{viewer.workspace}|{name}"})
        if found is None or found["actor"] != viewer.member:
            raise not_found(N_("operation"))
        if found["state"] == "running" and datetime.now(UTC) - found["seen"] > _SILENT:
            found |= {"state": "failed", "problem": _interrupted().told()}
        told = found.get("problem")
        problem = Problem.from_document(told).document() if told else None
        shown = {name: found.get(name) for name in ("state", "done", "total", "answer")}
        return {"id": name, **shown, "problem": problem}

    async def stop(self) -> None:
        """Ends what still runs: it is undone, and its readers are told so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _beat(progress: Progress) -> None:
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        await progress.tell()


def _interrupted() -> Problem:
    return Problem(503, "interrupted", _("This was interrupted."), _("Nothing of it was done; try again."))

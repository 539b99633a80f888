"""A deleted workspace leaves nothing behind, and nothing of it comes back (W-02).

Each service hears ``workspace.deleted`` by its durable, so one that was down does its part when it is back. What it
keeps of it then is a tombstone in its own database, ``deleted_workspaces`` ``<workspace>|``: which workspace, when,
and when it is to be looked after again. All else whose ``_id`` begins with the workspace goes, behind the answer to the
bus: a crash in the middle is taken up by whoever looks next. It is looked after again a few times, for what was in
somebody's hands at that moment and was written after it. And what is said of the workspace from then on, again or late,
is passed over (``sift``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kit.bus import Bus, Delivery
from services.kit.mongo import Database, Session, prefix_range
from services.kit.rounds import Rounds
from services.wire import events
from services.wire.slots import parse_instant

log = logging.getLogger(__name__)

TOMBSTONES = "deleted_workspaces"
KIND = "workspace.deleted"
_SAID = f"{KIND}."
Erase = Callable[[str], Awaitable[bool]]
"""Takes away what a service keeps of a workspace; False: there is more to do in a few seconds. It may come again."""

_AGAIN = tuple(timedelta(minutes=one) for one in (1, 10, 60, 24 * 60))
"""A write lasts two minutes at most (``mongo.transaction``), a request less; the rest is for what nobody thought of."""
_SOON = timedelta(seconds=6)
_CLAIM = timedelta(minutes=2)
_LOOK_SECONDS = 5.0


class Deletions(Rounds):
    """The tombstones of one service, in the memory of each of its replicas, and the work that they ask for."""

    def __init__(self, db: Database, erase: Erase) -> None:
        self._db, self._rows, self._erase = db, db[TOMBSTONES], erase
        self._gone: set[str] = set()
        self._wanted = asyncio.Event()
        super().__init__(self.look, _LOOK_SECONDS, log, "deleted workspaces are taken away later", wake=self._wanted)

    def attach(self, bus: Bus) -> None:
        """Hears of deletions as they are said, in every replica."""
        bus.listen(f"{KIND}.>", self._hear)

    async def begin(self) -> None:
        """Knows all tombstones when it returns: before the bus hands out work."""
        await self._remember()
        self.start()

    def gone(self, workspace: str) -> bool:
        """Whether a workspace is deleted."""
        return workspace in self._gone

    async def sift(self, batch: list[Delivery]) -> list[Delivery]:
        """What is left of a batch without the deleted workspaces; their tombstones stand when it returns.

        The third token of every subject that a durable hears is the workspace.
        """
        said = [one for one in batch if one.subject.startswith(_SAID)]
        for one in said:
            try:
                fact = events.read_fact(one.subject, one.body)
            except ValueError:
                log.error("a %s that cannot be read is passed over", KIND)
                continue
            assert isinstance(fact, events.WorkspaceDeleted)
            await self.bury(fact.workspace, parse_instant(fact.deleted_at))
        if not self._gone:  # as a rule: then nothing is looked at one by one
            return [one for one in batch if one not in said] if said else batch
        return [one for one in batch if one not in said and not self.gone(_workspace(one.subject))]

    async def take(self, batch: list[Delivery]) -> None:
        """A durable that hears nothing else."""
        await self.sift(batch)

    async def bury(self, workspace: str, at: datetime, session: Session | None = None, **more: Any) -> None:
        """Sets the tombstone, once; again is the same. In a transaction: ``remember`` once it holds."""
        row = {"workspace": workspace, "at": at, "due": datetime.now(UTC), "round": 0, **more}
        await self._rows.update_one({"_id": f"{workspace}|"}, {"$setOnInsert": row}, upsert=True, session=session)
        if session is None:
            self.remember(workspace)

    def remember(self, workspace: str) -> None:
        """It is deleted: its tombstone stands."""
        self._gone.add(workspace)
        self._wanted.set()

    async def look(self) -> None:
        """Takes away what is due; what fails is tried again soon, and keeps nothing else from its turn."""
        await self._remember()
        failed: Exception | None = None
        while (row := await self._claim()) is not None:
            try:
                done = await self._erase(row["workspace"])
            except Exception as error:
                done, failed = False, error
            await self._next(row, done)
        if failed:
            raise failed

    async def _hear(self, subject: str, body: bytes) -> None:
        # whoever may say facts is a service, so its word holds; the durable brings it to who must not miss it
        self.remember(_workspace(subject))

    async def _remember(self) -> None:
        self._gone |= {row["_id"].removesuffix("|") async for row in self._rows.find({}, {"_id": 1})}

    async def _claim(self) -> dict[str, Any] | None:
        now = datetime.now(UTC)
        found: dict[str, Any] | None = await self._rows.find_one_and_update(
            {"due": {"$lte": now}}, {"$set": {"due": now + _CLAIM}}, sort=[("due", 1)]
        )
        return found

    async def _next(self, row: dict[str, Any], done: bool) -> None:
        number, now = row["round"], datetime.now(UTC)
        due = now + _SOON if not done else now + _AGAIN[number] if number < len(_AGAIN) else None
        fields = {"due": due} | ({"round": number + 1} if done else {})
        await self._rows.update_one({"_id": row["_id"]}, {"$set": fields})
        if done and not number:
            log.info("a deleted workspace was taken away")


async def erase_documents(db: Database, workspace: str) -> None:
    """Takes away every document of a service's database that is a workspace's, but for its tombstone."""
    for name in await db.list_collection_names(filter={"type": "collection"}):
        if name == "outbox":
            said = {"subject": {"$regex": rf"^(?!{KIND.replace('.', '[.]')})\w+[.]\w+[.]{workspace}[.]"}}
            await db[name].delete_many(said)
        elif name != TOMBSTONES:
            await db[name].delete_many({"_id": prefix_range(workspace)})


def of_documents(db: Database) -> Erase:
    """The part of a service that keeps documents alone."""

    async def erase(workspace: str) -> bool:
        await erase_documents(db, workspace)
        return True

    return erase


def _workspace(subject: str) -> str:
    return subject.split(".")[2]

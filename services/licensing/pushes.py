"""Tells devices what they may do now, from what the transactions of changes wrote down (L-04).

So a change reaches them within seconds also where the replica that made it died the moment after: any other takes its
pushes over. A push lost on the bus costs nothing but time, for agents ask by themselves every hour.
"""

import asyncio
import logging
from datetime import timedelta

from services.kit.mongo import Session, prefix_range
from services.kit.rounds import Rounds
from services.licensing.bites import spans
from services.licensing.entitlements import Entitlements
from services.licensing.store import Document, Store, key, new_id, now

log = logging.getLogger(__name__)

_CLAIM = timedelta(seconds=5)
_LOOK_SECONDS = 0.5
_AT_A_TIME = 2
"""Bites a replica has in hand: while the store answers for one, the replica signs for the other."""
_BITE = 500
"""Devices that are read together, and told within a claim."""


class Pushes(Rounds):
    """The one walk of a replica over what is due."""

    def __init__(self, store: Store, entitlements: Entitlements) -> None:
        self._store, self._entitlements = store, entitlements
        super().__init__(self._look, _LOOK_SECONDS, log, "devices are told of a change later", wake=store.pushing)

    async def _look(self) -> None:
        await asyncio.gather(*(self._walk() for _ in range(_AT_A_TIME)))

    async def _walk(self) -> None:
        while (row := await self._claim()) is not None:
            await self._tell(row)

    async def _tell(self, row: Document) -> None:
        """Tells a few devices; of more, bites are made that every replica takes its share of."""
        devices = await self._store["devices"].find(_where(row)).limit(_BITE + 1).to_list(None)
        if len(devices) > _BITE:
            await self._share(row)
            return
        if devices:
            await self._entitlements.push(devices)
        await self._store["pushes"].delete_one({"_id": row["_id"]})

    async def _share(self, row: Document) -> None:
        """Puts bites in the place of a push."""
        found = await self._store["devices"].find(_where(row), {"_id": 1}).sort("_id", 1).to_list(None)
        parts = spans([one["_id"] for one in found], _BITE, row.get("after", ""), row.get("through"))
        bites = [row | one._asdict() | {"_id": key(row["where"]["workspace"], new_id("psh"))} for one in parts]

        async def work(session: Session) -> None:
            if await self._store["pushes"].find_one_and_delete({"_id": row["_id"]}, session=session):
                await self._store["pushes"].insert_many(bites, session=session)

        await self._store.write(work)

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["pushes"].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + _CLAIM}}, sort=[("due", 1)]
        )
        return found


def _where(row: Document) -> Document:
    """The devices of a push, or of a bite of one."""
    ids = prefix_range(row["where"]["workspace"])
    if after := row.get("after"):
        ids["$gt"] = after
    if through := row.get("through"):
        ids["$lte"] = through
    return {**row["where"], "_id": ids}

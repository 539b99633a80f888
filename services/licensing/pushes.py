"""Tells devices what they may do now, from what the transactions of changes wrote down (L-04).

So a change reaches them within seconds also where the replica that made it died the moment after: any other takes its
pushes over. A push lost on the bus costs nothing but time, for agents ask by themselves every hour.
"""

import logging
from datetime import timedelta

from services.kit.mongo import Session, prefix_range
from services.licensing.bites import spans
from services.licensing.entitlements import Entitlements
from services.licensing.store import WHOLE, Document, Store, key, new_id
from services.licensing.walks import Walks

log = logging.getLogger(__name__)

_BITE = 250
"""Devices that are read together, and told within a claim."""


class Pushes(Walks):
    """Takes what is due."""

    collection, claim, look_seconds = "pushes", timedelta(seconds=5), 0.25
    late = "devices are told of a change later"

    def __init__(self, store: Store, entitlements: Entitlements) -> None:
        self._entitlements = entitlements
        super().__init__(store, log, store.pushing)

    async def take(self, row: Document) -> None:
        """Tells a few devices; of more, bites are made that every replica takes its share of."""
        devices = await self._store["devices"].find(_where(row), batch_size=WHOLE).limit(_BITE + 1).to_list(None)
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


def _where(row: Document) -> Document:
    """The devices of a push, or of a bite of one."""
    ids = prefix_range(row["where"]["workspace"])
    if after := row.get("after"):
        ids["$gt"] = after
    if through := row.get("through"):
        ids["$lte"] = through
    return {**row["where"], "_id": ids}

"""Tells devices what they may do now, from what the transactions of changes wrote down (L-04).

So a change reaches them within seconds also where the replica that made it died the moment after: any other takes its
pushes over. A push lost on the bus costs nothing but time, for agents ask by themselves every hour.
"""

import logging
from datetime import timedelta

from services.kit.mongo import prefix_range
from services.kit.rounds import Rounds
from services.licensing.entitlements import Entitlements
from services.licensing.store import Document, Store, now

log = logging.getLogger(__name__)

_CLAIM = timedelta(seconds=3)
_LOOK_SECONDS = 0.5
_BITE = 250
"""Devices that are read together, and told before the claim is renewed."""


class Pushes(Rounds):
    """The one walk of a replica over what is due."""

    def __init__(self, store: Store, entitlements: Entitlements) -> None:
        self._store, self._entitlements = store, entitlements
        super().__init__(self._look, _LOOK_SECONDS, log, "devices are told of a change later", wake=store.pushing)

    async def _look(self) -> None:
        while (row := await self._claim()) is not None:
            while await self._bite(row):
                pass
            await self._store["pushes"].delete_one({"_id": row["_id"]})

    async def _bite(self, row: Document) -> bool:
        """The next devices in the order of their ids; False after the last. How far it came is kept with the claim."""
        where: Document = row["where"]
        span = prefix_range(where["workspace"])
        rest = {"_id": {**span, "$gt": row.get("after", "")}}
        devices = await self._store["devices"].find({**where, **rest}).sort("_id", 1).limit(_BITE).to_list(None)
        if devices:
            await self._entitlements.push(devices)
            row["after"] = devices[-1]["_id"]
            mine = {"$set": {"after": row["after"], "due": now() + _CLAIM}}
            await self._store["pushes"].update_one({"_id": row["_id"]}, mine)
        return len(devices) == _BITE

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["pushes"].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + _CLAIM}}, sort=[("due", 1)]
        )
        return found

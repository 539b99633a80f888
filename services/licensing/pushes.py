"""Tells devices what they may do now, from what the transactions of changes wrote down (L-04).

So a change reaches them within seconds also where the replica that made it died the moment after: any other takes its
pushes over. A push lost on the bus costs nothing but time, for agents ask by themselves every hour.
"""

import asyncio
import contextlib
import logging
from datetime import timedelta

from services.licensing.entitlements import Entitlements
from services.licensing.store import Document, Store, now

log = logging.getLogger(__name__)

_CLAIM = timedelta(seconds=3)
_LOOK_SECONDS = 0.5


class Pushes:
    """The one walk of a replica over what is due."""

    def __init__(self, store: Store, entitlements: Entitlements) -> None:
        self._store, self._entitlements = store, entitlements
        self._walking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._walking = asyncio.create_task(self._walk())

    async def stop(self) -> None:
        """Ends; what is left another replica does."""
        if self._walking:
            self._walking.cancel()
            await asyncio.gather(self._walking, return_exceptions=True)

    async def _walk(self) -> None:
        while True:
            self._store.pushing.clear()
            try:
                while (row := await self._claim()) is not None:
                    await self._entitlements.push(row["where"])
                    await self._store["pushes"].delete_one({"_id": row["_id"]})
            except Exception:
                log.warning("devices are told of a change later", exc_info=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._store.pushing.wait(), _LOOK_SECONDS)

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["pushes"].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + _CLAIM}}, sort=[("due", 1)]
        )
        return found

"""How replicas share what is written down to be done later: each takes one row after another, and keeps it for a while.

A row that is done is taken away by who did it. One whose replica ended comes due again when its claim is over.
"""

import asyncio
import logging
from datetime import timedelta

from services.kit.rounds import Rounds
from services.licensing.store import Document, Store, now

_AT_A_TIME = 2
"""Rows a replica has in hand: while the store works for one, the replica does for the other."""


class Walks(Rounds):
    """The walks of a replica over the due rows of a collection, the longest due first."""

    collection: str
    claim: timedelta
    look_seconds: float
    late: str

    def __init__(self, store: Store, log: logging.Logger, wake: asyncio.Event) -> None:
        self._store = store
        super().__init__(self.look, self.look_seconds, log, self.late, wake=wake)

    async def take(self, row: Document) -> None:
        """Does what a row says, and takes it away."""
        raise NotImplementedError

    async def look(self) -> None:
        """Works off what there is; raises what went wrong with the first that went wrong."""
        if (row := await self._claim()) is None:
            return
        walks = [self._walk(row), *(self._walk() for _ in range(_AT_A_TIME - 1))]
        for ended in await asyncio.gather(*walks, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _walk(self, row: Document | None = None) -> None:
        while (row := row or await self._claim()) is not None:
            await self.take(row)
            row = None

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store[self.collection].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + self.claim}}, sort=[("due", 1)]
        )
        return found

"""Brings very many licences under what was changed, a bite at a time behind the answer (L-04, L-07, W-02).

A transaction must stay small: thousands of licences in one would be ended by the store after a minute, and nobody waits
that long for an answer. So what concerns more than ``AT_ONCE`` is written down with the change, and any replica works
it off: all licences of a few members in each transaction, which moves the mark along with them. A bite does what holds
when it is taken, so bites of two changes may come in any order, and one that is taken again changes nothing.
"""

import logging
from datetime import timedelta
from typing import Literal

from services.kit.mongo import Session
from services.kit.rounds import Rounds
from services.licensing import effects
from services.licensing.store import Document, Store, key, new_id, now

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Licences that are settled in the transaction of the change itself."""
_BITE = 250
"""Members a transaction."""
_CLAIM = timedelta(seconds=20)
_LOOK_SECONDS = 1.0
What = Literal["settle", "archive", "carry"]


async def follow(store: Store, session: Session, what: What, where: Document) -> None:
    """What holds now is carried to every licence that ``where`` finds: at once where they are few."""
    few = await store["licences"].count_documents(where, session=session, limit=AT_ONCE + 1)
    if few <= AT_ONCE:
        await _do(store, session, what, where)
        return
    row = {"_id": key(where["workspace"], new_id("stl")), "what": what, "where": where, "after": "", "due": now()}
    await store["settlings"].insert_one(row, session=session)


async def _do(store: Store, session: Session, what: What, where: Document) -> None:
    if what == "settle":
        await effects.settle_all(store, session, where)
    elif what == "archive":
        await effects.archive_all(store, session, where)
    else:
        await effects.carry_all(store, session, where)


class Settling(Rounds):
    """The one walk of a replica over what is to be settled."""

    def __init__(self, store: Store) -> None:
        self._store = store
        super().__init__(self.look, _LOOK_SECONDS, log, "licences are settled later", wake=store.settling)

    async def look(self) -> None:
        """Works off what there is."""
        while (row := await self._claim()) is not None:
            while await self._bite(row["_id"]):
                pass

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["settlings"].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + _CLAIM}}, sort=[("due", 1)]
        )
        return found

    async def _bite(self, id: str) -> bool:
        """The next few members; False where there are none left."""
        store = self._store

        async def work(session: Session) -> bool:
            # written, so that of two that take the same bite one begins again, behind the other
            row = await store["settlings"].find_one_and_update(
                {"_id": id}, {"$set": {"due": now() + _CLAIM}}, session=session
            )
            if row is None:
                return False
            rest = {"$and": [row["where"], {"member": {"$gt": row["after"]}}]}
            found = store["licences"].find(rest, {"member": 1}, session=session).sort("member", 1).limit(_BITE)
            members = [doc["member"] for doc in await found.to_list(None)]
            if not members:
                await store["settlings"].delete_one({"_id": id}, session=session)
                return False
            theirs = {"member": {"$gt": row["after"], "$lte": members[-1]}}
            await _do(
                store, session, row["what"], {"workspace": row["where"]["workspace"], "$and": [row["where"], theirs]}
            )
            await store["settlings"].update_one({"_id": id}, {"$set": {"after": members[-1]}}, session=session)
            return True

        return await store.change(work)

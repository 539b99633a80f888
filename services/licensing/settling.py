"""Brings very many licences under what was changed, a bite at a time behind the answer (L-04, L-07, W-02).

A transaction must stay small: thousands of licences in one would be ended by the store after a minute, and nobody waits
that long for an answer. So what concerns more than ``AT_ONCE`` is written down with the change as bites, all licences
of a few members each, and the replicas take these one by one: the transaction of a bite takes it away. A bite does what
holds when it is taken, so bites of two changes may come in any order.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Literal

from services.kit.mongo import Session
from services.kit.rounds import Rounds
from services.licensing import effects
from services.licensing.bites import Span, spans
from services.licensing.store import Document, Store, key, new_id, now

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Licences that are settled in the transaction of the change itself."""
_BITE = 500
"""Members a transaction."""
_AT_A_TIME = 2
"""Bites a replica has in hand: while the store works for one, the replica does for the other."""
_CLAIM = timedelta(seconds=20)
_LOOK_SECONDS = 0.5
What = Literal["settle", "archive", "carry"]


async def follow(store: Store, session: Session, what: What, where: Document) -> None:
    """What holds now is carried to every licence that ``where`` finds: at once where they are few."""
    few = await store["licences"].count_documents(where, session=session, limit=AT_ONCE + 1)
    if few <= AT_ONCE:
        await _do(store, session, what, where)
        return
    await _put_off(store, session, what, where)


async def _put_off(store: Store, session: Session, what: What, where: Document) -> None:
    """Writes the bites down."""
    found = await store["licences"].find(where, {"_id": 0, "member": 1}, session=session).to_list(None)
    members, moment = sorted({doc["member"] for doc in found}), now()
    row = {"what": what, "after": "", "bite": True, "due": moment}
    parts = [_part(where, span) for span in spans(members, _BITE)]
    rows = [{"_id": key(where["workspace"], new_id("stl")), "where": part} | row for part in parts]
    await store["settlings"].insert_many(rows, session=session)


def _part(where: Document, span: Span) -> Document:
    """What ``where`` finds of a span of members. Pure."""
    named = where.get("member")
    if isinstance(named, dict) and "$in" in named:
        where = where | {"member": named | {"$in": span.of(named["$in"])}}
    return {"workspace": where["workspace"], "$and": [where, {"member": span.where()}]}


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
        await asyncio.gather(*(self._walk() for _ in range(_AT_A_TIME)))

    async def _walk(self) -> None:
        while (row := await self._claim()) is not None:
            await self._bite(row["_id"])

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["settlings"].find_one_and_update(
            {"due": {"$lte": moment}}, {"$set": {"due": moment + _CLAIM}}, sort=[("due", 1)]
        )
        return found

    async def _bite(self, id: str) -> None:
        store = self._store

        async def work(session: Session) -> None:
            # taken away first, so that of two that take the same bite one begins again, behind the other
            row = await store["settlings"].find_one_and_delete({"_id": id}, session=session)
            if row is None:
                return
            if row.get("bite"):
                await _do(store, session, row["what"], row["where"])
            else:  # a whole walk, as the version before wrote it down
                await _put_off(store, session, row["what"], _part(row["where"], Span(row["after"], None)))

        await store.change(work, alone=True)

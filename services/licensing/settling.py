"""Brings very many licences under what was changed, a bite at a time behind the answer (L-04, L-07, W-02).

A transaction must stay small: thousands of licences in one would be ended by the store after a minute, and nobody waits
that long for an answer. So what concerns more than ``AT_ONCE`` is written down with the change as bites, all licences
of a few members each, and the replicas take these one by one: the transaction of a bite takes it away. A bite does what
holds when it is taken, so bites of two changes may come in any order.
"""

import logging
from datetime import timedelta
from typing import Literal

from services.kit.mongo import Session
from services.licensing import effects
from services.licensing.bites import Span, spans
from services.licensing.store import Document, Store, key, new_id, now
from services.licensing.walks import Walks

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Licences that are settled in the transaction of the change itself."""
_BITE = 500
"""Members a transaction."""
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


class Settling(Walks):
    """Takes the bites."""

    collection, claim, look_seconds = "settlings", timedelta(seconds=20), 0.25
    late = "licences are settled later"

    def __init__(self, store: Store) -> None:
        super().__init__(store, log, store.settling)

    async def take(self, row: Document) -> None:
        """All licences of the members of a bite, in one transaction."""
        store, id = self._store, row["_id"]

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

"""Mails to very many at once: noted in the transaction they tell of, one line each, and written as mails a little later
(G-01, W-07). Who works on a computer is told there first: ten thousand mails cost what telling as many computers does.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from services.kit.mongo import Session
from services.licensing import mail, workspaces
from services.licensing.mail_texts import Kind
from services.licensing.store import Document, Store, key, new_id, now
from services.licensing.walks import Walks

log = logging.getLogger(__name__)

_FEW = 50
"""So many are mails at once."""
_LATER = timedelta(seconds=10)


class Line(NamedTuple):
    """A mail to be: its member, their address, and what it says in which language."""

    member: str
    to: str
    values: dict[str, str]
    language: str


async def stage(store: Store, session: Session, workspace: Document, kind: Kind, lines: Sequence[Line]) -> None:
    """Writes mails of one kind down, at once where they are few."""
    if len(lines) <= _FEW:
        await _write(store, session, workspace, kind, lines)
        return
    row = {"_id": key(workspace["id"], new_id("mlg")), "kind": kind, "lines": [list(one) for one in lines]}
    await store["mailings"].insert_one(row | {"due": now() + _LATER}, session=session)


async def _write(store: Store, session: Session, workspace: Document, kind: Kind, lines: Sequence[Line]) -> None:
    mails = [
        mail.document(kind, one.to, one.values, workspace=workspace, member=one.member, language=one.language)
        for one in lines
    ]
    if mails:
        await store["mails"].insert_many(mails, session=session)


class Mailings(Walks):
    """Makes mails of what was noted."""

    collection, claim, look_seconds = "mailings", timedelta(seconds=20), 1.0
    late = "mails to very many are written later"

    def __init__(self, store: Store) -> None:
        super().__init__(store, log, asyncio.Event())

    async def take(self, row: Document) -> None:
        """The mails in the place of their lines, or neither."""
        store = self._store

        async def work(session: Session) -> None:
            # taken away first, so that of two that take the same row one begins again and finds it gone
            if await store["mailings"].find_one_and_delete({"_id": row["_id"]}, session=session):
                workspace = await workspaces.find(store, row["_id"].split("|")[0], session)
                await _write(store, session, workspace, row["kind"], [Line(*one) for one in row["lines"]])

        await store.write(work)

"""Licensing's database: its collections, ids, and the one way to change it, which tells the others too.

Who is known beyond one workspace (a person, a device key, a licence key) has ``-`` in the place of the workspace.
"""

import asyncio
import base64
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import IndexModel

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.mongo import Database, Session
from services.kit.outbox import Outbox
from services.licensing.vault import Vault
from services.wire import slots

log = logging.getLogger(__name__)

Document = dict[str, Any]
Documents = AsyncIOMotorCollection[Document]
Result = TypeVar("Result")
NOBODY = "-"
WHOLE = 5_000
"""Documents in the first answer to who reads many: by itself the store sends a hundred, and waits to be asked again."""
PUSHED_WITHIN = timedelta(hours=1)
"""Agents ask by themselves every hour."""


def new_id(kind: str) -> str:
    """An id that is unique over all workspaces: a short kind and 100 random bits."""
    return f"{kind}-{base64.b32encode(secrets.token_bytes(13)).decode().rstrip('=').lower()[:20]}"


def key(workspace: str, *rest: str) -> str:
    """An ``_id``: the workspace first, for it is the sharding key."""
    return "|".join((workspace, *rest))


def fingerprint(text: str) -> str:
    """Hex SHA-256, for what must be found but not read."""
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> datetime:
    """Now, to the millisecond that the store keeps."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def instant(value: datetime | None) -> str | None:
    """An instant as it is shown, or None."""
    return slots.format_instant(value) if value else None


def _index(*fields: str | tuple[str, int], **options: Any) -> IndexModel:
    return IndexModel([(field, 1) if isinstance(field, str) else field for field in fields], **options)


_OF_MEMBER = _index("workspace", "member")
_UNTIL = _index("until", expireAfterSeconds=0)
_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "attempts": (_UNTIL,),
    "audit": (_index("workspace", "member", ("id", -1)),),
    "contacts": (_index("at"),),
    "contracts": (_OF_MEMBER, _index("workspace", "client"), _index("starts_on"), _index("ends_on")),
    "devices": (_OF_MEMBER, _index("workspace", "licence")),
    "import_rows": (_UNTIL,),
    "imports": (_index("state", "claimed_until"),),
    "licences": (_OF_MEMBER, _index("workspace", "in_effect", "member"), _index("not_before"), _index("expires")),
    "links": (_UNTIL,),
    "mailings": (_index("due"),),
    "mails": (_index("state", "due"), _UNTIL),
    "members": (_OF_MEMBER,),
    "notices": (_OF_MEMBER,),
    "profiles": (_index("workspace", "enabled"),),
    "pushes": (_index("due"), _UNTIL),
    "sessions": (_index("person", ("started_at", -1)), _UNTIL),
    "settlings": (_index("due"),),
    "sign_ons": (_UNTIL,),
    "sign_ups": (_UNTIL,),
    "tokens": (_OF_MEMBER,),
    "workspaces": (_index("billing_zone"), _index("oidc.domains", sparse=True)),
}


class Store:
    """The collections, and changes that are told."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self.db = db
        self.outbox = Outbox(db, bus)
        self.vault: Vault | None = None
        """Seals what tenants entrust to us (``vault.py``); the service sets it."""
        self.pushing = asyncio.Event()
        """Set where devices are to be told of something now (``pushes.py``)."""
        self.settling = asyncio.Event()
        """Set where licences may be to be settled behind an answer (``settling.py``)."""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, name: str) -> Documents:
        return self.db[name]

    def turn(self, workspace: str, *rest: str) -> asyncio.Lock:
        """To be held by who changes a document that many change at once: of those in this process the store then need
        undo none. Nothing may depend on it, for other replicas do not know it.
        """
        return self._turns.setdefault(key(workspace, *rest), asyncio.Lock())

    async def prepare(self) -> None:
        """Makes the indexes, those of a collection by one command; safe to run again."""
        for name, wanted in _INDEXES.items():
            await self[name].create_indexes(list(wanted))
        # licences of before there were profiles
        added = {"in_effect": "$policy", "profile": None, "seats_reserved": 0, "activated": "$seats_taken"}
        added |= {"node_locked": False, "grace_days": 30}
        await self["licences"].update_many({"in_effect": {"$exists": False}}, [{"$set": added}])

    async def change(self, work: Callable[[Session], Awaitable[Result]], *, alone: bool = False) -> Result:
        """Runs ``work`` in a transaction in which it also stages its facts, and publishes these.

        Once written it is done: what cannot be published just now is left to the sweep. Whatever else is staged is
        published along, but not where ``alone``: for who makes very many changes beside others that do.
        """
        ran = list[Session]()

        async def run(session: Session) -> Result:
            ran[:] = [session]
            self.outbox.begin(session)
            return await work(session)

        result = await self.write(run if alone else work)
        self.pushing.set()
        self.settling.set()
        try:
            await (self.outbox.publish(*ran) if alone else self.outbox.flush())
        except Exception:
            log.warning("facts wait to be published by the sweep", exc_info=True)
        return result

    async def write(self, work: Callable[[Session], Awaitable[Result]]) -> Result:
        """As ``change``, leaving the facts to be published by the running service."""

        async def run(session: Session) -> Result:
            return await work(session)

        return await mongo.transaction(self.db, run)

    async def push(self, session: Session, where: Document) -> None:
        """The devices of ``where`` (their workspace, and more) are to be told once the transaction holds (L-04)."""
        moment = now()
        row = {"_id": key(where["workspace"], new_id("psh")), "where": where, "due": moment}
        await self["pushes"].insert_one(row | {"until": moment + PUSHED_WITHIN}, session=session)

    async def one(self, name: str, workspace: str, *rest: str, session: Session | None = None) -> Document | None:
        """One document by the parts of its ``_id``."""
        return await self[name].find_one({"_id": key(workspace, *rest)}, session=session)

    async def update(self, name: str, doc_id: str, fields: Document, session: Session) -> Document | None:
        """Sets fields and raises the revision; gives the document as it is then, None where there is none."""
        return await self[name].find_one_and_update(
            {"_id": doc_id}, {"$set": fields, "$inc": {"revision": 1}}, return_document=True, session=session
        )

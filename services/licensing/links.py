"""Links that mails carry: a secret of 160 bits, kept as a hash, that allows one thing, once, for a while."""

import secrets
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from services.kit.mongo import Session
from services.kit.problems import Problem
from services.licensing import limits
from services.licensing.store import NOBODY, Document, Store, fingerprint, key, now
from services.wire.language import _

MOST_FAILURES = 10
"""A minute and address: a whole office may open its mails, and nobody may try secrets."""


def tried(store: Store, address: str) -> AbstractAsyncContextManager[None]:
    """Where somebody comes with a link; 429 after ten that failed within a minute."""
    return limits.failures(store, "link", address, MOST_FAILURES)


async def mint(store: Store, purpose: str, data: Document, hours: int) -> str:
    """A new secret for a purpose; ``data`` is what whoever comes with it will be given."""
    token = secrets.token_urlsafe(20)
    doc: Document = {"_id": _key(token), "purpose": purpose, "data": data, "until": now() + timedelta(hours=hours)}
    await store["links"].insert_one(doc)
    return token


async def read(store: Store, purpose: str, token: str, session: Session | None = None) -> Document:
    """What a link is for; 404 where it is unknown, over or used, which cannot be told apart."""
    found = await store["links"].find_one({"_id": _key(token)}, session=session)
    if found is None or found["purpose"] != purpose or found["until"] <= now():
        raise over()
    data: Document = found["data"]
    return data


async def use(store: Store, session: Session, purpose: str, token: str) -> Document:
    """As ``read``, and it cannot be used again."""
    data = await read(store, purpose, token, session)
    await store["links"].delete_one({"_id": _key(token)}, session=session)
    return data


def over() -> Problem:
    """404: a link that allows nothing, or nothing any more."""
    detail = _("It was used already, or is too old. Ask for a new one.")
    return Problem(404, "link-over", _("This link is over."), detail)


def _key(token: str) -> str:
    return key(NOBODY, fingerprint(token))

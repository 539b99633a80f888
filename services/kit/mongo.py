"""MongoDB by Motor: one database a service, majority and journalled writes, transactions."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from services.kit.settings import Settings

Database = AsyncIOMotorDatabase[dict[str, Any]]
Session = AsyncIOMotorClientSession
Result = TypeVar("Result")

DUPLICATE_KEY = 11000
_TRY_SECONDS = 120.0
_SAFE = WriteConcern(w="majority", j=True)


def database(settings: Settings, service: str) -> Database:
    """A service's own database, ``<prefix>_<service>``; every write is majority and journalled before it returns."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        settings.mongo_url,
        appname=service,
        tz_aware=True,
        retryWrites=True,
        serverSelectionTimeoutMS=5000,
        maxPoolSize=50,
    )
    return client.get_database(
        f"{settings.mongo_prefix}_{service}",
        codec_options=CodecOptions(tz_aware=True),
        write_concern=_SAFE,
        read_concern=ReadConcern("majority"),
        read_preference=ReadPreference.PRIMARY,
    )


async def ping(db: Database) -> None:
    """Raises where the store does not answer."""
    await db.command("ping")


async def transaction(db: Database, work: Callable[[Session], Coroutine[Any, Any, Result]]) -> Result:
    """Runs ``work`` in a transaction, again where the server says that may help; all of it holds or nothing."""
    deadline = time.monotonic() + _TRY_SECONDS
    async with await db.client.start_session() as session:
        while True:
            try:
                return await session.with_transaction(work, read_concern=ReadConcern("snapshot"), write_concern=_SAFE)
            except PyMongoError as error:
                # Motor commits on leaving a block of its own, and hands on what the server refuses there (a collection
                # that two transactions made at once, say) instead of beginning again as with every other conflict
                if not error.has_error_label("TransientTransactionError") or time.monotonic() > deadline:
                    raise


def prefix_range(*parts: str) -> dict[str, str]:
    """The ``_id`` range of everything below ``a|b|``: ``|`` to ``}`` is the span right after the prefix."""
    head = "|".join(parts)
    return {"$gte": f"{head}|", "$lt": f"{head}}}"}

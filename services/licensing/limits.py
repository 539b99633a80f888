"""How often something may be tried, counted in the store so that all replicas share the count."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from services.kit.problems import Problem
from services.licensing.store import NOBODY, Store, fingerprint, key, now
from services.wire.language import _

SPAN = timedelta(minutes=1)
MOST_FAILURES = 10
"""Wrong passwords, by account and address together."""


@asynccontextmanager
async def failures(store: Store, what: str, who: str, most: int) -> AsyncIterator[None]:
    """As ``take``, for a try that counts only where it fails: the block raises. 429 before it is even tried."""
    until = await take(store, what, who, most)
    yield
    await give_back(store, what, who, until)


async def take(store: Store, what: str, who: str, most: int, span: timedelta = SPAN) -> datetime:
    """Counts one try before it is made, so that many at once cannot slip past; 429 after ``most`` in a span.

    Gives the end of the span that it was counted in.
    """
    moment = now()
    running = {"$gt": ["$until", moment]}
    doc = await store["attempts"].find_one_and_update(
        {"_id": _key(what, who)},
        [
            {
                "$set": {
                    # those that are refused do not add up: who gave theirs back makes room for the next
                    "count": {"$cond": [running, {"$min": [{"$add": ["$count", 1]}, most + 1]}, 1]},
                    "until": {"$cond": [running, "$until", moment + span]},
                }
            }
        ],
        upsert=True,
        return_document=True,
    )
    if doc["count"] > most:
        wait = max(1, round((doc["until"] - moment).total_seconds()))
        detail = _("Try again in {seconds} seconds.", seconds=wait)
        raise Problem(429, "too-many-tries", _("Too many tries."), detail, retry_after=wait)
    until: datetime = doc["until"]
    return until


async def give_back(store: Store, what: str, who: str, until: datetime) -> None:
    """A try that does not count after all; only in the span it was counted in, so that none adds to the next one."""
    where = {"_id": _key(what, who), "until": until, "count": {"$gt": 0}}
    await store["attempts"].update_one(where, {"$inc": {"count": -1}})


def _key(what: str, who: str) -> str:
    return key(NOBODY, what, fingerprint(who))

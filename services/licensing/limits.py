"""How often something may be tried, counted in the store so that all replicas share the count."""

from datetime import timedelta

from services.kit.problems import Problem
from services.licensing.store import NOBODY, Store, fingerprint, key, now

SPAN = timedelta(minutes=1)
MOST_FAILURES = 10
"""Wrong passwords, by account and address together."""


async def take(store: Store, what: str, who: str, most: int, span: timedelta = SPAN) -> None:
    """Counts one try before it is made, so that many at once cannot slip past; 429 after ``most`` in a span."""
    moment = now()
    running = {"$gt": ["$until", moment]}
    doc = await store["attempts"].find_one_and_update(
        {"_id": _key(what, who)},
        [
            {
                "$set": {
                    "count": {"$cond": [running, {"$add": ["$count", 1]}, 1]},
                    "until": {"$cond": [running, "$until", moment + span]},
                }
            }
        ],
        upsert=True,
        return_document=True,
    )
    if doc["count"] > most:
        wait = max(1, round((doc["until"] - moment).total_seconds()))
        raise Problem(429, "too-many-tries", "Too many tries.", f"Try again in {wait} seconds.", retry_after=wait)


async def give_back(store: Store, what: str, who: str) -> None:
    """A try that does not count after all."""
    await store["attempts"].update_one({"_id": _key(what, who), "count": {"$gt": 0}}, {"$inc": {"count": -1}})


def _key(what: str, who: str) -> str:
    return key(NOBODY, what, fingerprint(who))

"""The chain of the diary's audit log: each entry gets its place in its workspace's chain shortly after it (G-02).

An entry is written at once, so that nobody who looks at a picture waits for others who do; a loop in every projector
gives those without a place the next ``seq``, the hash before (``prev``) and their own (``hash``). What was altered
within that second does not show; what is altered, taken out or put in later does.

Documents: ``audit_heads`` ``<workspace>|``: ``seq`` and ``hash`` of the last entry. A batch is one transaction that
begins with its workspace's head, so of two processes one chains it, and after a crash it is whole or not there.
"""

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from services.diary.audit import INSTANT
from services.kit.chain import GENESIS, Chain, digest
from services.kit.mongo import Database, Session, prefix_range, transaction
from services.kit.rounds import Rounds

log = logging.getLogger(__name__)
HASHED = (
    *("_id", "workspace", "seq", "actor", "actor_name", "actor_role", "address"),
    *("action", "member", "capture", "detail", "segments", "prev"),
)
_EVERY_SECONDS = 1.0
_BATCH = 500
_LATE = timedelta(minutes=1)
_MOST_NAMED = 100


async def chain_all(db: Database) -> int:
    """Gives every entry that waits for it its place; how many got one from here."""
    done = 0
    while waiting := await db["audit"].find({"unchained": True}, {"workspace": 1}).sort("_id", 1).to_list(_BATCH):
        by_workspace: dict[str, list[str]] = defaultdict(list)
        for one in waiting:
            by_workspace[one["workspace"]].append(one["_id"])
        placed = sum([await _chain(db, workspace, keys) for workspace, keys in by_workspace.items()])
        done += placed
        if not placed or len(waiting) < _BATCH:
            break
    return done


async def _chain(db: Database, workspace: str, keys: list[str]) -> int:
    async def work(session: Session) -> int:
        key = f"{workspace}|"
        # the head first: of two at once the later one waits for nothing, and begins again behind the other
        head = await db["audit_heads"].find_one_and_update(
            {"_id": key},
            {"$setOnInsert": {"seq": 0, "hash": GENESIS}, "$inc": {"batch": 1}},
            upsert=True,
            session=session,
        )
        seq, last = (head["seq"], head["hash"]) if head else (0, GENESIS)
        loose = {"_id": {"$in": keys}, "unchained": True, "seq": {"$exists": False}}
        writes = []
        async for entry in db["audit"].find(loose, session=session).sort("_id", 1):
            seq += 1
            place = {"seq": seq, "prev": last}
            place["hash"] = last = digest(entry | place, HASHED)
            writes.append(UpdateOne({"_id": entry["_id"]}, {"$set": place, "$unset": {"unchained": ""}}))
        if writes:
            await db["audit"].bulk_write(writes, session=session)
            await db["audit_heads"].update_one({"_id": key}, {"$set": {"seq": seq, "hash": last}}, session=session)
        return len(writes)

    try:
        return await transaction(db, work)
    except DuplicateKeyError:
        return 0  # somebody else has just begun this workspace's chain


async def check(db: Database, workspace: str) -> dict[str, Any]:
    """Goes along a workspace's whole log: how many entries, the last hash, and where it does not hold.

    ``broken``: places (seq) at which an entry was altered, taken out or put in; ``unchained``: entries (id) that have
    no place though they are older than a minute. Of each the first hundred.
    """
    chain, unchained = Chain(HASHED), list[str]()
    early, late = ((datetime.now(UTC) + by).strftime(INSTANT) for by in (-_LATE, _LATE))
    # a snapshot: what is chained meanwhile would else be half in sight
    async with await db.client.start_session(snapshot=True) as session:
        head = await db["audit_heads"].find_one({"_id": f"{workspace}|"}, session=session)
        found = db["audit"].find({"_id": prefix_range(workspace)}, session=session).sort("seq", 1).allow_disk_use(True)
        async for entry in found:
            own = str(entry["_id"]).partition("|")[2]
            if entry.get("seq") is not None:
                chain.add(entry)
            elif not early < own < late:
                unchained.append(own)
    seq, last = (head["seq"], head["hash"]) if head else (0, GENESIS)
    if (seq, last) != (chain.seq, chain.head):
        chain.broken.append(max(seq, chain.seq))  # cut off at the end
    told = {"broken": chain.broken[:_MOST_NAMED], "unchained": unchained[:_MOST_NAMED]}
    return {"entries": chain.entries, "head": chain.head, **told}


class Chaining(Rounds):
    """Chains what waits for it, every second; what was under way at the end is whole or not there."""

    def __init__(self, db: Database, every_seconds: float = _EVERY_SECONDS) -> None:
        late = "entries of the audit log wait for their place: the store does not answer"
        super().__init__(partial(chain_all, db), every_seconds, log, late)

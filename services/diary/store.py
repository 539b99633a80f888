"""The diary's own database: what is in it, and the few indexes beyond ``_id``.

``segments`` ``workspaces`` ``members`` ``contracts`` ``devices`` ``weeks`` ``pictures`` ``edits`` ``adjustments``
``operations`` ``turns`` ``audit`` ``audit_heads`` ``poison`` ``outbox`` ``summaries``, and what sealing keeps; every
``_id`` but the outbox's starts with ``<workspace>|``. The web reads what the projector folds; both are the diary.
"""

from services.diary.operations import KEPT_SECONDS
from services.diary.settings import DiarySettings
from services.kit import mongo
from services.kit.mongo import Database


def open_store(settings: DiarySettings) -> Database:
    """The database both processes share."""
    return mongo.database(settings, "diary")


async def ensure_indexes(db: Database) -> None:
    """Makes what is missing; safe at any time and from many replicas at once."""
    await db["weeks"].create_index([("workspace", 1), ("member", 1), ("week", 1)])
    await db["weeks"].create_index([("sealed.root", 1), ("week", 1)])  # what is still to be sealed
    await db["operations"].create_index("at", expireAfterSeconds=KEPT_SECONDS)
    await db["summaries"].create_index("at", expireAfterSeconds=30 * 86_400)
    await db["audit"].create_index([("workspace", 1), ("member", 1), ("_id", -1)])
    await db["audit"].create_index([("unchained", 1), ("_id", 1)], partialFilterExpression={"unchained": True})

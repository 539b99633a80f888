"""Who looked at, or did, what (G-02, B-03): appended, never changed.

Documents: ``audit`` ``<workspace>|<instant>|<random>``, so that a workspace's entries lie in the order of time.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.kit.mongo import Database, Session, prefix_range

_SHOWN = ("id", "at", "action", "actor", "actor_name", "actor_role", "member", "capture", "detail")


async def note(
    db: Database,
    workspace: str,
    actor: dict[str, str],
    action: str,
    member: str,
    *,
    capture: str | None = None,
    detail: str | None = None,
) -> None:
    """Appends an entry and returns once the store has it for good: what it tells of may happen only then.

    ``actor``: ``member``, ``name``, ``role`` of who acts; ``member``: whose diary it is about.
    """
    await db["audit"].insert_one(_entry(workspace, actor, action, member, capture, detail))


async def note_all(
    db: Database,
    workspace: str,
    actor: dict[str, str],
    action: str,
    member: str,
    *,
    captures: Sequence[str],
    detail: str,
    session: Session,
) -> None:
    """Appends, in the transaction of what they tell of, an entry for each capture; one where it is about none."""
    named: Sequence[str | None] = captures or [None]
    rows = [_entry(workspace, actor, action, member, capture, detail) for capture in named]
    await db["audit"].insert_many(rows, session=session)


def _entry(
    workspace: str, actor: dict[str, str], action: str, member: str, capture: str | None, detail: str | None
) -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "_id": f"{workspace}|{at}|{secrets.token_hex(6)}",
        "workspace": workspace,
        "member": member,
        "actor": actor["member"],
        "actor_name": actor["name"],
        "actor_role": actor["role"],
        "action": action,
        "capture": capture,
        "detail": detail,
    }


async def entries(
    db: Database,
    workspace: str,
    *,
    member: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: str | None = None,
    start: str | None = None,
    end: str | None = None,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries of a workspace, newest first, and the id to ask for the next ones ``before`` (None: no more).

    ``start`` and ``end`` are instants: from the one on, and before the other.
    """
    ids: dict[str, str] = prefix_range(workspace)
    if start is not None:  # ids are finer than seconds, and a "Z" would sort behind them
        ids["$gte"] = f"{workspace}|{start.removesuffix('Z')}"
    until = end.removesuffix("Z") if end else None
    if below := min((one for one in (before, until) if one is not None), default=None):
        ids["$lt"] = f"{workspace}|{below}"
    wanted: dict[str, Any] = {"_id": ids} | ({"workspace": workspace, "member": member} if member else {})
    wanted |= {name: value for name, value in (("actor", actor), ("action", action)) if value is not None}
    found = await db["audit"].find(wanted).sort("_id", -1).limit(limit + 1).to_list(limit + 1)
    items = [_shown(one) for one in found[:limit]]
    return items, (items[-1]["id"] if len(found) > limit else None)


async def looks_at(
    db: Database, workspace: str, member: str, captures: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Others' looks at a member's pictures, or at some of them, newest first, at most 500 (B-03)."""
    wanted: dict[str, Any] = {"workspace": workspace, "member": member, "action": "capture.viewed"}
    if captures is not None:
        wanted["capture"] = {"$in": list(captures)}
    found = await db["audit"].find(wanted).sort("_id", -1).limit(500).to_list(500)
    return [_shown(one) for one in found]


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    own = document["_id"].split("|", 1)[1]
    shown = {**document, "id": own, "at": own.split("|")[0]}
    return {name: shown[name] for name in _SHOWN}

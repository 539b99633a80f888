"""Who looked at, or did, what, when and from where (G-02, B-03): appended, never changed.

Documents: ``audit`` ``<workspace>|<instant>|<random>``, so that a workspace's entries lie in the order of time. An
entry is ``unchained`` until it has its place in the workspace's chain, within about a second (``chaining.py``).
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.diary.access import Viewer
from services.kit.mongo import Database, Session, prefix_range

_SHOWN = (
    *("id", "at", "action", "actor", "actor_name", "actor_role", "member"),
    *("capture", "address", "detail", "segments", "seq", "hash"),
)
_MOST_SEGMENTS = 300
INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


async def note(
    db: Database,
    viewer: Viewer,
    action: str,
    member: str,
    *,
    capture: str | None = None,
    detail: str | None = None,
    session: Session | None = None,
) -> None:
    """Appends what ``viewer`` does and returns once the store has it for good: what it tells of may happen only then.

    ``member``: whose diary it is about; ``session``: the transaction of what it tells of, where there is one.
    """
    await db["audit"].insert_one(_entry(viewer, action, member, capture, detail), session=session)


async def note_all(
    db: Database,
    viewer: Viewer,
    action: str,
    member: str,
    *,
    captures: Sequence[str],
    segments: Sequence[str],
    detail: str,
    session: Session,
) -> None:
    """Appends, in the transaction of what they tell of, an entry for each capture; one where it is about none.

    Of ``segments`` the first 300 are named: ``detail`` says how many there are.
    """
    named: Sequence[str | None] = captures or [None]
    rows = [_entry(viewer, action, member, capture, detail, list(segments[:_MOST_SEGMENTS])) for capture in named]
    await db["audit"].insert_many(rows, session=session)


def _entry(
    viewer: Viewer,
    action: str,
    member: str,
    capture: str | None,
    detail: str | None,
    segments: list[str] | None = None,
) -> dict[str, Any]:
    at = datetime.now(UTC).strftime(INSTANT)
    return {
        "_id": f"{viewer.workspace}|{at}|{secrets.token_hex(6)}",
        "workspace": viewer.workspace,
        "member": member,
        "actor": viewer.member,
        "actor_name": viewer.principal.name,
        "actor_role": viewer.role,
        "address": viewer.address,
        "action": action,
        "capture": capture,
        "detail": detail,
        "segments": segments or None,
        "unchained": True,
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
    return {name: shown.get(name) for name in _SHOWN}

"""Who changed what, when and from where, in licensing: appended in the transaction of the change, in a chain (G-02).

Each entry carries the hash of the one before it, so that one that was altered, taken out or put in later shows
(``kit.chain``). Of a change the names of its fields are kept, and their values only where they are settings: an audit
log outlives the people it tells of.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kit.chain import GENESIS, Chain, digest
from services.kit.mongo import Session
from services.licensing.store import NOBODY, Document, Store, key

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"
HASHED = (
    *("workspace", "seq", "at", "actor", "actor_name", "actor_role", "address"),
    *("action", "target", "member", "detail", "prev"),
)
_SETTINGS = {
    *("role", "state", "archived", "seats", "lock_hour", "billing_unit", "mails_off", "allowed_ranges", "policy"),
    *("drain_hours", "scopes", "kind", "mode", "acknowledged", "invite", "expires", "not_before", "by", "why"),
    *("licence", "because", "enabled", "draft", "node_locked", "seats_reserved", "cloned"),
    *("capture_days", "camera_days", "legal_hold"),
    *(f"{how}{whom}" for how in ("", "add_", "remove_") for whom in ("members", "teams")),
}


async def note(
    store: Store,
    session: Session,
    actor: Mapping[str, Any],
    action: str,
    target: str,
    *,
    address: str = "",
    member: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Appends to a workspace's log. ``actor`` is a member's document; ``member`` whom it concerns, if one.

    Two at once conflict, and the later one is tried again behind the other: the chain has no forks.
    """
    tenant = actor["workspace"]
    before = await store["audit"].find_one({"workspace": tenant}, sort=[("_id", -1)], session=session)
    at = datetime.now(UTC)
    if before is not None:  # another replica's clock may be behind
        at = max(at, datetime.strptime(before["at"], _FORM).replace(tzinfo=UTC) + timedelta(microseconds=1))
    seq = before["seq"] + 1 if before else 1
    entry: Document = {"workspace": tenant, "seq": seq, "at": at.strftime(_FORM), "address": address}
    entry |= {"actor": actor["id"], "actor_name": actor["name"], "actor_role": actor["role"]}
    entry |= {"action": action, "target": target, "member": member, "detail": describe(body or {})}
    entry |= {"prev": before["hash"] if before else GENESIS}
    entry |= {"id": f"{entry['at']}|{seq:010}", "hash": digest(entry, HASHED), "_id": key(tenant, f"{seq:010}")}
    await store["audit"].insert_one(entry, session=session)


async def note_device(
    store: Store, session: Session, device: Mapping[str, Any], action: str, *, address: str = "", **body: Any
) -> None:
    """Appends what a computer did by itself, such as its activation: its member is concerned, and acted by it."""
    member = await store.one("members", device["workspace"], device["member"], session=session)
    if member is not None:
        body |= {"licence": device["licence"]}
        await note(store, session, member, action, device["id"], address=address, member=member["id"], body=body)


async def note_account(
    store: Store,
    session: Session,
    person: Mapping[str, Any],
    action: str,
    *,
    address: str,
    body: Mapping[str, Any] | None = None,
    by_person: bool = True,
) -> None:
    """Appends what concerns an account to the log of every workspace its person belongs to (W-01).

    ``by_person`` False: whoever tried it has not shown who they are, so nobody is named as actor.
    """
    for place in person["places"]:
        member = await store.one("members", place["workspace"], place["member"], session=session)
        if member is None or member["archived"]:
            continue
        nobody = {"workspace": place["workspace"], "id": NOBODY, "name": "", "role": ""}
        actor = member if by_person else nobody
        await note(store, session, actor, action, member["id"], address=address, member=member["id"], body=body)


def describe(body: Mapping[str, Any]) -> str:
    """The fields of a change: with their values where they are settings, by name alone where they may be personal."""
    given = [f"{name}={_short(value)}" if name in _SETTINGS else name for name, value in sorted(body.items())]
    return ", ".join(given)[:2000]


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))[:1000]


async def read(
    store: Store,
    workspace: str,
    filters: Mapping[str, str],
    before: str | None,
    limit: int,
    span: tuple[str | None, str | None] = (None, None),
) -> list[Document]:
    """Entries, newest first, of before an id and within a span of instants [start, end); filters by equality."""
    where: Document = {"workspace": workspace, **filters}
    start, end = span
    # ids are finer than seconds, and a "Z" would sort behind them
    edges = [one.removesuffix("Z") if one else None for one in (start, end)]
    bounds = [("$gte", edges[0]), ("$lt", edges[1]), ("$lt", before)]
    if given := [{"id": {operator: text}} for operator, text in bounds if text is not None]:
        where["$and"] = given
    found = await store["audit"].find(where).sort("_id", -1).limit(limit).to_list(limit)
    return [shown(one) for one in found]


async def check(store: Store, workspace: str) -> dict[str, Any]:
    """How long the log is, its last hash (to be noted elsewhere: it shows a log cut off), and where it is broken."""
    chain = Chain(HASHED)
    async for entry in store["audit"].find({"workspace": workspace}).sort("_id", 1):
        chain.add(entry)
    return {"entries": chain.entries, "head": chain.head, "broken": chain.broken[:100]}


def shown(entry: Document) -> Document:
    """An entry as the API shows it."""
    names = ("id", "at", "action", "actor", "actor_name", "actor_role", "member", "target", "address", "detail")
    return {name: entry[name] for name in names} | {"hash": entry["hash"], "seq": entry["seq"]}

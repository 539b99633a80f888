"""Notices: nobody is recorded without having been told (G-01).

Where more is recorded of a member than before they get one: by mail, on the web, and in each computer's entitlement. A
computer goes on as before until its own question was answered with the notice in it (``entitlements.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import mail, widening
from services.licensing.policies import Policy
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire.events import Fact, NoticeRaised, Strict

SHOWN_TO_DEVICES = 20


class Patch(Strict):
    """``acknowledged: true``: its member has read it."""

    acknowledged: Literal[True]


async def raise_for(
    store: Store,
    session: Session,
    workspace: str,
    member: str,
    before: Mapping[str, Any] | None,
    policy: Document,
) -> Document | None:
    """The notice of a member whose policy became another, where that records more than ``before``; None where not.

    ``before`` None: a licence is issued, and what the member was told until now is what counts.
    """
    who = await store.one("members", workspace, member, session=session)
    tenant = await store["workspaces"].find_one({"_id": key(workspace)}, session=session)
    if who is None or tenant is None:
        return None
    told = Policy().model_dump() | who.get("told", {})
    kinds = widening.widened(told if before is None else before, policy["policy"])
    if not kinds:
        return None
    changes = widening.in_words(kinds, policy["policy"])
    notice = new_id("ntc")
    doc: Document = {"_id": key(workspace, notice), "workspace": workspace, "id": notice, "member": member}
    doc |= {"kinds": kinds, "changes": changes, "policy": policy["id"], "policy_version": policy["version"]}
    doc |= {"delivered": [], "acknowledged_at": None, "acknowledged_by": None, "created_at": now(), "revision": 1}
    await store["notices"].insert_one(doc, session=session)
    await store.outbox.stage([fact(doc)], session)
    told |= {kind: policy["policy"][kind] for kind in kinds}
    # no revision more: what others know of a member stays as it is
    await store["members"].update_one({"_id": who["_id"]}, {"$set": {"told": told}}, session=session)
    if who["email"]:
        values = {"name": who["name"], "changes": "\n".join(changes)}
        await mail.stage(store, session, "capture_enabled", who["email"], values, workspace=tenant, member=member)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Acknowledged on the web; again is the same."""
    return await _acknowledge(store, doc, "web", session)


async def _acknowledge(store: Store, doc: Document, by: str, session: Session | None = None) -> Document:
    fields = {"acknowledged_at": doc["acknowledged_at"] or now(), "acknowledged_by": doc["acknowledged_by"] or by}
    changed: Document | None = await store["notices"].find_one_and_update(
        {"_id": doc["_id"]}, {"$set": fields, "$inc": {"revision": 1}}, return_document=True, session=session
    )
    if changed is None:
        raise not_found("notice")
    return changed


async def acknowledge_on(store: Store, device: Document, ids: Sequence[str]) -> None:
    """Acknowledged on a computer; ids that are none of its member's mean nothing."""
    where = {"workspace": device["workspace"], "member": device["member"], "id": {"$in": list(ids)[:100]}}
    for doc in await store["notices"].find(where | {"acknowledged_at": None}).to_list(100):
        await _acknowledge(store, doc, device["id"])


async def open_of(store: Store, device: Document) -> list[Document]:
    """The member's notices that are not acknowledged, or never reached this device; the newest first."""
    mine = {"workspace": device["workspace"], "member": device["member"]}
    waiting = {"$or": [{"acknowledged_at": None}, {"delivered.device": {"$ne": device["id"]}}]}
    found = store["notices"].find(mine | waiting).sort("created_at", -1)
    return await found.to_list(SHOWN_TO_DEVICES)


async def delivered(store: Store, device: Document, docs: Sequence[Document]) -> None:
    """Notes that notices reached a device, once each."""
    for doc in docs:
        await store["notices"].update_one(
            {"_id": doc["_id"], "delivered.device": {"$ne": device["id"]}},
            {"$push": {"delivered": {"device": device["id"], "at": now()}}},
        )


async def tray_may_hide(store: Store, device: Document) -> bool:
    """Whether the member acknowledged, of a notice that reached this device, that its icon is hidden."""
    where = {"workspace": device["workspace"], "member": device["member"], "kinds": "tray"}
    where |= {"acknowledged_at": {"$ne": None}, "delivered.device": device["id"]}
    return await store["notices"].find_one(where) is not None


def fact(doc: Document) -> tuple[str, Fact]:
    """``notice.raised`` as of a document."""
    fields = {name: doc[name] for name in ("workspace", "member", "kinds", "changes", "policy", "policy_version")}
    raised_at = instant(doc["created_at"]) or ""
    return "notice.raised", NoticeRaised(notice=doc["id"], raised_at=raised_at, **fields)


def told(doc: Document) -> dict[str, Any]:
    """A notice as a device shows it."""
    names = ("kinds", "changes")
    return {"notice": doc["id"]} | {name: doc[name] for name in names} | {"created_at": instant(doc["created_at"])}


def shown(doc: Document) -> Document:
    """A notice as the API shows it."""
    names = ("id", "member", "kinds", "changes", "policy", "policy_version", "acknowledged_by")
    reached = [{"device": one["device"], "at": instant(one["at"])} for one in doc["delivered"]]
    times = {name: instant(doc[name]) for name in ("created_at", "acknowledged_at")}
    return {name: doc[name] for name in names} | times | {"delivered": reached}

"""What follows for licences and their devices, in the transaction of a change (L-04, L-07, G-01).

A licence names its own policy, and carries the one in effect: that of a monitoring profile of its member where one is
on, else its own. Its devices carry a copy of its right, so that the bus's sign-in needs one document.
"""

from collections.abc import Iterable
from typing import Any

from services.kit.mongo import Session
from services.licensing import notices, policies, profiles, widening
from services.licensing.standing import Right, renew
from services.licensing.store import Document, Store, key, now
from services.wire.events import Fact, LicenceChanged

Told = set[tuple[str, str, int]]
"""(member, policy, version) of whom a notice was raised for already: one with two licences gets one."""


async def in_effect(store: Store, session: Session, workspace: str, member: str, own: str) -> Document:
    """``{in_effect, policy_version, profile}`` for a licence of that member with that policy of its own.

    The member is written, so that a profile which is switched on in this moment sees the licence or is seen by it.
    """
    who = await store["members"].find_one_and_update(
        {"workspace": workspace, "id": member}, {"$inc": {"seen": 1}}, session=session
    )
    profile = await profiles.of_member(store, session, who) if who else None
    policy = await policies.find(store, session, workspace, profile.policy if profile else own)
    return {
        "in_effect": policy["id"],
        "policy_version": policy["version"],
        "profile": profile.id if profile else None,
        "grace_days": policy["policy"]["grace_days"],
    }


async def settle(store: Store, session: Session, doc: Document, told: Told | None = None) -> Document:
    """A licence under the policy that is in effect now. Where that is another one, its member is told what it records
    more, and its devices hold that back until their notice arrived. Whoever calls it carries.
    """
    workspace, member = doc["workspace"], doc["member"]
    fields = await in_effect(store, session, workspace, member, doc["policy"])
    if all(doc.get(name) == value for name, value in fields.items()):
        return doc
    before = await policies.as_of(store, session, workspace, doc["in_effect"], doc["policy_version"])
    policy = await policies.find(store, session, workspace, fields["in_effect"])
    fields |= renew(Right.of(doc), doc["not_before"], doc["expires"], fields["grace_days"]).stored()
    changed = await store.update("licences", doc["_id"], fields, session) or doc
    if doc["state"] in ("draft", "revoked"):
        return changed
    told = set() if told is None else told
    if (said := (member, policy["id"], policy["version"])) not in told:
        told.add(said)
        await notices.raise_for(store, session, workspace, member, before, policy)
    await _hold_back(store, session, changed, before, policy["policy"])
    return changed


async def settle_all(store: Store, session: Session, where: Document) -> None:
    """Settles and carries every licence that ``where`` finds."""
    told: Told = set()
    for doc in await store["licences"].find(where, session=session).to_list(None):
        if (changed := await settle(store, session, doc, told)) is not doc:
            await carry(store, session, changed)


async def _hold_back(
    store: Store, session: Session, doc: Document, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Its devices go on as they were in what is recorded more now, until their notice arrived (G-01)."""
    of_licence = {"workspace": doc["workspace"], "licence": doc["id"], "released_at": None}
    for device in await store["devices"].find(of_licence, session=session).to_list(None):
        held = widening.held_back(before | device.get("held", {}), after)
        if held != device.get("held", {}):
            await store["devices"].update_one({"_id": device["_id"]}, {"$set": {"held": held}}, session=session)


async def carry(store: Store, session: Session, doc: Document) -> None:
    """Gives the licence's right to its devices, tells of the licence and of each of them, and pushes to these."""
    of_licence = {"workspace": doc["workspace"], "licence": doc["id"]}
    state = Right.of(doc).stored() | ({"state": "active"} if doc["state"] == "issued" else {})
    state["grace_days"] = doc.get("grace_days", 30)
    await store["devices"].update_many(
        {**of_licence, "released_at": None}, {"$set": state, "$inc": {"revision": 1}}, session=session
    )
    devices = await store["devices"].find(of_licence, session=session).to_list(None)
    await store.outbox.stage(facts(doc, devices), session)
    if devices:
        await store.push(session, of_licence)


async def carry_all(store: Store, session: Session, where: Document) -> None:
    """Carries every licence that ``where`` finds, which time alone made another."""
    for doc in await store["licences"].find(where, session=session).to_list(None):
        await carry(store, session, doc)


async def archive_all(store: Store, session: Session, where: Document) -> None:
    """Stops the licences that ``where`` finds whose workspace or member is archived, and lets the others go on.

    The workspace is written, so that it is not restored, or archived, unnoticed meanwhile.
    """
    workspace = where["workspace"]
    tenant = await store["workspaces"].find_one_and_update(
        {"_id": key(workspace)}, {"$inc": {"seen": 1}}, session=session
    )
    docs = await store["licences"].find(where, session=session).to_list(None)
    members = {"workspace": workspace, "archived": True, "id": {"$in": [doc["member"] for doc in docs]}}
    gone = set(await store["members"].distinct("id", members, session=session))
    for doc in docs:
        archived = bool(tenant and tenant["archived"]) or doc["member"] in gone
        if archived == bool(doc.get("archived")):
            continue
        if changed := await store.update("licences", doc["_id"], {"archived": archived}, session):
            await carry(store, session, changed)


def facts(doc: Document, devices: Iterable[Document]) -> list[tuple[str, Fact]]:
    """``licence.changed`` of a licence and of each of its devices."""
    return [fact(doc), *(fact(doc, device) for device in devices)]


def fact(doc: Document, device: Document | None = None) -> tuple[str, Fact]:
    """``licence.changed`` as of a licence and, where it has one, a device; the revision of a pair only grows."""
    state = Right.of(device or doc).at(now()).state
    return "licence.changed", LicenceChanged(
        workspace=doc["workspace"],
        member=doc["member"],
        revision=doc["revision"] + (device["revision"] if device else 0),
        licence=doc["id"],
        device=device["id"] if device else None,
        device_name=device["name"] if device else None,
        state="issued" if state == "draft" else state,
    )

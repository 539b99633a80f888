"""What follows for licences and their devices, in the transaction of a change (L-04, L-07, G-01).

A licence names its own policy, and carries the one in effect: that of a monitoring profile of its member where one is
on, else its own. Its devices carry a copy of its right, so that the bus's sign-in needs one document.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pymongo import UpdateMany, UpdateOne

from services.kit.mongo import Session
from services.licensing import notices, policies, profiles, widening
from services.licensing.standing import Right, renew
from services.licensing.store import Document, Store, key, now
from services.wire.events import Fact, LicenceChanged


class Move(NamedTuple):
    """A licence as it came under another policy: what was recorded until then, and the policy's document."""

    licence: Document
    before: dict[str, Any]
    policy: Document


async def in_effect(
    store: Store, session: Session, workspace: str, wanted: Sequence[tuple[str, str]]
) -> list[Document]:
    """``{in_effect, policy_version, profile, grace_days}`` for licences by member and policy of their own, in order.

    The members are written, so that a profile which is switched on in this moment sees the licence or is seen by it.
    """
    theirs = {"workspace": workspace, "id": {"$in": sorted({member for member, _ in wanted})}}
    await store["members"].update_many(theirs, {"$inc": {"seen": 1}}, session=session)
    teams = {
        doc["id"]: doc["team"] async for doc in store["members"].find(theirs, {"id": 1, "team": 1}, session=session)
    }
    on = await profiles.switched_on(store, session, workspace)
    known: dict[str, Document] = {}
    effects = []
    for member, own in wanted:
        profile = profiles.in_force(member, teams[member], on) if member in teams else None
        id = profile.policy if profile else own
        policy = known[id] = known.get(id) or await policies.find(store, session, workspace, id)
        effects.append(
            {
                "in_effect": policy["id"],
                "policy_version": policy["version"],
                "profile": profile.id if profile else None,
                "grace_days": policy["policy"]["grace_days"],
            }
        )
    return effects


async def settle(store: Store, session: Session, docs: Sequence[Document]) -> list[Document]:
    """Brings licences of a workspace under the policy that is in effect now, and gives those that came under another.

    Their members are told what it records more, once each, and their devices hold that back until their notice
    arrived. Whoever calls it carries.
    """
    if not docs:
        return []
    workspace = docs[0]["workspace"]
    effects = await in_effect(store, session, workspace, [(doc["member"], doc["policy"]) for doc in docs])
    moves, steps = list[Move](), list[UpdateOne]()
    before, after = dict[tuple[str, int], dict[str, Any]](), dict[str, Document]()
    for doc, fields in zip(docs, effects, strict=True):
        if all(doc.get(name) == value for name, value in fields.items()):
            continue
        if (was := (doc["in_effect"], doc["policy_version"])) not in before:
            before[was] = await policies.as_of(store, session, workspace, *was)
        if (now_is := fields["in_effect"]) not in after:
            after[now_is] = await policies.find(store, session, workspace, now_is)
        fields |= renew(Right.of(doc), doc["not_before"], doc["expires"], fields["grace_days"]).stored()
        steps.append(UpdateOne({"_id": doc["_id"]}, {"$set": fields, "$inc": {"revision": 1}}))
        moves.append(Move(doc | fields | {"revision": doc["revision"] + 1}, before[was], after[now_is]))
    if moves:
        await store["licences"].bulk_write(steps, ordered=False, session=session)
        live = [move for move in moves if move.licence["state"] not in ("draft", "revoked")]
        told = {(move.licence["member"], move.policy["id"], move.policy["version"]): move for move in reversed(live)}
        wanted = [(move.licence["member"], move.before, move.policy) for move in told.values()]
        await notices.raise_for(store, session, workspace, wanted)
        await _hold_back(store, session, workspace, live)
    return [move.licence for move in moves]


async def settle_all(store: Store, session: Session, where: Document) -> None:
    """Settles and carries every licence that ``where`` finds."""
    docs = await store["licences"].find(where, session=session).to_list(None)
    await carry(store, session, await settle(store, session, docs))


async def _hold_back(store: Store, session: Session, workspace: str, moves: Sequence[Move]) -> None:
    """Their devices go on as they were in what is recorded more now, until their notice arrived (G-01)."""
    by_licence = {move.licence["id"]: move for move in moves}
    theirs = {"workspace": workspace, "licence": {"$in": sorted(by_licence)}, "released_at": None}
    steps = []
    async for device in store["devices"].find(theirs, session=session):
        move, known = by_licence[device["licence"]], device.get("held", {})
        held = widening.held_back(move.before | known, move.policy["policy"])
        if held != known:
            steps.append(UpdateOne({"_id": device["_id"]}, {"$set": {"held": held}}))
    if steps:
        await store["devices"].bulk_write(steps, ordered=False, session=session)


async def carry(store: Store, session: Session, docs: Sequence[Document]) -> None:
    """Gives the rights of a workspace's licences to their devices, tells of each of them, and pushes to these."""
    if not docs:
        return
    workspace = docs[0]["workspace"]
    steps = []
    for doc in docs:
        state = Right.of(doc).stored() | ({"state": "active"} if doc["state"] == "issued" else {})
        state["grace_days"] = doc.get("grace_days", 30)
        of_licence = {"workspace": workspace, "licence": doc["id"], "released_at": None}
        steps.append(UpdateMany(of_licence, {"$set": state, "$inc": {"revision": 1}}))
    await store["devices"].bulk_write(steps, ordered=False, session=session)
    theirs = {"workspace": workspace, "licence": {"$in": [doc["id"] for doc in docs]}}
    devices: defaultdict[str, list[Document]] = defaultdict(list)
    async for device in store["devices"].find(theirs, session=session):
        devices[device["licence"]].append(device)
    await store.outbox.stage([one for doc in docs for one in facts(doc, devices[doc["id"]])], session)
    if any(devices.values()):
        await store.push(session, theirs)


async def carry_all(store: Store, session: Session, where: Document) -> None:
    """Carries every licence that ``where`` finds, which time alone made another."""
    await carry(store, session, await store["licences"].find(where, session=session).to_list(None))


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
    changed, steps = [], []
    for doc in docs:
        fields = {"archived": bool(tenant and tenant["archived"]) or doc["member"] in gone}
        if fields["archived"] != bool(doc.get("archived")):
            steps.append(UpdateOne({"_id": doc["_id"]}, {"$set": fields, "$inc": {"revision": 1}}))
            changed.append(doc | fields | {"revision": doc["revision"] + 1})
    if steps:
        await store["licences"].bulk_write(steps, ordered=False, session=session)
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

"""What follows for licences and their devices, in the transaction of a change (L-04, L-07, G-01).

A licence names its own policy, and carries the one in effect: that of a monitoring profile of its member where one is
on, else its own. Its devices carry a copy of its right, so that the bus's sign-in needs one document.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from services.kit.mongo import Session
from services.licensing import notices, policies, profiles, widening
from services.licensing.alike import Alike
from services.licensing.standing import Right, renew
from services.licensing.store import WHOLE, Document, Store, key, now
from services.wire.events import Fact, LicenceChanged


class Move(NamedTuple):
    """A licence as it came under another policy: what was recorded until then, the policy's document, and what of it a
    device holds back that held nothing back.
    """

    licence: Document
    before: dict[str, Any]
    policy: Document
    held: dict[str, Any]


_TOLD_TOGETHER = 250
"""Licences of a push: what a replica tells well within its claim, also where it is busy (``pushes.py``)."""
Moves = Mapping[str, Move]
"""By the licence's id."""
_NONE: Moves = MappingProxyType({})


async def in_effect(
    store: Store, session: Session, workspace: str, wanted: Sequence[tuple[str, str]]
) -> list[Document]:
    """``{in_effect, policy_version, profile, grace_days}`` for licences by member and policy of their own, in order.

    The members are written, so that a profile which is switched on in this moment sees the licence or is seen by it.
    """
    await _see(store, session, workspace, {member for member, _ in wanted})
    return await _in_effect(store, session, workspace, wanted)


async def _see(store: Store, session: Session, workspace: str, members: Iterable[str]) -> None:
    theirs = {"_id": {"$in": sorted(key(workspace, member) for member in members)}}
    await store["members"].update_many(theirs, {"$inc": {"seen": 1}}, session=session)


async def _in_effect(
    store: Store, session: Session, workspace: str, wanted: Sequence[tuple[str, str]]
) -> list[Document]:
    """The same, for who writes the members otherwise."""
    theirs = {"_id": {"$in": sorted({key(workspace, member) for member, _ in wanted})}}
    fields = {"id": 1, "team": 1}
    found = await store["members"].find(theirs, fields, session=session, batch_size=WHOLE).to_list(None)
    teams = {doc["id"]: doc["team"] for doc in found}
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


async def settle(
    store: Store, session: Session, docs: Sequence[Document], *, changed: bool = False
) -> Sequence[Document]:
    """Brings licences of a workspace under the policy that is in effect now, and gives them as they are then.

    Those that came under another are carried, with ``changed`` all. Their members are told what is recorded more, once
    each, and their devices hold that back until their notice arrived.
    """
    if not docs:
        return []
    workspace, moves = docs[0]["workspace"], await _moves(store, session, docs)
    after = [moves[doc["id"]].licence if doc["id"] in moves else doc for doc in docs]
    live = {id: move for id, move in moves.items() if move.licence["state"] not in ("draft", "revoked")}
    told = {(move.licence["member"], move.policy["id"], move.policy["version"]): move for move in live.values()}
    wanted = [(move.licence["member"], move.before, move.policy) for move in told.values()]
    written = await notices.raise_for(store, session, workspace, wanted)
    await _see(store, session, workspace, {doc["member"] for doc in docs} - written)
    await carry(store, session, after if changed else [move.licence for move in moves.values()], live)
    return after


async def _moves(store: Store, session: Session, docs: Sequence[Document]) -> dict[str, Move]:
    """Writes what is in effect for licences, and gives by its id each that came under another policy by it."""
    workspace = docs[0]["workspace"]
    effects = await _in_effect(store, session, workspace, [(doc["member"], doc["policy"]) for doc in docs])
    moves, steps, known = dict[str, Move](), Alike(), dict[tuple[str, int, str], Move]()
    for doc, fields in zip(docs, effects, strict=True):
        if all(doc.get(name) == value for name, value in fields.items()):
            continue
        if (kind := (doc["in_effect"], doc["policy_version"], fields["in_effect"])) not in known:
            before = await policies.as_of(store, session, workspace, *kind[:2])
            policy = await policies.find(store, session, workspace, kind[2])
            known[kind] = Move(doc, before, policy, widening.held_back(before, policy["policy"]))
        fields |= renew(Right.of(doc), doc["not_before"], doc["expires"], fields["grace_days"]).stored()
        steps.add(doc["_id"], fields)
        moves[doc["id"]] = known[kind]._replace(licence=doc | fields | {"revision": doc["revision"] + 1})
    await steps.write(store["licences"], session)
    return moves


async def settle_all(store: Store, session: Session, where: Document) -> None:
    """Settles and carries every licence that ``where`` finds."""
    found = store["licences"].find(where, session=session, batch_size=WHOLE)
    await settle(store, session, await found.to_list(None))


async def carry(
    store: Store, session: Session, docs: Sequence[Document], moves: Moves = _NONE, *, anew: bool = False
) -> None:
    """Gives the rights of a workspace's licences to their devices, tells of each of them, and pushes to these.

    Devices of licences among ``moves`` go on as they were in what is recorded more now (G-01). One for which nothing
    changes is not written, unless ``anew``.
    """
    if not docs:
        return
    theirs = {"workspace": docs[0]["workspace"], "licence": {"$in": [doc["id"] for doc in docs]}}
    found = await store["devices"].find(theirs, session=session, batch_size=WHOLE).to_list(None)
    devices, steps = defaultdict[str, list[Document]](list), Alike()
    for device in found:
        devices[device["licence"]].append(device)
    for doc in docs:
        state = Right.of(doc).stored() | ({"state": "active"} if doc["state"] == "issued" else {})
        state["grace_days"] = doc.get("grace_days", 30)
        for device in devices[doc["id"]]:
            if device["released_at"] is not None:
                continue
            fields = state | _held(device, moves.get(doc["id"]))
            # one that holds something back is written in any case: whoever lets that begin is to see this change
            if anew or device.get("held") or any(device.get(name) != value for name, value in fields.items()):
                steps.add(device["_id"], fields)
                device |= fields | {"revision": device["revision"] + 1}
    await steps.write(store["devices"], session)
    moment, none = now(), list[Document | None]([None])
    told = [fact(doc, device, moment) for doc in docs for device in devices[doc["id"]] or none]
    await store.outbox.stage(told, session)
    ids = [id for id, own in devices.items() if own]
    for start in range(0, len(ids), _TOLD_TOGETHER):
        some = {"$in": ids[start : start + _TOLD_TOGETHER]}
        await store.push(session, {"workspace": docs[0]["workspace"], "licence": some})


def _held(device: Document, move: Move | None) -> dict[str, Any]:
    """``held`` of a device, where it is another: what it still does as before, until its notice arrived (G-01)."""
    if move is None:
        return {}
    known = device.get("held", {})
    held = widening.held_back(move.before | known, move.policy["policy"]) if known else move.held
    return {"held": held} if held != known else {}


async def carry_all(store: Store, session: Session, where: Document) -> None:
    """Carries every licence that ``where`` finds, which time alone made another."""
    await carry(store, session, await store["licences"].find(where, session=session).to_list(None), anew=True)


async def archive_all(store: Store, session: Session, where: Document) -> None:
    """Stops the licences that ``where`` finds whose workspace or member is archived, and lets the others go on.

    The workspace is written, so that it is not restored, or archived, unnoticed meanwhile.
    """
    workspace = where["workspace"]
    tenant = await store["workspaces"].find_one_and_update(
        {"_id": key(workspace)}, {"$inc": {"seen": 1}}, session=session
    )
    docs = await store["licences"].find(where, session=session).to_list(None)
    members = {"_id": {"$in": sorted({key(workspace, doc["member"]) for doc in docs})}, "archived": True}
    gone = set(await store["members"].distinct("id", members, session=session))
    changed, steps = list[Document](), Alike()
    for doc in docs:
        fields = {"archived": bool(tenant and tenant["archived"]) or doc["member"] in gone}
        if fields["archived"] != bool(doc.get("archived")):
            steps.add(doc["_id"], fields)
            changed.append(doc | fields | {"revision": doc["revision"] + 1})
    await steps.write(store["licences"], session)
    await carry(store, session, changed)


def facts(doc: Document, devices: Iterable[Document], moment: datetime | None = None) -> list[tuple[str, Fact]]:
    """``licence.changed`` of a licence and of each of its devices, as of a moment (None: now)."""
    moment = moment or now()
    return [fact(doc, None, moment), *(fact(doc, device, moment) for device in devices)]


def fact(doc: Document, device: Document | None = None, moment: datetime | None = None) -> tuple[str, Fact]:
    """``licence.changed`` as of a licence and, where it has one, a device; the revision of a pair only grows."""
    state = Right.of(device or doc).at(moment or now()).state
    return "licence.changed", LicenceChanged(
        workspace=doc["workspace"],
        member=doc["member"],
        revision=doc["revision"] + (device["revision"] if device else 0),
        licence=doc["id"],
        device=device["id"] if device else None,
        device_name=device["name"] if device else None,
        state="issued" if state == "draft" else state,
    )

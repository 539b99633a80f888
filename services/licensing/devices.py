"""Devices: computers on which a licence was activated; each holds its own key (L-03, L-05)."""

import base64
from typing import Annotated, Literal

from pydantic import Field

from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import audit, effects
from services.licensing.standing import DRAIN_HOURS, Right, revoke, seat
from services.licensing.store import Document, Store, instant, key, now
from services.wire import proof
from services.wire.events import Strict
from services.wire.language import N_
from services.wire.names import Name


class Patch(Strict):
    """Another name, or ``state: released``: the device gives its seat back and may record no more (L-04).

    ``transferred`` is the same but for the seat, which is kept for the next device that activates the licence.
    ``cloned: false``: somebody has looked into a doubt about its key.
    """

    name: Name | None = None
    state: Literal["released", "transferred"] | None = None
    cloned: Literal[False] | None = None
    drain_hours: Annotated[int, Field(ge=0, le=24 * 180)] = DRAIN_HOURS


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Renames or releases a device; told to the others."""
    fields: Document = {"name": body.name} if body.name else {}
    if body.cloned is not None:
        fields |= {"cloned_at": None, "cloned_because": None}
    if body.state:
        moment = now()
        fields |= revoke(Right.of(doc), moment, body.drain_hours).stored()
        if doc["released_at"] is None:
            fields["released_at"] = moment
            await (_keep_seat if body.state == "transferred" else _free_seat)(store, session, doc)
    changed = await store.update("devices", doc["_id"], fields, session)
    licence = await store.one("licences", doc["workspace"], doc["licence"], session=session)
    if changed is None or licence is None:
        raise not_found(N_("device"))
    await store.outbox.stage(effects.facts(licence, [changed]), session)
    await store.push(session, {"workspace": doc["workspace"], "id": doc["id"]})
    return changed


async def doubt(store: Store, workspace: str, device: str, because: str) -> None:
    """Its key seems to be used by two computers: its row says so from now on, and the log. Once, until looked into."""

    async def work(session: Session) -> None:
        changed = await store["devices"].find_one_and_update(
            {"_id": key(workspace, device), "cloned_at": None},
            {"$set": {"cloned_at": now(), "cloned_because": because}},
            return_document=True,
            session=session,
        )
        if changed is not None:
            await audit.note_device(store, session, changed, "device.doubted", because=because)

    await store.write(work)


async def _keep_seat(store: Store, session: Session, doc: Document) -> None:
    await store["licences"].update_one(
        {"_id": key(doc["workspace"], doc["licence"])}, {"$inc": {"seats_reserved": 1, "revision": 1}}, session=session
    )


async def _free_seat(store: Store, session: Session, doc: Document) -> None:
    await store["licences"].update_one(
        {"_id": key(doc["workspace"], doc["licence"])},
        {"$inc": {"seats_taken": -1, "revision": 1}},
        session=session,
    )
    await store["workspaces"].update_one({"_id": key(doc["workspace"])}, {"$inc": {"seats_taken": -1}}, session=session)


async def keys(store: Store, workspace: str, devices: list[str]) -> list[Document]:
    """The public keys of devices, base64 of 32 bytes however they were written (decision 0004)."""
    found = store["devices"].find({"_id": {"$in": [key(workspace, device) for device in devices]}}).sort("_id", 1)
    return [
        {
            "device": doc["id"],
            "public_key": base64.b64encode(proof.read_public_key(doc["public_key"])).decode(),
            "kind": doc["kind"],
        }
        async for doc in found
    ]


_REASONS = {
    "revoked": "The licence was revoked.",
    "expired": "The licence is over.",
    "suspended": "The licence is suspended.",
    "issued": "The licence has not begun.",
}


async def with_contact(store: Store, docs: list[Document]) -> list[Document]:
    """Devices with what was last heard of each (``contacts.py``)."""
    found = store["contacts"].find({"_id": {"$in": [doc["_id"] for doc in docs]}})
    heard = {one["_id"]: one["at"] async for one in found}
    return [doc | {"heard_at": heard.get(doc["_id"])} for doc in docs]


def shown(doc: Document) -> Document:
    """A device as the API shows it; ``reason`` is why the bus lets it record nothing, null where it may (L-05).

    ``seat`` says how its seat stands by when it was last heard of; ``cloned_at`` when its key was seen on two machines.
    """
    right, standing = Right.of(doc), Right.of(doc).at(now())
    state: str = standing.state
    reason = "The seat was given back." if doc["released_at"] else _REASONS.get(state)
    if right.archived and state == "suspended":
        reason = "The workspace or the member is archived."
    held = seat(bool(doc["released_at"]), doc.get("heard_at"), doc.get("grace_days", 30), now())
    if state == "active" and held == "grace":
        state = "grace"
    names = ("id", "member", "licence", "mode", "name", "os", "kind", "public_key")
    times = ("activated_at", "released_at", "revoked_at", "drain_until")
    found = {name: doc[name] for name in names} | {"state": state, "reason": reason, "seat": held}
    found |= {name: instant(doc[name]) for name in times} | {"last_contact_at": instant(doc.get("heard_at"))}
    return found | {"cloned_at": instant(doc.get("cloned_at")), "cloned_because": doc.get("cloned_because")}

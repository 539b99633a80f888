"""Devices: computers on which a licence was activated; each holds its own key (L-03, L-05)."""

import base64
from typing import Annotated, Literal

from pydantic import Field

from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import licences
from services.licensing.standing import DRAIN_HOURS, Right, revoke
from services.licensing.store import Document, Store, instant, key, now
from services.wire import proof
from services.wire.events import Strict


class Patch(Strict):
    """Another name, or ``state: released``: the device gives its seat back and may record no more (L-04)."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    state: Literal["released"] | None = None
    drain_hours: Annotated[int, Field(ge=0, le=24 * 180)] = DRAIN_HOURS


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Renames or releases a device; told to the others."""
    fields: Document = {"name": body.name} if body.name else {}
    if body.state == "released":
        moment = now()
        fields |= revoke(Right.of(doc), moment, body.drain_hours).stored()
        if doc["released_at"] is None:
            fields["released_at"] = moment
            await _free_seat(store, session, doc)
    changed = await store.update("devices", doc["_id"], fields, session)
    licence = await store.one("licences", doc["workspace"], doc["licence"], session=session)
    if changed is None or licence is None:
        raise not_found("device")
    await store.outbox.stage([licences.fact(licence), licences.fact(licence, changed)], session)
    return changed


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


def shown(doc: Document) -> Document:
    """A device as the API shows it; ``reason`` is why the bus lets it record nothing, null where it may (L-05)."""
    standing = Right.of(doc).at(now())
    reason = "The seat was given back." if doc["released_at"] else _REASONS.get(standing.state)
    names = ("id", "member", "licence", "mode", "name", "os", "kind", "public_key")
    times = ("activated_at", "released_at", "revoked_at", "drain_until")
    shown = {name: doc[name] for name in names} | {"state": standing.state, "reason": reason}
    return shown | {name: instant(doc[name]) for name in times}

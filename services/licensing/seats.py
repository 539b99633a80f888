"""Activation: a licence key and a device key become a device, on one of the licence's seats (L-03).

The seat is taken by one conditional update of the licence and one of the workspace, in the transaction that makes the
device: of any number racing for the last seat exactly one wins.
"""

from pymongo.errors import DuplicateKeyError

from services.kit.mongo import Session
from services.kit.problems import Problem
from services.licensing import audit, effects, licences, limits
from services.licensing.standing import Right
from services.licensing.store import NOBODY, Document, Store, instant, key, new_id, now
from services.wire import licence as wire
from services.wire import proof
from services.wire.language import _
from services.wire.requests import Activate, DeviceOffer

MOST_A_MINUTE = 30
_MOST_HOLDERS = 20


async def activate(store: Store, request: Activate, licence_key: bytes = b"") -> tuple[Document, Document]:
    """The (licence, device) of an activation; 404, 409, 422 and 429 problems say what stands against it.

    The same device key with the same licence is the same activation, however often and at once. ``licence_key`` is the
    public half that licence files are signed with.
    """
    await limits.take(store, "activate", request.address, MOST_A_MINUTE)
    nkey = _prove(request)
    if request.licence_file:
        workspace, licence = _read_file(request.licence_file, licence_key)
    else:
        workspace, licence = await _find_key(store, request.licence_key)

    async def work(session: Session) -> tuple[Document, Document]:
        return await _take(store, session, workspace, licence, nkey, request)

    async with store.turn(workspace, licence):
        try:
            return await store.change(work)
        except DuplicateKeyError:  # the same device key was activated in this very moment
            return await store.change(work)


async def _find_key(store: Store, licence_key: str) -> tuple[str, str]:
    known = await store["licence_keys"].find_one({"_id": key(NOBODY, licences.key_hash(licence_key))})
    if known is None:
        raise Problem(404, "unknown-licence", _("There is no such licence."), _("Check the key, or ask for a new one."))
    return known["workspace"], known["licence"]


def _read_file(text: str, public: bytes) -> tuple[str, str]:
    """Workspace and licence of a signed file; 422 with the reason where it does not hold (L-02)."""
    try:
        found = wire.verify(public, wire.read_file(text))
        found.check_time(now())
    except wire.LicenceError as error:
        kind = f"licence-file-{error.reason.replace('_', '-')}"
        raise Problem(422, kind, f"{str(error)[:1].upper()}{str(error)[1:]}.", _("Ask for a new file.")) from error
    return found.workspace, found.licence


def _prove(request: Activate) -> str:
    """The device's key as an nkey, proved to be its own."""
    try:
        public = proof.read_public_key(request.device.public_key)
    except proof.ProofError as error:
        advice = _("Send the 32 bytes as base64, or an nkey that begins with U.")
        raise Problem(422, "not-a-key", _("This is not an Ed25519 public key."), advice, field="device") from error
    try:
        proof.check(public, proof.ACTIVATION_DOMAIN, request.device.public_key.encode(), request.proof)
    except proof.ProofError as error:
        advice = _(
            "Sign daybook/activate/v1, a zero byte and the public key's text as it is sent, with its private key."
        )
        raise Problem(422, "bad-proof", _("The proof is not by this public key."), advice, field="proof") from error
    return proof.user_nkey(public)


async def _take(
    store: Store, session: Session, workspace: str, licence: str, nkey: str, request: Activate
) -> tuple[Document, Document]:
    doc = await store.one("licences", workspace, licence, session=session)
    if doc is None:
        raise Problem(404, "unknown-licence", _("There is no such licence."), _("Ask for a new one."))
    licences.require_open(doc)
    held = await store.one("device_keys", NOBODY, nkey, session=session)
    if held:
        return doc, await _again(store, session, held, workspace, licence)
    taken = await _claim_seat(store, session, doc)  # first of all: who gets none has written nothing
    device = _device(taken, new_id("dev"), nkey, request.device)
    await store["device_keys"].insert_one(
        {"_id": key(NOBODY, nkey), "workspace": workspace, "licence": licence, "device": device["id"]},
        session=session,
    )
    await store["devices"].insert_one(device, session=session)
    await audit.note_device(store, session, device, "device.activated", address=request.address)
    await store.outbox.stage(effects.facts(taken, [device]), session)
    return taken, device


async def _again(store: Store, session: Session, held: Document, workspace: str, licence: str) -> Document:
    device = await store.one("devices", held["workspace"], held["device"], session=session)
    if device is None or (held["workspace"], held["licence"]) != (workspace, licence):
        detail = _("A computer's key belongs to one licence. Reset the agent, so that it makes itself a new key.")
        raise Problem(409, "key-in-use", _("This device key belongs to another licence."), detail)
    if device["released_at"]:
        detail = _("Reset the agent, so that it makes itself a new key.")
        raise Problem(409, "device-released", _("This device gave its seat back."), detail)
    return device


async def _claim_seat(store: Store, session: Session, doc: Document) -> Document:
    """The licence with one seat more taken; 409 where it or the workspace has none left.

    A seat that a transfer keeps is taken first; it counts as taken already.
    """
    usable = {"_id": doc["_id"], "state": {"$in": ["issued", "active"]}}
    changes: Document = {"$inc": {"activated": 1, "revision": 1}, "$set": {"state": "active"}}
    if doc["seats_reserved"]:
        kept: Document | None = await store["licences"].find_one_and_update(
            usable | {"seats_reserved": {"$gt": 0}},
            {**changes, "$inc": {**changes["$inc"], "seats_reserved": -1}},
            return_document=True,
            session=session,
        )
        if kept is not None:
            return kept
    room = [{"$lt": ["$seats_taken", "$seats"]}]
    if doc["node_locked"]:
        room.append({"$lt": ["$activated", "$seats"]})
    taken: Document | None = await store["licences"].find_one_and_update(
        usable | {"$expr": {"$and": room}},
        {**changes, "$inc": {**changes["$inc"], "seats_taken": 1}},
        return_document=True,
        session=session,
    )
    if taken is None:
        raise await _no_seat(store, session, doc)
    total = {"$or": [{"seats": None}, {"$expr": {"$lt": ["$seats_taken", "$seats"]}}]}
    counted = await store["workspaces"].update_one(
        {"_id": key(doc["workspace"])} | total, {"$inc": {"seats_taken": 1}}, session=session
    )
    if not counted.modified_count:
        raise await _no_seat_of_workspace(store, session, doc["workspace"], doc["id"])
    return taken


async def _no_seat(store: Store, session: Session, doc: Document) -> Problem:
    holding = {"workspace": doc["workspace"], "licence": doc["id"], "released_at": None}
    devices = await store["devices"].find(holding, session=session).sort("activated_at", 1).to_list(_MOST_HOLDERS)
    holders = [
        {"device": one["id"], "name": one["name"], "activated_at": instant(one["activated_at"])} for one in devices
    ]
    names = ", ".join(one["name"] for one in devices)
    if doc["node_locked"] and len(devices) < doc["seats"]:
        detail = _("It stays with the computer it was activated on. Ask for it to be transferred.")
        title = _("This licence is bound to another computer.")
        return Problem(409, "no-seat-left", title, detail, holders=holders)
    detail = _("Ask for more.")
    if names:
        detail = _("Held by: {names}. Ask for a seat to be given back, or for more.", names=names)
    return Problem(409, "no-seat-left", _("The licence has no seat left."), detail, holders=holders)


async def _no_seat_of_workspace(store: Store, session: Session, workspace: str, refused: str) -> Problem:
    """Who holds the workspace's seats: its licences. What colleagues call their computers is for its admins alone."""
    tenant = await store["workspaces"].find_one({"_id": key(workspace)}, session=session) or {}
    taken = {"workspace": workspace, "seats_taken": {"$gt": 0}}
    found = await store["licences"].find(taken, session=session).sort("seats_taken", -1).to_list(_MOST_HOLDERS + 1)
    # the refused licence has counted itself in this transaction, which is undone
    held = [(one["id"], one["seats_taken"] - (one["id"] == refused)) for one in found]
    holders = [{"licence": id, "seats": seats} for id, seats in held if seats][:_MOST_HOLDERS]
    total = tenant.get("seats")
    detail = _(
        "All {total} are taken. An admin gives one back on the page of devices, or allows more in the settings.",
        total=total,
    )
    return Problem(409, "no-seat-left", _("The workspace has no seat left."), detail, holders=holders)


def _device(doc: Document, device: str, nkey: str, offer: DeviceOffer) -> Document:
    return {
        "_id": key(doc["workspace"], device),
        **{name: doc[name] for name in ("workspace", "member", "mode")},
        "id": device,
        "licence": doc["id"],
        "public_key": nkey,
        "revision": 1,
        "name": offer.name,
        "os": offer.os,
        "kind": offer.kind,
        **Right.of(doc).stored(),
        "grace_days": doc["grace_days"],
        "activated_at": now(),
        "released_at": None,
    }

"""Licences: issued, shown once, changed, revoked (L-01, L-02, L-04).

A licence's key is 160 random bits, kept as a hash only. Its devices carry a copy of its right (``standing.Right``),
written in the same transaction, so that the bus's sign-in needs one document.
"""

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from nacl.signing import SigningKey
from pydantic import Field, model_validator

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid, not_found
from services.licensing import contracts, notices, people, policies, widening
from services.licensing.standing import DRAIN_HOURS, Right, renew, revoke
from services.licensing.store import NOBODY, Document, Store, fingerprint, instant, key, new_id, now
from services.wire import proof, slots
from services.wire.events import Fact, Id, Instant, LicenceChanged, Strict

Mode = Literal["worklog", "monitoring"]
Seats = Annotated[int, Field(ge=1, le=100_000)]
KEY_BYTES = 20
_GROUP = 4


class New(Strict):
    """The body that issues a licence. ``policy`` is a policy's id, or what differs from the defaults, or null."""

    mode: Mode
    member: Id | None = None
    computer: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    policy: Id | dict[str, Any] | None = None
    seats: Seats = 1
    not_before: Instant | None = None
    expires: Instant | None = None

    @model_validator(mode="after")
    def _for_somebody(self) -> "New":
        if self.mode == "worklog" and (self.member is None or self.computer is not None):
            raise ValueError("a worklog licence is for a member")
        if self.member is None and self.computer is None:
            raise ValueError("a monitoring licence is for a computer or a member")
        return self


class Patch(Strict):
    """What may be changed. ``drain_hours`` goes with ``state: revoked``; 0 refuses the devices at once."""

    state: Literal["active", "suspended", "revoked"] | None = None
    drain_hours: Annotated[int, Field(ge=0, le=24 * 180)] | None = None
    policy: Id | dict[str, Any] | None = None
    seats: Seats | None = None
    not_before: Instant | None = None
    expires: Instant | None = None

    @model_validator(mode="after")
    def _drains(self) -> "Patch":
        if self.drain_hours is not None and self.state != "revoked":
            raise ValueError("drain_hours goes with state revoked")
        return self


def new_key() -> str:
    """160 random bits in eight groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def key_hash(licence_key: str) -> str:
    """What a key is found by; spaces, dashes and case do not matter."""
    return fingerprint("".join(letter for letter in licence_key.upper() if letter.isalnum()))


async def create(store: Store, session: Session, workspace: Document, body: New) -> tuple[Document, str]:
    """A licence and, this once, its key; with mode monitoring also the contract that its time is booked on."""
    tenant, licence, licence_key = workspace["id"], new_id("lic"), new_key()
    if body.member:
        member = await people.require(store, session, tenant, body.member)
    else:
        member = await people.create_computer(store, session, tenant, workspace["zone"], body.computer or "")
    policy = await _policy(store, session, tenant, body.policy, f"Licence {licence}")
    own = await _own_contract(store, session, tenant, member["id"], body) if body.mode == "monitoring" else None
    right = renew(Right("issued"), *_span(body.not_before, body.expires), policy["policy"]["grace_days"])
    doc: Document = {"_id": key(tenant, licence), "workspace": tenant, "id": licence, "member": member["id"]}
    doc |= {"computer": body.computer, "mode": body.mode, "policy": policy["id"], "contract": own}
    doc |= {"policy_version": policy["version"], "seats": body.seats, "seats_taken": 0, "revision": 1}
    doc |= right.stored() | {"created_at": now()}
    await store["licences"].insert_one(doc, session=session)
    await store["licence_keys"].insert_one(
        {"_id": key(NOBODY, key_hash(licence_key)), "workspace": tenant, "licence": licence}, session=session
    )
    await notices.raise_for(store, session, tenant, member["id"], None, policy)
    await store.outbox.stage([fact(doc)], session)
    return doc, licence_key


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Suspends, resumes, revokes, renews, or gives another policy; its devices follow in the same transaction."""
    moment = now()
    right = Right.of(doc)
    fields: Document = {"seats": body.seats} if body.seats else {}
    policy = before = await policies.find(store, session, doc["workspace"], doc["policy"])
    if body.policy is not None:
        policy = await _policy(store, session, doc["workspace"], body.policy, policy["name"], policy["policy"])
        fields |= {"policy": policy["id"], "policy_version": policy["version"]}
    given = body.model_fields_set
    span = _span(
        body.not_before if "not_before" in given else instant(right.not_before),
        body.expires if "expires" in given else instant(right.expires),
    )
    right = renew(right, *span, policy["policy"]["grace_days"])
    if body.state:
        right = _to(right, body.state, moment, DRAIN_HOURS if body.drain_hours is None else body.drain_hours, doc)
    changed = await store.update("licences", doc["_id"], fields | right.stored(), session)
    if changed is None:
        raise not_found("licence")
    if policy["id"] != before["id"]:
        await notices.raise_for(store, session, doc["workspace"], doc["member"], before["policy"], policy)
        await _hold_back(store, session, changed, before["policy"], policy["policy"])
    await _carry(store, session, changed)
    return changed


async def policy_changed(store: Store, session: Session, policy: Document, before: dict[str, Any]) -> None:
    """The licences that name a policy carry its new version; their members are told where it records more (G-01)."""
    told = set[str]()
    named = {"workspace": policy["workspace"], "policy": policy["id"]}
    for doc in await store["licences"].find(named, session=session).to_list(None):
        right = renew(Right.of(doc), doc["not_before"], doc["expires"], policy["policy"]["grace_days"])
        fields = {"policy_version": policy["version"]} | right.stored()
        if doc["member"] not in told and doc["state"] != "revoked":
            told.add(doc["member"])
            await notices.raise_for(store, session, doc["workspace"], doc["member"], before, policy)
        if changed := await store.update("licences", doc["_id"], fields, session):
            await _hold_back(store, session, changed, before, policy["policy"])
            await _carry(store, session, changed)


async def _hold_back(
    store: Store, session: Session, doc: Document, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Its devices go on as they were in what is recorded more now, until their notice arrived (G-01)."""
    of_licence = {"workspace": doc["workspace"], "licence": doc["id"], "released_at": None}
    for device in await store["devices"].find(of_licence, session=session).to_list(None):
        held = widening.held_back(before | device.get("held", {}), after)
        if held != device.get("held", {}):
            await store["devices"].update_one({"_id": device["_id"]}, {"$set": {"held": held}}, session=session)


async def _carry(store: Store, session: Session, doc: Document) -> None:
    """Gives the licence's right to its devices, and tells of the licence and of each of them."""
    of_licence = {"workspace": doc["workspace"], "licence": doc["id"]}
    state = Right.of(doc).stored() | ({"state": "active"} if doc["state"] == "issued" else {})
    await store["devices"].update_many(
        {**of_licence, "released_at": None}, {"$set": state, "$inc": {"revision": 1}}, session=session
    )
    devices = await store["devices"].find(of_licence, session=session).to_list(None)
    await store.outbox.stage([fact(doc), *(fact(doc, device) for device in devices)], session)


def _to(right: Right, state: str, moment: datetime, drain_hours: int, doc: Document) -> Right:
    if state == "revoked":
        return revoke(right, moment, drain_hours)
    if right.state == "revoked":
        raise Problem(409, "revoked", "A revoked licence stays revoked.", "Issue a new one.")
    resumed = "active" if doc["seats_taken"] else "issued"
    fields = right.stored() | {"state": "suspended" if state == "suspended" else resumed}
    return Right.of(fields)


def _span(not_before: str | None, expires: str | None) -> tuple[datetime | None, datetime | None]:
    start = slots.parse_instant(not_before) if not_before else None
    end = slots.parse_instant(expires) if expires else None
    if start and end and end <= start:
        raise invalid("expires: not after not_before", field="expires")
    return start, end


async def _policy(
    store: Store,
    session: Session,
    workspace: str,
    wanted: str | dict[str, Any] | None,
    name: str,
    base: dict[str, Any] | None = None,
) -> Document:
    if isinstance(wanted, str):
        found = await store.one("policies", workspace, wanted, session=session)
        if found is None:
            raise invalid("policy: there is no such policy", field="policy")
        return found
    return await policies.create(store, session, workspace, policies.New(name=name, policy=wanted or {}), base)


async def _own_contract(store: Store, session: Session, workspace: str, member: str, body: New) -> str:
    own = contracts.New(member=member, project=body.computer or "Monitoring")
    return str((await contracts.create(store, session, workspace, own))["id"])


def fact(doc: Document, device: Document | None = None) -> tuple[str, Fact]:
    """``licence.changed`` as of a licence and, where it has one, a device; the revision of a pair only grows."""
    right = Right.of(device or doc)
    return "licence.changed", LicenceChanged(
        workspace=doc["workspace"],
        member=doc["member"],
        revision=doc["revision"] + (device["revision"] if device else 0),
        licence=doc["id"],
        device=device["id"] if device else None,
        device_name=device["name"] if device else None,
        state=right.at(now()).state,
    )


def shown(doc: Document) -> Document:
    """A licence as the API shows it; its key is never among it."""
    names = ("id", "member", "computer", "mode", "policy", "policy_version", "contract", "seats", "seats_taken")
    times = ("not_before", "expires", "revoked_at", "drain_until", "created_at")
    state = Right.of(doc).at(now()).state
    return {name: doc[name] for name in names} | {"state": state} | {name: instant(doc[name]) for name in times}


def document(signer: SigningKey, doc: Document, policy: dict[str, Any]) -> dict[str, str]:
    """The signed licence document: ``{"document": <JSON text>, "signature": …}``, verified offline (L-02)."""
    names = ("workspace", "member", "computer", "mode", "seats")
    text = orjson.dumps(
        {"v": 1, "licence": doc["id"]}
        | {name: doc[name] for name in names}
        | {"policy": policy, "not_before": instant(doc["not_before"]), "expires": instant(doc["expires"])}
    )
    return {"document": text.decode(), "signature": proof.sign(signer, proof.LICENCE_DOMAIN, text)}

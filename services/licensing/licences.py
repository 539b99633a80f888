"""Licences: issued, shown once, changed, revoked (L-01, L-02, L-04).

A licence's key is 160 random bits, kept as a hash only. Its devices carry a copy of its right (``standing.Right``),
written in the same transaction, so that the bus's sign-in needs one document.
"""

import base64
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from nacl.signing import SigningKey
from pydantic import Field, model_validator

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid, not_found
from services.licensing import contracts, effects, notices, people, policies
from services.licensing.patches import Changes
from services.licensing.standing import DRAIN_HOURS, Forbidden, Right, Wish, move, renew, revoke
from services.licensing.store import NOBODY, Document, Store, fingerprint, instant, key, new_id, now
from services.wire import licence, slots
from services.wire.events import Id, Instant, Strict
from services.wire.language import N_, _
from services.wire.names import Name

Mode = Literal["worklog", "monitoring"]
Seats = Annotated[int, Field(ge=1, le=100_000)]
KEY_BYTES = 20
_GROUP = 4


class New(Strict):
    """The body that issues a licence. ``policy`` is a policy's id, or what differs from the defaults, or null.

    A ``draft`` has no key and activates nothing until it is issued. ``node_locked``: another computer than the one it
    was activated on needs a transfer, also when the seat was given back.
    """

    mode: Mode
    member: Id | None = None
    computer: Name | None = None
    policy: Id | policies.Switches | None = None
    seats: Seats = 1
    not_before: Instant | None = None
    expires: Instant | None = None
    draft: bool = False
    node_locked: bool = False

    @model_validator(mode="after")
    def _for_somebody(self) -> "New":
        if self.mode == "worklog" and (self.member is None or self.computer is not None):
            raise ValueError(N_("a worklog licence is for a member"))
        if self.member is None and self.computer is None:
            raise ValueError(N_("a monitoring licence is for a computer or a member"))
        return self


class Patch(Changes):
    """What may be changed. ``drain_hours`` goes with ``state: revoked``; 0 refuses the devices at once.

    ``state: issued`` issues a draft; ``active`` resumes. Fewer ``seats`` than are taken stop activations and end none.
    ``seats_reserved: 0`` gives up the seats that transfers keep. ``drain_hours`` alone shortens the drain of a licence
    that is revoked already.
    """

    nullable = frozenset({"not_before", "expires"})

    state: Wish | None = None
    drain_hours: Annotated[int, Field(ge=0, le=24 * 180)] | None = None
    policy: Id | policies.Switches | None = None
    seats: Seats | None = None
    seats_reserved: Literal[0] | None = None
    node_locked: bool | None = None
    not_before: Instant | None = None
    expires: Instant | None = None

    @model_validator(mode="after")
    def _drains(self) -> "Patch":
        if self.drain_hours is not None and self.state not in (None, "revoked"):
            raise ValueError(N_("drain_hours goes with state revoked"))
        return self


def new_key() -> str:
    """160 random bits in eight groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def key_hash(licence_key: str) -> str:
    """What a key is found by; spaces, dashes and case do not matter."""
    return fingerprint("".join(letter for letter in licence_key.upper() if letter.isalnum()))


async def create(store: Store, session: Session, workspace: Document, body: New) -> tuple[Document, str | None]:
    """A licence and, this once, its key; with mode monitoring also the contract that its time is booked on."""
    tenant, id = workspace["id"], new_id("lic")
    if body.member:
        member = await people.require_worker(store, session, tenant, body.member)
    else:
        member = await people.create_computer(store, session, tenant, workspace["zone"], body.computer or "")
    policy = await _policy(store, session, tenant, body.policy, _own_name(member))
    own = await _own_contract(store, session, tenant, member["id"], body) if body.mode == "monitoring" else None
    [effect] = await effects.in_effect(store, session, tenant, [(member["id"], policy["id"])])
    right = Right("draft" if body.draft else "issued", archived=workspace["archived"])
    right = renew(right, *_span(body.not_before, body.expires), effect["grace_days"])
    doc: Document = {"_id": key(tenant, id), "workspace": tenant, "id": id, "member": member["id"]}
    doc |= {"computer": body.computer, "mode": body.mode, "policy": policy["id"], "contract": own}
    doc |= {"seats": body.seats, "seats_taken": 0, "seats_reserved": 0, "activated": 0}
    doc |= effect | {"node_locked": body.node_locked, "revision": 1} | right.stored() | {"created_at": now()}
    await store["licences"].insert_one(doc, session=session)
    await store.outbox.stage([effects.fact(doc)], session)
    return doc, None if body.draft else await _issue(store, session, doc)


async def _issue(store: Store, session: Session, doc: Document) -> str:
    """The licence's key; its member is told what it will record."""
    licence_key, tenant = new_key(), doc["workspace"]
    await store["licence_keys"].insert_one(
        {"_id": key(NOBODY, key_hash(licence_key)), "workspace": tenant, "licence": doc["id"]}, session=session
    )
    policy = await policies.find(store, session, tenant, doc["in_effect"])
    await notices.raise_for(store, session, tenant, [(doc["member"], None, policy)])
    return licence_key


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Issues, suspends, resumes, revokes, renews, or gives another policy; its devices follow in the same transaction.

    What its state does not allow is a 409 problem.
    """
    moment, right = now(), Right.of(doc)
    fields: Document = body.model_dump(include={"seats", "node_locked"}, exclude_none=True)
    if body.policy is not None:
        old = await policies.find(store, session, doc["workspace"], doc["policy"])
        who = await store.one("members", doc["workspace"], doc["member"], session=session) or {"name": "a member"}
        policy = await _policy(store, session, doc["workspace"], body.policy, _own_name(who), old["policy"])
        fields["policy"] = policy["id"]
    given = body.model_fields_set
    span = _span(
        body.not_before if "not_before" in given else instant(right.not_before),
        body.expires if "expires" in given else instant(right.expires),
    )
    right = renew(right, *span, doc["grace_days"])
    if body.state:
        right = _to(right, body.state, moment, DRAIN_HOURS if body.drain_hours is None else body.drain_hours, doc)
    elif body.drain_hours is not None:
        right = _shortened(right, moment, body.drain_hours)
    if body.seats_reserved is not None:
        fields |= await _give_up_reserved(store, session, doc)
    changed = await store.update("licences", doc["_id"], fields | right.stored(), session)
    if changed is None:
        raise not_found(N_("licence"))
    [changed] = await effects.settle(store, session, [changed], changed=True)
    if doc["state"] == "draft" and changed["state"] == "issued":
        return changed | {"key": await _issue(store, session, changed)}
    return changed


async def _give_up_reserved(store: Store, session: Session, doc: Document) -> Document:
    reserved = doc["seats_reserved"]
    await store["workspaces"].update_one(
        {"_id": key(doc["workspace"])}, {"$inc": {"seats_taken": -reserved}}, session=session
    )
    return {"seats_reserved": 0, "seats_taken": doc["seats_taken"] - reserved}


def _to(right: Right, wish: Wish, moment: datetime, drain_hours: int, doc: Document) -> Right:
    if wish == "revoked":
        return revoke(right, moment, drain_hours)
    try:
        return replace(right, state=move(right.state, wish, taken=doc["seats_taken"] > 0))
    except Forbidden as error:
        if right.state == "revoked":
            raise Problem(409, "revoked", _("A revoked licence stays revoked."), _("Issue a new one.")) from error
        raise Problem(409, "not-now", error.args[0], _("Read the licence again: it may have changed.")) from error


def _shortened(right: Right, moment: datetime, drain_hours: int) -> Right:
    """A revoked right with a shorter drain; 422 where it is not revoked, 409 where its drain ends before that."""
    if right.state != "revoked":
        raise invalid(_("drain_hours: goes with state revoked"), field="drain_hours")
    shorter = revoke(right, moment, drain_hours)
    if shorter.drain_until == right.drain_until:
        title, until = _("A drain can only be shortened."), instant(right.drain_until)
        raise Problem(
            409, "drain-not-shorter", title, _("It ends at {until}.", until=until), field="drain_hours", rule="L-04"
        )
    return shorter


def _span(not_before: str | None, expires: str | None) -> tuple[datetime | None, datetime | None]:
    start = slots.parse_instant(not_before) if not_before else None
    end = slots.parse_instant(expires) if expires else None
    if start and end and end <= start:
        raise invalid(_("expires: not after not_before"), field="expires")
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
        return await policies.require(store, session, workspace, wanted)
    return await policies.create(store, session, workspace, policies.New(name=name, policy=wanted or {}), base)


def _own_name(member: Document) -> str:
    """What a policy is called that was written for one licence."""
    return f"Own policy of {member['name'][:70]}'s licence"


async def _own_contract(store: Store, session: Session, workspace: str, member: str, body: New) -> str:
    own = contracts.New(member=member, project=body.computer or "Monitoring")
    return str((await contracts.create(store, session, workspace, own, monitored=True))["id"])


def shown(doc: Document) -> Document:
    """A licence as the API shows it; its key is among it in the answer that issues it, and never again.

    ``policy`` is its own, ``in_effect`` what holds: a profile's while one is on (L-07). ``over_limit``: more seats are
    taken than there are, after these were lowered.
    """
    names = ("id", "member", "computer", "mode", "policy", "in_effect", "policy_version", "profile", "contract")
    seats = ("seats", "seats_taken", "seats_reserved", "node_locked")
    times = ("not_before", "expires", "revoked_at", "drain_until", "created_at")
    right = Right.of(doc)
    found = {name: doc[name] for name in names + seats} | {"state": right.at(now()).state, "archived": right.archived}
    found |= {"over_limit": doc["seats_taken"] > doc["seats"]} | {name: instant(doc[name]) for name in times}
    return found | ({"key": doc["key"]} if "key" in doc else {})


def document(
    signer: SigningKey,
    doc: Document,
    policy: dict[str, Any],
    device: str | None = None,
    issued_at: datetime | None = None,
) -> dict[str, str]:
    """The signed licence document for one device; without one it is a file that activates (L-02)."""
    names = ("workspace", "member", "computer", "mode", "seats")
    said = {"licence": doc["id"], "device": device} | {name: doc[name] for name in names}
    said |= {"policy": policy, "issued_at": instant(issued_at or now())}
    said |= {name: instant(doc[name]) for name in ("not_before", "expires")}
    return licence.seal(signer, said, orjson.dumps)


def require_open(doc: Document) -> None:
    """409 where a licence cannot be activated now, with the reason (L-05)."""
    right = Right.of(doc)
    if right.archived:
        raise Problem(
            409, "archived", _("This licence's workspace or member is archived."), _("Ask for it to be restored.")
        )
    match right.at(now()):
        case ("draft", _, _):
            raise Problem(409, "licence-draft", _("This licence was not issued yet."), _("Ask for it to be issued."))
        case ("revoked", _, _):
            raise Problem(409, "licence-revoked", _("This licence was revoked."), _("Ask for a new one."))
        case ("expired", _, _):
            raise Problem(409, "licence-expired", _("This licence is over."), _("Ask to have it renewed."))
        case ("suspended", _, _):
            raise Problem(409, "licence-suspended", _("This licence is suspended."), _("Ask to have it resumed."))
        case (_, "nothing", start):
            raise Problem(
                409,
                "licence-not-yet-valid",
                _("This licence has not begun."),
                _("It begins {begin}.", begin=instant(start)),
            )

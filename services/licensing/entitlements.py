"""What a device may do, whole: the grant for ingest and media, the signed entitlement for the agent (L-04)."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from nacl.signing import SigningKey

from services.kit.bus import Bus
from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import contracts, effects, licences, notices, policies
from services.licensing.around import Around, around
from services.licensing.standing import Right
from services.licensing.store import Document, Store, instant, key, now
from services.wire import proof, slots, subjects
from services.wire.requests import Grant, Untold

log = logging.getLogger(__name__)
_KEPT = 10_000
_UNTOLD_KEPT = 20
"""Changes of what is recorded that a device's grant still tells the moments of."""
_NOT_YET = datetime.max.replace(tzinfo=UTC)


class Entitlements:
    """Reads grants, and tells agents of theirs."""

    def __init__(self, store: Store, bus: Bus, signer: SigningKey, licence_key: SigningKey) -> None:
        self._store, self._bus, self._signer, self._licence_key = store, bus, signer, licence_key
        self._policies: dict[str, dict[str, Any]] = {}  # versions never change, so they may be remembered

    @property
    def notice_key(self) -> bytes:
        """The public half of the key that signs notices."""
        return bytes(self._signer.verify_key)

    @property
    def licence_key(self) -> bytes:
        """The public half of the key that signs licences."""
        return bytes(self._licence_key.verify_key)

    async def file(self, licence: Document) -> dict[str, str]:
        """A licence as a signed file that activates it; 409 where it cannot be activated now (L-02)."""
        licences.require_open(licence)
        return licences.document(self._licence_key, licence, await self.policy_of(licence))

    async def grant(self, workspace: str, device: str) -> Grant:
        """All that ingest and media need to decide; 404 where there is no such device.

        Its contracts are all that time was ever booked on: a record may come weeks after its contract ended. The
        revision adds up those of its parts, which only grow.
        """
        found = await self._store.one("devices", workspace, device)
        if found is None:
            raise not_found("device")
        near = await around(self._store, [found], notes=False)
        licence, docs = _of(found, near)
        right = Right.of(found)
        moment = now()
        standing = right.at(moment)
        return Grant(
            **_standing(found, licence, docs, moment),
            member=found["member"],
            device_kind=found["kind"],
            public_key=found["public_key"],
            revoked_at=instant(right.revoked_at),
            drain_until=instant(right.drain_until or (right.late_until if standing.state == "expired" else None)),
            policy=await self._told(found, licence, near),
            untold=_untold(found),
            contracts=[contracts.granted(doc) for doc in docs],
        )

    async def entitlement(self, workspace: str, device: str) -> bytes:
        """The signed entitlement, in which only contracts that run today appear.

        It answers the device's own question, so its notices have reached it: what was held back for them begins with
        the next one, which is why the agent asks once more where ``held`` names something (G-01).
        """
        found = await self._store.one("devices", workspace, device)
        if found is None:
            raise not_found("device")
        near = await around(self._store, [found])
        message = await self._message(found, near, now())
        await notices.delivered(self._store, found, near.notes[found["_id"]].open)
        if found.get("held"):
            await self._begin_held(found)
        return proof.seal_notice(self._signer, message, orjson.dumps)

    async def _begin_held(self, device: Document) -> None:
        """What waited for a notice begins with the device's next answer; ingest and media hear of it before.

        The moment is kept, so that what was captured before it is not taken later (G-01).
        """
        untold = {"until": now(), "policy": device["held"]}
        kept = {"untold": {"$each": [untold], "$slice": -_UNTOLD_KEPT}}

        async def work(session: Session) -> None:
            # only where it is as it was when the notices were read: a change of this moment brings its own
            changed = await self._store["devices"].find_one_and_update(
                {"_id": device["_id"], "revision": device["revision"], "held": device["held"]},
                {"$set": {"held": {}}, "$push": kept, "$inc": {"revision": 1}},
                return_document=True,
                session=session,
            )
            licence = await self._store.one("licences", device["workspace"], device["licence"], session=session)
            if changed and licence:
                await self._store.outbox.stage([effects.fact(licence, changed)], session)

        await self._store.change(work)

    async def acknowledged(self, workspace: str, device: str, ids: list[str]) -> None:
        """The member has read these notices on that device."""
        if found := await self._store.one("devices", workspace, device):
            await notices.acknowledge_on(self._store, found, ids)

    async def push(self, devices: Sequence[Document]) -> None:
        """Sends each of these devices the command ``entitlement``, which carries the whole of it."""
        near, moment, said = await around(self._store, devices), now(), list[tuple[str, bytes]]()
        for device in devices:
            if near.licence(device) is None:
                continue
            message = await self._message(device, near, moment)
            body = proof.seal_command(self._signer, "entitlement", message, orjson.dumps)
            said.append((subjects.commands(device["workspace"], device["id"]), body))
        await self._bus.say_all(said)

    async def _message(self, device: Document, near: Around, moment: datetime) -> dict[str, Any]:
        workspace, notes = near.workspace(device), near.notes[device["_id"]]
        licence, docs = _of(device, near)
        policy = await self._told(device, licence, near)
        if not policy["tray"] and not policy["legal_basis"] and not notes.tray_may_hide:
            policy["tray"] = True  # a hidden icon also wants a yes (G-01)
        # what is recorded on another day is not billed (S-03), so it is not offered
        today = moment.astimezone(ZoneInfo(workspace.get("billing_zone", "UTC"))).date().isoformat()
        return {
            **_standing(device, licence, docs, moment),
            "policy": policy,
            "now": instant(moment),
            "held": sorted(device.get("held", {})),
            "contracts": [contracts.offered(doc) for doc in docs if contracts.runs_on(doc, today)],
            "notices": [notices.told(doc) for doc in notes.open],
            "minimum_agent": workspace.get("minimum_agent"),
            "language": near.language(device),
            # what the agent believes of its span while it is offline, also when somebody wrote into its files (L-02)
            "document": licences.document(self._licence_key, licence, policy, device["id"], moment),
        }

    async def _told(self, device: Document, licence: Document, near: Around) -> dict[str, Any]:
        """The policy as far as its notices have reached the device: media refuses what may not be captured yet (G-01);
        with how long pictures are kept as it holds (M-05).
        """
        policy = await self.policy_of(licence)
        held: dict[str, Any] = device.get("held", {})
        return policy | held | near.retention(device, policy)

    async def policy_of(self, licence: Document) -> dict[str, Any]:
        """The policy that is in effect under a licence."""
        return await self._policy(licence["workspace"], licence["in_effect"], licence["policy_version"])

    async def _policy(self, workspace: str, policy: str, version: int) -> dict[str, Any]:
        at = key(workspace, policy, str(version))
        if at not in self._policies:
            found = await self._store["policy_versions"].find_one({"_id": at})
            if found is None:
                raise not_found("policy")
            if len(self._policies) >= _KEPT:
                self._policies.clear()
            self._policies[at] = policies.whole(found["policy"])
        return self._policies[at]


def _of(device: Document, near: Around) -> tuple[Document, Sequence[Document]]:
    """The licence of a device, and the contracts its time was ever booked on."""
    licence = near.licence(device)
    if licence is None:
        raise not_found("device")
    return licence, near.contracts(device, licence)


def _standing(device: Document, licence: Document, docs: Sequence[Document], moment: datetime) -> dict[str, Any]:
    """What grants and entitlements say alike."""
    right = Right.of(device)
    state = right.at(moment).state
    return {
        "workspace": device["workspace"],
        "device": device["id"],
        "revision": device["revision"] + licence["revision"] + sum(doc["revision"] for doc in docs),
        # a span that was moved into the future: the device is to wait
        "state": "suspended" if state in ("issued", "draft") else state,
        "licence": licence["id"],
        "mode": licence["mode"],
        "not_before": instant(right.not_before),
        "expires": instant(right.expires),
    }


def _untold(device: Document) -> list[Untold]:
    """What its member had not been told of yet, and until when; ``_NOT_YET``: they still have not."""
    rows = [*device.get("untold", ()), *([{"until": _NOT_YET, "policy": held}] if (held := device.get("held")) else [])]
    return [Untold(until=slots.format_instant(row["until"]), policy=row["policy"]) for row in rows]

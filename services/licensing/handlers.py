"""What arrives on the bus: requests of services, and the one question of devices."""

import base64
from typing import Any, Literal

import orjson
from nacl.signing import SigningKey
from nats.aio.msg import Msg

from services.kit.access import Action, Scope
from services.kit.bus import Bus
from services.kit.deletions import TOMBSTONES
from services.kit.problems import forbidden, not_found
from services.licensing import (
    access,
    audit,
    contracts,
    deleting,
    devices,
    effects,
    imports,
    notices,
    people,
    policies,
    seats,
    sessions,
    tell,
    tokens,
    workspaces,
)
from services.licensing.collections import KINDS, Kind, body_of, filter_of, require_allowed
from services.licensing.contacts import Contacts
from services.licensing.entitlements import Entitlements
from services.licensing.store import Document, Store
from services.wire import requests
from services.wire.events import Fact
from services.wire.imports import ImportMembers

_MOST_READ = 2000
_MOST_BYTES = 512 * 1024
"""Of the objects in one answer, which the bus takes up to 1 MiB."""


class Handlers:
    """The verbs of ``rpc.licensing`` and ``rpc.device.….entitlement``."""

    def __init__(
        self,
        store: Store,
        entitlements: Entitlements,
        contacts: Contacts,
        session_key: SigningKey,
        device_urls: list[str],
    ) -> None:
        self._store, self._entitlements, self._contacts = store, entitlements, contacts
        self._session_key, self._urls = session_key, device_urls

    def register(self, bus: Bus) -> None:
        """Puts every verb on the bus."""
        bus.serve("sign_in", requests.SignIn, self.sign_in)
        bus.serve("sign_out", requests.SignOut, self.sign_out)
        bus.serve("session", requests.SessionOf, self.session)
        bus.serve("activate", requests.Activate, self.activate)
        bus.serve("licence_file", requests.LicenceFileOf, self.licence_file)
        bus.serve("tell", requests.Tell, self.tell)
        bus.serve("doubt", requests.Doubt, self.doubt)
        bus.serve("grant", requests.GrantOf, self.grant, workers=32)
        bus.serve("keys", requests.KeysOf, self.keys)
        bus.serve("read", requests.Read, self.read)
        bus.serve("create", requests.Create, self.create)
        bus.serve("change", requests.Change, self.change)
        bus.serve("policy_versions", requests.PolicyVersionsOf, self.policy_versions)
        bus.serve("contract_versions", requests.ContractVersionsOf, self.contract_versions)
        bus.serve("audit", requests.AuditOf, self.audit)
        bus.serve("audit_check", requests.AuditOf, self.audit_check, workers=1)
        bus.serve("import_members", ImportMembers, self.import_members)
        bus.serve("replay", requests.Replay, self.replay, workers=1)
        bus.serve_device("entitlement", self.entitlement, workers=32)

    async def sign_in(self, request: requests.SignIn) -> requests.SignedIn:
        """A session for a person (W-01)."""
        return await sessions.sign_in(self._store, self._session_key, request)

    async def sign_out(self, request: requests.SignOut) -> dict[str, Any]:
        """The session ends."""
        await sessions.sign_out(self._store, request.principal)
        return {}

    async def session(self, request: requests.SessionOf) -> dict[str, bool]:
        """Whether a session, or the token in its place, still holds."""
        if request.principal.session.startswith("tok-"):
            return {"holds": await tokens.holds(self._store, request.principal, request.address)}
        return {"holds": await sessions.holds(self._store, request.principal, request.address)}

    async def activate(self, request: requests.Activate) -> dict[str, Any]:
        """A licence key and a device key become a device (L-03); the answer of ``POST /api/v1/activations``."""
        _, device = await seats.activate(self._store, request, self._entitlements.licence_key)
        sealed = orjson.loads(await self._entitlements.entitlement(device["workspace"], device["id"]))
        return {
            "workspace": device["workspace"],
            "member": device["member"],
            "device": device["id"],
            "bus": self._urls,
            "notice_key": base64.b64encode(self._entitlements.notice_key).decode(),
            "licence_public": base64.b64encode(self._entitlements.licence_key).decode(),
            "entitlement": sealed,
            "licence": orjson.loads(sealed["message"])["document"],
        }

    async def licence_file(self, request: requests.LicenceFileOf) -> dict[str, str]:
        """A licence as a signed file; whoever may change licences may have it, and it is written down who did."""
        reach = await access.reach(self._store, request.principal, "change", "licences")
        doc = await self._store.one("licences", reach.workspace, request.id)
        if doc is None:
            raise not_found("licence")
        file = await self._entitlements.file(doc)
        await self._store.write(
            lambda session: audit.note(
                *(self._store, session, reach.actor, "licence.exported", doc["id"]),
                address=request.address,
                member=doc["member"],
            )
        )
        return file

    async def grant(self, request: requests.GrantOf) -> requests.Grant:
        """What a device may do, for ingest and media."""
        return await self._entitlements.grant(request.workspace, request.device)

    async def keys(self, request: requests.KeysOf) -> dict[str, Any]:
        """The public keys that devices sign their records with, for who seals them."""
        return {"devices": await devices.keys(self._store, request.workspace, request.devices)}

    async def tell(self, request: requests.Tell) -> dict[str, Any]:
        """A mail goes out, once for its id (W-07)."""
        await tell.tell(self._store, request)
        return {}

    async def doubt(self, request: requests.Doubt) -> dict[str, Any]:
        """A device's key seems to be in two hands."""
        await devices.doubt(self._store, request.workspace, request.device, request.because)
        return {}

    async def entitlement(self, workspace: str, device: str, message: Msg) -> bytes:
        """What a device may do, signed, for itself; its question may name notices that its member has read."""
        self._contacts.note(workspace, device)
        if ids := _acknowledged(message.data):
            await self._entitlements.acknowledged(workspace, device, ids)
        return await self._entitlements.entitlement(workspace, device)

    async def read(self, request: requests.Read) -> dict[str, Any]:
        """The objects that the principal may see, by id; 404 where one was asked for and is not among them."""
        kind = KINDS[request.collection]
        reach = await access.reach(self._store, request.principal, "read", request.collection)
        where = [await access.refine(self._store, reach, request.collection), filter_of(kind, request.filters)]
        if request.id is not None:
            where.append({"id": request.id})
        if request.after is not None:
            where.append({"id": {"$gt": request.after}})
        docs = await self._store[kind.stored].find({"$and": where}).sort("_id", 1).limit(_MOST_READ).to_list(None)
        if request.id is not None and not docs:
            raise not_found(requests.singular(request.collection))
        docs = await kind.join(self._store, docs) if kind.join else docs
        shown = access.bare(reach, request.collection, [kind.shown(doc) for doc in docs])
        items = _fitting(shown)
        more = len(items) < len(shown) or len(docs) == _MOST_READ
        return {"items": items, "next": docs[len(items) - 1]["id"] if more else None}

    async def create(self, request: requests.Create) -> Document:
        """A new object; a licence shows its key this once."""
        kind = KINDS[request.collection]
        reach = await access.reach(self._store, request.principal, "create", request.collection)
        body = body_of(kind.new, request.body)
        require_allowed(reach, request.collection, {}, request.body, request.address)
        make = kind.create
        assert make is not None
        if isinstance(body, people.New):
            body = (body, await people.hash_password(body.password) if body.password else None)
        workspace = await workspaces.find(self._store, reach.workspace)

        async def work(session: Any) -> Document:
            doc = await make(self._store, session, workspace, reach.actor, body)
            await self._follow(kind, session, reach.actor, None, doc)
            await self._note(session, reach, request, "created", doc)
            return doc

        return kind.shown(await self._store.change(work))

    async def change(self, request: requests.Change) -> Document:
        """A changed object; its devices hear of it within seconds (L-04)."""
        kind = KINDS[request.collection]
        reach = await access.reach(self._store, request.principal, "change", request.collection)
        body = body_of(kind.patch, request.body)
        where = {"$and": [await access.refine(self._store, reach, request.collection), {"id": request.id}]}

        async def work(session: Any) -> Document:
            doc = await self._store[kind.stored].find_one(where, session=session)
            if doc is None:
                raise not_found(requests.singular(request.collection))
            require_allowed(reach, request.collection, doc, request.body, request.address)
            changed = await kind.change(self._store, session, doc, body)
            await self._follow(kind, session, reach.actor, doc, changed)
            await self._note(session, reach, request, "changed", changed)
            return changed

        doc = await self._store.change(work)
        [doc] = await kind.join(self._store, [doc]) if kind.join else [doc]
        return kind.shown(doc)

    async def _follow(self, kind: Kind, session: Any, actor: Document, before: Document | None, doc: Document) -> None:
        """What the change brings about beyond its own document, whole with it or not at all."""
        if kind.follow:
            await kind.follow(self._store, session, actor, before, doc)
        if kind.device_of:
            await self._store.push(session, kind.device_of(doc))

    async def import_members(self, request: ImportMembers) -> Document:
        """Begins to take members from a file; only where the same members could be made one by one (W-03)."""
        reach = await access.reach(self._store, request.principal, "create", "imports")
        workspace = await workspaces.find(self._store, reach.workspace)
        file = request.name, request.content, request.invite
        doc = await imports.create(self._store, workspace, reach.actor, *file)
        said = {"invite": request.invite, "rows": doc["total"]}
        await self._store.write(
            lambda session: audit.note(
                self._store, session, reach.actor, "import.created", doc["id"], address=request.address, body=said
            )
        )
        return imports.shown(doc)

    async def policy_versions(self, request: requests.PolicyVersionsOf) -> dict[str, Any]:
        """A policy's history; what of it somebody may see goes by the policy itself."""
        asked = requests.Read(principal=request.principal, collection="policies", id=request.policy)
        await self.read(asked)
        return {"items": await policies.versions(self._store, request.principal.workspace, request.policy)}

    async def contract_versions(self, request: requests.ContractVersionsOf) -> dict[str, Any]:
        """A contract's history for who may see the contract; to a client what was agreed with them (S-07)."""
        reach = await access.reach(self._store, request.principal, "read", "contracts")
        where = {"$and": [await access.refine(self._store, reach, "contracts"), {"id": request.contract}]}
        doc = await self._store["contracts"].find_one(where)
        if doc is None:
            raise not_found("contract")
        found = await contracts.versions(self._store, doc)
        if reach.scope is Scope.CONTRACT:
            found = [one for one in found if one["contract"]["client"] == reach.actor["id"]]
        return {"items": found}

    async def audit(self, request: requests.AuditOf) -> dict[str, Any]:
        """Entries of the log; who is no admin sees what concerns them (G-02)."""
        actor = await access.acting(self._store, request.principal)
        everything = Scope.WORKSPACE in Action.READ_AUDIT.scopes(actor["role"])
        own: dict[str, str] = {} if everything else {"member": actor["id"]}
        if own and request.filters.get("member", actor["id"]) != actor["id"]:
            return {"items": []}
        where = {str(field): value for field, value in request.filters.items()} | own
        span = request.start, request.end
        return {"items": await audit.read(self._store, actor["workspace"], where, request.before, request.limit, span)}

    async def audit_check(self, request: requests.AuditOf) -> dict[str, Any]:
        """Whether the log's chain holds; for admins."""
        actor = await access.acting(self._store, request.principal)
        if not Action.CHECK_AUDIT.scopes(actor["role"]):
            raise forbidden(rule=Action.CHECK_AUDIT.rule)
        return await audit.check(self._store, actor["workspace"])

    async def _note(
        self,
        session: Any,
        reach: access.Reach,
        request: requests.Create | requests.Change,
        what: Literal["created", "changed"],
        doc: Document,
    ) -> None:
        """Writes a change into the log, whole with it or not at all."""
        name = requests.singular(request.collection)
        member = doc["id"] if request.collection in ("members", "clients") else doc.get("member")
        await audit.note(
            self._store,
            session,
            reach.actor,
            f"{name}.{what}",
            doc["id"],
            address=request.address,
            member=member,
            body={field: value for field, value in request.body.items() if field != "password"},
        )

    async def replay(self, request: requests.Replay) -> dict[str, int]:
        """Says all of a workspace's facts again, as they are now; the span does not matter, for facts are whole.

        Of contracts their earlier versions too: what held then is billed by it, however late it comes (S-03).
        """
        emitted = 0
        of_workspace = {"workspace": request.workspace}
        if buried := await self._store[TOMBSTONES].find_one(of_workspace):
            return {"emitted": await self._again([deleting.fact(request.workspace, buried["at"])])}
        for name, of in (("workspaces", workspaces.fact), ("members", people.fact), ("notices", notices.fact)):
            async for doc in self._store[name].find(of_workspace):
                emitted += await self._again([of(doc)])
        async for doc in self._store["contracts"].find(of_workspace):
            emitted += await self._again(await contracts.facts(self._store, doc))
        async for doc in self._store["licences"].find(of_workspace):
            theirs = await self._store["devices"].find({**of_workspace, "licence": doc["id"]}).to_list(None)
            emitted += await self._again(effects.facts(doc, theirs))
        await self._store.outbox.flush()
        return {"emitted": emitted}

    async def _again(self, facts: list[tuple[str, Fact]]) -> int:
        await self._store.outbox.stage(facts)
        return len(facts)


def _acknowledged(body: bytes) -> list[str]:
    """The notices that a device's question names as read: ``{"acknowledged": [ids]}``; none in any other body."""
    try:
        ids = orjson.loads(body)["acknowledged"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return []
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []


def _fitting(items: list[Document]) -> list[Document]:
    """As many of the first as one answer carries; at least one."""
    size = 0
    for index, item in enumerate(items):
        size += len(orjson.dumps(item))
        if size > _MOST_BYTES and index:
            return items[:index]
    return items

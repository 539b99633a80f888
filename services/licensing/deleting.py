"""A workspace is deleted for good: by an owner alone, once archived, after an export was offered (W-02).

The transaction of the deletion sets the tombstone, ends sessions and tokens, and stages ``workspace.deleted``, by which
every service takes away what it keeps (``services.kit.deletions``). Here that has two steps: the licences are revoked
without a drain and the computers told, so that the bus refuses them; and some seconds later all documents go.
"""

from datetime import datetime, timedelta

from services.kit.access import Action
from services.kit.bus import Bus
from services.kit.deletions import Deletions, erase_documents
from services.kit.mongo import Session
from services.kit.problems import Problem, forbidden, invalid, not_found
from services.licensing import access, audit, people, sessions, two_factor
from services.licensing.store import NOBODY, Document, Store, instant, key, now
from services.wire import deletion as wire
from services.wire.events import WorkspaceDeleted
from services.wire.language import N_, _
from services.wire.requests import Principal
from services.wire.slots import format_instant
from services.wire.subjects import JOURNAL, JOURNAL_FACTS, PRESENCE

EXPORT_HOLDS = timedelta(days=7)
"""How long what was downloaded counts as the workspace's export."""
_COUNTED = ("members", "contracts", "licences", "devices")
_ELSEWHERE = ("licence_keys", "device_keys", "token_secrets")
"""Collections without a tenant in their ``_id`` that name one."""


async def offered(store: Store, request: wire.DeletionOf) -> Document:
    """What would go, and what became of the offer to export it."""
    await _owner(store, request.principal, Action.DELETE_WORKSPACE)
    doc = await _find(store, request.principal.workspace)
    tenant = {"workspace": doc["id"]}
    counts = {name: await store[name].count_documents(tenant) for name in _COUNTED}
    export = _export(doc)
    return {
        "workspace": doc["id"],
        "name": doc["name"],
        "archived": doc["archived"],
        "counts": counts,
        "export": {"downloaded_at": instant(export["at"]) if export else None},
    }


async def note_export(store: Store, request: wire.NoteExport) -> None:
    """Somebody begins to export the workspace, or has it whole: then it may be deleted."""
    actor = await _owner(store, request.principal, Action.EXPORT_WORKSPACE)

    async def work(session: Session) -> None:
        doc = await _find(store, actor["workspace"], session)
        if request.outcome == "downloaded":
            export = {"at": now(), "by": actor["id"]}
            await store["workspaces"].update_one({"_id": doc["_id"]}, {"$set": {"export": export}}, session=session)
            return
        await audit.note(store, session, actor, "workspace.exported", doc["id"], address=request.address)

    await store.write(work)


async def delete(store: Store, deletions: Deletions, request: wire.DeleteWorkspace) -> Document:
    """The workspace is gone from now on, for everybody; what is kept of it goes within seconds."""
    principal = request.principal
    await _owner(store, principal, Action.DELETE_WORKSPACE)
    _require(await _find(store, principal.workspace), request)
    person = await people.require_password(store, principal, request.password, request.address)
    await two_factor.require(store, person, request.code)

    async def work(session: Session) -> Document:
        actor = await _owner(store, principal, Action.DELETE_WORKSPACE, session)
        doc = await _find(store, principal.workspace, session)
        export = _require(doc, request)
        at, tenant = now(), {"workspace": doc["id"]}
        # written, so that it is not restored in this moment
        await store["workspaces"].update_one({"_id": doc["_id"]}, {"$set": {"deleted_at": at}}, session=session)
        await deletions.bury(doc["id"], at, session, by=actor["person"], export=export)
        await sessions.end_within(store, session, tenant)
        tokens = await store["tokens"].find({**tenant, "revoked_at": None}, session=session).to_list(None)
        await store["tokens"].update_many({**tenant, "revoked_at": None}, {"$set": {"revoked_at": at}}, session=session)
        await store.outbox.stage([sessions.ended(one) for one in tokens], session)
        await store.outbox.stage([fact(doc["id"], at)], session)
        return {"workspace": doc["id"], "deleted_at": instant(at)}

    done = await store.change(work)
    deletions.remember(principal.workspace)
    return done


def fact(workspace: str, at: datetime) -> tuple[str, WorkspaceDeleted]:
    """``workspace.deleted``."""
    return "workspace.deleted", WorkspaceDeleted(workspace=workspace, member=NOBODY, deleted_at=format_instant(at))


async def erase(store: Store, bus: Bus, workspace: str) -> bool:
    """Licensing's own part; False where computers were told just now, whose documents they are told from."""
    if await _revoke(store, workspace):
        return False
    tenant = {"workspace": workspace}
    for name in _ELSEWHERE:
        await store[name].delete_many(tenant)
    await store["links"].delete_many({"data.workspace": workspace})
    # who belongs to no other workspace has no account any more
    await store["people"].delete_many({"places": {"$size": 1}, "places.workspace": workspace})
    await store["people"].update_many({"places.workspace": workspace}, {"$pull": {"places": tenant}})
    await erase_documents(store.db, workspace)
    await store["workspaces"].delete_one({"_id": key(workspace)})
    await _purge(bus, workspace)
    return True


async def _revoke(store: Store, workspace: str) -> bool:
    """Nothing may record for it, and nothing drains; True where that was not so yet."""
    moment = now()
    still = {"workspace": workspace, "$or": [{"state": {"$ne": "revoked"}}, {"drain_until": {"$gt": moment}}]}
    ended = {"$set": {"state": "revoked", "revoked_at": moment, "drain_until": moment}, "$inc": {"revision": 1}}
    await store["licences"].update_many(still, ended)
    if not (await store["devices"].update_many(still, ended)).modified_count:
        return False
    await store.write(lambda session: store.push(session, {"workspace": workspace}))
    store.pushing.set()
    return True


async def _purge(bus: Bus, workspace: str) -> None:
    """What the bus still holds of it, but for the word that it is deleted."""
    js = bus.client.jetstream()
    for kind in JOURNAL_FACTS:
        if kind != "workspace.deleted":
            await js.purge_stream(JOURNAL, subject=f"{kind}.{workspace}.*")
    await js.purge_stream(PRESENCE, subject=f"presence.{workspace}.*")


def _require(doc: Document, request: wire.DeleteWorkspace) -> str:
    """Whether the export was ``downloaded`` or ``declined``; 409 and 422 where it may not be deleted as it is."""
    if not doc["archived"]:
        title, detail = _("The workspace is not archived."), _("Archive it first.")
        raise Problem(409, "not-archived", title, detail, rule="W-02")
    if " ".join(request.name.split()) != " ".join(doc["name"].split()):
        raise invalid(_("name: not the name of this workspace"), field="name")
    if not _export(doc) and not request.without_export:
        title, detail = _("Export the workspace first."), _("Or say that you want to delete it without_export.")
        where = f"/api/v1/workspaces/{doc['id']}/export"
        raise Problem(409, "export-not-taken", title, detail, rule="W-02", export=where, field="without_export")
    return "downloaded" if _export(doc) else "declined"


def _export(doc: Document) -> Document | None:
    export: Document | None = doc.get("export")
    return export if export and export["at"] > now() - EXPORT_HOLDS else None


async def _owner(store: Store, principal: Principal, action: Action, session: Session | None = None) -> Document:
    """The member who acts; 403 for all whom the table does not name (an owner who was made one of the others, too)."""
    member = await access.acting(store, principal, session)
    if not action.scopes(member["role"]):
        raise forbidden(_("Only an owner deletes or exports a workspace."), rule=action.rule)
    return member


async def _find(store: Store, workspace: str, session: Session | None = None) -> Document:
    doc = await store["workspaces"].find_one({"_id": key(workspace), "deleted_at": None}, session=session)
    if doc is None:
        raise not_found(N_("workspace"))
    return doc

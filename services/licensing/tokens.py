"""Personal API tokens (W-08): a person's own, in one workspace, for some scopes; hashed at rest, shown once.

A token acts as its member does, in the role that they have now, and never in what concerns the account itself.
"""

import secrets
from typing import Annotated, Any, Literal

from pydantic import Field

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid, not_found
from services.licensing import sessions
from services.licensing.store import NOBODY, Document, Store, fingerprint, instant, key, new_id, now
from services.wire import slots
from services.wire.events import Instant, Strict
from services.wire.language import N_, _
from services.wire.names import Name
from services.wire.requests import Principal, TokenScope

PREFIX = "daybook_"
MOST = 50


class New(Strict):
    """The body that makes a token; without ``expires`` it lasts until it is revoked."""

    name: Name
    scopes: Annotated[list[TokenScope], Field(min_length=1, max_length=20)]
    expires: Instant | None = None


class Patch(Strict):
    """``state: revoked`` ends a token for good."""

    state: Literal["revoked"]


async def create(store: Store, session: Session, workspace: Document, actor: Document, body: New) -> Document:
    """A token, with its secret this once."""
    expires = slots.parse_instant(body.expires) if body.expires else None
    if expires and expires <= now():
        raise invalid(_("expires: this is over already"), field="expires")
    mine = {"workspace": workspace["id"], "member": actor["id"], "revoked_at": None}
    if await store["tokens"].count_documents(mine, limit=MOST, session=session) >= MOST:
        title, detail = _("You have {count} tokens.", count=MOST), _("Revoke those that you no longer use.")
        raise Problem(409, "too-many-tokens", title, detail)
    token, secret = new_id("tok"), PREFIX + secrets.token_urlsafe(30)
    doc: Document = {"_id": key(workspace["id"], token), "id": token, **mine, "name": body.name}
    doc |= {"scopes": sorted(set(body.scopes)), "expires": expires, "created_at": now(), "used_at": None, "revision": 1}
    await store["tokens"].insert_one(doc, session=session)
    held = {"_id": key(NOBODY, fingerprint(secret)), "workspace": workspace["id"], "token": token}
    await store["token_secrets"].insert_one(held, session=session)
    return doc | {"token": secret}


async def revoke(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """The token is one no more; again is the same."""
    changed = await store.update("tokens", doc["_id"], {"revoked_at": doc["revoked_at"] or now()}, session)
    if changed is None:
        raise not_found(N_("token"))
    await store.outbox.stage([sessions.ended(changed)], session)
    return changed


async def principal_of(store: Store, secret: str, address: str) -> dict[str, Any]:
    """Who a token speaks for, and its scopes; 401 where it is none, revoked, over, or not to be used from there."""
    held = await store["token_secrets"].find_one({"_id": key(NOBODY, fingerprint(secret))})
    doc = await store.one("tokens", held["workspace"], held["token"]) if held else None
    found = await _acting(store, doc, address) if doc else None
    if doc is None or found is None:
        title, detail = _("This token is none, or is one no more."), _("Make another in your profile.")
        raise Problem(401, "signed-out", title, detail)
    await store["tokens"].update_one({"_id": doc["_id"]}, {"$set": {"used_at": now()}})
    person, member = found
    moment = int(now().timestamp())
    principal = Principal(
        session=doc["id"],
        workspace=doc["workspace"],
        member=member["id"],
        role=member["role"],
        name=member["name"],
        person=person,
        issued=moment,
        expires=int(doc["expires"].timestamp()) if doc["expires"] else moment + 3600,
    )
    return {"principal": principal.model_dump(), "scopes": doc["scopes"]}


async def holds(store: Store, principal: Principal, address: str | None) -> bool:
    """Whether the token that a principal came by may still be used."""
    doc = await store.one("tokens", principal.workspace, principal.session)
    found = await _acting(store, doc, address) if doc else None
    return found is not None and (found[1]["id"], found[1]["role"]) == (principal.member, principal.role)


async def _acting(store: Store, doc: Document, address: str | None) -> tuple[str, Document] | None:
    if doc["revoked_at"] or (doc["expires"] and doc["expires"] <= now()):
        return None
    member = await store.one("members", doc["workspace"], doc["member"])
    workspace = await store["workspaces"].find_one({"_id": key(doc["workspace"])})
    if member is None or member["archived"] or workspace is None or workspace["archived"]:
        return None
    if address is not None and not sessions.allows(workspace, address):
        return None
    return member["person"], member


def shown(doc: Document) -> Document:
    """A token as the API shows it; its secret only in the answer that made it."""
    state = "revoked" if doc["revoked_at"] else "expired" if doc["expires"] and doc["expires"] <= now() else "active"
    names = ("id", "member", "name", "scopes")
    times = {name: instant(doc[name]) for name in ("expires", "created_at", "used_at", "revoked_at")}
    secret = {"token": doc["token"]} if "token" in doc else {}
    return {name: doc[name] for name in names} | {"state": state} | times | secret

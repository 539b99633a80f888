"""People and their memberships (W-01, W-02, W-03, W-05).

A person has one e-mail address and one password over all workspaces; in each workspace they are a member with an id,
a role and a team of their own. A computer under a monitoring licence that names no member is one without a person.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import AfterValidator, Field

from services.kit.mongo import Session
from services.kit.problems import Problem, forbidden, invalid, not_found
from services.licensing import audit, limits, teams
from services.licensing.patches import Changes
from services.licensing.store import NOBODY, Document, Store, instant, key, new_id, now
from services.licensing.workspaces import Zone
from services.wire import accounts
from services.wire.events import Fact, Id, MemberChanged, Strict, check
from services.wire.language import N_, Code, _
from services.wire.names import Name
from services.wire.requests import Principal, Role

# OWASP's second choice for Argon2id: 19 MiB, two passes. Two threads, so that a burst costs neither the event loop nor
# the memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_NOBODYS = _HASHER.hash("the password of nobody")


def _email(text: str) -> str:
    local, at, host = text.strip().lower().partition("@")
    if not (local and at and "." in host and not set(text.strip()) & set(" |,;<>()\t\r\n")):
        raise ValueError(N_("not an e-mail address"))
    return f"{local}@{host}"


Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
Password = Annotated[str, Field(min_length=10, max_length=1000)]


class _Chosen(Strict):
    password: Password


class New(Strict):
    """The body that makes a member. ``password`` counts only where the person is new: nobody sets another's.

    Without it, and where the person is known already, they are invited by mail.
    """

    email: Email
    name: Name
    role: Role = "employee"
    team: Id | None = None
    manages: list[Id] = Field(default_factory=list, max_length=200)
    zone: Zone | None = None
    language: Code | None = None
    password: Password | None = None


class Patch(Changes):
    """What may be changed of a member."""

    nullable = frozenset({"team", "language"})

    name: Name | None = None
    role: Role | None = None
    team: Id | None = None
    manages: Annotated[list[Id], Field(max_length=200)] | None = None
    zone: Zone | None = None
    language: Code | None = None
    """What Daybook speaks with them (W-06); null: the workspace's."""
    legal_hold: bool | None = None
    """No days of their pictures end while it is on (M-05)."""
    archived: bool | None = None


async def hash_password(password: str) -> str:
    """The Argon2id hash, computed off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def new_password(password: str) -> str:
    """The hash of a password that may be one; 422 where it is too short."""
    try:
        check(_Chosen, {"password": password})
    except ValueError as error:
        raise invalid(str(error)) from error
    return await hash_password(password)


async def password_holds(hashed: str | None, password: str) -> bool:
    """Whether a password is the one; without a hash it takes as long and is False."""
    held = await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, hashed or _NOBODYS, password)
    return held and hashed is not None


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


async def person_by_email(store: Store, email: str, session: Session | None = None) -> Document | None:
    """A person, or None."""
    return await store.one("people", NOBODY, email.strip().lower(), session=session)


async def require_password(store: Store, principal: Principal, password: str, address: str) -> Document:
    """The person of a principal whose password this is; 403, and 429 after ten failures a minute."""
    person = await of_principal(store, principal)
    who = f"{person['email']} {address}"
    async with limits.failures(store, "sign_in", who, limits.MOST_FAILURES):
        if not await password_holds(person["hash"], password):
            raise Problem(
                403, "wrong-password", _("This is not your password."), _("Type your present password, and retry.")
            )
    return person


async def of_principal(store: Store, principal: Principal) -> Document:
    """The person who acts; 403 where they are no longer a member of the workspace of their session."""
    member = await store.one("members", principal.workspace, principal.member)
    person = await person_by_email(store, member["email"]) if member and not member["archived"] else None
    if person is None:
        raise forbidden(_("You are no longer a member of this workspace."), rule="W-03")
    return person


async def create(
    store: Store, session: Session, workspace: str, zone: str, body: New, password_hash: str | None
) -> Document:
    """A member, and the person where they are new; 409 where they are a member already."""
    await teams.require(store, session, workspace, [*([body.team] if body.team else []), *body.manages])
    member, person = new_id("mem"), new_person(body.email, password_hash)
    await store["people"].update_one({"_id": person.pop("_id")}, {"$setOnInsert": person}, upsert=True, session=session)
    place = {"workspace": workspace, "member": member}
    known = await store["people"].find_one_and_update(
        {"_id": key(NOBODY, body.email), "places.workspace": {"$ne": workspace}},
        {"$push": {"places": place}},
        session=session,
    )
    if known is None:
        raise Problem(409, "already-a-member", _("This person is a member of the workspace already."))
    return await _insert(store, session, workspace, member, body, zone, person=known["person"])


async def create_computer(store: Store, session: Session, workspace: str, zone: str, name: str) -> Document:
    """The member that stands for a computer: nobody can sign in as it."""
    body = New.model_construct(email="", name=name, role="employee", team=None, manages=[], zone=None)
    return await _insert(store, session, workspace, new_id("mem"), body, zone, person=None)


async def _insert(
    store: Store, session: Session, workspace: str, member: str, body: New, zone: str, person: str | None
) -> Document:
    doc = document(workspace, member, body, zone, person)
    await store["members"].insert_one(doc, session=session)
    await store.outbox.stage([fact(doc)], session)
    return doc


def document(workspace: str, member: str, body: New, zone: str, person: str | None) -> Document:
    """A new member as stored."""
    doc: Document = {"_id": key(workspace, member), "workspace": workspace, "id": member, "member": member}
    doc |= {name: getattr(body, name) for name in ("email", "name", "role", "team", "manages")}
    doc |= {
        "zone": body.zone or zone,
        "language": body.language,
        "person": person,
        "archived": False,
        "invited": False,
        "revision": 1,
    }
    return doc | {"created_at": now()}


def new_person(email: str, password_hash: str | None = None) -> Document:
    """A new person as stored."""
    doc: Document = {"_id": key(NOBODY, email), "person": new_id("per"), "email": email, "hash": password_hash}
    return doc | {"places": []}


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Another role, team, name …; told to the others. The last owner of a workspace stays one."""
    fields = body.model_dump(exclude_unset=True)
    await teams.require(store, session, doc["workspace"], [*filter(None, [body.team]), *(body.manages or [])])
    if fields.get("archived") is False:
        await _require_team_to_return_to(store, session, doc | fields)
    if fields.get("role") == "client" != doc["role"]:
        await _require_nothing_to_record(store, session, doc)
    if doc["role"] == "owner" and (fields.get("role", "owner") != "owner" or fields.get("archived")):
        await _require_another_owner(store, session, doc)
    changed = await store.update("members", doc["_id"], fields, session)
    if changed is None:
        raise not_found(N_("member"))
    await store.outbox.stage([fact(changed)], session)
    return changed


async def _require_team_to_return_to(store: Store, session: Session, doc: Document) -> None:
    """A team may have been archived while its member was (W-04); 409 then, so that none is in an archived team."""
    if doc["team"] and not await teams.usable(store, session, doc["workspace"], {doc["team"]}):
        how = _("Restore the team first, or choose another one for the member.")
        raise Problem(409, "team-archived", _("The member's team is archived."), how)


class _Profile(Strict):
    name: Name | None = None
    zone: Zone | None = None
    language: Code | Literal[""] | None = None


def profile(given: Document) -> Document:
    """The fields of what somebody says of themselves; 422 where it cannot be that."""
    try:
        fields = check(_Profile, given).model_dump(exclude_none=True)
    except ValueError as error:
        raise invalid(str(error)) from error
    return fields | ({"language": fields["language"] or None} if "language" in fields else {})


async def change_profile(store: Store, request: accounts.ChangeProfile) -> Document:
    """What somebody may change of their own membership; told to the others and written into the log."""
    fields = profile(request.model_dump(include={"name", "zone", "language"}))
    me = request.principal

    async def work(session: Session) -> Document:
        doc = await store.one("members", me.workspace, me.member, session=session)
        if doc is None or doc["archived"]:
            raise forbidden(_("You are no longer a member of this workspace."), rule="W-03")
        changed = await store.update("members", doc["_id"], fields, session)
        assert changed is not None
        await store.outbox.stage([fact(changed)], session)
        await audit.note(
            store, session, doc, "member.changed", me.member, address=request.address, member=me.member, body=fields
        )
        return shown(changed)

    return await store.change(work)


async def _require_another_owner(store: Store, session: Session, doc: Document) -> None:
    # the workspace is written, so that two owners leaving at once conflict
    await store["workspaces"].update_one(
        {"_id": key(doc["workspace"])}, {"$inc": {"owner_changes": 1}}, session=session
    )
    others = {"workspace": doc["workspace"], "role": "owner", "archived": False, "id": {"$ne": doc["id"]}}
    if not await store["members"].find_one(others, session=session):
        raise Problem(409, "last-owner", _("A workspace needs an owner."), _("Make somebody else an owner first."))


async def require(store: Store, session: Session, workspace: str, member: str, what: str = "member") -> Document:
    """A member who is not archived; 422 where there is none."""
    doc = await store.one("members", workspace, member, session=session)
    if doc is None or doc["archived"]:
        raise invalid(_("{field}: there is no such member", field=what), field=what)
    return doc


async def require_worker(store: Store, session: Session, workspace: str, member: str) -> Document:
    """A member whose work may be recorded: no client, who only reads and exports (S-07); 422 otherwise."""
    doc = await require(store, session, workspace, member)
    if doc["role"] == "client":
        raise invalid(_("member: this is a client, whose work is not recorded"), field="member", rule="S-07")
    return doc


async def _require_nothing_to_record(store: Store, session: Session, doc: Document) -> None:
    live = {"workspace": doc["workspace"], "member": doc["id"], "state": {"$ne": "revoked"}}
    if await store["licences"].find_one(live, session=session):
        detail = _("Revoke their licences first.")
        raise Problem(409, "has-licences", _("A client's work is not recorded."), detail, field="role", rule="S-07")


def fact(doc: Document) -> tuple[str, Fact]:
    """``member.changed`` as of a document."""
    fields = {name: (_LATER | doc)[name] for name in (*_SHOWN, "revision")}
    return "member.changed", MemberChanged(workspace=doc["workspace"], member=doc["id"], **fields)


_SHOWN = ("name", "email", "role", "team", "manages", "zone", "language", "archived")
#: What members made before it do not name.
_LATER: Document = {"language": None}


def shown(doc: Document) -> Document:
    """A member as the API shows it; ``invited``: has yet to accept."""
    own = {name: doc.get(name, False) for name in ("invited", "legal_hold")}
    fields = {name: (_LATER | doc)[name] for name in ("id", *_SHOWN)}
    return fields | own | {"created_at": instant(doc["created_at"])}


def shown_client(doc: Document) -> Document:
    """A client as the API shows it: a member in the role client."""
    own = {"invited": doc.get("invited", False), "created_at": instant(doc["created_at"])}
    return {name: doc[name] for name in ("id", "name", "email", "archived")} | own

"""The collections of the API: for each its bodies, how an object is made, changed and shown, and what to filter by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from services.kit.mongo import Session
from services.kit.problems import Problem, forbidden, invalid, not_found
from services.licensing import (
    addresses,
    contracts,
    devices,
    follows,
    imports,
    invitations,
    licences,
    mail,
    notices,
    people,
    policies,
    profiles,
    teams,
    tokens,
    workspaces,
)
from services.licensing.access import Reach, Scope
from services.licensing.store import Document, Store
from services.wire.events import check
from services.wire.language import N_, _
from services.wire.requests import Collection

Make = Callable[[Store, Session, Document, Document, Any], Awaitable[Document]]
"""With the workspace, and the member who makes it."""
Alter = Callable[[Store, Session, Document, Any], Awaitable[Document]]
Follow = Callable[[Store, Session, Document, Document | None, Document], Awaitable[None]]
"""What else a change brings about: with who made it, and the document before (None: it is new) and after."""
Join = Callable[[Store, list[Document]], Awaitable[list[Document]]]


@dataclass(frozen=True)
class Kind:
    """One collection; ``stored`` is its collection in the store, ``device_of`` finds the devices that a change of it
    concerns, where ``follow`` does not tell them.
    """

    stored: str
    shown: Callable[[Document], Document]
    patch: type[BaseModel]
    change: Alter
    filters: tuple[str, ...]
    new: type[BaseModel] | None = None
    create: Make | None = None
    device_of: Callable[[Document], Document] | None = None
    follow: Follow | None = None
    join: Join | None = None


async def _member(
    store: Store, session: Session, workspace: Document, actor: Document, made: tuple[people.New, str | None]
) -> Document:
    body, hashed = made
    doc = await people.create(store, session, workspace["id"], workspace["zone"], body, hashed)
    person = await people.person_by_email(store, doc["email"], session)
    if hashed and person and person["hash"] == hashed:
        return doc
    return await invitations.invite(store, session, workspace, doc, actor)


async def _client(
    store: Store, session: Session, workspace: Document, actor: Document, made: tuple[people.New, str | None]
) -> Document:
    body, hashed = made
    return await _member(store, session, workspace, actor, (body.model_copy(update={"role": "client"}), hashed))


async def _workspace(
    store: Store, session: Session, workspace: Document, actor: Document, body: workspaces.New
) -> Document:
    made = await workspaces.create(store, session, body)
    owner = people.New(email=actor["email"], name=actor["name"], role="owner", zone=actor["zone"])
    await people.create(store, session, made["id"], made["zone"], owner, None)
    return made


async def _policy_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    await policies.declare(store, session, actor, doc)
    if before is not None:
        await follows.policy_changed(store, session, doc)


async def _contract_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    await contracts.keep_version(store, session, doc, actor, before)


async def _licence_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    """A licence's own policy may declare a legal basis as well."""
    await policies.declare(store, session, actor, await policies.find(store, session, doc["workspace"], doc["policy"]))


async def _licence(
    store: Store, session: Session, workspace: Document, actor: Document, body: licences.New
) -> Document:
    doc, licence_key = await licences.create(store, session, workspace, body)
    return doc | ({"key": licence_key} if licence_key else {})


async def _test_mail(store: Store, session: Session, workspace: Document, actor: Document, body: mail.New) -> Document:
    return await mail.test(store, session, workspace, actor)


def _by_id(create: Callable[[Store, Session, str, Any], Awaitable[Document]]) -> Make:
    async def make(store: Store, session: Session, workspace: Document, actor: Document, body: Any) -> Document:
        return await create(store, session, workspace["id"], body)

    return make


KINDS: dict[Collection, Kind] = {
    "workspaces": Kind(
        *("workspaces", workspaces.shown, workspaces.Patch, workspaces.change, ()),
        *(workspaces.New, _workspace),
        follow=follows.workspace_changed,
    ),
    "members": Kind(
        *("members", people.shown, people.Patch, people.change, ("member", "role", "team", "email")),
        *(people.New, _member),
        follow=follows.member_changed,
    ),
    "clients": Kind("members", people.shown_client, people.Patch, people.change, ("email",), people.New, _client),
    "teams": Kind("teams", teams.shown, teams.Patch, teams.change, ("name",), teams.New, _by_id(teams.create)),
    "contracts": Kind(
        *("contracts", contracts.shown, contracts.Patch, contracts.change, ("member", "client", "project")),
        contracts.New,
        _by_id(contracts.create),
        lambda doc: {"workspace": doc["workspace"], "member": doc["member"], "released_at": None},
        _contract_changed,
    ),
    "licences": Kind(
        *("licences", licences.shown, licences.Patch, licences.change),
        ("member", "mode", "policy", "in_effect", "profile", "state"),
        *(licences.New, _licence),
        follow=_licence_changed,
    ),
    "policies": Kind(
        *("policies", policies.shown, policies.Patch, policies.change, ("name",)),
        *(policies.New, _by_id(policies.create)),
        follow=_policy_changed,
    ),
    "profiles": Kind(
        *("profiles", profiles.shown, profiles.Patch, profiles.change, ("policy", "name")),
        *(profiles.New, _by_id(profiles.create)),
        follow=follows.profile_changed,
    ),
    "devices": Kind(
        *("devices", devices.shown, devices.Patch, devices.change, ("member", "licence", "state", "kind")),
        join=devices.with_contact,
    ),
    "mails": Kind(
        *("mails", mail.shown, mail.Patch, mail.send_again, ("kind", "state", "to", "member")), mail.New, _test_mail
    ),
    # made by its own verb, for its body is a file, and changed by nobody
    "imports": Kind("imports", imports.shown, imports.Patch, imports.change, ("state",)),
    # made by what they tell of alone
    "notices": Kind(
        *("notices", notices.shown, notices.Patch, notices.change, ("member", "policy")),
        device_of=lambda doc: {"workspace": doc["workspace"], "member": doc["member"], "released_at": None},
    ),
    "tokens": Kind("tokens", tokens.shown, tokens.Patch, tokens.revoke, ("name",), tokens.New, tokens.create),
}


def body_of(model: type[BaseModel] | None, body: dict[str, Any]) -> Any:
    """A body read strictly: an unknown field, an operator where text belongs, another type are 422."""
    if model is None:
        raise forbidden(_("These are not made this way."))
    try:
        return check(model, body)
    except ValueError as error:
        where = str(error).split(":")[0].split(".")[0]
        raise invalid(str(error), **({"field": where} if where in model.model_fields else {})) from error


def filter_of(kind: Kind, filters: dict[str, str]) -> Document:
    """Filters by equality; a value that nothing has matches nothing, an unknown name is 422."""
    if unknown := sorted(set(filters) - set(kind.filters)):
        name, there = unknown[0][:40], ", ".join(kind.filters) or "none"
        raise invalid(_("{name}: not a filter here; there are: {filters}", name=name, filters=there), field=name)
    return dict(filters)


def require_allowed(reach: Reach, collection: Collection, doc: Document, body: dict[str, Any], address: str) -> None:
    """What the table alone cannot say.

    A client edits labels only (S-07); an admin neither makes nor unmakes owners, nor archives a workspace; nobody shuts
    out the network they are in themselves (W-01).
    """
    if collection == "workspaces" and "archived" in body and reach.role != "owner":
        raise forbidden(_("Only an owner archives or restores a workspace."), rule="W-02")
    if collection == "workspaces" and "oidc" in body and reach.role != "owner":
        raise forbidden(_("Only an owner decides who speaks for the workspace's members."), rule="W-08")  # owners too
    if collection == "workspaces" and not addresses.allows(body.get("allowed_ranges") or (), address):
        detail = _("They leave out your own address, where you are now.")
        if address:
            detail = _("They leave out {address}, where you are now.", address=address)
        raise Problem(409, "locks-you-out", _("These networks would lock you out."), detail)
    if reach.scope is Scope.CONTRACT and set(body) - {"labels"}:
        raise forbidden(_("Of a contract a client may change the labels."), rule="S-07")
    owners = doc.get("role") == "owner" or body.get("role") == "owner"
    if collection in ("members", "clients") and owners and reach.role != "owner":
        raise forbidden(_("Only an owner decides about owners."), rule="W-03")
    if collection == "clients" and doc.get("role", "client") != "client":
        raise not_found(N_("client"))

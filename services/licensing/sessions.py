"""Signing in and out of people (W-01): a session token that the diary opens by itself, for twelve hours.

Each sign-in, each switch, each new password and each change of the second factor makes a session of its own: no id is
ever taken from outside, and none outlives such a change. Who came in or failed to stands in the log (G-02).
"""

from datetime import timedelta
from typing import Any, Literal

from nacl.signing import SigningKey

from services.kit import metrics
from services.kit.mongo import Session
from services.kit.principals import seal_token
from services.kit.problems import Problem, not_found
from services.licensing import addresses, audit, limits, people, two_factor
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire.events import AccessEnded, Fact
from services.wire.language import N_, _
from services.wire.requests import Principal, SignedIn, SignIn, WorkspaceRef

LASTS = timedelta(hours=12)
_SEEN = timedelta(minutes=5)
_MOST_NOTED = 20
"""Failures a minute that the log takes of one person: it is no means to fill a store."""
By = Literal["password", "oidc", "switch", "renewed"]
Place = tuple[Document, Document]


async def sign_in(store: Store, signer: SigningKey, request: SignIn) -> SignedIn:
    """A session in the workspace asked for, else in the person's first; 401, 403, 404 or 429 problems.

    Failures count for account and address together, so that nobody locks an owner out from elsewhere. An unknown
    address takes as long as a wrong password, and is told the same. ``totp`` means nothing to an account without.
    """
    who = f"{request.email.strip().lower()} {request.address}"
    until = await limits.take(store, "sign_in", who, limits.MOST_FAILURES)
    person = await people.person_by_email(store, request.email)
    if not await people.password_holds(person["hash"] if person else None, request.password) or person is None:
        await _note_refusal(store, person, request.address, "wrong-credentials")
        raise Problem(
            401, "wrong-credentials", _("E-mail address and password do not match."), _("Check both, and retry.")
        )
    try:
        await two_factor.require(store, person, request.totp)
    except Problem as problem:
        if problem.kind == "code-needed":  # the form asks for it next; nothing was guessed
            await limits.give_back(store, "sign_in", who, until)
        else:
            await _note_refusal(store, person, request.address, problem.kind)
        raise
    await limits.give_back(store, "sign_in", who, until)
    answer = await enter(store, signer, person, request.workspace, request.address, request.agent)
    metrics.SIGN_INS.labels("person", "admitted").inc()
    return answer


async def _note_refusal(store: Store, person: Document | None, address: str, why: str) -> None:
    metrics.SIGN_INS.labels("person", "refused").inc()
    if person is None:
        return
    try:
        await limits.take(store, "noted", person["person"], _MOST_NOTED)
    except Problem:
        return
    note = audit.note_account
    await store.write(
        lambda session: note(
            store, session, person, "session.refused", address=address, body={"why": why}, by_person=False
        )
    )


async def enter(
    store: Store,
    signer: SigningKey,
    person: Document,
    workspace: str | None,
    address: str,
    agent: str,
    *,
    by: By = "password",
) -> SignedIn:
    """A new session of a person who has shown who they are; 404 where they have no such workspace, 403 from here.

    By a workspace's own provider they have shown it to that workspace alone, and no other is named to them.
    """
    places = await places_of(store, person)
    wanted = [one for one in places if workspace in (None, one[0]["id"])]
    if not wanted:
        raise not_found(N_("workspace"))
    chosen = next((one for one in wanted if allows(one[0], address)), None)
    if chosen is None:
        raise Problem(
            403,
            "address-not-allowed",
            _("This workspace cannot be entered from here."),
            _("It names the networks it may be used from; ask an owner."),
        )
    principal = await _open(store, person, *chosen, address, agent, by)
    return SignedIn(
        token=seal_token(signer, principal),
        member=principal.member,
        workspace=principal.workspace,
        name=principal.name,
        role=principal.role,
        workspaces=[ref(*place) for place in ([chosen] if by == "oidc" else places)],
    )


async def switch(
    store: Store, signer: SigningKey, principal: Principal, person: Document, workspace: str, address: str, agent: str
) -> SignedIn:
    """A session in another workspace of the person; the present one ends (W-02).

    403 where the present one came by a workspace's own provider: that one's word counts in that workspace alone.
    """
    if await confined(store, principal):
        detail = _("You came in by this workspace's provider. Sign in with your own password for the others.")
        raise Problem(403, "confined", _("This session is for this workspace alone."), detail)
    answer = await enter(store, signer, person, workspace, address, agent, by="switch")
    await sign_out(store, principal)
    return answer


async def confined(store: Store, principal: Principal) -> bool:
    """Whether a session came by a workspace's own provider (W-08), and so reaches nothing beyond that workspace."""
    session = await store.one("sessions", principal.workspace, principal.session)
    return session is None or session.get("by") == "oidc"


async def renew(store: Store, signer: SigningKey, principal: Principal, address: str) -> str:
    """The token of a new session in the place of this one, after what should end whoever else may hold the old one."""
    before = await store.one("sessions", principal.workspace, principal.session)
    member = await store.one("members", principal.workspace, principal.member)
    workspace = await store["workspaces"].find_one({"_id": key(principal.workspace)})
    if before is None or member is None or workspace is None:
        raise not_found(N_("session"))
    person: Document = {"person": principal.person}
    by: By = before.get("by", "password")
    opened = await _open(store, person, workspace, member, address, before["agent"], by, noted=False)
    await sign_out(store, principal)
    return seal_token(signer, opened)


def allows(workspace: Document, address: str) -> bool:
    """Whether a workspace may be used from an address."""
    return addresses.allows(workspace.get("allowed_ranges") or (), address)


def ref(workspace: Document, member: Document) -> WorkspaceRef:
    """A place as it is named to its person."""
    return WorkspaceRef(
        workspace=workspace["id"], name=workspace["name"], role=member["role"], archived=workspace["archived"]
    )


async def places_of(store: Store, person: Document) -> list[Place]:
    """(workspace, member) of every workspace the person may enter; an archived one only its owners, to restore it."""
    ids = [(place["workspace"], place["member"]) for place in person["places"]]
    theirs = {"_id": {"$in": [key(one) for one, _ in ids]}, "deleted_at": None}
    found = await store["workspaces"].find(theirs).to_list(None)
    members = store["members"].find({"_id": {"$in": [key(*one) for one in ids]}, "archived": False})
    by_id = {doc["id"]: doc for doc in found}
    mine = {doc["workspace"]: doc for doc in await members.to_list(None) if not doc.get("invited")}
    places = [(by_id[one], mine[one]) for one, _ in ids if one in by_id and one in mine]
    open_ones = [place for place in places if not place[0]["archived"]]
    return open_ones + [place for place in places if place[0]["archived"] and place[1]["role"] == "owner"]


async def _open(
    store: Store,
    person: Document,
    workspace: Document,
    member: Document,
    address: str,
    agent: str,
    by: By,
    *,
    noted: bool = True,
) -> Principal:
    opened, issued = new_id("ses"), now()
    doc: Document = {"_id": key(workspace["id"], opened), "id": opened, "workspace": workspace["id"]}
    doc |= {"member": member["id"], "person": person["person"], "address": address, "agent": agent, "by": by}
    doc |= {"started_at": issued, "seen_at": issued, "until": issued + LASTS, "ended": False}

    async def work(session: Session) -> None:
        await store["sessions"].insert_one(doc, session=session)
        if noted:
            me, how = member["id"], {"by": by}
            await audit.note(store, session, member, "session.started", opened, address=address, member=me, body=how)

    await store.write(work)
    return Principal(
        session=opened,
        workspace=workspace["id"],
        member=member["id"],
        role=member["role"],
        name=member["name"],
        person=person["person"],
        issued=int(issued.timestamp()),
        expires=int((issued + LASTS).timestamp()),
    )


async def sign_out(store: Store, principal: Principal) -> None:
    """The session ends; again is the same."""
    await _end(store, {"_id": key(principal.workspace, principal.session)})


async def listed(store: Store, person: Document, principal: Principal) -> list[Document]:
    """The person's sessions in all workspaces that have not ended, the newest first."""
    found = store["sessions"].find(await _theirs(store, person, principal)).sort("started_at", -1)
    return [_shown(doc, principal) for doc in await found.to_list(None)]


async def end(store: Store, person: Document, principal: Principal, session: str) -> None:
    """One of the person's own sessions ends; 404 where it is none of theirs."""
    where = await _theirs(store, person, principal) | {"id": session}
    if not await _end(store, where):
        raise not_found(N_("session"))


async def end_everywhere(store: Store, person: Document, principal: Principal) -> int:
    """Ends all sessions of the person that this one reaches; how many there were."""
    return await _end(store, await _theirs(store, person, principal))


async def end_all(store: Store, session: Session, person: Document, *, but: str | None = None) -> int:
    """Ends the person's sessions everywhere, except one; how many there were. Whoever calls it tells of it."""
    return await end_within(store, session, _running(person) | ({"id": {"$ne": but}} if but else {}))


async def _end(store: Store, where: Document) -> int:
    return await store.change(lambda session: end_within(store, session, where))


async def end_within(store: Store, session: Session, where: Document) -> int:
    """Ends what ``where`` finds, so that every web replica hears of it."""
    docs = await store["sessions"].find(where | {"ended": False}, session=session).to_list(None)
    ids = [doc["_id"] for doc in docs]
    await store["sessions"].update_many({"_id": {"$in": ids}}, {"$set": {"ended": True}}, session=session)
    await store.outbox.stage([ended(doc) for doc in docs], session)
    return len(docs)


def ended(doc: Document) -> tuple[str, Fact]:
    """``access.ended`` of a session, or of a token."""
    return "access.ended", AccessEnded(workspace=doc["workspace"], member=doc["member"], session=doc["id"])


async def holds(store: Store, principal: Principal, address: str | None) -> bool:
    """Whether a session may still be used: not ended, not over, its member still here in that role, and from here."""
    session = await store.one("sessions", principal.workspace, principal.session)
    if session is None or session["ended"] or session["until"] <= now() or session["member"] != principal.member:
        return False
    member = await store.one("members", principal.workspace, principal.member)
    if member is None or member["archived"] or member["role"] != principal.role:
        return False
    workspace = await store["workspaces"].find_one({"_id": key(principal.workspace)})
    if workspace is None or workspace.get("deleted_at") or (workspace["archived"] and member["role"] != "owner"):
        return False
    if address is not None and not allows(workspace, address):
        return False
    if now() - session.get("seen_at", session["until"] - LASTS) > _SEEN:
        await store["sessions"].update_one({"_id": session["_id"]}, {"$set": {"seen_at": now()}})
    return True


async def _theirs(store: Store, person: Document, principal: Principal) -> Document:
    """The person's running sessions, as far as this one reaches."""
    own = {"workspace": principal.workspace} if await confined(store, principal) else {}
    return _running(person) | own


def _running(person: Document) -> Document:
    return {"person": person["person"], "ended": False, "until": {"$gt": now()}}


def _shown(doc: Document, principal: Principal) -> dict[str, Any]:
    names = ("id", "workspace", "address", "agent")
    times = {name: instant(doc[name]) for name in ("started_at", "seen_at", "until")}
    return {name: doc[name] for name in names} | times | {"current": doc["id"] == principal.session}

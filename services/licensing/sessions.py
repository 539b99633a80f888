"""Signing in and out of people (W-01): a session token that the diary opens by itself, for twelve hours."""

from datetime import timedelta

from nacl.signing import SigningKey

from services.kit import metrics
from services.kit.principals import seal_token
from services.kit.problems import Problem, not_found
from services.licensing import limits, people
from services.licensing.store import Document, Store, key, new_id, now
from services.wire.requests import Principal, SignedIn, SignIn, WorkspaceRef

LASTS = timedelta(hours=12)
MOST_FAILURES = 10


async def sign_in(store: Store, signer: SigningKey, request: SignIn) -> SignedIn:
    """A session in the workspace asked for, else in the person's first; 401, 404 or 429 problems.

    Failures count for account and address together, so that nobody locks an owner out from elsewhere. An unknown
    address takes as long as a wrong password, and is told the same. ``totp`` means nothing to an account without.
    """
    who = f"{request.email.strip().lower()} {request.address}"
    await limits.take(store, "sign_in", who, MOST_FAILURES)
    person = await people.person_by_email(store, request.email)
    if not await people.password_holds(person["hash"] if person else None, request.password) or person is None:
        metrics.SIGN_INS.labels("person", "refused").inc()
        raise Problem(401, "wrong-credentials", "E-mail address and password do not match.", "Check both, and retry.")
    await limits.give_back(store, "sign_in", who)
    places = await _places(store, person)
    chosen = next((one for one in places if request.workspace in (None, one[0]["id"])), None)
    if chosen is None:
        raise not_found("workspace")
    principal = await _open(store, person, *chosen)
    metrics.SIGN_INS.labels("person", "admitted").inc()
    return SignedIn(
        token=seal_token(signer, principal),
        member=principal.member,
        workspace=principal.workspace,
        name=principal.name,
        role=principal.role,
        workspaces=[
            WorkspaceRef(workspace=workspace["id"], name=workspace["name"], role=member["role"])
            for workspace, member in places
        ],
    )


async def _places(store: Store, person: Document) -> list[tuple[Document, Document]]:
    """(workspace, member) of every workspace the person may enter."""
    ids = [(place["workspace"], place["member"]) for place in person["places"]]
    workspaces = store["workspaces"].find({"_id": {"$in": [key(one) for one, _ in ids]}, "archived": False})
    members = store["members"].find({"_id": {"$in": [key(*one) for one in ids]}, "archived": False})
    by_id = {doc["id"]: doc for doc in await workspaces.to_list(None)}
    found = {doc["workspace"]: doc for doc in await members.to_list(None)}
    return [(by_id[one], found[one]) for one, _ in ids if one in by_id and one in found]


async def _open(store: Store, person: Document, workspace: Document, member: Document) -> Principal:
    session, issued = new_id("ses"), now()
    await store["sessions"].insert_one(
        {
            "_id": key(workspace["id"], session),
            "workspace": workspace["id"],
            "member": member["id"],
            "until": issued + LASTS,
            "ended": False,
        }
    )
    return Principal(
        session=session,
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
    await store["sessions"].update_one({"_id": key(principal.workspace, principal.session)}, {"$set": {"ended": True}})


async def holds(store: Store, principal: Principal) -> bool:
    """Whether a session may still be used: not ended, not over, and its member still here in that role."""
    session = await store.one("sessions", principal.workspace, principal.session)
    if session is None or session["ended"] or session["until"] <= now() or session["member"] != principal.member:
        return False
    member = await store.one("members", principal.workspace, principal.member)
    return member is not None and not member["archived"] and member["role"] == principal.role

"""Invitations (W-03, W-05): who is added by an admin sees and does nothing before they accepted by their mail's link.

Nobody becomes a member anywhere by another's word alone, and nobody but they themselves sets their password.
"""

from typing import Any

from services.kit.mongo import Session
from services.kit.problems import invalid
from services.licensing import audit, links, mail, people, workspaces
from services.licensing.store import NOBODY, Document, Store, key
from services.wire import accounts
from services.wire.language import N_, _, again

HOURS = 14 * 24
ROLES = {
    "owner": N_("an owner"),
    "admin": N_("an admin"),
    "manager": N_("a manager"),
    "employee": N_("an employee"),
    "client": N_("a client"),
}


def link_of(member: Document) -> mail.Link:
    """What the link of an invitation allows: to accept this one."""
    data = {"workspace": member["workspace"], "member": member["id"]}
    return mail.Link(purpose="invitation", data=data, hours=HOURS)


def values_of(member: Document, inviter: Document) -> dict[str, str]:
    """What the mail says."""
    return {"name": member["name"], "inviter": inviter["name"], "role": again(ROLES[member["role"]])}


def mail_of(workspace: Document, member: Document, inviter: Document) -> Document:
    """The mail that asks them."""
    return mail.document(
        "invitation",
        member["email"],
        values_of(member, inviter),
        workspace=workspace,
        member=member["id"],
        link=link_of(member),
        language=mail.language_of(workspace, member),
    )


async def invite(store: Store, session: Session, workspace: Document, member: Document, inviter: Document) -> Document:
    """The member as somebody who is yet to accept; a mail asks them."""
    invited = await store.update("members", member["_id"], {"invited": True}, session)
    assert invited is not None
    await store["mails"].insert_one(mail_of(workspace, member, inviter), session=session)
    return invited


async def read(store: Store, request: accounts.ReadInvitation) -> dict[str, Any]:
    """What a link invites to, and whether a password is to be chosen."""
    async with links.tried(store, request.address):
        member, person = await _invited(store, await links.read(store, "invitation", request.token))
    workspace = await workspaces.find(store, member["workspace"])
    shown = {name: member[name] for name in ("name", "email", "role")}
    return {"workspace_name": workspace["name"], **shown, "password_needed": person["hash"] is None}


async def accept(store: Store, request: accounts.AcceptInvitation) -> dict[str, str]:
    """The member is one from now on; with a password where they had none anywhere (422 without)."""
    async with links.tried(store, request.address):
        return await _accept(store, request)


async def _accept(store: Store, request: accounts.AcceptInvitation) -> dict[str, str]:
    named = people.profile({"name": request.name}) if request.name and request.name.strip() else {}
    _member, known = await _invited(store, await links.read(store, "invitation", request.token))
    hashed = None
    if known["hash"] is None:
        if request.password is None:
            raise invalid(_("password: choose one"), field="password")
        hashed = await people.new_password(request.password)

    async def work(session: Session) -> dict[str, str]:
        member, person = await _invited(store, await links.use(store, session, "invitation", request.token), session)
        if person["hash"] is None:
            await store["people"].update_one({"_id": person["_id"]}, {"$set": {"hash": hashed}}, session=session)
        changed = await store.update("members", member["_id"], {"invited": False} | named, session)
        assert changed is not None
        await store.outbox.stage([people.fact(changed)], session)
        me = member["id"]
        await audit.note(store, session, changed, "invitation.accepted", me, address=request.address, member=me)
        return {"workspace": member["workspace"], "email": member["email"]}

    return await store.change(work)


async def _invited(store: Store, data: Document, session: Session | None = None) -> tuple[Document, Document]:
    member = await store.one("members", data["workspace"], data["member"], session=session)
    if member is None or member["archived"] or not member.get("invited"):
        raise links.over()
    person = await store["people"].find_one({"_id": key(NOBODY, member["email"])}, session=session)
    if person is None:
        raise links.over()
    return member, person

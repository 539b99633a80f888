"""A person's own account: signing up with a confirmed address, and passwords (W-01).

Whether an address has an account can be learned from none of this: the answers are the same, a mail tells its owner.
"""

from datetime import timedelta
from typing import Any

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid
from services.licensing import audit, limits, links, mail, people, sessions, workspaces
from services.licensing.store import NOBODY, Document, Store, key, new_id, now
from services.wire import accounts
from services.wire.events import Strict, check
from services.wire.language import ENGLISH, Code
from services.wire.names import Name

MOST_A_MINUTE = 10
MOST_MAILS_AN_HOUR = 5
_VERIFY_HOURS = 24
_RESET_HOURS = 2


class _SignUp(Strict):
    """What is asked of a sign-up, checked as strictly as everywhere."""

    email: people.Email
    password: people.Password
    name: Name
    workspace: Name
    zone: workspaces.Zone
    language: Code


def _checked(model: type[Strict], values: dict[str, Any]) -> Any:
    try:
        return check(model, values)
    except ValueError as error:
        raise invalid(str(error)) from error


async def sign_up(store: Store, request: accounts.SignUp) -> None:
    """Keeps what was asked until its mail's link is opened; an address that has an account is told so by mail."""
    wanted = _checked(_SignUp, request.model_dump(exclude={"address"}))
    await limits.take(store, "sign_up", request.address, MOST_A_MINUTE)
    hashed = await people.hash_password(wanted.password)
    if not await _may_mail(store, wanted.email):
        return
    known = await people.person_by_email(store, wanted.email)
    sign_up = new_id("sup")
    values = {"name": wanted.name, "workspace_name": wanted.workspace}

    async def work(session: Session) -> None:
        if known and known["hash"]:
            # by their own name and in their own language: what somebody else typed must not come to them from here
            name, language = await _known_as(store, known)
            link, told = _reset_link(known), {"name": name}
            await mail.stage(store, session, "already_registered", wanted.email, told, link=link, language=language)
            return
        doc: Document = {"_id": key(NOBODY, sign_up), "hash": hashed, "until": now() + timedelta(hours=_VERIFY_HOURS)}
        doc |= wanted.model_dump(exclude={"password"})
        await store["sign_ups"].insert_one(doc, session=session)
        link = mail.Link(purpose="verify", data={"sign_up": sign_up}, hours=_VERIFY_HOURS)
        page = wanted.language
        await mail.stage(store, session, "verification", wanted.email, values, link=link, language=page)

    await store.write(work)


async def verify(store: Store, request: accounts.Verify) -> dict[str, str]:
    """The person, confirmed, and the workspace that they own; a link works once."""

    async def work(session: Session) -> dict[str, str]:
        data = await links.use(store, session, "verify", request.token)
        asked = await store["sign_ups"].find_one_and_delete({"_id": key(NOBODY, data["sign_up"])}, session=session)
        if asked is None:
            raise links.over()
        workspace = await workspaces.create(
            store,
            session,
            workspaces.New(
                name=asked["workspace"], zone=asked["zone"], billing_zone="UTC", language=asked.get("language", "en")
            ),
        )
        body = people.New(email=asked["email"], name=asked["name"], role="owner")
        await people.create(store, session, workspace["id"], workspace["zone"], body, asked["hash"])
        # somebody who was invited elsewhere is known, but had no password until now
        await store["people"].update_one(
            {"_id": key(NOBODY, asked["email"]), "hash": None}, {"$set": {"hash": asked["hash"]}}, session=session
        )
        return {"workspace": workspace["id"], "email": asked["email"]}

    async with links.tried(store, request.address):
        return await store.change(work)


async def forgot_password(store: Store, request: accounts.ForgotPassword) -> None:
    """A mail with a link to choose another, to whoever has an account."""
    await limits.take(store, "forgot", request.address, MOST_A_MINUTE)
    person = await people.person_by_email(store, request.email)
    if person is None or not person["hash"] or not await _may_mail(store, person["email"]):
        return
    name, language = await _known_as(store, person)
    link, page = _reset_link(person), request.language or language

    async def work(session: Session) -> None:
        await mail.stage(store, session, "password_reset", person["email"], {"name": name}, link=link, language=page)

    await store.write(work)


async def reset_password(store: Store, request: accounts.ResetPassword) -> None:
    """Another password by a mail's link; every session ends. Two-factor stays on: a mailbox is one factor."""
    async with links.tried(store, request.address):
        await _reset_password(store, request)


async def _reset_password(store: Store, request: accounts.ResetPassword) -> None:
    await links.read(store, "reset", request.token)
    hashed = await people.new_password(request.password)

    async def work(session: Session) -> None:
        data = await links.use(store, session, "reset", request.token)
        person = await people.person_by_email(store, data["email"], session)
        if person is None:
            raise links.over()
        await _set(store, session, person, hashed, request.language)
        how = {"by": "mail"}
        await audit.note_account(store, session, person, "account.password_changed", address=request.address, body=how)
        await sessions.end_all(store, session, person)

    await store.change(work)


async def change_password(store: Store, request: accounts.ChangePassword) -> None:
    """Another password by whoever knows the present one; their other sessions end."""
    person = await people.require_password(store, request.principal, request.old, request.address)
    hashed = await people.new_password(request.new)

    async def work(session: Session) -> None:
        await _set(store, session, person, hashed, request.language)
        await audit.note_account(store, session, person, "account.password_changed", address=request.address)
        await sessions.end_all(store, session, person, but=request.principal.session)

    await store.change(work)


async def _set(store: Store, session: Session, person: Document, hashed: str, page: str | None) -> None:
    await store["people"].update_one({"_id": person["_id"]}, {"$set": {"hash": hashed}}, session=session)
    name, language = await _known_as(store, person)
    told, page = {"name": name}, page or language
    await mail.stage(store, session, "password_changed", person["email"], told, language=page)


def _reset_link(person: Document) -> mail.Link:
    return mail.Link(purpose="reset", data={"email": person["email"]}, hours=_RESET_HOURS)


async def _known_as(store: Store, person: Document) -> tuple[str, str]:
    """What a person is called in the first of their workspaces, and the language that is spoken with them there."""
    for place in person["places"]:
        if member := await store.one("members", place["workspace"], place["member"]):
            workspace = await store["workspaces"].find_one({"_id": key(place["workspace"])})
            return str(member["name"]), mail.language_of(workspace, member)
    return str(person["email"]), ENGLISH


async def _may_mail(store: Store, email: str) -> bool:
    """Whether one more mail may go to an address at the wish of somebody who did not sign in."""
    try:
        await limits.take(store, "mail", email, MOST_MAILS_AN_HOUR, timedelta(hours=1))
    except Problem:
        return False
    return True

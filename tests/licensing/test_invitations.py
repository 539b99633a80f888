"""People are invited and accept; they have several workspaces, and switch, archive, restore (W-02, W-03, W-05)."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from services.kit.problems import Problem
from services.licensing import accounts as registration
from services.licensing import invitations
from services.wire import accounts
from tests.licensing.support import PASSWORD, Acme
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _email() -> str:
    return f"new-{secrets.token_hex(4)}@example.test"


async def _post(web: Web, path: str, **body: Any) -> httpx.Response:
    async with web.browse(f"192.0.2.{secrets.randbelow(256)}") as http:
        return await http.post(f"/api/v1{path}", json=body)


@pytest.mark.parametrize("collection", ["members", "clients"])
async def test_an_invitation_is_accepted(web: Web, collection: str) -> None:
    """W-03, W-05: by mail; whoever accepts chooses the password; before that nobody can sign in."""
    acme, email = await web.licensing.seed(), _email()
    made = await acme.create("adam", collection, email=email, name="Nia Ø")
    assert made["invited"] is True
    mail = await web.licensing.mails.wait_for(email)
    assert mail["subject"] == f"{acme.answer['name']} invites you to its work diary"
    assert "Adam invites you" in mail["text"]
    token = await web.licensing.mails.token(email)
    told = (await _post(web, "/invitations/read", token=token)).json()
    role = "client" if collection == "clients" else "employee"
    assert (told["workspace_name"], told["role"], told["password_needed"]) == (acme.answer["name"], role, True)
    assert (await _post(web, "/invitations/accept", token=token)).status_code == 422
    assert (await _post(web, "/invitations/accept", token=token, password="short")).status_code == 422
    several = [_post(web, "/invitations/accept", token=token, password=PASSWORD, name="Nia") for _ in range(4)]
    assert sorted(one.status_code for one in await asyncio.gather(*several)) == [200, 404, 404, 404]
    answer = await _post(web, "/sessions", email=email, password=PASSWORD)
    assert (answer.json()["role"], answer.json()["name"]) == (role, "Nia")
    assert (await acme.read("olga", collection, made["id"]))[0]["invited"] is False


async def test_an_office_behind_one_address_accepts_together(web: Web) -> None:
    """W-03: only what fails is counted, so many may come from one address; and who guesses gets ten tries a minute."""
    acme, office = await web.licensing.seed(), secrets.token_hex(6)
    store, emails = web.licensing.store, [_email() for _ in range(14)]
    for email in emails:
        await acme.create("adam", "members", email=email, name="Nia")
    for email in emails:
        await web.licensing.mails.wait_for(email)
        token = await web.licensing.mails.token(email)
        asked = {"token": token, "address": office}
        assert (await invitations.read(store, accounts.ReadInvitation(**asked)))["email"] == email
        accepted = await invitations.accept(store, accounts.AcceptInvitation(**asked, password=PASSWORD))
        assert accepted["email"] == email
    statuses = []
    for _ in range(13):
        asked = {"token": secrets.token_urlsafe(20), "address": office}
        try:
            await invitations.read(store, accounts.ReadInvitation(**asked))
        except Problem as problem:
            statuses.append(problem.status)
    assert statuses == [404] * 10 + [429] * 3
    with pytest.raises(Problem, match="429"):
        await registration.verify(store, accounts.Verify(**asked))


async def test_good_links_make_no_room_for_guesses(web: Web) -> None:
    """Guesses among good ones are counted all the same, also all at once."""
    acme, email, office = await web.licensing.seed(), _email(), secrets.token_hex(6)
    await acme.create("adam", "members", email=email, name="Nia")
    await web.licensing.mails.wait_for(email)
    good = await web.licensing.mails.token(email)
    secret = [good if number % 3 == 0 else secrets.token_urlsafe(20) for number in range(45)]
    asked = [accounts.ReadInvitation(token=one, address=office) for one in secret]
    tried = (invitations.read(web.licensing.store, one) for one in asked)
    results = await asyncio.gather(*tried, return_exceptions=True)
    guessed = [one for one in results if isinstance(one, Problem) and one.status == 404]
    assert 1 <= len(guessed) <= 10
    assert all(isinstance(one, dict | Problem) for one in results)


async def test_an_invitation_sent_again_has_a_link_of_its_own(web: Web) -> None:
    """W-09."""
    acme, email = await web.licensing.seed(), _email()
    made = await acme.create("olga", "members", email=email, name="Nia")
    first = await web.licensing.mails.token(email)
    [mail] = await acme.read("olga", "mails", member=made["id"])
    await acme.change("olga", "mails", mail["id"], state="waiting")
    second = await web.licensing.mails.token(email, count=2)
    assert first != second
    assert (await _post(web, "/invitations/accept", token=second, password=PASSWORD)).status_code == 200
    assert (await _post(web, "/invitations/accept", token=first, password="another password")).status_code == 404
    assert (await _post(web, "/sessions", email=email, password=PASSWORD)).status_code == 200


async def test_a_withdrawn_invitation(web: Web) -> None:
    acme, email = await web.licensing.seed(), _email()
    made = await acme.create("olga", "members", email=email, name="Nia")
    token = await web.licensing.mails.token(email)
    await acme.change("olga", "members", made["id"], archived=True)
    assert (await _post(web, "/invitations/accept", token=token, password=PASSWORD)).status_code == 404


async def test_a_kind_of_mail_is_switched_off(web: Web) -> None:
    """W-07: it is kept unsent, and an admin can still send it."""
    acme, email = await web.licensing.seed(), _email()
    await acme.change("olga", "workspaces", acme.workspace, mails_off=["invitation"])
    made = await acme.create("olga", "members", email=email, name="Nia")
    [mail] = await acme.read("olga", "mails", member=made["id"])
    assert mail["state"] == "off"
    await acme.change("olga", "mails", mail["id"], state="waiting")
    await web.licensing.mails.wait_for(email)
    assert len(web.licensing.mails.to(email)) == 1


async def test_switching_between_workspaces(web: Web) -> None:
    """W-02: another session, in the role one has there; the one before ends."""
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        made = await http.post("/api/v1/workspaces", json={"name": "Lisa's own", "zone": "Europe/Oslo"})
        assert made.status_code == 201, made.text
        places = (await http.get("/api/v1/me/workspaces")).json()["items"]
        assert [(one["name"], one["role"]) for one in places] == [
            (acme.answer["name"], "employee"),
            ("Lisa's own", "owner"),
        ]
        answer = await http.post("/api/v1/sessions/workspace", json={"workspace": made.json()["id"]})
        assert answer.json()["role"] == "owner"
        assert f"daybook_session={answer.json()['token']}" in answer.headers["set-cookie"]
        assert (await http.get("/api/v1/sessions")).status_code == 401
        http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        assert (await http.get("/api/v1/workspaces")).json()["items"][0]["name"] == "Lisa's own"
        other = await web.licensing.seed()
        foreign = await http.post("/api/v1/sessions/workspace", json={"workspace": other.workspace})
        assert foreign.status_code == 404


async def test_a_workspace_is_renamed_archived_and_restored(web: Web) -> None:
    """W-02: by its owner; an archived one lets in nobody but its owners."""
    acme = await web.licensing.seed()
    path = f"/api/v1/workspaces/{acme.workspace}"
    async with web.person(acme, "olga") as owner, web.person(acme, "adam") as admin:
        assert (await admin.patch(path, json={"name": "Renamed"})).json()["name"] == "Renamed"
        assert (await admin.patch(path, json={"archived": True})).status_code == 403
        assert (await owner.patch(path, json={"archived": True})).json()["archived"] is True
        web.edge.sessions._asked.clear()
        assert (await admin.get(path)).status_code == 401
        assert (await web.sign_in(acme, "adam")).status_code == 404
        again = (await web.sign_in(acme, "olga")).json()
        assert again["workspaces"][0]["archived"] is True
        assert (await owner.patch(path, json={"archived": False})).json()["archived"] is False
    assert (await web.sign_in(acme, "adam")).status_code == 200


async def test_a_member_becomes_a_manager_and_back_and_is_archived_and_restored(web: Web) -> None:
    """W-03."""
    acme: Acme = await web.licensing.seed()
    lisa, design = acme.member("lisa"), acme.answer["teams"][0]["team"]
    assert (await acme.change("olga", "members", lisa, role="manager", manages=[design]))["manages"] == [design]
    assert (await acme.change("olga", "members", lisa, role="employee", manages=[]))["role"] == "employee"
    for archived, status in ((True, 404), (False, 200)):
        await acme.change("olga", "members", lisa, archived=archived)
        assert (await web.sign_in(acme, "lisa")).status_code == status

"""Getting in, and one's own account, by page and without script (W-01, W-02, W-03, W-08)."""

import re
import secrets
from typing import Any

import httpx
import pyotp
import pytest

from services.diary.pages.account_view import program_of
from services.diary.pages.sign_in import inside
from tests.diary.office.running import Browsing, Office, plain
from tests.licensing.support import PASSWORD
from tests.support.routes import doors

here = pytest.mark.asyncio(loop_scope="module")
NEW = "a horse of another colour"


def _error(page: str, field: str) -> str:
    """The words beside a field, tied to it."""
    found = re.search(rf'id="([\w-]*{field}-error)">.*?<span>(.*?)</span>', page, re.S)
    assert found, plain(page)
    tied = re.search(rf'name="{field}"[^>]*aria-describedby="[^"]*{found[1]}', page) or re.search(
        rf'<fieldset[^>]*aria-describedby="[^"]*{found[1]}', page
    )
    assert tied, "the words are tied to their field"
    return found[2]


def _new() -> str:
    return f"{secrets.token_hex(5)}@new.example"


async def _sign_up(stranger: Browsing, office: Office, email: str) -> None:
    fields = {
        "name": "Ada Lind",
        "email": email,
        "password": PASSWORD,
        "workspace": "Lind & Sons",
        "zone": "Europe/Oslo",
    }
    assert "Look into your mail" in await stranger.post("/sign-up", **fields)
    token = await office.mails.token(email, "Confirm")
    await stranger.get(f"/sign-up/verify?token={token}")
    page = await stranger.post("/sign-up/verify", token=token)
    assert "Your address is confirmed" in page


@here
async def test_signing_up_confirming_and_signing_in(office: Office) -> None:
    """W-01: the link works once, by its button; opening it, as programs that read mails do, uses nothing up."""
    email = _new()
    async with office.stranger() as ada:
        fields = {"name": "Ada", "email": email, "password": "short", "workspace": "Lind", "zone": "UTC"}
        page = await ada.post("/sign-up", 422, **fields)
        assert "10 characters" in _error(page, "password")
        assert "short" not in page
        assert f'value="{email}"' in page
        assert _error(await ada.post("/sign-up", 422, **(fields | {"email": "ada", "password": PASSWORD})), "email")
        assert _error(await ada.post("/sign-up", 422, **(fields | {"name": "", "password": PASSWORD})), "name")
        await _sign_up(ada, office, email)
        token = await office.mails.token(email, "Confirm")
        assert "This link is over" in await ada.post("/sign-up/verify", 404, token=token)
        assert await ada.sign_in(email)
        assert ada.at.startswith("/diary/")
        account = await ada.get("/account")
        assert email in account
        assert '<option value="Europe/Oslo" selected>' in account


@here
async def test_a_known_address_is_not_told_from_an_unknown_one(office: Office) -> None:
    """W-01: neither by signing up nor by a forgotten password."""
    acme = await office.acme()
    async with office.stranger() as stranger:
        pages = []
        for email in (acme.email("lisa"), _new()):
            fields = {"name": "Ada", "email": email, "password": PASSWORD, "workspace": "Lind", "zone": "UTC"}
            signed_up = await stranger.post("/sign-up", **fields)
            forgotten = await stranger.post("/password/forgotten", email=email)
            pages.append((signed_up + forgotten).replace(email, "…"))
    assert pages[0] == pages[1]


@here
async def test_a_forgotten_password_is_chosen_anew(office: Office) -> None:
    acme = await office.acme()
    email = acme.email("emil")
    async with office.browser(acme, "emil") as before, office.stranger() as emil:
        assert "a mail is on its way" in await emil.post("/password/forgotten", email=email)
        token = await office.mails.token(email, "new password")
        assert 'name="password"' in await emil.get(f"/password/reset?token={token}")
        assert "10 characters" in _error(await emil.post("/password/reset", 422, token=token, password="x"), "password")
        page = await emil.post("/password/reset", token=token, password=NEW)
        assert "you are signed out everywhere" in page
        assert "do not match" in _error(await emil.sign_in(email, status=401), "password")
        await emil.sign_in(email, NEW)
        again = await emil.post("/password/reset", 404, token=token, password=NEW)
        assert "Ask for a new link" in again
        office.web.edge.sessions._asked.clear()
        assert before.at
        await before.get("/account")
        assert before.at == "/sign-in"


@here
async def test_an_invitation_is_accepted(office: Office) -> None:
    """W-03: whoever is new chooses a password; who has one keeps it, and has two workspaces now (W-02)."""
    acme, other = await office.acme(), await office.acme()
    email = _new()
    async with office.browser(acme, "adam") as adam, office.stranger() as bo:
        page = await adam.post("/people/new", name="Bo", email=email, role="employee", team="", zone="")
        assert f"Bo is invited; a mail is on its way to {email}." in plain(page)
        token = await office.mails.token(email, "invites you")
        assert "invites you" in await bo.get(f"/invitations/accept?token={token}")
        assert "10 characters" in _error(
            await bo.post("/invitations/accept", 422, token=token, name="Bo", password="x"), "password"
        )
        page = await bo.post("/invitations/accept", token=token, name="Bo Berg", password=PASSWORD)
        assert "You belong to Acme" in page
        assert "This link is over" in await bo.get(f"/invitations/accept?token={token}", 404)
        await bo.sign_in(email)
        await adam.until("/people?q=Bo+Berg", lambda text: "Active" in text)
    lisa = acme.email("lisa")
    async with office.browser(other, "olga") as olga, office.stranger() as person:
        await olga.post("/people/new", name="Lisa", email=lisa, role="manager", team="", zone="")
        token = await office.mails.token(lisa, "invites you")
        page = await person.get(f"/invitations/accept?token={token}")
        assert 'name="password"' not in page
        await person.post("/invitations/accept", token=token, name="Lisa")
        page = await person.sign_in(lisa, next="/account")
        assert "Choose a workspace" in page
        page = await person.post(f"/workspaces/{other.workspace}/switch", next="/account")
        assert person.at == "/account"
        assert "Lisa · manager" in plain(page)
        await person.post(f"/workspaces/{(await office.acme()).workspace}/switch", 404)


@here
async def test_the_second_factor(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "mara") as mara, office.stranger() as elsewhere:
        assert "not your password" in _error(await mara.post("/account/two-factor", 403, password="x"), "password")
        page = await mara.post("/account/two-factor", password=PASSWORD)
        secret, uri = (re.search(rf'name="{one}" value="(.*?)"', page)[1] for one in ("secret", "uri"))  # type: ignore[index]
        assert "<svg" in page
        assert "<path" in page
        again = await mara.post("/account/two-factor/confirm", 422, code="000000", secret=secret, uri=uri)
        assert _error(again, "code")
        assert secret in again
        totp = pyotp.TOTP(secret)
        page = await mara.post("/account/two-factor/confirm", code=totp.now(), secret=secret, uri=uri)
        codes = re.findall(r"<li>([0-9a-f]{5}-[0-9a-f]{5})</li>", page)
        assert len(codes) == 10
        email = acme.email("mara")
        page = await elsewhere.sign_in(email, status=401)
        assert "A code is needed" in _error(page, "totp")
        assert PASSWORD not in page
        assert "not right" in _error(await elsewhere.sign_in(email, status=401, totp="123"), "totp")
        await elsewhere.sign_in(email, totp=codes[0])
        assert "9 of 10 recovery codes" in await elsewhere.get("/account")
        assert _error(await mara.post("/account/two-factor/off", 401, password=PASSWORD, code=codes[0]), "code")
        page = await mara.post("/account/two-factor/off", password=PASSWORD, code=codes[1])
        assert "Two-factor is off." in page


@here
async def test_name_zone_and_password(office: Office) -> None:
    """W-01; what somebody says of themselves is told to everybody."""
    acme = await office.acme()
    async with office.browser(acme, "lisa") as lisa:
        page = await lisa.post("/account/profile", 422, name="", zone="Europe/Oslo")
        assert _error(page, "name")
        assert _error(await lisa.post("/account/profile", 422, name="Lisa", zone="Mars/Olympus"), "zone")
        page = await lisa.post("/account/profile", name="Lisa Marie", zone="Asia/Kathmandu")
        assert "Saved." in page
        await lisa.until("/account", lambda text: 'value="Lisa Marie"' in text)
        member = (await acme.read("olga", "members", acme.member("lisa")))[0]
        assert (member["name"], member["zone"]) == ("Lisa Marie", "Asia/Kathmandu")
        assert "not your password" in _error(await lisa.post("/account/password", 403, old="x", new=NEW), "old")
        assert "10 characters" in _error(await lisa.post("/account/password", 422, old=PASSWORD, new="x"), "new")
        assert "Your password is changed" in await lisa.post("/account/password", old=PASSWORD, new=NEW)


@here
async def test_sessions_are_listed_and_ended(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "lisa") as here_, office.browser(acme, "lisa") as there:
        page = await here_.get("/account")
        assert page.count("This one") == 1
        ends = re.findall(r'action="(/account/sessions/ses-\w+/end)"', page)
        assert len(ends) == 1
        assert "That session has ended." in await here_.post(ends[0])
        await there.get("/account")
        assert there.at == "/sign-in"
        await here_.post("/account/sessions/ses-nothing/end", 404)
        await here_.post("/account/sessions/end-all")
        assert here_.at == "/sign-in"
        await here_.get("/account")
        assert here_.at == "/sign-in"


@here
async def test_an_api_token_is_shown_once(office: Office) -> None:
    """W-08: with the scopes that were chosen, until it is revoked."""
    acme = await office.acme()
    async with office.browser(acme, "lisa") as lisa:
        assert _error(await lisa.post("/account/tokens", 422, name="Export", days="30"), "scopes")
        assert _error(await lisa.post("/account/tokens", 422, name="", days="", scopes="read"), "name")
        page = await lisa.post("/account/tokens", name="Export", days="30", scopes=["diary:read"])
        secret = re.search(r'id="secret">(daybook_[\w-]+)<', page)
        assert secret
        assert secret[1] not in await lisa.get("/account")
        async with httpx.AsyncClient(base_url=office.url, headers={"Authorization": f"Bearer {secret[1]}"}) as program:
            assert (await program.get("/api/v1/contracts")).status_code == 200
            assert (await program.get("/api/v1/members")).status_code == 403
            assert (await program.get("/account")).status_code == 403, "a page is nothing a token opens"
        token = re.search(r'action="(/account/tokens/tok-\w+/revoke)"', page)
        assert token
        page = await lisa.post(token[1])
        assert "The token is revoked." in page
        assert "Export" not in plain(page)


@here
async def test_a_workspace_more(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "emil") as emil:
        assert _error(await emil.post("/workspaces", 422, name="", zone="UTC"), "name")
        page = await emil.post("/workspaces", name="Side project", zone="Europe/Oslo")
        assert "Side project is there." in plain(page)
        there = re.search(r'action="(/workspaces/ws-\w+/switch)"', page)
        assert there
        assert "Side project" in await emil.get("/workspaces/menu")
        await emil.post(there[1])
        page = await emil.until("/people", lambda text: "Side project" in text)
        assert "You are the only one here" in page


@here
async def test_forms_of_other_sites_change_nothing(office: Office) -> None:
    """CSRF: every form of every page, as another site's page would send it with the reader's cookie."""
    acme = await office.acme()
    forms = [one for one in doors() if one.method == "POST" and not one.path.startswith("/api/")]
    assert len(forms) > 25
    async with office.browser(acme, "olga") as olga:
        for one in forms:
            path = re.sub(r"\{\w+(:path)?\}", "x", one.path)
            for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
                await _refused(olga, path, headers)


async def _refused(somebody: Browsing, path: str, headers: dict[str, str]) -> None:
    kept: dict[str, Any] = {**somebody.http.headers}
    kept.pop("sec-fetch-site")
    async with httpx.AsyncClient(base_url=somebody.http.base_url, cookies=somebody.http.cookies) as http:
        answer = await http.post(path, data={"archived": "yes", "name": "Evil"}, headers=headers)
    assert answer.status_code == 403, path
    assert answer.json()["type"] == "urn:daybook:problem:cross-site"


@here
async def test_a_form_that_is_none_is_refused(office: Office) -> None:
    async with office.stranger() as stranger:
        sent: list[dict[str, Any]] = [
            {"json": {"email": "x"}},
            {"content": b"x" * 70_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
            {"content": b"no part", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            {"content": b"a=1", "headers": {"content-type": "multipart/form-data"}},
        ]
        found = [(await stranger.http.post("/sign-in", **one)).status_code for one in sent]
    assert found[:2] == [415, 413]
    assert all(status in (400, 401, 422) for status in found[2:])


def test_only_this_sites_pages_are_gone_to() -> None:
    """An open redirect would lend our name to other sites."""
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/a\nb", ""):
        assert inside(elsewhere) == "/"
    assert inside("/diary/m-1?zone=UTC") == "/diary/m-1?zone=UTC"


def test_a_session_is_named_by_its_browser() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
    assert program_of(firefox) == "Firefox on Linux"
    assert program_of(edge) == "Edge on Windows"
    assert program_of("curl/8.5.0") == "curl"
    assert program_of("") == "A program"

"""Signing in with a workspace's own OpenID Connect provider (W-08), against a real one on a loopback port."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.licensing.outward import Outward, Refused
from services.licensing.vault import Vault
from tests.licensing.oidc import Provider, Spoil
from tests.licensing.support import Acme
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with Provider().running() as running:
        yield running


@contextlib.asynccontextmanager
async def browser(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """A browser: keeps cookies, sends where it comes from, and follows nothing by itself."""
    headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": f"2001:db8::{secrets.token_hex(2)}"}
    async with httpx.AsyncClient(base_url=web.url, timeout=20, headers=headers) as http:
        yield http


async def _office(web: Web, provider: Provider, **more: Any) -> Acme:
    """A workspace with that provider; Lisa is who logs in there."""
    acme: Acme = await web.licensing.seed()
    provider.email = acme.email("lisa")
    oidc = {"issuer": provider.url, "client_id": provider.client_id, "domains": [provider.email.partition("@")[2]]}
    oidc |= {"client_secret": provider.client_secret} | more
    await acme.change("olga", "workspaces", acme.workspace, oidc=oidc)
    return acme


async def _there(http: httpx.AsyncClient, acme: Acme, next: str = "/account") -> str:
    answer = await http.get(f"/sign-in/with/{acme.workspace}", params={"next": next})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def _come_in(web: Web, provider: Provider, acme: Acme) -> httpx.Response:
    async with browser(web) as http:
        return await http.get(provider.log_in(await _there(http, acme)))


async def test_a_member_comes_in_by_the_provider(web: Web, provider: Provider) -> None:
    """There by a link found by the e-mail's domain, and back with a session like any other, which the log names."""
    acme = await _office(web, provider)
    async with browser(web) as http:
        found = await http.post("/sign-in/with", data={"email": provider.email, "next": "/account"})
        assert f"/sign-in/with/{acme.workspace}?next=%2Faccount" in found.text
        back = await http.get(provider.log_in(await _there(http, acme)))
        assert (back.status_code, back.headers["location"]) == (303, "/account")
        me = (await http.get("/api/v1/me")).json()
        assert (me["member"], me["workspace"], me["role"]) == (acme.member("lisa"), acme.workspace, "employee")
        assert "daybook_sign_on" not in http.cookies
    async with web.person(acme, "olga") as http:
        log = (await http.get("/api/v1/audit", params={"action": "session.started"})).json()["items"]
        assert ('by="oidc"', acme.member("lisa")) in {(one["detail"], one["actor"]) for one in log}


async def test_the_settings_are_the_owners_and_the_secret_is_never_told(web: Web, provider: Provider) -> None:
    acme = await _office(web, provider)
    async with web.person(acme, "olga") as http, web.person(acme, "adam") as admin:
        shown = (await http.get(f"/api/v1/workspaces/{acme.workspace}")).json()["oidc"]
        assert shown == {
            "issuer": provider.url,
            "client_id": "daybook",
            "domains": ["example.test"],
            "has_secret": True,
        }
        path, other = f"/api/v1/workspaces/{acme.workspace}", shown | {"issuer": "https://elsewhere.example"}
        del other["has_secret"]
        assert (await admin.patch(path, json={"oidc": None})).status_code == 403
        # the secret does not go to another provider than it was given for
        assert (await http.patch(path, json={"oidc": other})).status_code == 422
        for wrong in ({"domains": []}, {"domains": ["nodots"]}, {"issuer": "ftp://x.example"}, {"sealed": "x"}):
            assert (await http.patch(path, json={"oidc": other | wrong})).status_code == 422
        log = (await http.get("/api/v1/audit", params={"action": "workspace.changed"})).text
    stored = await web.licensing.store["workspaces"].find_one({"id": acme.workspace})
    assert provider.client_secret not in f"{stored}{log}"
    async with web.person(acme, "olga") as http:
        assert (await http.patch(path, json={"oidc": None})).json()["oidc"] is None
    async with browser(web) as http:
        assert (await http.get(f"/sign-in/with/{acme.workspace}")).status_code == 404
        assert (await http.get("/sign-in/with/ws-unknown")).status_code == 404


def _set(**claims: Any) -> Spoil:
    return lambda found: found.update(claims)


def _without(name: str) -> Spoil:
    return lambda found: found.pop(name)


LIES: dict[str, Spoil] = {
    "for another": _set(aud="somebody-else"),
    "for several, by another": _set(aud=["daybook", "other"], azp="other"),
    "of another issuer": _set(iss="https://elsewhere.example"),
    "another nonce": _set(nonce="x"),
    "no nonce": _without("nonce"),
    "expired": _set(exp=int(time.time()) - 3600),
    "no end": _without("exp"),
    "not yet": _set(nbf=int(time.time()) + 3600),
    "made in the future": _set(iat=int(time.time()) + 3600),
    "nobody": _without("sub"),
}


async def test_an_id_token_that_does_not_hold_opens_nothing(web: Web, provider: Provider) -> None:
    acme = await _office(web, provider)
    for lie, spoil in LIES.items():
        provider.spoil = spoil
        await _shut(web, provider, acme, lie)
    provider.spoil = lambda claims: None
    for sign in (provider.signed_with_the_public_key, provider.unsigned, provider.signed_by_another):
        provider.sign = sign
        await _shut(web, provider, acme, sign.__name__)
    provider.sign = provider.signed
    assert (await _come_in(web, provider, acme)).status_code == 303


async def _shut(web: Web, provider: Provider, acme: Acme, why: str) -> None:
    answer = await _come_in(web, provider, acme)
    assert (answer.status_code, "daybook_session" in answer.headers.get("set-cookie", "")) == (401, False), why


async def test_only_a_confirmed_address_of_a_member_comes_in(web: Web, provider: Provider) -> None:
    """Not a stranger, not an archived member, not one who has yet to accept, none of a domain that is not listed."""
    acme, other = await _office(web, provider), await web.licensing.seed()
    await acme.create("olga", "members", email="yet@example.test", name="Yet")
    await acme.change("olga", "members", acme.member("emil"), archived=True)
    strangers = (
        "nobody@example.test",
        "yet@example.test",
        other.email("lisa"),
        acme.email("emil"),
        "",
        "@example.test",
    )
    for email in strangers:
        provider.email = email
        assert (await _come_in(web, provider, acme)).status_code == 403, email
    provider.email, provider.verified = acme.email("lisa"), False
    assert (await _come_in(web, provider, acme)).status_code == 403
    provider.verified = True
    assert (await _come_in(web, provider, acme)).status_code == 303


async def test_the_way_back_is_this_browsers_and_works_once(web: Web, provider: Provider) -> None:
    """Neither another browser nor a made-up state takes a session over, nor the same way twice."""
    acme = await _office(web, provider)
    async with browser(web) as mine, browser(web) as other:
        back = provider.log_in(await _there(mine, acme))
        assert (await other.get(back)).status_code == 404
        assert (await mine.get(back)).status_code == 404, "a state that was tried elsewhere is over"
        back = provider.log_in(await _there(mine, acme))
        forged = back.replace("state=", "state=x")
        assert (await mine.get(forged)).status_code == 404
        assert (await mine.get(back)).status_code == 303
        assert (await mine.get(back)).status_code == 404
        assert (await mine.get("/sign-in/back?error=access_denied&state=x")).status_code == 401
        assert (await mine.get(f"/sign-in/with/{acme.workspace}?next=//evil.example")).status_code == 303


async def test_a_session_by_a_provider_reaches_its_workspace_alone(web: Web, provider: Provider) -> None:
    """Else who sets one workspace's provider could enter another one in the name of somebody who is in both."""
    acme, other = await _office(web, provider), await web.licensing.seed()
    joined = await other.create("olga", "members", email=acme.email("lisa"), name="Lisa")
    await web.licensing.store["members"].update_one({"id": joined["id"]}, {"$set": {"invited": False}})
    async with web.person(acme, "lisa", workspace=other.workspace) as elsewhere, browser(web) as http:
        await http.get(provider.log_in(await _there(http, acme)))
        there = await http.post("/api/v1/sessions/workspace", json={"workspace": other.workspace})
        assert (there.status_code, there.json()["type"]) == (403, "urn:daybook:problem:confined")
        named = (await http.get("/api/v1/me/workspaces")).json()["items"]
        assert [one["workspace"] for one in named] == [acme.workspace]
        assert {one["workspace"] for one in (await http.get("/api/v1/sessions")).json()["items"]} == {acme.workspace}
        theirs = (await elsewhere.get("/api/v1/sessions")).json()["items"]
        foreign = next(one["id"] for one in theirs if one["workspace"] == other.workspace)
        assert (await http.delete(f"/api/v1/sessions/{foreign}")).status_code == 404
        assert (await http.post("/api/v1/sessions/end-all")).status_code == 200
        web.edge.sessions._asked.clear()
        assert (await elsewhere.get("/api/v1/me")).status_code == 200


ABOUT: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://elsewhere.example"},
    "no keys": {"jwks_uri": None},
    "keys without TLS": {"jwks_uri": "http://keys.example/keys"},
    "a file": {"token_endpoint": "file:///etc/passwd"},
}


async def test_a_provider_that_describes_itself_wrongly_is_not_gone_to(web: Web, provider: Provider) -> None:
    acme = await _office(web, provider)
    for what, about in ABOUT.items():
        provider.about = about
        async with browser(web) as http:
            assert (await http.get(f"/sign-in/with/{acme.workspace}")).status_code == 503, what


async def test_what_a_tenant_names_is_asked_only_at_public_addresses(provider: Provider) -> None:
    """Else a workspace's settings would have this service ask its own neighbours."""
    stranger = Outward([])
    try:
        for url in (
            *(provider.url, "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"),
            *(
                "https://169.254.169.254/latest",
                "https://10.0.0.1/",
                "https://user@example.com/",
                "https://x:99999/",
                "x",
            ),
        ):
            with pytest.raises(Refused):
                await stranger.get(url)
    finally:
        await stranger.close()
    known = Outward(["127.0.0.1"])
    try:
        assert (await known.get(f"{provider.url}/keys"))["keys"]
        with pytest.raises(Refused):
            await known.get(f"{provider.url}/elsewhere")
    finally:
        await known.close()


async def test_a_secret_is_sealed_with_the_services_own_key() -> None:
    sealed = Vault("one").seal("secret")
    assert (Vault("one").open(sealed), Vault("one").seal("secret") == sealed) == ("secret", False)
    with pytest.raises(ValueError, match="another key"):
        Vault("two").open(sealed)

"""Signing up, passwords, two-factor, sessions and networks, through the API (W-01, W-02)."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest

from services.licensing.two_factor import step_of
from services.wire import subjects
from services.wire.events import DiaryChanged
from tests.licensing.support import PASSWORD
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "another good password"


def _address() -> str:
    return f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


async def _post(web: Web, path: str, address: str = "", **body: Any) -> httpx.Response:
    async with web.browse(address or _address()) as http:
        return await http.post(f"/api/v1{path}", json=body)


async def _sign_up(web: Web, email: str, **more: str) -> httpx.Response:
    return await _post(web, "/sign-ups", email=email, password=PASSWORD, name="Ada", workspace="Engines", **more)


async def test_sign_up_with_a_confirmed_address(web: Web) -> None:
    """W-01: nobody is there before the link is opened; the link works once."""
    email = f"ada-{secrets.token_hex(4)}@example.test"
    assert (await _sign_up(web, email.upper(), zone="Europe/Berlin")).status_code == 202
    credentials = {"email": email, "password": PASSWORD}
    assert (await _post(web, "/sessions", **credentials)).status_code == 401
    token = await web.licensing.mails.token(email, "Confirm")
    made = await _post(web, "/sign-ups/verify", token=token)
    assert made.status_code == 200, made.text
    answer = (await _post(web, "/sessions", **credentials)).json()
    assert (answer["workspace"], answer["role"]) == (made.json()["workspace"], "owner")
    assert answer["workspaces"][0]["name"] == "Engines"
    again = await _post(web, "/sign-ups/verify", token=token)
    assert (again.status_code, again.json()["type"]) == (404, "urn:daybook:problem:link-over")


async def test_a_link_opened_twice_at_once_makes_one_workspace(web: Web) -> None:
    email = f"ada-{secrets.token_hex(4)}@example.test"
    await _sign_up(web, email)
    token = await web.licensing.mails.token(email)
    answers = await asyncio.gather(*(_post(web, "/sign-ups/verify", token=token) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] + [404] * 5


async def test_who_has_an_account_learns_so_by_mail_only(web: Web) -> None:
    """The answer of the web is the same; the mail leads to a new password."""
    acme = await web.licensing.seed()
    known, unknown = acme.email("lisa"), f"ada-{secrets.token_hex(4)}@example.test"
    answers = [await _sign_up(web, one) for one in (known, unknown)]
    answers += [await _post(web, "/password-resets", email=one) for one in (known, unknown)]
    assert {(one.status_code, one.text) for one in answers} == {(202, "{}")}
    told = await web.licensing.mails.wait_for(known, "You have an account already")
    assert told["text"].startswith("Hello Lisa,"), "not what whoever signed up typed"
    await web.licensing.mails.wait_for(known, "Choose a new password")
    await web.licensing.mails.wait_for(unknown, "Confirm")
    assert web.licensing.mails.to(unknown, "Choose") == []


async def test_a_forgotten_password(web: Web) -> None:
    """The link sets another, once; every session ends, and a mail says so."""
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        await _post(web, "/password-resets", email=acme.email("lisa"))
        token = await web.licensing.mails.token(acme.email("lisa"), "Choose")
        assert (await _post(web, "/password-resets/confirm", token=token, password="short")).status_code == 422
        assert (await _post(web, "/password-resets/confirm", token=token, password=NEW)).status_code == 204
        assert (await _post(web, "/password-resets/confirm", token=token, password=NEW)).status_code == 404
        web.edge.sessions._asked.clear()
        assert (await http.get("/api/v1/sessions")).status_code == 401
    assert (await web.sign_in(acme, "lisa")).status_code == 401
    assert (await web.sign_in(acme, "lisa", password=NEW)).status_code == 200
    await web.licensing.mails.wait_for(acme.email("lisa"), "Your password was changed")


async def test_a_link_is_good_for_its_own_purpose_only(web: Web) -> None:
    acme = await web.licensing.seed()
    await _post(web, "/password-resets", email=acme.email("lisa"))
    token = await web.licensing.mails.token(acme.email("lisa"))
    assert (await _post(web, "/sign-ups/verify", token=token)).status_code == 404
    stored = await web.licensing.store["links"].find_one({"data.email": acme.email("lisa")})
    assert stored is not None
    assert token not in str(stored)


async def test_no_more_than_five_mails_an_hour_to_an_address(web: Web) -> None:
    acme = await web.licensing.seed()
    for _ in range(8):
        assert (await _post(web, "/password-resets", email=acme.email("emil"))).status_code == 202
    mails = await web.licensing.store["mails"].count_documents(
        {"to": acme.email("emil"), "kind": {"$ne": "capture_enabled"}}
    )
    assert mails == 5


async def test_changing_a_password(web: Web) -> None:
    """The present one is asked for; all sessions end, and this one goes on under a new token."""
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as here, web.person(acme, "lisa") as there:
        wrong = await here.put("/api/v1/me/password", json={"old": "wrong", "new": NEW})
        assert wrong.status_code == 403
        changed = await here.put("/api/v1/me/password", json={"old": PASSWORD, "new": NEW})
        assert changed.status_code == 200
        web.edge.sessions._asked.clear()
        assert (await here.get("/api/v1/sessions")).status_code == 401
        _goes_on(here, changed)
        assert (await here.get("/api/v1/sessions")).status_code == 200
        assert (await there.get("/api/v1/sessions")).status_code == 401
    assert (await web.sign_in(acme, "lisa", password=NEW)).status_code == 200


async def test_a_browser_goes_on_under_a_new_cookie(web: Web) -> None:
    """After a new password: what the old cookie held, also in somebody else's hands, holds nothing any more (W-01)."""
    acme = await web.licensing.seed()
    body = {"email": acme.email("lisa"), "password": PASSWORD}
    async with httpx.AsyncClient(base_url=web.url, timeout=20, headers={"Sec-Fetch-Site": "same-origin"}) as http:
        old = (await http.post("/api/v1/sessions", json=body)).json()["token"]
        changed = await http.put("/api/v1/me/password", json={"old": PASSWORD, "new": NEW})
        assert http.cookies["daybook_session"] == changed.json()["token"] != old
        assert (await http.get("/api/v1/me")).status_code == 200
    async with web.browse(Authorization=f"Bearer {old}") as stolen:
        assert (await stolen.get("/api/v1/me")).status_code == 401


def _goes_on(http: httpx.AsyncClient, answer: httpx.Response) -> None:
    http.headers["Authorization"] = f"Bearer {answer.json()['token']}"


async def _with_two_factor(http: httpx.AsyncClient) -> tuple[str, list[str]]:
    begun = (await http.post("/api/v1/me/two-factor", json={"password": PASSWORD})).json()
    secret = begun["secret"]
    assert begun["uri"].startswith("otpauth://totp/Daybook:")
    before = pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30))
    done = await http.post("/api/v1/me/two-factor/confirm", json={"code": before})
    assert done.status_code == 200, done.text
    _goes_on(http, done)
    return secret, done.json()["recovery_codes"]


async def test_two_factor(web: Web) -> None:
    """W-01: asked for after the password; each code works once; so does each recovery code."""
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        early = await http.post("/api/v1/me/two-factor/confirm", json={"code": "000000"})
        assert early.status_code == 409
        assert (await http.post("/api/v1/me/two-factor", json={"password": "wrong"})).status_code == 403
        secret, codes = await _with_two_factor(http)
        assert (await http.get("/api/v1/me/two-factor")).json() == {"enabled": True, "recovery_codes_left": 10}
        asked = await web.sign_in(acme, "lisa")
        assert (asked.status_code, asked.json()["type"]) == (401, "urn:daybook:problem:code-needed")
        assert (await web.sign_in(acme, "lisa", totp="000000")).json()["type"] == "urn:daybook:problem:wrong-code"
        code = pyotp.TOTP(secret).now()
        several = await asyncio.gather(*(web.sign_in(acme, "lisa", totp=code) for _ in range(4)))
        assert sorted(one.status_code for one in several) == [200, 401, 401, 401]
        assert (await web.sign_in(acme, "lisa", totp=codes[3])).status_code == 200
        assert (await web.sign_in(acme, "lisa", totp=codes[3].upper())).status_code == 401
        assert (await http.get("/api/v1/me/two-factor")).json()["recovery_codes_left"] == 9
        again = await http.post("/api/v1/me/two-factor", json={"password": PASSWORD})
        assert again.status_code == 409
        off = {"password": PASSWORD, "code": codes[0]}
        assert (await http.post("/api/v1/me/two-factor/off", json=off | {"code": "1"})).status_code == 401
        ended = await http.post("/api/v1/me/two-factor/off", json=off)
        assert ended.status_code == 200
        _goes_on(http, ended)
    assert (await web.sign_in(acme, "lisa")).status_code == 200


async def test_recovery_codes_are_hashed_at_rest(web: Web) -> None:
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        _, codes = await _with_two_factor(http)
    person = await web.licensing.store["people"].find_one({"email": acme.email("lisa")})
    assert not [code for code in codes if code in str(person) or code.replace("-", "") in str(person)]


async def test_codes_cannot_be_tried_through(web: Web) -> None:
    """From many addresses too: twenty a minute."""
    acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        await _with_two_factor(http)
    tries = (web.sign_in(acme, "lisa", totp="000001", from_address=_address()) for _ in range(26))
    answers = [one.status_code for one in await asyncio.gather(*tries)]
    assert answers.count(401) <= 20
    assert answers.count(429) >= 6


async def test_the_list_of_sessions(web: Web) -> None:
    """One's own, in all workspaces; any of them can be ended, or all at once."""
    acme = await web.licensing.seed()
    async with (
        web.person(acme, "lisa", from_address="198.51.100.7") as here,
        web.person(acme, "lisa") as there,
        web.person(acme, "emil") as other,
    ):
        listed = (await here.get("/api/v1/sessions")).json()["items"]
        assert [one["current"] for one in listed] == [False, True]
        assert listed[1]["address"] == "198.51.100.7"
        assert listed[1]["agent"].startswith("python-httpx")
        assert set(listed[0]) == {"id", "workspace", "address", "agent", "started_at", "seen_at", "until", "current"}
        assert (await other.delete(f"/api/v1/sessions/{listed[0]['id']}")).status_code == 404
        assert (await there.get("/api/v1/sessions")).status_code == 200
        assert (await here.delete(f"/api/v1/sessions/{listed[0]['id']}")).status_code == 204
        assert (await there.get("/api/v1/sessions")).status_code == 401
        assert (await here.post("/api/v1/sessions/end-all")).json() == {"ended": 1}
        assert (await here.get("/api/v1/sessions")).status_code == 401
        assert (await other.get("/api/v1/sessions")).status_code == 200


async def test_a_session_cannot_be_fixed(web: Web) -> None:
    """Each sign-in gets an id of its own, whatever cookie or token came along."""
    acme = await web.licensing.seed()
    first = (await web.sign_in(acme, "lisa")).json()["token"]
    async with web.browse() as http:
        headers = {"Cookie": f"daybook_session={first}", "Sec-Fetch-Site": "same-origin"}
        body = {"email": acme.email("lisa"), "password": PASSWORD}
        answer = await http.post("/api/v1/sessions", json=body, headers=headers)
    second = answer.json()["token"]
    ids = [web.licensing.principal_of(token).session for token in (first, second)]
    assert ids[0] != ids[1]
    assert f"daybook_session={second}" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]


async def test_a_hundred_wrong_passwords(web: Web) -> None:
    """W-01: they end in 429 with a time to wait; the owner gets in from elsewhere meanwhile."""
    acme = await web.licensing.seed()
    thief = _address()
    tries = (web.sign_in(acme, "olga", password=f"wrong {number}", from_address=thief) for number in range(100))
    answers = await asyncio.gather(*tries)
    assert sorted({one.status_code for one in answers}) == [401, 429]
    assert sum(one.status_code == 401 for one in answers) <= 20  # ten a minute, and a minute may end meanwhile
    assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in answers if one.status_code == 429)
    assert (await web.sign_in(acme, "olga", from_address=_address())).status_code == 200


async def test_networks_that_a_workspace_may_be_used_from(web: Web) -> None:
    """W-01: signing in, and going on with a session from elsewhere."""
    acme = await web.licensing.seed()
    inside, outside = "203.0.113.9", "198.51.100.1"
    async with web.person(acme, "olga", from_address=inside) as owner:
        path = f"/api/v1/workspaces/{acme.workspace}"
        out = await owner.patch(path, json={"allowed_ranges": ["192.0.2.0/24"]})
        assert (out.status_code, out.json()["type"]) == (409, "urn:daybook:problem:locks-you-out")
        assert (await owner.patch(path, json={"allowed_ranges": ["nowhere"]})).status_code == 422
        done = await owner.patch(path, json={"allowed_ranges": ["203.0.113.77/24", "2001:db8::/32"]})
        assert done.json()["allowed_ranges"] == ["203.0.113.0/24", "2001:db8::/32"]
        assert (await owner.get("/api/v1/sessions")).status_code == 200
        moved = await owner.get("/api/v1/sessions", headers={"X-Forwarded-For": outside})
        assert moved.status_code == 401
    refused = await web.sign_in(acme, "lisa", from_address=outside)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:daybook:problem:address-not-allowed")
    assert (await web.sign_in(acme, "lisa", from_address="2001:db8::7")).status_code == 200


async def test_an_open_stream_ends_where_its_network_is_shut_out(web: Web) -> None:
    """W-01: what is open already is no way around; one from within goes on."""
    acme = await web.licensing.seed()
    inside, outside = "203.0.113.9", "198.51.100.1"
    changed = DiaryChanged(workspace=acme.workspace, member=acme.member("olga"), slots=["2026-11-20T10:00:00Z"])
    said = subjects.diary_changed(acme.workspace, acme.member("olga")), changed.model_dump_json().encode()
    async with (
        web.person(acme, "olga", from_address=inside) as owner,
        web.person(acme, "olga", from_address=outside) as away,
        owner.stream("GET", "/api/v1/events") as kept,
        away.stream("GET", "/api/v1/events") as ended,
    ):
        lines, last = kept.aiter_lines(), ended.aiter_lines()
        assert [await anext(lines), await anext(last)] == [": still here"] * 2
        path = f"/api/v1/workspaces/{acme.workspace}"
        async with web.person(acme, "olga", from_address=inside) as http:
            assert (await http.patch(path, json={"allowed_ranges": ["203.0.113.0/24"]})).is_success
            assert (await http.get("/api/v1/me", headers={"X-Forwarded-For": outside})).status_code == 401
        await web.licensing.caller.publish(*said)
        async with asyncio.timeout(20):
            assert [line async for line in last if line] == [], "ended without having told anything more"
            assert "event: diary.changed" in [await anext(lines), await anext(lines)]


async def test_a_strange_request_is_refused(web: Web) -> None:
    """Bodies are read strictly, and nothing of an account is shown to nobody."""
    for path in ("/sign-ups", "/sign-ups/verify", "/password-resets", "/password-resets/confirm"):
        for body in ({}, {"email": {"$ne": 1}, "token": {"$gt": ""}}, {"token": "x", "purpose": "reset"}):
            assert (await _post(web, path, **body)).status_code == 422
    async with web.browse() as http:
        for method, path in (
            *(("GET", "sessions"), ("GET", "me/two-factor"), ("GET", "me/workspaces"), ("POST", "sessions/end-all")),
            *(("PUT", "me/password"), ("POST", "me/two-factor"), ("POST", "sessions/workspace")),
        ):
            assert (await http.request(method, f"/api/v1/{path}")).status_code == 401


async def test_of_codes_only_those_around_now_are_right() -> None:
    secret, at = pyotp.random_base32(), datetime(2026, 11, 22, 12, tzinfo=UTC)
    steps = [step_of(secret, pyotp.TOTP(secret).at(at + timedelta(seconds=30 * n)), at) for n in range(-3, 4)]
    present = int(at.timestamp()) // 30
    assert steps == [None, None, present - 1, present, present + 1, None, None]

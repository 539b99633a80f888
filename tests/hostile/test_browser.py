"""What other sites and planted cookies may try with somebody's browser (W-01)."""

import httpx
import pytest

from tests.hostile.counting import got_through
from tests.hostile.tenants import Tenant
from tests.support.routes import Door

ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {},  # a browser says; what carries our cookie and does not say is none of ours
)


async def test_no_other_site_changes_anything(ours: Tenant, app_doors: list[Door]) -> None:
    """Every route that changes something, with the cookie that a browser would send along, by each kind of request."""
    writes = [door for door in app_doors if door.method not in ("GET", "HEAD", "OPTIONS")]
    assert len(writes) > 40
    passed = []
    cookie = {"Cookie": f"daybook_session={ours.tokens['owner']}"}
    async with httpx.AsyncClient(base_url=ours.stack.web, timeout=30, headers=cookie) as http:
        for door in writes:
            for headers in ELSEWHERE if door.path == "/api/v1/teams" else ELSEWHERE[:1]:
                answer = await http.request(door.method, ours.path(door), headers=headers, json={})
                if (answer.status_code, answer.json().get("type")) != (403, "urn:daybook:problem:cross-site"):
                    passed.append(f"{door.method} {door.path} {headers} → {answer.status_code}")
        still = await http.get("/api/v1/me")
    assert got_through(passed) == []
    assert still.status_code == 200


async def test_a_session_set_beforehand_is_never_taken_over(ours: Tenant) -> None:
    """A cookie that somebody put into a browser is replaced at sign-in, and what they hold stays theirs alone."""
    account = ours.stack.account("employee")
    body = {name: account[name] for name in ("email", "password")}
    planted = ours.tokens["client"]
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {}):
        async with httpx.AsyncClient(base_url=ours.stack.web, timeout=20, cookies={"daybook_session": planted}) as http:
            answer = await http.post("/api/v1/sessions", json=body, headers=headers)
            assert answer.status_code == 200
            cookie = answer.headers["set-cookie"]
            assert answer.json()["token"] not in (planted, ours.tokens["employee"])
            assert cookie.startswith(f"daybook_session={answer.json()['token']};")
            assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {one.strip() for one in cookie.split(";")}
    theirs = await ours.client(token=planted).get("/api/v1/me")
    assert theirs.json()["role"] == "client"


@pytest.mark.parametrize("name", ["session", "token", "sid", "member", "workspace", "role"])
async def test_no_id_of_a_session_is_taken_from_outside(ours: Tenant, name: str) -> None:
    account = ours.stack.account("employee")
    body = {one: account[one] for one in ("email", "password")} | {name: "ses-planted"}
    async with ours.client() as http:
        answer = await http.post("/api/v1/sessions", json=body)
    assert answer.status_code in (404, 422)
    assert "set-cookie" not in answer.headers

"""Personal API tokens (W-08): hashed at rest, shown once, for their scopes only, gone with a revocation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.kit.access import Action
from services.wire import requests, slots
from tests.licensing.support import Acme, until
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _token(http: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = await http.post("/api/v1/tokens", json={"name": "Reports", "scopes": list(scopes)} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _status(web: Web, token: str, method: str = "GET", path: str = "/members", **more: Any) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with web.browse(more.pop("address", "")) as http:
        return (await http.request(method, f"/api/v1{path}", headers=headers, **more)).status_code


async def test_a_token_acts_as_its_member(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    async with web.person(acme, "adam") as http:
        made = await _token(http, "people:read", "people:write")
        token = made["token"]
        assert token.startswith("daybook_")
        [listed] = (await http.get("/api/v1/tokens")).json()["items"]
        assert "token" not in listed
        assert (listed["name"], listed["scopes"], listed["state"]) == ("Reports", made["scopes"], "active")
    for name in ("tokens", "token_secrets"):
        assert token not in str(await web.licensing.store[name].find().to_list(None))
    assert await _status(web, token) == 200
    assert await _status(web, token, "POST", "/teams", json={"name": "Sea"}) == 201
    assert await _status(web, token, path="/licences") == 403
    assert await _status(web, token[:-1] + ("x" if token[-1] != "x" else "y")) == 401


async def test_a_token_reaches_no_account(web: Web) -> None:
    """Nor makes further tokens, nor opens pages."""
    acme: Acme = await web.licensing.seed()
    async with web.person(acme, "olga") as http:
        token = (await _token(http, "read", "write"))["token"]
    body = {"name": "More", "scopes": ["write"]}
    for method, path in (("GET", "/sessions"), ("POST", "/me/two-factor"), ("PUT", "/me/password"), ("GET", "/tokens")):
        assert await _status(web, token, method, path, json=body) == 403
    assert await _status(web, token, "POST", "/tokens", json=body) == 403
    assert await _status(web, token, "POST", "/sessions/end-all") == 403
    assert await _status(web, token, path="/../../") in (401, 403, 404)


async def test_a_token_ends(web: Web) -> None:
    """Revoked, with its member archived, or from a network that the workspace does not allow."""
    acme: Acme = await web.licensing.seed()
    async with web.person(acme, "lisa", from_address="203.0.113.1") as http, web.person(acme, "emil") as other:
        first, second = [await _token(http, "read") for _ in "ab"]
        revoked = await other.patch(f"/api/v1/tokens/{first['id']}", json={"state": "revoked"})
        assert revoked.status_code == 404
        assert (await http.patch(f"/api/v1/tokens/{first['id']}", json={"state": "revoked"})).json()["revoked_at"]
    inside = {"address": "203.0.113.1"}
    assert await _status(web, first["token"], **inside) == 401
    assert await _status(web, second["token"], **inside) == 200
    outside = {"address": "198.51.100.1"}
    assert await _status(web, second["token"], **outside) == 200
    ranges = {"allowed_ranges": ["203.0.113.0/24"]}
    asked = requests.Change(
        principal=acme.principal("olga"), collection="workspaces", id=acme.workspace, body=ranges, address="203.0.113.9"
    )
    await web.licensing.ask("change", asked)
    await until(lambda: _answers(401, web, second["token"], **outside), seconds=5)
    assert await _status(web, second["token"], **inside) == 200
    await acme.change("olga", "members", acme.member("lisa"), archived=True)
    await until(lambda: _answers(401, web, second["token"], **inside), seconds=5)


async def test_what_ended_is_refused_by_every_web_process(web: Web) -> None:
    """W-01, W-03, W-08: within five seconds, though each of them remembers for half a minute that it held."""
    acme: Acme = await web.licensing.seed()
    async with (
        Web(web.licensing).running() as other,
        web.person(acme, "lisa") as lisa,
        web.person(acme, "adam") as adam,
    ):
        token = await _token(lisa, "read")
        held = [str(http.headers["Authorization"]).removeprefix("Bearer ") for http in (lisa, adam)]
        for one in (web, other):
            for secret in (token["token"], *held):
                assert await _status(one, secret) == 200

        await lisa.patch(f"/api/v1/tokens/{token['id']}", json={"state": "revoked"})
        await until(lambda: _answers(401, other, token["token"]), seconds=5)
        assert await _status(other, held[0]) == 200

        await lisa.post("/api/v1/sessions/end-all")
        await until(lambda: _answers(401, other, held[0]), seconds=5)

        await acme.change("olga", "members", acme.member("adam"), role="employee")
        for one in (web, other):
            await until(lambda one=one: _answers(401, one, held[1]), seconds=5)  # type: ignore[misc]


async def test_a_token_that_ends_by_time_ends_on_time(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        over = slots.format_instant(datetime.now(UTC) + timedelta(seconds=3))
        made = await _token(http, "read", expires=over)
    assert await _status(web, made["token"]) == 200
    await until(lambda: _answers(401, web, made["token"]), seconds=5)


async def _answers(status: int, web: Web, token: str, **more: Any) -> bool:
    return await _status(web, token, **more) == status


async def test_bodies_of_tokens_are_strict(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    async with web.person(acme, "lisa") as http:
        for body in (
            *({"scopes": []}, {"scopes": ["everything"]}, {"scopes": {"$ne": 1}}, {"scopes": ["read"], "member": "x"}),
            {"scopes": ["read"], "expires": "2020-01-01T00:00:00Z"},
        ):
            assert (await http.post("/api/v1/tokens", json={"name": "x"} | body)).status_code == 422


async def test_a_scope_opens_what_its_rows_say() -> None:
    assert Action.READ_DIARY.opened_by(["read"])
    assert Action.CHANGE_MEMO.opened_by(["diary:write"])
    assert Action.READ_ME.opened_by([])
    for scopes, action in (
        *((["read"], Action.CREATE_MEMBERS), (["diary:read"], Action.READ_MEMBERS), (["write"], Action.READ_MEMBERS)),
        *((["read", "write"], Action.OWN_ACCOUNT), (["read", "write"], Action.CREATE_TOKENS)),
        *((["any", "own", ""], Action.OWN_ACCOUNT), (["read", "write"], Action.ENTER)),
    ):
        assert not action.opened_by(scopes), (scopes, action)

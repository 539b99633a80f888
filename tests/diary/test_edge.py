"""The edge: sign-in, cookies from our pages only, problem documents for whatever is sent, headers on every answer."""

from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.diary.api.bodies import identifier
from services.diary.days import read_date, read_zone
from services.kit.problems import Problem
from tests.diary.running import Diary

DAY = "/api/v1/diary/mira/days/2026-11-17"


async def _signs_in(diary: Diary) -> None:
    def sign_in(body: dict[str, Any]) -> dict[str, Any]:
        if body["password"] == "slow":
            raise Problem(429, "too-many", "Too many tries.", "Wait a minute.", retry_after=60)
        if body["password"] != "right":
            raise Problem(401, "no-match", "E-mail and password do not fit.")
        return {
            "token": diary.token("mira"),
            "member": "mira",
            "workspace": diary.workspace,
            "name": "Mira",
            "role": "employee",
            "workspaces": [{"workspace": diary.workspace, "name": "Harbour", "role": "employee"}],
        }

    await diary.answer("licensing", "sign_in", sign_in)
    await diary.answer("licensing", "sign_out", lambda body: {})


async def test_signing_in_and_out(diary: Diary) -> None:
    """W-01: a token for programs, the same as a cookie out of scripts' reach for pages."""
    await _signs_in(diary)
    credentials = {"email": "mira@x.test", "password": "right"}
    async with diary.browse() as http:
        answer = await http.post("/api/v1/sessions", json=credentials)
        assert answer.status_code == 200
        assert list(answer.json()) == ["token", "member", "workspace", "name", "role", "workspaces"]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("daybook_session=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie, "the public address of this test is plain http"
        me = (await http.get("/api/v1/me")).json()
        assert (me["member"], me["workspace"], me["role"]) == ("mira", diary.workspace, "employee")
        assert (await http.delete("/api/v1/sessions", headers={"Origin": diary.url})).status_code == 204
        assert (await http.get("/api/v1/me")).status_code == 401
        wrong = await http.post("/api/v1/sessions", json={**credentials, "password": "wrong"})
        assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:daybook:problem:no-match")
        slow = await http.post("/api/v1/sessions", json={**credentials, "password": "slow"})
        assert (slow.status_code, slow.headers["retry-after"]) == (429, "60")
    asked = [body for verb, body in diary.asked if verb == "licensing.sign_in"]
    assert asked[0]["address"] == "127.0.0.1"


ORIGINS: list[tuple[dict[str, str], int]] = [
    ({"Origin": "{own}"}, 204),
    ({"Sec-Fetch-Site": "same-origin"}, 204),
    ({}, 403),
    ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://["}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
]


async def test_a_cookie_changes_things_from_our_pages_only(diary: Diary) -> None:
    await _signs_in(diary)
    for headers, status in ORIGINS:
        async with diary.browse() as http:
            http.cookies.set("daybook_session", diary.token("mira"))
            sent = {name: value.format(own=diary.url) for name, value in headers.items()}
            assert (await http.delete("/api/v1/sessions", headers=sent)).status_code == status, headers
            assert (await http.get("/api/v1/me")).status_code == (401 if status == 204 else 200)


async def test_a_bearer_needs_no_origin(diary: Diary) -> None:
    await _signs_in(diary)
    async with diary.browse("mira") as http:
        http.cookies.set("daybook_session", diary.token("mira"))
        assert (await http.delete("/api/v1/sessions", headers={"Origin": "http://other.test"})).status_code == 204


async def test_activation_goes_to_licensing_with_the_callers_address(diary: Diary) -> None:
    """L-03: no session needed; the licence key and the device's own key are the right to it."""
    made: dict[str, Any] = dict.fromkeys(("workspace", "member", "notice_key", "licence_public"), "-")
    made |= {"device": "dev-1", "bus": []}
    made |= {"entitlement": {"message": "{}", "signature": "-"}}
    made |= {"licence": {"document": "{}", "signature": "-", "key": "-"}}
    await diary.answer("licensing", "activate", lambda body: made)
    device = {"name": "n", "os": "linux", "kind": "desktop", "public_key": "k"}
    async with diary.browse() as http:
        answer = await http.post("/api/v1/activations", json={"licence_key": "L", "device": device, "proof": "p"})
        assert (answer.status_code, answer.json()) == (200, made)
        short = await http.post("/api/v1/activations", json={"licence_key": "L"})
        assert short.status_code == 422
        assert "device" in short.json()["detail"]
    assert [body["address"] for verb, body in diary.asked if verb == "licensing.activate"] == ["127.0.0.1"]


ADDRESSES = [
    ("/api/v1/diary/mira/days/2026-13-45", 422),
    ("/api/v1/diary/mira/days/0001-01-01", 422),
    ("/api/v1/diary/mira/days/9999-12-31", 422),
    ("/api/v1/diary/mira/days/20261117", 422),
    ("/api/v1/diary/mira/days/2026-W47-2", 422),
    ("/api/v1/diary/mira/days/today", 422),
    (f"{DAY}?zone=Nowhere/Land", 422),
    (f"{DAY}?zone=../../etc/passwd", 422),
    (f"{DAY}?zone=Europe", 422),
    (f"{DAY}?zone=%00", 422),
    (f"{DAY}?zone={'x' * 5000}", 422),
    ("/api/v1/diary/%00/days/2026-11-17", 404),
    ("/api/v1/diary/%ED%A0%80/days/2026-11-17", 404),
    ("/api/v1/diary/$ne/days/2026-11-17", 404),
    ("/api/v1/captures/%7C/picture", 404),
    ("/api/v1/captures/a%7Cb/picture", 404),
    (f"/api/v1/captures/{'x' * 41}/picture", 404),
    ("/api/v1/timesheets/con/2026-11-17", 422),
    ("/api/v1/scores?from=2026-99-99", 422),
    ("/api/v1/scores?from=0001-01-01&to=2199-12-31", 422),
    ("/api/v1/audit?limit=99999999999999999999", 422),
    ("/api/v1/audit?limit=x", 422),
    ("/api/v1/nothing", 404),
    ("/api/v1/diary/mira", 404),
]


async def test_bad_addresses_are_clear_problems(diary: Diary) -> None:
    async with diary.browse("mira") as http:
        for path, status in ADDRESSES:
            answer = await http.get(path)
            assert answer.status_code == status, (path, answer.text)
            _is_problem(answer)


BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"email":"a","email":"b","password":"x"}',
    b'{"email":"\\ud800","password":"x"}',
    b'{"email":1,"password":"x"}',
    b'{"email":"a","password":"x","extra":1}',
    b'{"email":1e400,"password":1.5}',
    b'{"email":' + b"9" * 5000 + b"}",
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b"[" * 100_000,
    b'{"email":"' + b"x" * 2000 + b'","password":"x"}',
]


async def test_bad_bodies_are_clear_problems(diary: Diary) -> None:
    async with diary.browse("mira", "admin") as http:
        for body in BODIES:
            for path in ("/api/v1/sessions", "/api/v1/activations"):
                answer = await http.post(path, content=body, headers={"Content-Type": "application/json"})
                assert answer.status_code == 422, (body[:40], answer.text)
                _is_problem(answer)
    assert [verb for verb, _ in diary.asked if verb != "licensing.session"] == []


async def test_what_is_not_json_or_too_large_or_the_wrong_method(diary: Diary) -> None:
    async with diary.browse("mira", "admin") as http:
        form = await http.post("/api/v1/contracts", data={"a": "b"})
        large = await http.post("/api/v1/contracts", json={"a": "x" * 300_000})
        wrong = await http.put("/api/v1/contracts", json={})
        surrogate = await http.post(
            "/api/v1/contracts", content=b'{"a":"\\udfff"}', headers={"Content-Type": "application/json"}
        )
    assert [one.status_code for one in (form, large, wrong, surrogate)] == [415, 413, 405, 422]
    assert wrong.headers["allow"]
    for one in (form, large, wrong, surrogate):
        _is_problem(one)


async def test_what_breaks_inside_is_no_stack_trace(diary: Diary) -> None:
    """Something unexpected is a 500 that says nothing of the inside; a part that is away is a 503."""
    async with diary.browse("mira", "admin") as http:
        away = await http.get("/api/v1/contracts")
        assert (away.status_code, away.json()["type"]) == (503, "urn:daybook:problem:unavailable")
        await diary.db["weeks"].drop()
        await diary.db["segments"].insert_one(
            {"_id": f"{diary.workspace}|mira|2026-11-17T09:00:00Z|c|d", "shown": b"", "week": "w"}
        )
        broken = await http.get(DAY)
        assert broken.status_code == 500
        assert "Traceback" not in broken.text
        assert "KeyError" not in broken.text
        _is_problem(broken)


async def test_every_answer_carries_what_browsers_need(diary: Diary) -> None:
    async with diary.browse("mira") as http:
        for path in (DAY, "/api/v1/nothing", "/api/v1/openapi.json"):
            headers = (await http.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert "style-src 'self'; style-src-attr 'unsafe-inline'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"


async def test_what_is_answered_before_the_application_is_answered_as_by_it(diary: Diary) -> None:
    """HEAD goes the long way (lean.py): whoever asks for whatever, it has the head of GET."""
    nobody, employee, client = diary.browse(), diary.browse("mira"), diary.browse("cliff", "client")
    asked = [(nobody, DAY, 401), (employee, DAY, 200), (employee, f"{DAY}?zone=Europe/Berlin", 200), (client, DAY, 404)]
    asked += [(employee, DAY.replace("mira", "nobody"), 404), (employee, DAY.replace("mira", "vera"), 403)]
    asked += [(employee, f"{DAY}?other=1", 422), (employee, f"{DAY}/", 404)]
    await diary.tell(diary.teller.member("vera"))
    for http, path, status in asked:
        short, long = await http.get(path), await http.head(path)
        assert short.status_code == long.status_code == status, path
        heads = [{name: value for name, value in one.headers.items() if name != "date"} for one in (short, long)]
        assert heads[0] == heads[1], path
    wrong = await employee.delete(DAY)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    for http in (nobody, employee, client):
        await http.aclose()


async def test_health_and_the_description(diary: Diary) -> None:
    """V-04: everything is in the description; health stands on the same port without a session."""
    async with diary.browse() as http:
        assert (await http.get("/livez")).json() == {"status": "ok"}
        assert (await http.get("/readyz")).json() == {"bus": "ok", "store": "ok"}
        assert "daybook_live_pages" in (await http.get("/metrics")).text
        paths = (await http.get("/api/v1/openapi.json")).json()["paths"]
    for path, methods in {
        "/sessions": {"post", "delete"},
        "/me": {"get"},
        "/activations": {"post"},
        "/diary/{member}/days/{date}": {"get"},
        "/diary/{member}/edits": {"get"},
        "/captures/{id}/picture": {"get"},
        "/captures/{id}/thumbnail": {"get"},
        "/scores": {"get"},
        "/audit": {"get"},
        "/events": {"get"},
        "/timesheets/{contract}/{week}": {"get"},
        "/devices/{id}/sync": {"get"},
        "/contracts": {"get", "post"},
        "/contracts/{id}": {"get", "patch"},
    }.items():
        assert methods <= set(paths[f"/api/v1{path}"]), path


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    pieces=st.lists(st.text(max_size=30), min_size=3, max_size=3),
    query=st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=3),
)
def test_nothing_in_an_address_makes_it_break(pieces: list[str], query: dict[str, str]) -> None:
    """Reading an address is pure: whatever it holds, it is a date, a zone, an id or a clear refusal."""
    for text in (*pieces, *query, *query.values()):
        for reader in (lambda one: identifier(one, "thing"), read_date, read_zone):
            assert _status(lambda reader=reader, text=text: reader(text)) in (200, 404, 422)


def _status(read: Callable[[], object]) -> int:
    try:
        read()
    except Problem as problem:
        return problem.status
    return 200


def _is_problem(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == answer.status_code
    assert content["title"]
    assert content["type"].startswith("urn:daybook:problem:")

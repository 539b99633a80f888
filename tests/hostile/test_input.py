"""Hostile input at every endpoint: operators, fields that are nobody's to set, odd bytes, verbs and sizes (S-07, L-08).

Derived from the routes, the OpenAPI and the collections, so that a new endpoint or field is tried by itself.
"""

import asyncio
import itertools
import json
import socket
from collections.abc import Iterable
from typing import Any, get_args
from urllib.parse import quote, urlsplit

import httpx
import pytest

from services.kit.access import of_collection
from services.wire.requests import Collection
from tests.hostile.bodies import fields, valid
from tests.hostile.counting import got_through, part
from tests.hostile.tenants import Tenant, singular
from tests.support.routes import Door

OPERATORS: list[Any] = [
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(1)"},
    {"$regex": ".*"},
    [{"$ne": 1}],
    {"$set": {}},
]
TEXTS = [
    *('{"$ne":null}', "$where", "' OR 1=1 --", "../../etc/passwd", "\x00", "\r\nSet-Cookie: x=1", "\u202e", "a" * 5000),
    *("\ud83d\ude00", "-1", "9" * 400, "1e999", "NaN", "null", "%2e%2e%2f", "|", "ws-1|mem-1", "{{7*7}}", "${7*7}"),
]
#: nobody's to set by a body, whatever the collection
FORBIDDEN: dict[str, Any] = {
    "workspace": "ws-other",
    "id": "mem-other",
    "_id": "x|y",
    "revision": 99,
    "created_at": "2020-01-01T00:00:00Z",
    "person": "per-other",
    "hash": "x",
    "places": [],
    "actor": "x",
    "principal": {},
    "seats_taken": 0,
    "invited": False,
    "$set": {"role": "owner"},
    "__proto__": {"role": "owner"},
    "sealed": "x",
    "until": None,
    "ended": False,
}
_ACCOUNT = {"/api/v1/sessions/end-all", "/api/v1/sessions"}


async def _together(http: httpx.AsyncClient, asked: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], int, str]]:
    gate = asyncio.Semaphore(8)

    async def one(request: dict[str, Any]) -> tuple[dict[str, Any], int, str]:
        async with gate, http.stream(**request) as answer:
            live = "event-stream" in answer.headers.get("content-type", "")
            text = "" if live else (await answer.aread()).decode("utf-8", "replace")
            return request, answer.status_code, text

    async with http:
        return await asyncio.gather(*(one(request) for request in asked))


def _collections() -> list[tuple[Collection, str]]:
    return [(one, verb) for one in get_args(Collection) for verb in ("create", "change") if of_collection(one, verb)]


async def test_operators_and_foreign_fields_in_bodies_are_refused(ours: Tenant) -> None:
    """One wrong field in a body that would be taken otherwise, on objects that are there."""
    asked, before = [], ours.everything()
    for collection, verb in _collections():
        if collection == "imports":
            continue
        path, body = f"/api/v1/{collection}", valid(collection, ours)
        if verb == "change":
            path, body = f"{path}/{ours.ids.get(singular(collection), 'nothing')}", {}
        names = sorted(fields(collection))
        wrong = [{name: value} for name, value in itertools.product(names, OPERATORS) if name != "policy"]
        wrong += [{name: value} for name, value in FORBIDDEN.items() if name not in names]
        method = "POST" if verb == "create" else "PATCH"
        asked += [{"method": method, "url": path, "json": body | one} for one in wrong]
    assert len(asked) > 800
    answers = await _together(ours.client("owner"), part(asked, 160))
    assert got_through([f"{request} {status}" for request, status, _ in answers if status not in (404, 409, 422)]) == []
    assert [
        f"{request} {status}" for request, status, _ in answers if status == 404 and "nothing" not in request["url"]
    ] == []
    assert _comparable(ours.everything()) == _comparable(before)


def _comparable(everything: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Without what other tests of the same stack may do meanwhile."""
    return {name: {one["id"] for one in items} for name, items in everything.items() if name not in ("tokens", "mails")}


async def test_hostile_texts_in_paths_and_queries_are_refused_or_match_nothing(
    ours: Tenant, app_doors: list[Door]
) -> None:
    schema = (await ours.client().get("/api/v1/openapi.json")).json()
    asked: list[dict[str, Any]] = []
    for door in app_doors:
        if not door.action or door.path in _ACCOUNT:
            continue
        body = {"json": {}} if door.method in ("POST", "PUT", "PATCH", "DELETE") else {}
        start = door.path.find("{")
        if start >= 0:
            asked += [{"method": door.method, "url": _filled(door.path, text), **body} for text in TEXTS[:14]]
        operation = schema["paths"].get(door.path, {})
        named = [
            one["name"] for one in operation.get(door.method.lower(), {}).get("parameters", []) if one["in"] == "query"
        ]
        for name in [*named, "member", "$where"]:
            values = [*TEXTS[:12], *TEXTS[13:]] if name in named else TEXTS[:2]
            asked += [
                {"method": door.method, "url": f"{ours.path(door)}?{name}={quote(v, errors='replace')}", **body}
                for v in values
            ]
            asked.append({"method": door.method, "url": f"{ours.path(door)}?{name}[$ne]=", **body})
    reading = [one for one in asked if one["method"] in ("GET", "HEAD")]
    assert len(reading) > 500
    answers = await _together(ours.client("employee"), part(reading, 160))
    assert got_through([f"{request} {status}" for request, status, _ in answers if status >= 500]) == []
    injected = [request for request, _, text in answers if ">49<" in text or "root:x:0" in text]
    assert got_through([str(one) for one in injected]) == []


def _filled(path: str, text: str) -> str:
    parts = [
        "" if not one else quote(text, safe="", errors="replace") if one.startswith("{") else one
        for one in path.split("/")
    ]
    return "/".join(parts)


ODD_BODIES: dict[str, bytes] = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not UTF-8": b'{"email":"\xff\xfe","password":"x"}',
    "a lone surrogate": b'{"email":"\\ud800","password":"x"}',
    "a NUL": b'{"email":"a\\u0000@example.test","password":"x"}',
    "twice the same key": b'{"email":"a@example.test","email":"b@example.test","password":"x"}',
    "a huge number": b'{"email":' + b"9" * 10_000 + b',"password":"x"}',
    "not a number": b'{"email":NaN,"password":1e999}',
    "a list": b"[]",
    "nothing": b"",
    "half": b'{"email":"a',
    "a lot": b'{"email":"' + b"a" * 300_000 + b'"}',
    "an emoji": '{"email":"\U0001f600@example.test","password":"x"}'.encode(),
}


@pytest.mark.parametrize("path", ["/sessions", "/sign-ups", "/activations"])
async def test_odd_bodies_are_refused(ours: Tenant, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    asked = [
        {"method": "POST", "url": f"/api/v1{path}", "content": one, "headers": headers} for one in ODD_BODIES.values()
    ]
    for name, (_, status, text) in zip(ODD_BODIES, await _together(ours.client(), asked), strict=True):
        assert got_through([name] if status not in (401, 413, 422, 429) else []) == [], status
        assert json.loads(text)["status"] == status


async def test_bodies_of_other_kinds_are_refused(ours: Tenant) -> None:
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json+x", "")
    asked = [
        {"method": "POST", "url": "/api/v1/teams", "content": b'{"name":"x"}', "headers": {"Content-Type": kind}}
        for kind in kinds
    ]
    zipped = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    asked.append(
        {"method": "POST", "url": "/api/v1/teams", "content": b"\x1f\x8b\x08" + b"\0" * 100, "headers": zipped}
    )
    statuses = [status for _, status, _ in await _together(ours.client("owner"), asked)]
    assert statuses == [415] * 5 + [422]


async def test_head_is_get_without_a_body(ours: Tenant, app_doors: list[Door]) -> None:
    reads = [door for door in app_doors if door.method == "GET" and door.in_schema]
    async with ours.client("owner") as http:
        for door in part(reads, 12):
            answer = await asyncio.wait_for(http.head(ours.path(door)), 20)
            assert answer.content == b""
            assert answer.status_code != 405, door
            if "events" not in door.path:
                assert answer.status_code == (await http.get(ours.path(door))).status_code, door


async def test_verbs_that_nobody_knows_are_refused_as_all_else_is(ours: Tenant) -> None:
    async with ours.client("owner") as http:
        for verb in ("TRACE", "PROPFIND", "OPTIONS", "LOCK", "PUT"):
            answer = await http.request(verb, "/api/v1/members")
            assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json"), verb
    for line in (b"JUNK /api/v1/me HTTP/1.1", b"get /api/v1/me HTTP/1.1", b"\x16\x03\x01", b"GET /api/v1/me HTTP/9.9"):
        answer = await asyncio.to_thread(_raw, ours.stack.web, line + b"\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), (line, answer)
        assert b"application/problem+json" in answer, line


def _raw(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.settimeout(10)
        return connection.recv(4000)


async def test_no_header_is_smuggled_into_an_answer(ours: Tenant) -> None:
    """Nor is an address of elsewhere gone to."""
    async with ours.client() as http:
        for next in (
            "%0d%0aSet-Cookie:%20x=1",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:1",
        ):
            answer = await http.get(f"/diary/x/y?next={next}")
            assert "x" not in answer.cookies
            page = await http.get(f"/sign-in?next={next}")
            assert 'value="/"' in page.text, next
        both = b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        smuggled = both + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
        assert (await asyncio.to_thread(_raw, ours.stack.web, smuggled)).startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))


async def test_health_and_metrics_are_the_operators(ours: Tenant) -> None:
    """What came by a proxy came from outside."""
    async with ours.client() as http:
        for path in ("/metrics", "/readyz", "/livez"):
            assert (await http.get(path)).status_code == 200
            for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
                answer = await http.get(path, headers={header: "203.0.113.9"})
                assert (answer.status_code, "daybook_" in answer.text) in ((404, False), (303, False)), (path, header)


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "../../etc/passwd", "", "utc", "UTC\x00"])
async def test_zones_are_places(ours: Tenant, zone: str) -> None:
    async with ours.client("owner") as http:
        day = await http.get(f"/api/v1/diary/{ours.ids['member']}/days/2026-11-17", params={"zone": zone})
        assert day.status_code == 422
        if zone:
            changed = await http.patch(f"/api/v1/workspaces/{ours.workspace}", json={"zone": zone})
            assert changed.status_code == 422

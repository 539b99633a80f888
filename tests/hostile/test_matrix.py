"""Every route × every role, nobody and API tokens × another tenant's ids, derived from the routes and the one table.

A new route is in it by itself (services/kit/access.py): who has no business there gets 401 or 403, another tenant's ids
are 404, and nothing of that tenant is shown or changed (L-08, M-02, S-07, W-08).
"""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import httpx

from services.kit.access import ROLES, Action
from tests.hostile.counting import part
from tests.hostile.tenants import Tenant
from tests.support.long import LONG
from tests.support.routes import Door

_AT_ONCE = 8
_UNSEEN = {404, 409, 413, 415, 422}
"""What may be answered where another tenant's id is named: unknown, or refused before anybody looked."""


class Tried(NamedTuple):
    """A request that was tried and what came of it."""

    who: str
    door: Door
    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.who}: {self.door.method} {self.door.path} → {self.status}"


async def _try(http: httpx.AsyncClient, who: str, door: Door, path: str) -> Tried:
    writes = door.method not in ("GET", "HEAD")
    async with http.stream(door.method, path, **({"json": {}} if writes else {})) as answer:
        live = "event-stream" in answer.headers.get("content-type", "")
        text = "" if live else (await answer.aread()).decode("utf-8", "replace")
        return Tried(who, door, answer.status_code, text + answer.headers.get("location", ""))


async def _all(http: httpx.AsyncClient, who: str, wanted: Iterable[tuple[Door, str]]) -> list[Tried]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(door: Door, path: str) -> Tried:
        async with gate:
            return await _try(http, who, door, path)

    async with http:
        return await asyncio.gather(*(one(door, path) for door, path in wanted))


def _wrong(tried: Iterable[Tried], *allowed: int) -> list[str]:
    return [str(one) for one in tried if one.status not in allowed]


async def test_nobody_gets_in_anywhere(ours: Tenant, app_doors: list[Door]) -> None:
    closed = [(door, ours.path(door)) for door in app_doors if door.action and not door.action.open]
    for token, most in ((None, len(closed)), ("forged.token", 12), ("daybook_forged", 12)):
        tried = await _all(ours.client(token=token), f"token {token}", part(closed, most))
        assert _wrong([one for one in tried if one.door.path.startswith("/api/")], 401) == []
        pages = [one for one in tried if not one.door.path.startswith("/api/")]
        assert _wrong(pages, 303, 401) == []
        assert [str(one) for one in pages if one.status == 303 and "/sign-in" not in one.text] == []


async def test_a_role_without_a_row_is_refused(ours: Tenant, app_doors: list[Door]) -> None:
    for role in ROLES:
        denied = [
            (door, ours.path(door))
            for door in app_doors
            if door.action and not door.action.open and not door.action.scopes(role)
        ]
        tried = await _all(ours.client(role), role, denied)
        assert _wrong(tried, 403) == []
        assert [str(one) for one in tried if "/api/" in one.door.path and not _names_its_rule(one)] == []
        assert bool(tried) == (role != "owner"), "an admin may all but end the workspace (W-02)"


async def test_another_tenants_ids_are_unknown_to_every_role(
    ours: Tenant, theirs: Tenant, app_doors: list[Door]
) -> None:
    before, secrets = theirs.everything(), theirs.secrets()
    assert not secrets & ours.secrets()
    for role in ROLES:
        allowed = [door for door in app_doors if door.action and door.action.scopes(role)]
        named = [(door, theirs.path(door)) for door in allowed if "{" in door.path]
        tried = await _all(ours.client(role), role, named)
        assert _wrong(tried, *_UNSEEN) == []
        # what names no id and is not one's own account answers from one's own tenant
        plain = [
            (door, door.path) for door in allowed if "{" not in door.path and door.action is not Action.OWN_ACCOUNT
        ]
        tried += await _all(ours.client(role), role, part(plain, 20))
        assert [str(one) for one in tried if one.status >= 500] == []
        shown = [
            f"{one} shows {text}" for one in tried for text in secrets if text in one.text.replace(one.door.path, "")
        ]
        assert [one for one in shown if "sign-in?next=" not in one] == []
    assert _settled(theirs.everything()) == _settled(before)


def _names_its_rule(one: Tried) -> bool:
    assert one.door.action is not None
    return bool(json.loads(one.text)["rule"] == one.door.action.rule)


def _settled(everything: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Without what changes by itself: when a device was heard of last."""
    return everything | {"devices": {(one["id"], one["name"], one["state"]) for one in everything["devices"]}}


async def test_another_tenants_ids_match_nothing_in_a_filter(
    ours: Tenant, theirs: Tenant, app_doors: list[Door]
) -> None:
    lists = [door for door in app_doors if door.method == "GET" and door.in_schema and "{" not in door.path]
    named = (
        "member",
        "contract",
        "team",
        "policy",
        "client",
        "licence",
        "actor",
        "in_effect",
        "profile",
        "to",
        "email",
    )
    wanted = [
        (door, f"{door.path}?{name}={theirs.ids.get(name) or theirs.ids['member']}")
        for door in lists
        for name in named
        if name in door.takes
    ]
    tried = await _all(ours.client("owner"), "owner", part(wanted, 60))
    assert _wrong(tried, 200, 422) == []
    answered, secrets = [one for one in tried if one.status == 200], theirs.secrets()
    assert len(answered) > 15
    assert [f"{one} shows {text}" for one in answered for text in secrets if text in one.text] == []


async def test_a_token_opens_what_its_scopes_name_and_nothing_else(ours: Tenant, app_doors: list[Door]) -> None:
    for scopes in (("devices:read",), ("diary:read", "people:write"))[: None if LONG else 1]:
        token = ours.api_token(*scopes)
        denied = [
            (door, ours.path(door))
            for door in app_doors
            if door.action and not door.action.open and not (door.action.opened_by(scopes) and "/api/" in door.path)
        ]
        tried = await _all(ours.client(token=token), f"token of {scopes}", denied)
        assert _wrong(tried, 403) == []
        assert len(tried) > len(app_doors) // 3


async def test_what_is_open_to_everybody_needs_its_own_proof(ours: Tenant, app_doors: list[Door]) -> None:
    """A password, the secret of a mail's link, a licence key: without, no change is made for nobody."""
    door_open = [(door, door.path) for door in app_doors if door.action and door.action.open and door.method != "GET"]
    tried = await _all(ours.client(), "nobody", door_open)
    assert _wrong(tried, 303, 400, 401, 404, 415, 422) == []

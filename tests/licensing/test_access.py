"""Who may read, make and change what: by role, scope and tenant, denied by default (S-07, M-02)."""

import itertools
import json
from typing import Any, get_args

import pytest

from services.kit.problems import Problem
from services.licensing.access import Scope, scope_of
from services.licensing.collections import KINDS
from services.wire import requests
from tests.licensing.support import Acme, Licensing

PEOPLE = ("olga", "adam", "mara", "lisa", "emil", "cleo")


async def _seen(acme: Acme, who: str, collection: str) -> set[str] | int:
    """The ids somebody sees, or the status of the refusal."""
    try:
        return {one["id"] for one in await acme.read(who, collection)}
    except Problem as problem:
        return problem.status


async def test_what_each_role_sees(licensing: Licensing, acme: Acme) -> None:
    """Employees see their own, managers their teams', clients their contracts', admins all."""
    lisas = {acme.answer["contracts"][0]["contract"], acme.answer["contracts"][1]["contract"]}
    emils = {acme.answer["contracts"][2]["contract"]}
    assert await _seen(acme, "lisa", "contracts") == await _seen(acme, "mara", "contracts") == lisas
    assert await _seen(acme, "emil", "contracts") == emils
    assert await _seen(acme, "cleo", "contracts") == {acme.answer["contracts"][0]["contract"]}
    assert lisas | emils < set(await _seen(acme, "adam", "contracts"))  # type: ignore[arg-type]
    assert await _seen(acme, "lisa", "members") == {acme.member("lisa")}
    assert await _seen(acme, "mara", "members") == {acme.member("lisa"), acme.member("mara")}
    assert await _seen(acme, "cleo", "members") == {acme.member("lisa"), acme.member("cleo")}
    assert {acme.member(who) for who in PEOPLE} < set(await _seen(acme, "olga", "members"))  # type: ignore[arg-type]
    assert await _seen(acme, "lisa", "clients") == {acme.member("cleo")}
    assert await _seen(acme, "emil", "clients") == set()
    assert await _seen(acme, "lisa", "licences") == {acme.answer["licences"][0]["licence"]}
    assert await _seen(acme, "lisa", "policies") == {acme.answer["licences"][0]["policy"]}
    assert await _seen(acme, "lisa", "teams") == await _seen(acme, "mara", "teams")
    for collection in ("licences", "policies", "devices", "teams"):
        assert await _seen(acme, "cleo", collection) == 403


async def test_how_a_workspace_is_guarded_is_for_who_guards_it(licensing: Licensing, acme: Acme) -> None:
    """W-01, W-08: networks, provider and mails are read by owners and admins alone; a client is somebody outside."""
    guarded = {"allowed_ranges", "oidc", "mails_off"}
    for who, expected in (("olga", guarded), ("adam", guarded), ("mara", set()), ("lisa", set()), ("cleo", set())):
        [read] = await acme.read(who, "workspaces")
        assert (read["name"], guarded & set(read)) == (acme.answer["name"], expected), who


BODIES: dict[str, dict[str, Any]] = {
    "teams": {"name": "New"},
    "policies": {"name": "New"},
    "members": {"email": "new@example.test", "name": "New"},
    "clients": {"email": "client@example.test", "name": "New"},
}


@pytest.mark.parametrize("collection", ["members", "teams", "clients", "contracts", "licences", "policies"])
async def test_only_admins_make_things(licensing: Licensing, acme: Acme, collection: str) -> None:
    body = BODIES.get(collection, {"member": acme.member("lisa")} | _more(collection))
    for who in ("mara", "lisa", "cleo"):
        with pytest.raises(Problem, match="403"):
            await acme.create(who, collection, **body)
    made = await acme.create("adam", collection, **body)
    assert (await acme.read("adam", collection, made["id"]))[0]["id"] == made["id"]


def _more(collection: str) -> dict[str, str]:
    return {"project": "New"} if collection == "contracts" else {"mode": "worklog"}


async def test_a_client_keeps_the_label_list_and_no_more(licensing: Licensing, acme: Acme) -> None:
    """S-07."""
    own, foreign = acme.answer["contracts"][0]["contract"], acme.answer["contracts"][2]["contract"]
    assert (await acme.change("cleo", "contracts", own, labels=["Design"]))["labels"] == ["Design"]
    for body in ({"rate_minor": 1}, {"labels": [], "weekly_limit_minutes": None}):
        with pytest.raises(Problem, match="403"):
            await acme.change("cleo", "contracts", own, **body)
    with pytest.raises(Problem, match="404"):
        await acme.change("cleo", "contracts", foreign, labels=["x"])


async def test_an_admin_neither_makes_nor_unmakes_owners(licensing: Licensing, acme: Acme) -> None:
    for change in ({"id": acme.member("olga"), "role": "admin"}, {"id": acme.member("adam"), "role": "owner"}):
        with pytest.raises(Problem, match="403"):
            await acme.change("adam", "members", change["id"], role=change["role"])
    with pytest.raises(Problem, match="403"):
        await acme.create("adam", "members", email="boss@example.test", name="Boss", role="owner")


async def test_two_tenants_know_nothing_of_each_other(licensing: Licensing, acme: Acme) -> None:
    """Ids of another tenant are 404 to read and to change, match nothing in a filter, and cannot be referred to."""
    other = await licensing.seed()
    device = await other.activated()
    theirs = {
        "workspaces": other.workspace,
        "members": other.member("lisa"),
        "devices": device.device,
        "teams": other.answer["teams"][0]["team"],
        "clients": other.member("cleo"),
        "contracts": other.answer["contracts"][0]["contract"],
        "licences": other.answer["licences"][0]["licence"],
        "policies": other.answer["licences"][0]["policy"],
    }
    theirs["profiles"] = (await other.create("olga", "profiles", name="Theirs", policy=theirs["policies"]))["id"]
    assert set(theirs) == set(KINDS) - {"mails", "tokens", "imports", "notices"}  # they have tests of their own
    for collection, id in theirs.items():
        with pytest.raises(Problem, match="404"):
            await acme.read("olga", collection, id)
        with pytest.raises(Problem, match="404"):
            await acme.change("olga", collection, id, **({"state": "released"} if collection == "devices" else {}))
        assert id not in {one["id"] for one in await acme.read("olga", collection)}
    assert await acme.read("olga", "licences", member=other.member("lisa")) == []
    for collection, body in (
        ("contracts", {"member": other.member("lisa"), "project": "x"}),
        ("contracts", {"member": acme.member("lisa"), "project": "x", "client": other.member("cleo")}),
        ("licences", {"mode": "worklog", "member": other.member("lisa")}),
        ("licences", {"mode": "worklog", "member": acme.member("lisa"), "policy": theirs["policies"]}),
        ("members", {"email": "x@example.test", "name": "x", "team": theirs["teams"]}),
        ("profiles", {"name": "x", "policy": theirs["policies"]}),
        ("profiles", {"name": "x", "policy": acme.answer["licences"][0]["policy"], "members": [other.member("lisa")]}),
        ("profiles", {"name": "x", "policy": acme.answer["licences"][0]["policy"], "teams": [theirs["teams"]]}),
    ):
        with pytest.raises(Problem, match="422"):
            await acme.create("olga", collection, **body)
    stranger = acme.principal("olga", workspace=other.workspace)
    problem = await licensing.refused("read", requests.Read(principal=stranger, collection="members"))
    assert problem.status == 403


OPERATORS = [{"$ne": None}, {"$gt": ""}, {"$where": "1"}, ["x"], True, 1.5]


async def test_operators_and_unknown_fields_are_refused(licensing: Licensing, acme: Acme) -> None:
    """Every body is read strictly: what is not text where text belongs is 422, and so is what is not named."""
    member = acme.member("lisa")
    fields = {
        "members": ("name", "role", "team", "zone"),
        "teams": ("name",),
        "clients": ("name",),
        "contracts": ("project", "client", "currency", "starts_on"),
        "licences": ("state", "expires"),
        "policies": ("name",),
        "devices": ("name", "state"),
        "workspaces": ("name", "zone"),
    }
    for collection, names in fields.items():
        for name, value in itertools.product((*names, "unheard_of", "$set", "workspace", "_id"), OPERATORS):
            with pytest.raises(Problem, match="422"):
                await acme.change("olga", collection, member, **{name: value})
    principal = acme.principal("olga").model_dump()
    for body in (
        {"principal": principal, "collection": "members", "id": {"$ne": None}},
        {"principal": principal, "collection": "members", "filters": {"role": {"$ne": None}}},
        {"principal": principal, "collection": "members", "filters": {"$where": "1"}},
        {"principal": principal, "collection": "members", "filters": {"hash": "x"}},
        {"principal": principal | {"member": {"$ne": None}}, "collection": "members"},
        {"principal": principal, "collection": "people"},
    ):
        with pytest.raises(Problem, match="422"):
            await licensing.ask_raw("read", json.dumps(body).encode())


def test_every_collection_is_decided() -> None:
    """The table names every collection; nobody but owner and admin makes what is not their own."""
    for collection in KINDS:
        assert scope_of("owner", "read", collection) is not None, f"{collection}: no row in services/kit/access.py"
        makers = {role for role in get_args(requests.Role) if scope_of(role, "create", collection)}
        assert makers <= {"owner", "admin"} or scope_of("owner", "create", collection) is Scope.OWN

"""Who may see what: every role at every reading endpoint, and two tenants (M-02, S-07, L-08)."""

from typing import Any, get_args

import httpx
import pytest

from services.diary.access import Action, Verb, Viewer, can, may_ask, sight
from services.kit.principals import seal_token
from services.kit.problems import not_found
from services.wire.requests import Principal
from tests.diary.facts import Teller, capture, slots_from
from tests.diary.running import Diary
from tests.support.servers import new_id

DAY = "2026-11-17"
SLOTS = slots_from(f"{DAY}T09:00:00Z", 3)
PEOPLE = ("owner", "admin", "manager", "outsider", "employee", "colleague", "client", "stranger")


async def _office(diary: Diary, tell: Teller) -> None:
    """Two teams; ``employee`` has a contract of the client's and another; ``outsider`` manages the other team."""
    await diary.tell(
        tell.settings(),
        tell.member("owner", "owner"),
        tell.member("admin", "admin"),
        tell.member("manager", "manager", manages=["sea"]),
        tell.member("outsider", "manager", manages=["land"]),
        tell.member("employee", team="sea"),
        tell.member("colleague", team="sea"),
        tell.member("client", "client"),
        tell.member("stranger", "client"),
        tell.contract("con", "employee", client="client"),
        tell.contract("side", "employee"),
        tell.device("dev", "employee"),
        tell.segment("employee", SLOTS[0], captures=[capture("shot-con", SLOTS[0])], memo="canary for the client"),
        tell.segment("employee", SLOTS[1], contract="side", captures=[capture("shot-side", SLOTS[1])], memo="canary"),
        tell.stored("employee", "shot-con", SLOTS[0]),
        tell.stored("employee", "shot-side", SLOTS[1]),
    )


ROLE = {"outsider": "manager", "colleague": "employee", "stranger": "client"}


@pytest.fixture
async def office(diary: Diary) -> Diary:
    await diary.answer("media", "picture", lambda body: ("image/webp", b"RIFF picture"))
    await diary.answer("ingest", "sync", lambda body: {"devices": [_nothing_of(one) for one in body["devices"]]})
    await diary.answer("scoring", "scores", _scores)
    await diary.answer("licensing", "read", lambda body: {"items": []})
    await _office(diary, diary.teller)
    return diary


def _nothing_of(device: str) -> dict[str, Any]:
    chain: dict[str, Any] = {"records": 0, "through": 0, "missing": [], "broken": [], "quarantined": []}
    return {"device": device, **chain, "last_received_at": None}


def _scores(body: dict[str, Any]) -> dict[str, Any]:
    tally = {"tracked_minutes": 10, "active_minutes": 5, "unproductive_active_minutes": 0, "productive_seconds": 0}
    tally |= {"unproductive_seconds": 0, "neutral_seconds": 0}
    figures = {"activity": 0.5, "productivity": None, "tracko": 50.0}
    return {"items": [{"member": one, "date": DAY, "tally": tally, **figures} for one in body["members"]]}


async def _statuses(diary: Diary, tokens: dict[str, str], path: str) -> dict[str, int]:
    async with diary.browse() as http:
        return {
            person: (await http.get(path, headers={"Authorization": f"Bearer {token}"})).status_code
            for person, token in tokens.items()
        }


#: who is refused how; everybody else is answered
REFUSED: list[tuple[str, dict[str, int]]] = [
    (f"/api/v1/diary/employee/days/{DAY}", {"outsider": 403, "colleague": 403, "stranger": 403}),
    (f"/api/v1/diary/nobody/days/{DAY}", dict.fromkeys(PEOPLE, 404)),
    ("/api/v1/captures/shot-con/picture", {"outsider": 404, "colleague": 404, "stranger": 404}),
    ("/api/v1/captures/shot-con/thumbnail", {"outsider": 404, "colleague": 404, "stranger": 404}),
    ("/api/v1/captures/shot-side/picture", dict.fromkeys(("outsider", "colleague", "client", "stranger"), 404)),
    ("/api/v1/devices/dev/sync", dict.fromkeys(("outsider", "colleague", "client", "stranger"), 403)),
    ("/api/v1/devices/unknown/sync", dict.fromkeys(PEOPLE, 404) | {"client": 403, "stranger": 403}),
    ("/api/v1/timesheets/con/2026-11-16", {"outsider": 403, "colleague": 403, "stranger": 403}),
    ("/api/v1/timesheets/side/2026-11-16", {"outsider": 403, "colleague": 403, "stranger": 403, "client": 404}),
    ("/api/v1/timesheets/unknown/2026-11-16", dict.fromkeys(PEOPLE, 404)),
    ("/api/v1/scores", {"client": 403, "stranger": 403}),
    ("/api/v1/audit", {"client": 403, "stranger": 403}),
    ("/api/v1/me", {}),
    ("/api/v1/members", {}),
    ("/api/v1/policies", {"client": 403, "stranger": 403}),
    ("/api/v1/members/unknown", dict.fromkeys(PEOPLE, 404)),
]


async def test_every_role_at_every_reading_endpoint(office: Diary) -> None:
    tokens = {person: office.token(person, ROLE.get(person, person)) for person in PEOPLE}
    for path, refused in REFUSED:
        assert await _statuses(office, tokens, path) == {person: refused.get(person, 200) for person in PEOPLE}, path


async def test_a_client_sees_their_contracts_and_no_trace_of_others(office: Diary) -> None:
    """S-07: left out of the segments, the totals, the score and the weeks."""
    whole = await office.day("employee", DAY)
    part = await office.day("employee", DAY, who="client", role="client")
    assert [one["contract"] for one in whole["segments"]] == ["con", "side"]
    assert [one["contract"] for one in part["segments"]] == ["con"]
    assert (whole["totals"]["billable_minutes"], part["totals"]["billable_minutes"]) == (20, 10)
    assert [one["contract"] for one in part["weeks"]] == ["con"]


async def test_to_a_client_there_is_nobody_but_those_on_their_contracts(office: Diary) -> None:
    """S-07: not even an empty day."""
    async with office.browse("client", "client") as http:
        assert (await http.get(f"/api/v1/diary/employee/days/{DAY}")).status_code == 200
        for member in ("colleague", "owner", "client", "nobody"):
            assert (await http.get(f"/api/v1/diary/{member}/days/{DAY}")).status_code == 404, member


async def test_scores_are_of_those_in_sight_and_weight_by_tracked_time(office: Diary) -> None:
    """K-04; a foreign or unknown id in a filter matches nothing."""
    async with office.browse("manager", "manager") as http:
        answer = (await http.get("/api/v1/scores", params={"from": DAY, "to": DAY})).json()
        assert [one["member"] for one in answer["items"]] == ["colleague", "employee", "manager"]
        assert answer["score"] == {"activity": 0.5, "productivity": None, "tracko": 50.0}
        nobody = (await http.get("/api/v1/scores", params={"member": "owner"})).json()
        assert nobody == {"items": [], "next": None, "score": {"activity": None, "productivity": None, "tracko": None}}
        assert (await http.get("/api/v1/scores", params={"from": DAY, "to": "2026-11-16"})).status_code == 422
    asked = [body for verb, body in office.asked if verb == "scoring.scores"]
    assert asked[0]["from"] == f"{DAY}T00:00:00Z"
    assert asked[0]["to"] == "2026-11-18T00:00:00Z"


async def test_two_tenants(office: Diary) -> None:
    """Nothing of one is to be had with the other's session, whatever the role; not even that it exists."""
    paths = [
        f"/api/v1/diary/employee/days/{DAY}",
        "/api/v1/captures/shot-con/picture",
        "/api/v1/captures/shot-con/thumbnail",
        "/api/v1/devices/dev/sync",
        "/api/v1/timesheets/con/2026-11-16",
        "/api/v1/members/employee",
        "/api/v1/contracts/con",
    ]
    for role in ("owner", "admin", "manager", "employee", "client"):
        async with office.browse("intruder", role, workspace=new_id("ws")) as http:
            for path in paths:
                answer = await http.get(path)
                hidden = 403 if role == "client" and "/devices/" in path else 404
                assert answer.status_code == hidden, (role, path, answer.status_code)
                assert "canary" not in answer.text
            for path in ("/api/v1/scores", "/api/v1/audit", "/api/v1/members"):
                answer = await http.get(path, params={"member": "employee"})
                assert (answer.status_code == 403 and role == "client") or answer.json()["items"] == [], (role, path)


async def test_the_same_member_id_in_another_workspace_is_somebody_else(office: Diary) -> None:
    async with office.browse("employee", "employee", workspace=new_id("ws")) as http:
        day = (await http.get(f"/api/v1/diary/employee/days/{DAY}")).json()
    assert (day["segments"], day["totals"]["billable_minutes"]) == ([], 0)


async def test_collections_are_asked_of_licensing_with_the_sessions_principal(office: Diary) -> None:
    """Who asks comes from the session, never from the body; refusals travel as they were said."""
    made: list[dict[str, Any]] = []
    agreed: dict[str, Any] = dict.fromkeys(("client", "rate_minor", "weekly_limit_minutes", "starts_on", "ends_on"))
    agreed |= {"member": "employee", "project": "x", "currency": "EUR", "labels": [], "memo_required": False}
    agreed |= {"manual_time": True, "monitored": False}
    stored = {**agreed, "id": "con-9", "revision": 1, "created_at": f"{DAY}T09:00:00Z"}

    def create(body: dict[str, Any]) -> dict[str, Any]:
        made.append(body)
        return stored

    def change(body: dict[str, Any]) -> dict[str, Any]:
        raise not_found("contract")

    await office.answer("licensing", "create", create)
    await office.answer("licensing", "change", change)
    async with office.browse("admin", "admin") as http:
        answer = await http.post("/api/v1/contracts", json={"member": "employee", "workspace": "elsewhere"})
        assert (answer.status_code, answer.json()) == (201, stored)
        missing = await http.patch("/api/v1/contracts/none", json={"project": "x"})
        assert (missing.status_code, missing.json()["title"]) == (404, "There is no such contract.")
        assert missing.headers["content-type"] == "application/problem+json"
    assert made[0]["principal"]["workspace"] == office.workspace
    assert made[0]["principal"]["member"] == "admin"
    async with office.browse("employee") as http:
        assert (await http.post("/api/v1/contracts", json={})).status_code == 403
    assert len(made) == 1


def viewer_of(role: str, **more: Any) -> Viewer:
    principal = Principal(session="s", workspace="w", member="me", role=role, name="n", person="p", issued=0, expires=1)  # type: ignore[arg-type]
    return Viewer(principal, **more)


def test_a_role_that_the_table_does_not_know_is_denied() -> None:
    viewer = viewer_of("employee")
    object.__setattr__(viewer.principal, "role", "janitor")
    assert not any(can(viewer, action) for action in Action)
    assert all(sight(viewer, action, "me", None) is None for action in Action)
    assert not any(may_ask(viewer, verb, "tokens") for verb in get_args(Verb))
    assert may_ask(viewer_of("owner"), "read", "outbox") is False


async def test_a_session_is_what_licensing_signed_and_still_holds(office: Diary) -> None:
    """401 for no, forged, foreign, expired and ended sessions; the answer says what to do."""
    good = office.token("employee")
    payload, signature = good.split(".")
    ended = office.principal("employee")
    await office.answer("licensing", "sign_out", lambda body: {})
    ended_token = seal_token(office.session_key, ended)
    async with httpx.AsyncClient(base_url=office.url) as http:

        async def status(token: str | None) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
            return (await http.get("/api/v1/me", headers=headers)).status_code

        assert await status(good) == 200
        assert await status(ended_token) == 200
        out = await http.delete("/api/v1/sessions", headers={"Authorization": f"Bearer {ended_token}"})
        assert out.status_code == 204
        forged = [f"{payload}.{signature[:-4]}AAAA", f"{payload[:-4]}AAAA.{signature}"]
        for token in (None, "x", "x.y", "a.b.c", *forged, ended_token, office.token("employee", expires=1)):
            assert await status(token) == 401, token
        answer = await http.get("/api/v1/me")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"]

"""Who changed what, when and from where: appended, chained, filtered, exported (G-02)."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest

from services.kit.chain import GENESIS, Chain, digest
from services.licensing.audit import HASHED, describe
from tests.licensing.support import PASSWORD, Acme
from tests.licensing.web import Web

here = pytest.mark.asyncio(loop_scope="module")


async def _log(web: Web, acme: Acme, who: str = "olga", **params: Any) -> list[dict[str, Any]]:
    async with web.person(acme, who) as http:
        answer = await http.get("/api/v1/audit", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["incomplete"] == []
    # that whoever looks signed in stands in the log, too
    return [one for one in answer.json()["items"] if "action" in params or one["action"] != "session.started"]


async def _checked(http: httpx.AsyncClient) -> dict[str, Any]:
    found = (await http.get("/api/v1/audit/check")).json()
    assert found["holds"] == (not found["licensing"]["broken"])
    licensing: dict[str, Any] = found["licensing"]
    return licensing


@here
async def test_every_change_is_written_down(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    policy = acme.answer["licences"][1]["policy"]
    async with web.person(acme, "adam", from_address="203.0.113.5") as http:
        await http.patch(f"/api/v1/policies/{policy}", json={"policy": {"apps": False, "legal_basis": "§ 26 BDSG"}})
        await http.patch(f"/api/v1/members/{acme.member('lisa')}", json={"name": "Lisa M.", "role": "manager"})
        await http.patch(f"/api/v1/members/{acme.member('lisa')}", json={"name": 1})
        await http.post("/api/v1/teams", json={"name": "Sea"})
    newest = await _log(web, acme)
    assert [one["action"] for one in newest] == ["team.created", "member.changed", "policy.changed"]
    changed = newest[1]
    assert (changed["actor"], changed["address"], changed["member"]) == (
        acme.member("adam"),
        "203.0.113.5",
        acme.member("lisa"),
    )
    assert changed["detail"] == 'name, role="manager"'
    assert '"legal_basis":"§ 26 BDSG"' in newest[2]["detail"]
    assert await _log(web, acme, actor=acme.member("olga")) == []
    assert [one["target"] for one in await _log(web, acme, action="policy.changed")] == [policy]
    mine = await _log(web, acme, "lisa")
    assert [one["action"] for one in mine] == ["member.changed"]
    assert await _log(web, acme, "lisa", member=acme.member("adam")) == []


@here
async def test_the_log_is_one_chain(web: Web) -> None:
    """Also when many write at once; one that was altered or taken out shows."""
    acme: Acme = await web.licensing.seed()
    contract = acme.answer["contracts"][0]["contract"]
    changes = (acme.change("olga", "contracts", contract, rate_minor=n) for n in range(12))
    await asyncio.gather(*changes)
    log = web.licensing.store["audit"]
    async with web.person(acme, "olga") as http:
        held = await _checked(http)
        assert (held["entries"], held["broken"]) == (13, []), "twelve changes and a sign-in"
        first = await log.find_one({"workspace": acme.workspace, "seq": 5})
        assert first is not None
        await log.update_one({"_id": first["_id"]}, {"$set": {"actor_name": "Somebody else"}})
        assert (await _checked(http))["broken"] == [5]
        await log.update_one({"_id": first["_id"]}, {"$set": {"actor_name": first["actor_name"]}})
        await log.delete_one({"_id": first["_id"]})
        assert (await _checked(http))["broken"] == [6]
    async with web.person(acme, "lisa") as http:
        assert (await http.get("/api/v1/audit/check")).status_code == 403


@here
async def test_pages_and_the_export_hold_both_logs(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    for number in range(7):
        await acme.create("adam", "teams", name=f"=team {number}")
    async with web.person(acme, "olga") as http:
        first = await http.get("/api/v1/audit.csv")
        assert first.headers["content-type"].startswith("text/csv")
        seen: list[str] = []
        before: str | None = None
        while True:
            params: dict[str, Any] = {"limit": 3} | ({"before": before} if before else {})
            page = (await http.get("/api/v1/audit", params=params)).json()
            seen += [one["id"] for one in page["items"]]
            if (before := page["next"]) is None:
                break
        assert len(seen) == len(set(seen)) == 9
        assert seen == sorted(seen, reverse=True)
        newest = (await http.get("/api/v1/audit", params={"limit": 1})).json()["items"][0]
        assert newest["action"] == "audit.exported"
    table = list(csv.DictReader(io.StringIO(first.content.decode("utf-8-sig"))))
    assert [one["action"] for one in table] == ["audit.exported", "session.started", *["team.created"] * 7]
    async with web.person(acme, "cleo") as client:
        for path in ("audit", "audit.csv", "audit/check"):
            assert (await client.get(f"/api/v1/{path}")).status_code == 403


@here
async def test_who_came_in_or_failed_to_stands_in_the_log(web: Web) -> None:
    """Sign-ins, refused ones with nobody as actor, new passwords and second factors, with from where (W-01)."""
    acme: Acme = await web.licensing.seed()
    for _ in "ab":
        await web.sign_in(acme, "lisa", password="wrong", from_address="203.0.113.7")
    async with web.person(acme, "lisa") as http:
        changed = await http.put("/api/v1/me/password", json={"old": PASSWORD, "new": "another horse battery"})
        http.headers["Authorization"] = f"Bearer {changed.json()['token']}"
        begun = (await http.post("/api/v1/me/two-factor", json={"password": "another horse battery"})).json()
        code = pyotp.TOTP(begun["secret"]).now()
        assert (await http.post("/api/v1/me/two-factor/confirm", json={"code": code})).status_code == 200
    async with web.person(acme, "olga") as http:
        log = (await http.get("/api/v1/audit", params={"member": acme.member("lisa")})).json()["items"]
    wanted = ["account.two_factor_on", "account.password_changed", "session.started", *["session.refused"] * 2]
    assert [one["action"] for one in log] == wanted
    refused = log[-1]
    assert (refused["actor"], refused["actor_name"], refused["address"]) == ("-", "", "203.0.113.7")
    assert refused["detail"] == 'why="wrong-credentials"'


@here
async def test_the_log_by_days(web: Web) -> None:
    """From the first day on, and up to the end of the last one; no date is 422."""
    acme: Acme = await web.licensing.seed()
    await acme.create("adam", "teams", name="Sea")
    today = datetime.now(UTC).date()
    days = {
        name: (today + timedelta(days=by)).isoformat() for name, by in (("yesterday", -1), ("today", 0), ("next", 1))
    }
    for span, found in (
        ({"from": days["today"], "to": days["today"]}, 1),
        ({"from": days["yesterday"], "to": days["next"]}, 1),
        ({"to": days["yesterday"]}, 0),
        ({"from": days["next"]}, 0),
    ):
        log = await _log(web, acme, **span)
        assert len(log) == found or today != datetime.now(UTC).date(), span
    async with web.person(acme, "olga") as http:
        await http.get("/api/v1/teams")
        file = await http.get("/api/v1/audit.csv", params={"from": days["today"]})
        assert "team.created" in file.text
        for wrong in ("2026-13-01", "today", '{"$ne":1}', "2026-1-1"):
            assert (await http.get("/api/v1/audit", params={"from": wrong})).status_code == 422


@here
async def test_a_password_never_stands_in_the_log(web: Web) -> None:
    acme: Acme = await web.licensing.seed()
    secret = "a password of somebody"
    await acme.create("olga", "members", email=f"x-{acme.workspace}@example.test", name="X", password=secret)
    stored = await web.licensing.store["audit"].find({"workspace": acme.workspace}).to_list(None)
    assert stored
    assert secret not in str(stored)
    assert "password" not in stored[0]["detail"]


def _entries(count: int) -> list[dict[str, Any]]:
    entries, prev = [], GENESIS
    for seq in range(1, count + 1):
        entry: dict[str, Any] = {"workspace": "ws", "seq": seq, "at": f"t{seq}", "prev": prev, "member": None}
        entry |= dict.fromkeys(("actor", "actor_name", "actor_role", "address", "action", "target", "detail"), "x")
        entry["hash"] = prev = digest(entry, HASHED)
        entries.append(entry)
    return entries


@pytest.mark.parametrize("field", ["actor", "at", "action", "target", "address", "detail", "hash", "prev"])
def test_any_altered_field_shows(field: str) -> None:
    entries = _entries(4)
    chain = Chain(HASHED)
    for entry in entries:
        chain.add(entry)
    assert (chain.broken, chain.head) == ([], entries[-1]["hash"])
    entries[1][field] = "other"
    altered = Chain(HASHED)
    for entry in entries:
        altered.add(entry)
    assert 2 in altered.broken


def test_of_what_may_be_personal_only_the_name_is_kept() -> None:
    assert describe({"name": "Lisa", "email": "l@example.test", "role": "admin", "archived": True}) == (
        'archived=true, email, name, role="admin"'
    )

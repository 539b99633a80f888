"""A change that concerns very many licences reaches all of them, bite by bite behind the answer (L-04, L-07, W-02)."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from services.kit.bus import round_trip
from services.kit.mongo import Session
from services.licensing import mailings, policies, pushes, settling
from services.licensing.mailings import Mailings
from services.licensing.settling import AT_ONCE, Settling
from services.licensing.store import key, new_id, now
from services.wire import proof
from tests.licensing import many
from tests.licensing.support import Acme, Licensing, until

MANY = AT_ONCE + 14


@pytest.fixture(autouse=True)
def _small_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few licences are several bites."""
    monkeypatch.setattr(settling, "_BITE", 25)
    monkeypatch.setattr(pushes, "_BITE", 25)
    monkeypatch.setattr(mailings, "_FEW", 5)


async def _behind(licensing: Licensing, policy: str, version: int) -> int:
    where = {"in_effect": policy, "policy_version": {"$ne": version}}
    return int(await licensing.store["licences"].count_documents(where))


async def test_a_policy_of_very_many_changes_behind_the_answer(licensing: Licensing, acme: Acme) -> None:
    """G-01: each member is told once, also of two licences, and each computer holds back what is new."""
    store = licensing.store
    policy = await many.multiply(store, acme, MANY)
    twice = await store["licences"].find_one({"workspace": acme.workspace, "in_effect": policy, "seats_taken": 1})
    assert twice is not None
    second = new_id("lic")
    await store["licences"].insert_one(twice | {"_id": key(acme.workspace, second), "id": second})
    answer = await acme.change("adam", "policies", policy, policy={"titles": True, "screenshots": {"enabled": True}})
    assert answer["version"] == 2

    async def settled() -> bool:
        return await _behind(licensing, policy, 2) == 0 and not await store["settlings"].count_documents({})

    await until(settled, 60)
    told = Counter([one["member"] async for one in store["notices"].find({"policy": policy, "policy_version": 2})])
    assert len(told) >= MANY
    assert set(told.values()) == {1}
    assert await store["mails"].count_documents({"workspace": acme.workspace, "kind": "capture_enabled"}) < len(told)
    await store["mailings"].update_many({}, {"$set": {"due": now()}})  # as when ten seconds have passed
    await asyncio.gather(*(Mailings(store).look() for _ in range(2)))

    async def mailed() -> bool:
        mails = store["mails"].find({"workspace": acme.workspace, "kind": "capture_enabled"})
        return Counter([one["member"] async for one in mails if "titles" in one["values"]["changes"]]) == told

    await until(mailed, 20)
    devices = await store["devices"].find({"workspace": acme.workspace, "licence": {"$ne": None}}).to_list(None)
    assert len(devices) == MANY
    assert all(sorted(one["held"]) == ["screenshots", "titles"] and one["revision"] == 2 for one in devices)


async def test_every_computer_of_very_many_is_told(licensing: Licensing, acme: Acme) -> None:
    """L-04: by two replicas, each at least once, as its agent would read it; what did not change is not written."""
    store = licensing.store
    policy = await many.multiply(store, acme, MANY)
    await licensing.start()
    devices = await store["devices"].find({"workspace": acme.workspace, "seats_taken": None}).to_list(None)
    for name, body, revision in (("less", {"apps": False}, 1), ("more", {"titles": True}, 2)):
        licensing.heard.clear()
        await acme.change("adam", "policies", policy, policy=body)
        await until(lambda: _rested(licensing), 20)
        await round_trip(licensing.caller)
        said = _said(licensing, acme)
        assert set(said) >= {one["id"] for one in devices}
        for one in devices:
            word, kept = said[one["id"]], await store["devices"].find_one({"_id": one["_id"]})
            assert (word["command"], word["held"]) == ("entitlement", ["titles"] if name == "more" else [])
            assert (word["policy"]["apps"], word["policy"]["titles"]) == (False, False)
            assert word["revision"] == 2 + revision if name == "less" else word["revision"] > 3
            assert kept is not None
            assert kept["revision"] == revision
        facts = Counter(one["device"] for one in licensing.facts("licence.changed", acme.workspace))
        assert {facts[one["id"]] for one in devices} == {1}


async def _rested(licensing: Licensing) -> bool:
    names = ("settlings", "pushes", "outbox")
    return not any([await licensing.store[name].count_documents({}) for name in names])


def _said(licensing: Licensing, acme: Acme) -> dict[str, dict[str, Any]]:
    """The last word to each computer of the workspace."""
    commands = [one for one in licensing.heard if one.subject.startswith(f"commands.{acme.workspace}.")]
    last = {one.subject.rsplit(".", 1)[1]: one.data for one in commands}
    public = licensing.notice_public
    return {device: proof.open_notice(public, body, acme.workspace, device) for device, body in last.items()}


async def test_a_walk_of_the_version_before_is_gone_on_with(licensing: Licensing, acme: Acme) -> None:
    """A rolling upgrade: what was written down as one walk, and is half done, becomes bites of the rest."""
    store = licensing.store
    policy = await many.multiply(store, acme, MANY)
    members = sorted(await store["licences"].distinct("member", {"in_effect": policy}))
    where = {"workspace": acme.workspace, "in_effect": policy}

    async def work(session: Session) -> None:
        doc = await policies.find(store, session, acme.workspace, policy)
        await policies.change(store, session, doc, policies.Patch(policy={"idle_minutes": 7}))
        row = {"_id": key(acme.workspace, "stl-old"), "what": "settle", "where": where, "due": now()}
        await store["settlings"].insert_one(row | {"after": members[9]}, session=session)

    await store.write(work)
    await until(lambda: _rested(licensing), 20)
    assert await store["licences"].distinct("member", {"in_effect": policy, "policy_version": 1}) == members[:10]


async def test_a_replica_that_dies_in_the_middle_leaves_nothing_behind(licensing: Licensing, acme: Acme) -> None:
    """Three work it off and one is ended: every licence comes under the last of two versions, each once a version."""
    store = licensing.store
    policy = await many.multiply(store, acme, MANY)
    await many.change(store, acme, policy, titles=True)
    dying = asyncio.create_task(Settling(store).look())
    await until(lambda: _some_settled(licensing, policy), 30)
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    await many.change(store, acme, policy, idle_minutes=7)
    await store["settlings"].update_many({}, {"$set": {"due": now()}})  # as when its claim is over
    await asyncio.gather(*(Settling(store).look() for _ in range(3)))

    async def settled() -> bool:
        await Settling(store).look()
        return await _behind(licensing, policy, 3) == 0 and not await store["settlings"].count_documents({})

    await until(settled, 60)
    revisions = {one["revision"] async for one in store["licences"].find({"in_effect": policy, "seats_taken": 1})}
    assert revisions <= {2, 3}
    notices = Counter([one["member"] async for one in store["notices"].find({"policy": policy, "kinds": "titles"})])
    assert set(notices.values()) == {1}


async def _some_settled(licensing: Licensing, policy: str) -> bool:
    return await _behind(licensing, policy, 2) < MANY


async def test_a_large_workspace_is_archived_and_restored(licensing: Licensing, acme: Acme) -> None:
    """W-02: also restored at once, while the archiving goes on; who is archived themselves stays so."""
    store = licensing.store
    await many.multiply(store, acme, MANY)
    await acme.change("adam", "members", acme.member("lisa"), archived=True)
    await acme.change("olga", "workspaces", acme.workspace, archived=True)
    await acme.change("olga", "workspaces", acme.workspace, archived=False)

    async def done() -> bool:
        return not await store["settlings"].count_documents({})

    await until(done, 60)
    archived = await store["licences"].distinct("member", {"workspace": acme.workspace, "archived": True})
    assert archived == [acme.member("lisa")]
    await acme.change("olga", "workspaces", acme.workspace, archived=True)
    await until(done, 60)
    assert await store["licences"].count_documents({"workspace": acme.workspace, "archived": {"$ne": True}}) == 0
    assert await store["devices"].count_documents({"workspace": acme.workspace, "archived": {"$ne": True}}) == 0


async def test_telling_goes_on_where_a_replica_ended(licensing: Licensing, acme: Acme) -> None:
    """L-04: every computer is told, and none again by whoever takes the rest over."""
    store, bus = licensing.store, many.Quiet()
    await many.multiply(store, acme, MANY)
    row = {"_id": key(acme.workspace, new_id("psh")), "where": {"workspace": acme.workspace}}
    later = {"due": now() + timedelta(hours=1), "until": now() + timedelta(hours=2)}  # nobody else takes it
    await store["pushes"].insert_one(row | later)
    first = many.telling(store, bus)
    await first.take(row | later)  # its bites, for every replica to take from
    assert not bus.told
    bites = await store["pushes"].find({"where.workspace": acme.workspace}).to_list(None)
    assert [one["_id"] == row["_id"] for one in bites] == [False] * 3
    await first.take(bites[0])
    assert 0 < len(bus.told) <= 25
    second = many.telling(store, bus)
    for left in await store["pushes"].find({"where.workspace": acme.workspace}).to_list(None):
        await second.take(left)
    devices = await store["devices"].distinct("id", {"workspace": acme.workspace})
    assert sorted(one.rsplit(".", 1)[1] for one in bus.told) == sorted(devices)
    assert not await store["pushes"].count_documents({"where.workspace": acme.workspace})

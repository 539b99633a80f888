"""Monitoring profiles: a named policy for members or teams, on and off (L-07)."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.bus import round_trip
from services.kit.problems import Problem
from services.licensing.profiles import Profile, in_force
from services.wire import proof, subjects
from tests.licensing.support import Acme, Device, Licensing, until

here = pytest.mark.asyncio(loop_scope="module")
WATCHED = {"apps": True, "titles": True, "idle_minutes": 7}


async def _ask(licensing: Licensing, device: Device) -> dict[str, Any]:
    client = await device.connect(licensing.url)
    subject = subjects.device_request(device.workspace, device.device, "entitlement")
    answer = await client.request(subject, json.dumps({}).encode(), timeout=10)
    await client.close()
    return proof.open_notice(licensing.notice_public, answer.data, device.workspace, device.device)


async def _licence(acme: Acme, index: int) -> dict[str, Any]:
    return (await acme.read("olga", "licences", acme.answer["licences"][index]["licence"]))[0]


async def _profile(acme: Acme, **more: Any) -> dict[str, Any]:
    policy = await acme.create("olga", "policies", name="Watched", policy=WATCHED)
    return await acme.create("adam", "profiles", name="Watched", policy=policy["id"], **more)


@here
async def test_a_profile_switches_monitoring_on_and_off_for_a_member(shared: Licensing) -> None:
    """L-07, G-01: pushed within seconds, announced first; off again, the licence's own policy holds at once."""
    acme = await shared.seed()
    device = await acme.activated(1)
    client = await device.connect(shared.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    profile = await _profile(acme, members=[acme.member("emil")])
    body = (await commands.next_msg(timeout=5)).data
    pushed = proof.open_notice(shared.notice_public, body, device.workspace, device.device)
    await client.close()
    assert (pushed["policy"]["idle_minutes"], pushed["policy"]["titles"], pushed["held"]) == (7, False, ["titles"])
    await _ask(shared, device)
    assert (await _ask(shared, device))["policy"]["titles"] is True
    licence = await _licence(acme, 1)
    assert (licence["profile"], licence["in_effect"]) == (profile["id"], profile["policy"])
    assert licence["policy"] == acme.answer["licences"][1]["policy"]
    await acme.change("adam", "profiles", profile["id"], enabled=False)
    assert (await _ask(shared, device))["policy"]["titles"] is False
    assert (await _licence(acme, 1))["profile"] is None


@here
async def test_who_joins_or_leaves_a_team_changes_their_policy(shared: Licensing) -> None:
    acme = await shared.seed()
    design = acme.answer["teams"][0]["team"]
    profile = await _profile(acme, teams=[design])
    assert (await _licence(acme, 0))["profile"] == profile["id"]  # lisa's
    assert (await _licence(acme, 1))["profile"] is None
    await acme.change("olga", "members", acme.member("emil"), team=design)
    await acme.change("olga", "members", acme.member("lisa"), team=None)
    assert ((await _licence(acme, 0))["profile"], (await _licence(acme, 1))["profile"]) == (None, profile["id"])
    made = await acme.create("olga", "licences", mode="worklog", member=acme.member("emil"))
    assert made["profile"] == profile["id"]
    named = await _profile(acme, members=[acme.member("emil")])
    assert (await _licence(acme, 1))["profile"] == named["id"]


@here
async def test_a_new_version_of_a_profiles_policy_holds_for_who_is_under_it(shared: Licensing) -> None:
    acme = await shared.seed()
    device = await acme.activated(1)
    profile = await _profile(acme, members=[acme.member("emil")])
    await acme.change("olga", "policies", profile["policy"], policy={"idle_minutes": 11})
    assert (await _ask(shared, device))["policy"]["idle_minutes"] == 11
    await acme.change("olga", "policies", acme.answer["licences"][1]["policy"], policy={"idle_minutes": 13})
    assert (await _ask(shared, device))["policy"]["idle_minutes"] == 11


@here
async def test_a_profile_and_a_licence_made_at_once_find_each_other(shared: Licensing) -> None:
    """Whichever comes second sees the first."""
    acme = await shared.seed()
    for _ in range(4):
        profile, licence = await asyncio.gather(
            _profile(acme, members=[acme.member("lisa")]),
            acme.create("olga", "licences", mode="worklog", member=acme.member("lisa")),
        )
        [seen] = await acme.read("olga", "licences", licence["id"])
        assert seen["profile"] == profile["id"]


@here
async def test_only_admins_keep_profiles_and_others_see_theirs(shared: Licensing) -> None:
    acme = await shared.seed()
    profile = await _profile(acme, members=[acme.member("emil")])
    assert [one["id"] for one in await acme.read("emil", "profiles")] == [profile["id"]]
    assert await acme.read("lisa", "profiles") == []
    for who in ("mara", "emil", "cleo"):
        with pytest.raises(Exception, match="403"):
            await acme.change(who, "profiles", profile["id"], enabled=False)
    with pytest.raises(Exception, match="422"):
        await acme.change("olga", "profiles", profile["id"], policy="pol-unknown")


@here
async def test_an_archived_workspace_or_member_records_nothing(shared: Licensing) -> None:
    """W-02, W-03: their devices are as suspended, with the reason; restored, they go on."""
    acme = await shared.seed()
    mine, other = await acme.activated(0), await acme.activated(1)
    await acme.change("olga", "members", acme.member("emil"), archived=True)
    assert ((await _ask(shared, mine))["state"], (await _ask(shared, other))["state"]) == ("active", "suspended")
    await acme.change("olga", "workspaces", acme.workspace, archived=True)
    client = await mine.connect(shared.url)
    await client.publish(subjects.presence(mine.workspace, mine.device), b"{}")
    await round_trip(client)

    async def narrowed() -> bool:
        return any("violation" in one.lower() for one in mine.errors)

    await until(narrowed, 5)
    await client.close()
    [row] = await acme.read("olga", "devices", mine.device)
    assert (row["state"], row["reason"]) == ("suspended", "The workspace or the member is archived.")
    assert (await shared.refused("activate", Device().offer(acme.key(1)))).kind == "archived"
    await acme.change("olga", "workspaces", acme.workspace, archived=False)
    assert ((await _ask(shared, mine))["state"], (await _ask(shared, other))["state"]) == ("active", "suspended")
    await acme.change("olga", "members", acme.member("emil"), archived=False)
    assert (await _ask(shared, other))["state"] == "active"


IDS = st.sampled_from(["a", "b", "c"])
PROFILES = st.lists(
    st.builds(
        Profile,
        *(IDS, IDS),
        members=st.frozensets(IDS),
        teams=st.frozensets(IDS),
        enabled=st.booleans(),
        made=st.integers(0, 50),
    ),
    max_size=5,
    unique_by=lambda one: one.made,
)


@given(IDS, st.none() | IDS, PROFILES)
def test_the_profile_in_force(member: str, team: str | None, profiles: list[Profile]) -> None:
    """One that is on and names the member goes before one for their team; the newest of two alike; else none."""
    found = in_force(member, team, profiles)
    named = [one for one in profiles if one.enabled and member in one.members]
    of_team = [one for one in profiles if one.enabled and team in one.teams]
    if found is None:
        assert not named
        assert not of_team
        return
    alike = named or of_team
    assert found in alike
    assert all(one.made <= found.made for one in alike)  # type: ignore[operator]


@here
async def test_a_few_are_added_and_taken_out(shared: Licensing) -> None:
    """L-07: two who change it at once lose nothing of each other; another workspace's member is none."""
    acme, other = await shared.seed(), await shared.seed()
    lisa, emil, mara = (acme.member(name) for name in ("lisa", "emil", "mara"))
    profile = await _profile(acme, members=[lisa])
    await asyncio.gather(
        acme.change("adam", "profiles", profile["id"], add_members=[emil], remove_members=[lisa]),
        acme.change("olga", "profiles", profile["id"], add_members=[mara, emil]),
    )
    found = (await acme.read("adam", "profiles", profile["id"]))[0]
    assert set(found["members"]) - {lisa} == {emil, mara}
    assert len(found["members"]) == len(set(found["members"]))
    assert (await _licence(acme, 1))["profile"] == profile["id"], "whoever is added comes under it at once"
    for body in ({"add_members": [other.member("lisa")]}, {"add_teams": ["team-of-nobody"]}, {"add_members": None}):
        with pytest.raises(Problem) as refused:
            await acme.change("adam", "profiles", profile["id"], **body)
        assert refused.value.status == 422
    await acme.change("adam", "profiles", profile["id"], remove_members=[emil])
    assert (await _licence(acme, 1))["profile"] is None

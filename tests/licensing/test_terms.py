"""Contracts, policies and what agents and services are told of them (T-05, L-04, B-05, G-01)."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.kit.bus import round_trip
from services.kit.problems import Problem
from services.licensing.policies import Policy, build
from services.wire import events, proof, requests, subjects
from tests.licensing.support import Acme, Device, Licensing, until
from tests.support.servers import ROOT


async def _grant(licensing: Licensing, device: Device) -> requests.Grant:
    asked = requests.GrantOf(workspace=device.workspace, device=device.device)
    return events.check(requests.Grant, await licensing.ask("grant", asked))


def test_everything_is_off_until_turned_on() -> None:
    """B-05, T-05, T-09, M-04: no kind of data is captured by default; captures would be small and blurred."""
    policy = build({})
    assert policy["screenshots"] == {
        "enabled": False,
        "per_segment": 1,
        "monitors": "member",
        "width": 1280,
        "blur": True,
    }
    switches = [policy[name] for name in ("apps", "titles", "recording", "live", "movement_counts", "shifts_only")]
    assert not any([*switches, policy["camera"]["enabled"], *policy["member_may"].values()])
    assert (policy["site"], policy["idle_minutes"], policy["grace_days"]) == ("off", 5, 30)
    assert (policy["capture_days"], policy["camera_days"]) == ("workspace", "workspace"), "seven there (M-05)"
    assert Policy().model_dump() == policy


@pytest.mark.parametrize(
    "wrong",
    [
        *({"screenshots": {"per_segment": 11}}, {"screenshots": {"per_segment": 0}}, {"camera": {"per_hour": 7}}),
        *({"tray": None}, {"apps": 1}, {"site": "all"}, {"screenshots": True}),
        *({"unheard_of": True}, {"screenshots": {"$set": 1}}, {"idle_minutes": {"$gt": 0}}),
        *({"legal_basis": ""}, {"legal_basis": " \n"}),
    ],
)
def test_a_policy_that_cannot_be(wrong: dict[str, Any]) -> None:
    """T-05: at most ten captures; T-09: six snapshots an hour; G-01: a legal basis has words."""
    with pytest.raises(Problem, match="422"):
        build(wrong)


async def test_a_grant_says_all(licensing: Licensing, acme: Acme) -> None:
    device = await acme.activated(1)
    grant = await _grant(licensing, device)
    assert (grant.member, grant.state, grant.mode) == (acme.member("emil"), "active", "worklog")
    assert proof.read_public_key(grant.public_key) == bytes(device.key.verify_key)
    assert [one.contract for one in grant.contracts] == [acme.answer["contracts"][2]["contract"]]
    problem = await licensing.refused("grant", requests.GrantOf(workspace="ws-other", device=device.device))
    assert problem.status == 404


async def test_keys_are_told_to_who_seals_whatever_became_of_the_device(licensing: Licensing, acme: Acme) -> None:
    """S-06: base64 however the key was written; nothing of another workspace's device."""
    device = await acme.activated(1)
    await acme.change("olga", "devices", device.device, state="released")
    asked = requests.KeysOf(workspace=device.workspace, devices=[device.device, "dev-unknown"])
    (found,) = (await licensing.ask("keys", asked))["devices"]
    assert (found["device"], found["kind"]) == (device.device, "desktop")
    assert base64.b64decode(found["public_key"]) == bytes(device.key.verify_key)
    other = requests.KeysOf(workspace="ws-other", devices=[device.device])
    assert await licensing.ask("keys", other) == {"devices": []}


async def test_a_policy_change_reaches_a_running_agent(licensing: Licensing, acme: Acme) -> None:
    """L-04: a new version, pushed signed and growing in revision, without ending the connection."""
    device = await acme.activated(1)
    before = await _grant(licensing, device)
    client = await device.connect(licensing.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    policy = acme.answer["licences"][1]["policy"]
    changed = await acme.change("olga", "policies", policy, policy={"screenshots": {"enabled": True}})
    assert (changed["version"], changed["policy"]["apps"]) == (2, True)
    message = proof.open_notice(
        licensing.notice_public, (await commands.next_msg(timeout=5)).data, device.workspace, device.device
    )
    assert (message["command"], message["policy"]["version"]) == ("entitlement", 2)
    assert message["policy"]["screenshots"]["enabled"] is False  # until the notice arrived (test_notices.py)
    assert message["revision"] > before.revision
    await round_trip(client)
    assert not device.closed.is_set()
    versions = await licensing.store["policy_versions"].find({"workspace": acme.workspace}).to_list(None)
    kept = {one["_id"]: one["policy"]["screenshots"]["enabled"] for one in versions}
    assert kept[f"{acme.workspace}|{policy}|1"] is False
    assert kept[f"{acme.workspace}|{policy}|2"] is True
    await client.close()


async def test_a_contract_by_revision(licensing: Licensing, acme: Acme) -> None:
    """Each change is one revision more and told whole; agents see running contracts, ingest ended ones too."""
    device = await acme.activated()
    contract = acme.answer["contracts"][0]["contract"]
    before = await _grant(licensing, device)
    changes = [acme.change("olga", "contracts", contract, weekly_limit_minutes=limit) for limit in range(600, 605)]
    await asyncio.gather(*changes)
    changed = await acme.change("olga", "contracts", contract, ends_on="2020-01-31", memo_required=True)
    assert changed["revision"] == 7
    after = await _grant(licensing, device)
    assert after.revision == before.revision + 6
    assert contract in [one.contract for one in after.contracts]
    client = await device.connect(licensing.url)
    answer = await client.request(subjects.device_request(device.workspace, device.device, "entitlement"), timeout=5)
    told = proof.open_notice(licensing.notice_public, answer.data, device.workspace, device.device)
    assert contract not in [one["contract"] for one in told["contracts"]]

    async def heard() -> bool:
        facts = [one for one in licensing.facts("contract.changed", acme.workspace) if one["contract"] == contract]
        return {one["revision"] for one in facts} >= set(range(1, 8))

    await until(heard)
    await client.close()


async def test_a_contracts_history(licensing: Licensing, acme: Acme) -> None:
    """S-03, S-07: every version stays as it was, with who made it so; a client sees what was agreed with them."""
    contract = acme.answer["contracts"][0]["contract"]
    await acme.change("olga", "contracts", contract, rate_minor=5000)
    await acme.change("adam", "contracts", contract, rate_minor=5500, weekly_limit_minutes=600)
    await acme.change("adam", "contracts", contract, client=None)

    async def seen(who: str) -> list[Any]:
        asked = requests.ContractVersionsOf(principal=acme.principal(who), contract=contract)
        items = (await licensing.ask("contract_versions", asked))["items"]
        return [(one["version"], one["changes"], one["contract"]["rate_minor"], one["by"]) for one in items]

    olga, adam = acme.member("olga"), acme.member("adam")
    told = [(3, ["rate_minor", "weekly_limit_minutes"], 5500, adam), (2, ["rate_minor"], 5000, olga), (1, [], 0, None)]
    assert await seen("lisa") == await seen("adam") == [(4, ["client"], 5500, adam), *told]
    for who in ("cleo", "emil"):
        asked = requests.ContractVersionsOf(principal=acme.principal(who), contract=contract)
        assert (await licensing.refused("contract_versions", asked)).status == 404
    await acme.change("olga", "contracts", contract, client=acme.member("cleo"))
    assert await seen("cleo") == [(5, ["client"], 5500, olga), *told]


async def test_a_contract_of_before_its_versions_were_kept(licensing: Licensing, acme: Acme) -> None:
    contract = acme.answer["contracts"][1]["contract"]
    await licensing.store["contract_versions"].delete_many({})
    asked = requests.ContractVersionsOf(principal=acme.principal("olga"), contract=contract)
    [only] = (await licensing.ask("contract_versions", asked))["items"]
    assert (only["version"], only["changed_at"]) == (1, None)
    await acme.change("olga", "contracts", contract, rate_minor=700)
    items = (await licensing.ask("contract_versions", asked))["items"]
    assert [(one["version"], one["contract"]["rate_minor"]) for one in items] == [(2, 700), (1, 0)]
    assert all(one["changed_at"] for one in items)


async def test_contracts_that_cannot_be(licensing: Licensing, acme: Acme) -> None:
    contract = acme.answer["contracts"][0]["contract"]
    for body in (
        *({"rate_minor": -1}, {"rate_minor": 1.5}, {"weekly_limit_minutes": 10_081}, {"currency": "euro"}),
        *({"currency": "XXX"}, {"project": " "}, {"project": "a\nb"}),
        *({"ends_on": "2026-02-30"}, {"starts_on": "2026-02-02", "ends_on": "2026-02-01"}, {"labels": "x"}),
        *({"project": None}, {"member": acme.member("emil")}, {"client": acme.member("emil")}),
    ):
        with pytest.raises(Problem, match="422"):
            await acme.change("olga", "contracts", contract, **body)


async def test_a_replay_says_all_again(licensing: Licensing, acme: Acme) -> None:
    """Projections can be rebuilt: every fact of the workspace comes again as it is now, contracts as they were too."""
    device, contract = await acme.activated(), acme.answer["contracts"][0]["contract"]
    await acme.change("olga", "contracts", contract, rate_minor=5000)
    kinds = ("workspace.changed", "member.changed", "contract.changed", "licence.changed", "notice.raised")

    def counts() -> list[int]:
        return [len(licensing.facts(kind, acme.workspace)) for kind in kinds]

    async def settled() -> bool:
        facts = licensing.facts("licence.changed", acme.workspace)
        return counts()[0] >= 1 and any(one["device"] == device.device for one in facts)

    await until(settled)
    licensing.heard.clear()
    span = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    answer = await licensing.ask("replay", requests.Replay(workspace=acme.workspace, **span))
    # and the notice of a licence that knows applications
    expected = [1, 7, 5, 4, 1]  # the computer is a member with a contract of its own; three licences and one device

    async def again() -> bool:
        return all(got >= want for got, want in zip(counts(), expected, strict=True))

    await until(again)
    assert answer == {"emitted": sum(expected)}
    told = [one for one in licensing.facts("contract.changed", acme.workspace) if one["contract"] == contract]
    assert [(one["revision"], one["rate_minor"]) for one in told] == [(1, 0), (2, 5000)]
    assert all(one["changed_at"] for one in told)  # so that time which comes late goes by what held (S-03)


def test_seeding_by_the_command(licensing: Licensing) -> None:
    """The command that installations begin with; its keys work at once."""
    environment = licensing.installation.environment("licensing", mongo_prefix=licensing.prefix)
    document = {
        "workspaces": [
            {
                "name": "Seeded",
                "people": [{"email": "ada@seed.test", "name": "Ada", "role": "owner", "password": "0123456789"}],
                "contracts": [{"member_email": "ada@seed.test", "project": "Engine", "rate_minor": 100}],
                "licences": [{"mode": "worklog", "member_email": "ada@seed.test", "contract_index": 0}],
            }
        ]
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.licensing.seed"],
        input=json.dumps(document).encode(),
        capture_output=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environment,
        timeout=60,
        check=True,
    )
    [made] = json.loads(done.stdout)["workspaces"]
    [licence] = made["licences"]
    assert licence["contract"] == made["contracts"][0]["contract"]
    assert licence["member"] == made["people"][0]["member"]
    assert len(licence["key"].replace("-", "")) == 32


async def test_what_a_deletion_takes_is_the_workspaces_setting(licensing: Licensing, acme: Acme) -> None:
    """S-08, W-06: whole segments by default, or the time since the previous capture; others are told."""
    owner = acme.principal("olga")
    read = requests.Read(principal=owner, collection="workspaces", id=acme.workspace)
    assert (await licensing.ask("read", read))["items"][0]["deletion_rule"] == "segment"
    change = {"principal": owner, "collection": "workspaces", "id": acme.workspace}
    body = {"deletion_rule": "since_previous"}
    assert (await licensing.ask("change", requests.Change(**change, body=body)))["deletion_rule"] == "since_previous"
    problem = await licensing.refused("change", requests.Change(**change, body={"deletion_rule": "nothing"}))
    assert problem.status == 422


@pytest.mark.parametrize("version", ["latest", "v2", "", "1.", "1.0\n"])
async def test_the_lowest_version_of_agents_is_one(licensing: Licensing, acme: Acme, version: str) -> None:
    """T-15: agents take what is no version for "any"."""
    with pytest.raises(Problem, match="422"):
        await acme.change("olga", "workspaces", acme.workspace, minimum_agent=version)


async def test_a_contract_may_be_other_than_hourly(licensing: Licensing, acme: Acme) -> None:
    """S-03: without a rate nothing of it is billed."""
    body = {"member": acme.member("emil"), "project": "Flat", "rate_minor": None}
    asked = requests.Create(principal=acme.principal("olga"), collection="contracts", body=body)
    made = await licensing.ask("create", asked)
    assert made["rate_minor"] is None
    change = {"principal": acme.principal("olga"), "collection": "contracts", "id": made["id"]}
    for rate in (6000, None):
        assert (await licensing.ask("change", requests.Change(**change, body={"rate_minor": rate})))[
            "rate_minor"
        ] == rate


async def test_null_is_for_what_may_be_nothing(acme: Acme) -> None:
    """It is refused for every other field, and nothing of the change is done."""
    (con,) = await acme.read("olga", "contracts", member=acme.member("emil"))
    team = await acme.create("olga", "teams", name="Blue")
    refused: list[tuple[str, str, list[str]]] = [
        ("workspaces", acme.workspace, ["name", "billing_zone", "lock_hour", "billing_unit", "mails_off", "archived"]),
        ("contracts", con["id"], ["project", "currency", "manual_time", "labels"]),
        ("members", acme.member("emil"), ["name", "role", "zone", "manages"]),
        ("teams", team["id"], ["name", "archived"]),
    ]
    for collection, id, names in refused:
        for name in names:
            other = {"name": "Other"} if name != "name" and collection != "contracts" else {}
            with pytest.raises(Problem, match="422") as problem:
                await acme.change("olga", collection, id, **{name: None}, **other)
            assert name in str(problem.value.document())
    (same,) = await acme.read("olga", "teams", name="Blue")
    assert same["id"] == team["id"]
    allowed = await acme.change("olga", "workspaces", acme.workspace, seats=None, minimum_agent=None)
    assert (allowed["seats"], allowed["minimum_agent"]) == (None, None)
    assert (await acme.change("olga", "contracts", con["id"], ends_on=None))["ends_on"] is None


async def test_a_contract_is_offered_on_its_days_in_the_billing_zone(licensing: Licensing, acme: Acme) -> None:
    """S-03: the agent is told of contracts that run today; records of others are admitted all the same."""
    device = await acme.activated(1)
    client = await device.connect(licensing.url)
    (con,) = await acme.read("olga", "contracts", member=acme.member("emil"))

    async def offered() -> bool:
        granted = await _grant(licensing, device)
        assert con["id"] in {one.contract for one in granted.contracts}, "ingest knows it, whenever it ran"
        answer = await client.request(subjects.device_request(device.workspace, device.device, "entitlement"))
        told = proof.open_notice(licensing.notice_public, answer.data, device.workspace, device.device)
        return con["id"] in {one["contract"] for one in told["contracts"]}

    for zone in ("Etc/GMT-14", "Etc/GMT+12"):
        today = datetime.now(ZoneInfo(zone)).date()
        await acme.change("olga", "workspaces", acme.workspace, billing_zone=zone)
        await acme.change("olga", "contracts", con["id"], starts_on=str(today), ends_on=str(today))
        assert await offered(), zone
        await acme.change("olga", "contracts", con["id"], starts_on=None, ends_on=str(today - timedelta(days=1)))
        assert not await offered(), zone
    await client.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_drain_can_be_shortened_and_nothing_else(licensing: Licensing) -> None:
    """L-04: ``drain_hours`` alone on a revoked licence; the moment of the revocation stays."""
    acme = await licensing.seed()
    device = await acme.activated()
    id = acme.answer["licences"][0]["licence"]
    with pytest.raises(Problem) as early:
        await acme.change("adam", "licences", id, drain_hours=0)
    assert (early.value.status, early.value.extra["field"]) == (422, "drain_hours")
    revoked = await acme.change("adam", "licences", id, state="revoked", drain_hours=4)
    with pytest.raises(Problem) as longer:
        await acme.change("adam", "licences", id, drain_hours=5)
    assert (longer.value.status, longer.value.kind) == (409, "drain-not-shorter")
    shorter = await acme.change("adam", "licences", id, drain_hours=0)
    assert shorter["drain_until"] < revoked["drain_until"]
    assert shorter["revoked_at"] == revoked["revoked_at"]

    async def refused() -> bool:
        return await device.is_refused(licensing.url)

    await until(refused)

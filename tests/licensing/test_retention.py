"""How long pictures are kept: what policy, workspace and legal hold come to for a device (M-05, W-06, G-02)."""

from typing import Any

import pytest

from services.kit.problems import Problem
from services.wire import events, requests
from tests.licensing.support import Acme, Device, Licensing, until


async def held(licensing: Licensing, device: Device) -> tuple[Any, Any, bool]:
    asked = requests.GrantOf(workspace=device.workspace, device=device.device)
    policy = events.check(requests.Grant, await licensing.ask("grant", asked)).policy
    return policy["capture_days"], policy["camera_days"], policy["legal_hold"]


async def log(licensing: Licensing, acme: Acme) -> list[tuple[str, str]]:
    found = await licensing.ask("audit", requests.AuditOf(principal=acme.principal("olga")))
    return [(one["action"], one["detail"]) for one in found["items"]]


async def test_a_policy_that_states_nothing_follows_its_workspace(licensing: Licensing, acme: Acme) -> None:
    device = await acme.activated(1)
    assert await held(licensing, device) == (7, 7, False)
    changed = await acme.change("adam", "workspaces", acme.workspace, capture_days=None, camera_days=3)
    assert (changed["capture_days"], changed["camera_days"], changed["legal_hold"]) == (None, 3, False)
    assert await held(licensing, device) == (None, 3, False)
    [licence] = await acme.read("olga", "licences", member=acme.member("emil"))
    await acme.change("adam", "policies", licence["policy"], policy={"capture_days": 30})
    assert await held(licensing, device) == (30, 3, False)
    assert ("workspace.changed", "camera_days=3, capture_days=null") in await log(licensing, acme)


async def test_a_policy_of_before_keeps_its_days_for_every_kind(licensing: Licensing, acme: Acme) -> None:
    """What was stored before the camera had days of its own, or the workspace a say."""
    device = await acme.activated(1)
    kept = licensing.store["policy_versions"]
    old = {"$set": {"policy.capture_days": 90}, "$unset": {"policy.camera_days": ""}}
    await kept.update_many({"workspace": acme.workspace}, old)
    await licensing.stop_services()  # versions never change, so a running instance remembers them
    await licensing.start()
    assert await held(licensing, device) == (90, 90, False)


async def test_a_legal_hold_of_a_member_or_of_all(licensing: Licensing, acme: Acme) -> None:
    """G-02: by an admin or owner, in the log, and told to who must know at once."""
    emils, lisas = await acme.activated(1), await acme.activated(0)
    for who in ("mara", "emil", "lisa"):
        with pytest.raises(Problem, match="403"):
            await acme.change(who, "members", acme.member("emil"), legal_hold=True)
        with pytest.raises(Problem, match="403"):
            await acme.change(who, "workspaces", acme.workspace, legal_hold=True)
    changed = await acme.change("adam", "members", acme.member("emil"), legal_hold=True)
    assert changed["legal_hold"] is True
    assert (await held(licensing, emils))[2], "at once"
    assert not (await held(licensing, lisas))[2]

    async def told() -> bool:
        said = licensing.facts("member.changed", acme.workspace)
        return any(one["member"] == acme.member("emil") for one in said)

    await until(told)
    await acme.change("olga", "workspaces", acme.workspace, legal_hold=True)
    assert (await held(licensing, lisas))[2]
    await acme.change("olga", "members", acme.member("emil"), legal_hold=False)
    assert (await held(licensing, emils))[2], "the workspace's still holds"
    await acme.change("olga", "workspaces", acme.workspace, legal_hold=False)
    assert not (await held(licensing, emils))[2]
    said = await log(licensing, acme)
    assert ("member.changed", "legal_hold=true") in said
    assert ("workspace.changed", "legal_hold=true") in said
    assert ("member.changed", "legal_hold=false") in said


@pytest.mark.parametrize("days", [0, 36501, "seven", True])
async def test_days_that_cannot_be(acme: Acme, days: Any) -> None:
    with pytest.raises(Problem, match="422") as refused:
        await acme.change("olga", "workspaces", acme.workspace, capture_days=days)
    assert refused.value.extra["field"] == "capture_days"
    with pytest.raises(Problem, match="422"):
        await acme.create("olga", "policies", name="Odd", policy={"capture_days": days})

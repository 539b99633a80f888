"""Mails that others have reason for, devices that fall silent, and keys in two hands (W-07, V-03, L-06)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.bus import round_trip
from services.licensing import silence
from services.licensing.contacts import Boots
from services.licensing.store import now
from services.wire import requests, slots, subjects
from tests.licensing.support import Acme, Device, Licensing, until

here = pytest.mark.asyncio(loop_scope="module")
DECISION = {"week": "2026-11-16", "contract": "Atlas", "decision": "approved", "decider": "Mara", "reason": ""}


def _tell(acme: Acme, **more: Any) -> requests.Tell:
    fields: dict[str, Any] = {"workspace": acme.workspace, "id": "week-1", "kind": "timesheet_decision"}
    return requests.Tell(**(fields | {"member": acme.member("lisa"), "values": DECISION} | more))


@here
async def test_a_service_tells_a_member_once(shared: Licensing) -> None:
    """W-07: asked again, at once or later, the mail of an id goes out once."""
    acme = await shared.seed()
    await asyncio.gather(*(shared.ask("tell", _tell(acme)) for _ in range(5)))
    await shared.ask("tell", _tell(acme, id="week-2"))
    mail = await shared.mails.wait_for(acme.email("lisa"), "Your timesheet", count=2)
    assert "was approved by Mara" in mail["text"]
    await shared.ask("tell", _tell(acme))
    assert len(await acme.read("olga", "mails", member=acme.member("lisa"))) == 2
    assert (await shared.refused("tell", _tell(acme, values={"week": "x"}))).status == 422
    assert (await shared.refused("tell", _tell(acme, member=acme.member("lisa")[:-1] + "0"))).status == 404


@here
async def test_a_kind_that_is_off_is_not_sent(shared: Licensing) -> None:
    acme = await shared.seed()
    await acme.change("olga", "workspaces", acme.workspace, mails_off=["timesheet_decision"])
    await shared.ask("tell", _tell(acme))
    [kept] = await acme.read("olga", "mails", kind="timesheet_decision")
    assert kept["state"] == "off"


async def _present(licensing: Licensing, device: Device, boot: str) -> None:
    body = {"status": "working", "app": None, "since": slots.format_instant(now()), "agent": "1.0.0", "boot": boot}
    subject = subjects.presence(device.workspace, device.device)
    await licensing.caller.publish(subject, json.dumps(body | {"unsent": 0, "oldest_unsent": None}).encode())
    await round_trip(licensing.caller)


async def _row(acme: Acme, device: Device) -> dict[str, Any]:
    return (await acme.read("olga", "devices", device.device))[0]


@here
async def test_a_device_that_falls_silent_is_told_of_once(shared: Licensing) -> None:
    """W-07: to owner and admins; heard again and silent again, once more; not where its licence stopped it."""
    acme = await shared.seed()
    device, stopped = await acme.activated(0), await acme.activated(1)
    assert (await _row(acme, device))["seat"] == "reserved"
    for one in (device, stopped):
        await _present(shared, one, "a")

    async def heard() -> bool:
        return all([(await _row(acme, one))["last_contact_at"] for one in (device, stopped)])

    await until(heard, 15)
    assert (await _row(acme, device))["seat"] == "active"
    await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], state="suspended")
    long_ago = {"$set": {"at": now() - timedelta(days=4)}}
    await shared.store["contacts"].update_many({"workspace": acme.workspace}, long_ago)
    assert ((await _row(acme, device))["seat"], (await _row(acme, device))["state"]) == ("grace", "grace")
    sweeps = [silence.Silence(shared.store, timedelta(days=3)) for _ in range(3)]
    await asyncio.gather(*(one.look() for one in sweeps))
    for who in ("olga", "adam"):
        mail = await shared.mails.wait_for(acme.email(who), "does not report")
        assert "Lisa's laptop" in mail["subject"]
    assert len(await acme.read("olga", "mails", kind="device_silent")) == 2
    await _present(shared, device, "a")

    async def back() -> bool:
        return bool((await _row(acme, device))["seat"] == "active")

    await until(back, 15)
    ago = {"$set": {"at": now() - timedelta(days=5)}}
    await shared.store["contacts"].update_many({"workspace": acme.workspace}, ago)
    await sweeps[0].look()
    assert len(await acme.read("olga", "mails", kind="device_silent")) == 4


@here
async def test_a_key_that_two_computers_use_is_noticed(shared: Licensing) -> None:
    """L-06: two runs of a computer that alternate are two computers; one that starts anew is not."""
    acme = await shared.seed()
    cloned, sound = await acme.activated(0), await acme.activated(1)
    for boot in ("a", "b", "b", "c"):
        await _present(shared, sound, boot)
    for boot in ("a", "b", "a"):
        await _present(shared, cloned, boot)

    async def noticed() -> bool:
        return bool((await _row(acme, cloned))["cloned_at"])

    await until(noticed)
    assert (await _row(acme, cloned))["cloned_because"] == "boots"
    assert (await _row(acme, sound))["cloned_at"] is None
    doubt = requests.Doubt(workspace=acme.workspace, device=sound.device, because="conflict")
    await asyncio.gather(*(shared.ask("doubt", doubt) for _ in range(3)))
    assert (await _row(acme, sound))["cloned_because"] == "conflict"
    looked_into = await acme.change("adam", "devices", cloned.device, cloned=False)
    assert looked_into["cloned_at"] is None
    entries = (await shared.ask("audit", requests.AuditOf(principal=acme.principal("olga"))))["items"]
    assert [one["target"] for one in entries if one["action"] == "device.doubted"] == [sound.device, cloned.device]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_a_computer_that_only_starts_anew_is_never_two(rises: list[int]) -> None:
    boots, number = Boots("0"), 0
    for rise in rises:
        number += rise % 3
        boots, again = boots.heard(str(number))
        assert not again
    if number:
        boots, again = boots.heard("0")
        assert again == (boots.before is not None and str(number) != "0" and _last_other(rises) == 0)


def _last_other(rises: list[int]) -> int:
    """The run before the last one."""
    numbers = [0]
    for rise in rises:
        if rise % 3:
            numbers.append(numbers[-1] + rise % 3)
    return numbers[-2]

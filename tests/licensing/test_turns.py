"""What time alone changes reaches devices as it happens (L-04, S-03)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.subscription import Subscription

from services.kit.bus import round_trip
from services.licensing import contracts
from services.licensing.store import key, now
from services.licensing.turns import Turns, comes_round, passed
from services.wire import proof, slots, subjects
from tests.licensing import many
from tests.licensing.support import Acme, Device, Licensing, until

here = pytest.mark.asyncio(loop_scope="module")
MARK = key("-", "turns")


async def _hears(licensing: Licensing, device: Device) -> Subscription:
    client = await device.connect(licensing.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    return commands


async def _told(licensing: Licensing, device: Device, commands: Subscription, seconds: float = 5) -> dict[str, Any]:
    body = (await commands.next_msg(timeout=seconds)).data
    return proof.open_notice(licensing.notice_public, body, device.workspace, device.device)


@here
async def test_a_licence_that_ends_is_told_as_it_ends(licensing: Licensing, acme: Acme) -> None:
    """L-04: by the running service, within seconds, to the device, and to the services that remember its grant."""
    device, other = await acme.activated(1), await acme.activated()
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    licence = acme.answer["licences"][1]["licence"]
    await acme.change("olga", "licences", licence, expires=slots.format_instant(ends))
    caught: list[Any] = []

    async def catch(message: Any) -> None:
        caught.append((datetime.now(UTC), message))

    # the bus ends the device's own connection at that very moment: what was said is looked at beside it
    for one in (device, other):
        await licensing.caller.subscribe(subjects.commands(one.workspace, one.device), cb=catch)
    await round_trip(licensing.caller)

    async def heard() -> bool:
        return any(at >= ends for at, _ in caught) and any(
            one["device"] == device.device and one["state"] == "expired"
            for one in licensing.facts("licence.changed", acme.workspace)
        )

    await until(heard, 15)
    at, message = next(one for one in caught if one[0] >= ends)
    assert at - ends < timedelta(seconds=5)
    said = proof.open_notice(licensing.notice_public, message.data, device.workspace, device.device)
    assert (said["command"], said["state"]) == ("entitlement", "expired")
    assert all(one.subject.endswith(device.device) for _, one in caught)


@here
async def test_a_contract_that_begins_or_ends_at_midnight_is_told(licensing: Licensing, acme: Acme) -> None:
    """S-03: in the billing zone of the workspace, to the devices of whose contract it is, once over two replicas."""
    device, other = await acme.activated(1), await acme.activated()
    commands, others = await _hears(licensing, device), await _hears(licensing, other)
    contract = acme.answer["contracts"][2]["contract"]
    zone = ZoneInfo("Pacific/Kiritimati")
    tenant = {"_id": key(acme.workspace)}
    await licensing.store["workspaces"].update_one(tenant, {"$set": {"billing_zone": zone.key}})
    today = now().astimezone(zone).date()
    await licensing.store["contracts"].update_one({"id": contract}, {"$set": {"starts_on": today.isoformat()}})
    midnight = slots.midnight(today, zone)
    await _walk(licensing, midnight - timedelta(seconds=1), midnight)
    told = await _told(licensing, device, commands)
    assert contract in [one["contract"] for one in told["contracts"]]

    yesterday = (today - timedelta(days=1)).isoformat()
    await licensing.store["contracts"].update_one({"id": contract}, {"$set": {"starts_on": None, "ends_on": yesterday}})
    await _walk(licensing, midnight - timedelta(days=3), midnight)  # also where no replica ran for days
    told = await _told(licensing, device, commands)
    assert contract not in [one["contract"] for one in told["contracts"]]
    await round_trip(licensing.caller)
    assert (commands.pending_msgs, others.pending_msgs) == (0, 0)


async def _walk(licensing: Licensing, start: datetime, end: datetime) -> None:
    """Two replicas look at the same span at once; the running one's mark is put back for them."""
    marks = licensing.store["marks"]
    walks = [Turns(licensing.store) for _ in "ab"]
    before = await licensing.store["pushes"].count_documents({})
    await marks.update_one({"_id": MARK}, {"$set": {"at": start}}, upsert=True)
    await asyncio.gather(*(walk.look(end) for walk in walks))
    assert (await marks.find_one({"_id": MARK}) or {})["at"] >= end
    assert await licensing.store["pushes"].count_documents({}) <= before + 1


@here
async def test_very_many_licences_end_at_once(licensing: Licensing, acme: Acme) -> None:
    """All that end in one moment are told, bite by bite."""
    policy = await many.multiply(licensing.store, acme, 70)
    ends = now() + timedelta(seconds=1)
    await licensing.store["licences"].update_many({"in_effect": policy}, {"$set": {"expires": ends}})

    async def told() -> bool:
        facts = [one for one in licensing.facts("licence.changed", acme.workspace) if one["device"]]
        return len({one["device"] for one in facts if one["state"] == "expired"}) == 70

    await until(told, 20)


days = st.dates(date(2026, 1, 1), date(2026, 1, 12))
maybe = st.none() | days.map(date.isoformat)


@given(maybe, maybe, days, days)
def test_whatever_changes_what_is_offered_comes_round(starts: Any, ends: Any, one: date, other: date) -> None:
    before, after = sorted((one.isoformat(), other.isoformat()))
    contract = {"starts_on": starts, "ends_on": ends}
    changed = contracts.runs_on(contract, before) != contracts.runs_on(contract, after)
    assert comes_round(contract, (before, after)) or not changed
    assert not comes_round(contract, None)


def test_a_day_passes_by_the_clock_of_its_zone() -> None:
    end = datetime(2026, 11, 22, 18, 15, tzinfo=UTC)  # midnight at +05:45
    assert passed(end - timedelta(seconds=1), end, "Asia/Kathmandu") == ("2026-11-22", "2026-11-23")
    assert passed(end, end + timedelta(hours=1), "Asia/Kathmandu") is None
    assert passed(end - timedelta(seconds=1), end, "UTC") is None

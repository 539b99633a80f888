"""Killed anywhere, ingest loses and doubles nothing: redelivery repairs each step (T-10, S-11)."""

import asyncio
import random

import orjson
import pytest

from services.kit.migrate import migrate
from services.kit.settings import Settings
from services.wire import proof, subjects
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually

PLACES = {
    "before the ledger": ("before", "services.ingest.ledger:Ledger.write"),
    "between ledger and journal": ("after", "services.ingest.ledger:Ledger.write"),
    "between journal and watermark": ("after", "services.kit.bus:Bus.journal"),
    "between watermark and receipt": ("after", "services.ingest.receipts:Receipts.settle"),
    "between commit and ack": ("after", "services.ingest.intake:Intake.take"),
}


async def all_is_well(observer: Observer, *devices: Device) -> None:
    """Each record once in the ledger, on JOURNAL, in the receipt, and nothing left on the bus."""
    await eventually(observer.drained)
    for device in devices:
        assert [row["hash"] for row in observer.ledger(device)] == [one.hash for one in device.sealed]
        receipt = await observer.receipt(device)
        assert (receipt["through"], receipt["above"], receipt["quarantined"]) == (len(device.sealed), [], [])
        facts = [orjson.loads(one.data) for one in await observer.journalled(device.workspace)]
        said = {(fact["seq"], fact["record_hash"]) for fact in facts if fact["device"] == device.device}
        assert said == {(one.seq, one.hash) for one in device.sealed}


@pytest.mark.parametrize("place", PLACES)
async def test_killed_there_and_started_again_nothing_is_lost_or_doubled(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str, place: str
) -> None:
    devices = [Device(workspace_id) for _ in range(3)]
    licensing.know(*devices)
    for device in devices:
        await observer.send(device, device.close_many(20))
    stopped_ingest.start("tests.ingest.dies", *PLACES[place])
    assert await stopped_ingest.died() == -9
    in_ledger = sum(len(observer.ledger(device)) for device in devices)
    assert (in_ledger == 0) == (place == "before the ledger")
    assert not await observer.drained()
    stopped_ingest.start().wait_ready()
    await all_is_well(observer, *devices)


async def test_killed_while_quarantining_each_is_held_once(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    bodies = [device.close(member="other"), device.close(), device.close(more=1)]
    await observer.send(device, bodies)
    stopped_ingest.start("tests.ingest.dies", "after", "services.ingest.quarantine:Quarantine.hold")
    assert await stopped_ingest.died() == -9
    stopped_ingest.start().wait_ready()
    await eventually(observer.drained)
    assert observer.reasons(device) == {1: "invalid", 3: "invalid"}
    assert len(observer.quarantine(device)) == 2
    assert (await observer.receipt(device))["through"] == 3


async def test_shuffled_doubled_and_late_records_over_several_replicas(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """S-11: three replicas race over the same devices and doubles; the outcome is that of one in order."""
    devices = [Device(workspace_id) for _ in range(4)]
    licensing.know(*devices)
    sendings = [(device, one) for device in devices for one in device.close_many(150)]
    late = [sendings.pop(index) for index in (400, 200, 0)]
    chance = random.Random(7)
    sendings = chance.sample(sendings, len(sendings)) + chance.sample(sendings, 300)
    stopped_ingest.start().start().start().wait_ready()
    await asyncio.gather(*(observer.send(device, [one]) for device, one in sendings))
    await eventually(observer.drained)
    assert (await observer.receipt(devices[0]))["through"] == 0  # its first record is late
    await asyncio.gather(*(observer.send(device, [one]) for device, one in late))
    await all_is_well(observer, *devices)


async def test_a_wiped_bus_loses_nothing_that_the_agents_still_have(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """The receipt, not the PubAck, frees the spool: what was on its way when the bus was lost is sent again."""
    device = Device(workspace_id)
    licensing.know(device)
    stopped_ingest.start().wait_ready()
    await observer.send(device, device.close_many(10))
    await eventually(observer.drained)
    stopped_ingest.kill()
    await observer.send(device, device.close_many(15))  # PubAcks came, ingest is down, and then the bus is gone
    installation = stopped_ingest.installation
    installation.reset_bus()
    await migrate(Settings(**settings_of(stopped_ingest, "migrate")))
    stopped_ingest.start().wait_ready()
    await eventually(lambda: observer.client.is_connected and licensing.client.is_connected)
    receipt = await observer.receipt(device)
    assert receipt["through"] == 10
    await observer.send(device, device.sealed[receipt["through"] :])
    await eventually(observer.drained)
    assert [row["hash"] for row in observer.ledger(device)] == [one.hash for one in device.sealed]
    assert (await observer.receipt(device))["through"] == 25


def settings_of(ingest: Ingest, service: str) -> dict[str, str]:
    env = ingest.installation.environment(service, mongo_prefix=ingest.mongo_prefix)
    return {name.removeprefix("DAYBOOK_").lower(): value for name, value in env.items()}


async def test_a_restored_store_asks_again_for_what_it_lost(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """The answer to a question may lower what the agent believes; pushed receipts follow from there."""
    device = Device(workspace_id)
    licensing.know(device)
    stopped_ingest.start().wait_ready()
    await observer.send(device, device.close_many(10))
    await eventually(observer.drained)
    observer.db.ledger.delete_many({"_id": {"$in": [row["_id"] for row in observer.ledger(device)[7:]]}})
    lowered = await observer.receipt(device)
    assert lowered["through"] == 7
    await observer.send(device, device.sealed[7:])
    await eventually(observer.drained)
    assert (await observer.receipt(device))["through"] == 10
    observer.db.watermarks.delete_many({})  # and the other way round: an older watermark beside a newer ledger
    assert (await observer.receipt(device))["through"] == 10


async def test_a_lost_receipt_is_told_again_when_the_record_comes_again(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    stopped_ingest.start().wait_ready()
    await observer.send(device, device.close_many(2))
    await eventually(observer.drained)
    pushed = await observer.client.subscribe(subjects.receipts(workspace_id, device.device))
    await observer.send(device, device.sealed[:1])
    body = (await pushed.next_msg(timeout=30)).data
    assert proof.open_notice(observer.notice_key, body, workspace_id, device.device)["through"] == 2


async def test_a_store_that_is_away_stops_nothing_for_good(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str, mongo_server
) -> None:
    """Mongo killed: readiness says so, records wait on the bus, and go their way when it is back."""
    device = Device(workspace_id)
    licensing.know(device)
    stopped_ingest.start().wait_ready()
    mongo_server.kill()
    try:
        await observer.send(device, device.close_many(5))
        await eventually(lambda: stopped_ingest.get("/readyz")[0] == 503)
        assert stopped_ingest.get("/livez")[0] == 200
    finally:
        mongo_server.start().wait_ready()
    await eventually(lambda: stopped_ingest.get("/readyz")[0] == 200)
    await all_is_well(observer, device)

"""Nothing closed is lost or doubled, whatever is killed: a ledger kept by the test equals the diary."""

import asyncio
import shutil
from datetime import datetime, timedelta

import pytest

from tests.support.stack import Stack, day, until
from tests.support.stranger import Stranger, slot_before, today

RECORDS = 60


async def _shown(stack: Stack, device: Stranger, dates: set[str]) -> list[str]:
    async with stack.person("owner") as http:
        days = [await day(http, device.member, date) for date in sorted(dates)]
    return [one["segment_id"] for shown in days for one in shown["segments"] if one["device"] == device.device]


async def _all_there_once(stack: Stack, device: Stranger) -> None:
    """The test's own ledger against the diary: every segment, once, and the chain whole."""
    wanted = sorted(one.segment_id for one in device.closed)
    dates = {one.slot[:10] for one in device.closed}

    async def same() -> bool:
        try:
            return sorted(await _shown(stack, device, dates)) == wanted
        except Exception:  # the web itself may be on its way up again
            return False

    await until(same, 60)
    receipt = await device.settled()
    assert (receipt["through"], receipt["quarantined"]) == (len(wanted), [])


def _slots(count: int) -> list[datetime]:
    start = slot_before(today(), count + 1)
    return [start + index * timedelta(minutes=10) for index in range(count)]


async def _publish_with_patience(device: Stranger, body: bytes) -> None:
    while True:
        try:
            await device.publish(body)
        except Exception as error:  # what is down comes up again; the record stays until it is taken
            device.errors.append(repr(error))
            await asyncio.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("victim", ["ingest", "projector", "scoring", "nats", "mongo"])
async def test_a_kill_in_mid_flight_loses_and_doubles_nothing(stack: Stack, victim: str) -> None:
    """T-10, S-11: SIGKILL while records flow; PubAcks may be lost, receipts decide."""
    device = await stack.device()
    old = 0
    try:
        for index, slot in enumerate(_slots(RECORDS)):
            await _publish_with_patience(device, device.record(slot))
            if index == RECORDS // 2:
                old = stack.kill(victim)
        await stack.restarted(victim, old)
        await device.settled(seconds=60, resend=True)
        await _all_there_once(stack, device)
    finally:
        await device.close()


async def test_the_bus_store_wiped_loses_nothing_that_was_closed(stack: Stack) -> None:
    """Only a receipt lets a device forget: what the bus forgot is sent again."""
    device = await stack.device()
    try:
        slots = _slots(RECORDS)
        for slot in slots[: RECORDS // 2]:
            await device.publish(device.record(slot))
        old = stack.kill("ingest")
        for slot in slots[RECORDS // 2 :]:
            await _publish_with_patience(device, device.record(slot))
        await stack.restarted("ingest", old)
        store = stack.bus_store()
        old = stack.kill("nats")
        shutil.rmtree(store, ignore_errors=True)
        await stack.restarted("nats", old)
        await device.settled(seconds=60, resend=True)
        await _all_there_once(stack, device)
    finally:
        await device.close()


async def test_licensing_down_connected_devices_and_ingest_go_on(stack: Stack) -> None:
    device = await stack.device()
    try:
        slots = _slots(6)
        await device.publish(device.record(slots[0]))
        await device.settled(1)
        old = stack.kill("licensing")
        for slot in slots[1:]:
            await device.publish(device.record(slot))
        await device.settled()
        await stack.restarted("licensing", old)
        await _all_there_once(stack, device)
    finally:
        await device.close()

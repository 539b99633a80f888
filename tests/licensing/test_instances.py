"""Instances of licensing that come and go, while devices sign in to the bus (L-05, B-04)."""

from collections.abc import AsyncIterator

import nats.errors
import pytest_asyncio

from services.kit.bus import round_trip
from services.wire import subjects
from tests.licensing.support import Acme, Device, Licensing, until
from tests.support.servers import Installation


@pytest_asyncio.fixture(loop_scope="module")
async def licensing(migrated: Installation, mongo_prefix: str) -> AsyncIterator[Licensing]:
    """The test's own, to stop and to double."""
    async with Licensing(migrated, mongo_prefix).running() as running:
        yield running


async def test_two_instances_agree(licensing: Licensing, acme: Acme) -> None:
    """A key activated at one is admitted by both at once, one revoked at one is refused by both within seconds."""
    await licensing.start()
    devices = [await acme.activated(1) for _ in range(2)]
    for device in devices * 4:
        assert not await device.is_refused(licensing.url)
    await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], state="revoked", drain_hours=0)
    await until(lambda: _all_refused(devices, licensing.url), 5)


async def _all_refused(devices: list[Device], url: str) -> bool:
    return all([await device.is_refused(url) for device in devices * 4])


async def test_a_connected_device_goes_on_without_licensing(licensing: Licensing, acme: Acme) -> None:
    """With licensing down a device that is in stays in, services sign in, and nobody new is believed to be in."""
    device = await acme.activated()
    client = await device.connect(licensing.url)
    await licensing.stop_services()
    ack = await client.jetstream().publish(subjects.segments_closed(device.workspace, device.device), b"{}")
    assert ack.stream == subjects.SEGMENTS
    service = await licensing.installation.connect("ingest")
    await round_trip(service)
    await service.close()
    assert await device_gets_no_ack(device, licensing.url)
    await licensing.start()
    assert not await Device(device.key, device.workspace, device.device).is_refused(licensing.url)
    await client.close()


async def device_gets_no_ack(device: Device, url: str) -> bool:
    """nats-py calls a connection made that nobody has answered yet, so only a round trip tells."""
    again = Device(device.key, device.workspace, device.device)
    try:
        client = await again.connect(url)
        await client.jetstream().publish(subjects.segments_closed(device.workspace, device.device), b"{}", timeout=1)
    except (nats.errors.Error, OSError, TimeoutError):
        return True
    return False

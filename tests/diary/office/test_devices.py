"""The pages of devices on real services: contact, why one says nothing, what is held back (V-03, B-02)."""

from datetime import timedelta

import orjson
import pytest

from services.diary.presence import heard
from services.kit.bus import Bus, round_trip
from services.wire.slots import format_instant
from tests.diary.office.running import Office, plain
from tests.diary.running import until
from tests.support.stranger import slot_before, today

pytestmark = pytest.mark.asyncio(loop_scope="module")


def presence(status: str = "working", **more: object) -> bytes:
    said = {"status": status, "app": "Editor", "since": format_instant(today()), "agent": "1.0.0"}
    return orjson.dumps(said | {"unsent": 3, "oldest_unsent": format_instant(today() - timedelta(hours=1))} | more)


async def _says(bus: Bus, workspace: str, status: str) -> bool:
    said = (await heard(bus, workspace, ["many-0"])).get("many-0")
    return said is not None and said.presence is not None and said.presence.status == status


async def test_presence_is_read_for_many_devices_at_once(office: Office) -> None:
    """The one reader: what was said last, of those that are asked for, and nothing of others."""
    bus = office.web.edge.bus
    client = office.licensing.caller
    devices = [f"many-{n}" for n in range(1200)]
    for device in devices:
        await client.publish(f"presence.ws-many.{device}", presence())
    await client.publish("presence.ws-many.many-0", presence("idle"))
    await client.publish("presence.ws-many.many-1", b"no presence")
    await client.publish("presence.ws-other.many-0", presence("break"))
    await round_trip(client)
    await until(lambda: _says(bus, "ws-other", "break"))  # said last, so the bus has taken all that was said before
    found = await heard(bus, "ws-many", devices[:1100])
    assert set(found) == set(devices[:1100])
    assert found["many-0"].presence.status == "idle"  # type: ignore[union-attr]
    assert found["many-1"].presence is None
    assert found["many-2"].presence.unsent == 3  # type: ignore[union-attr]
    assert await heard(bus, "ws-many", []) == {}
    assert await heard(bus, "ws-none", ["many-0"]) == {}


async def test_a_device_reports_is_suspended_and_says_why(office: Office) -> None:
    acme = await office.acme()
    device = await office.device(acme.key())
    assert device.client is not None
    try:
        async with office.browser(acme, "adam") as adam:
            page = await adam.get("/devices")
            assert "Never seen" in plain(page)
            await device.client.publish(f"presence.{device.workspace}.{device.device}", presence())
            await round_trip(device.client)
            page = plain(await adam.until(f"/devices/{device.device}", lambda text: "Working" in text))
            assert "Waits to be sent 3 records" in page
            assert "Oldest that waits 1 h 00 ago" in page
            assert "Agent 1.0.0" in page
            await acme.change("adam", "licences", device.licence, state="suspended")
            page = await adam.get("/devices")
            assert "Its licence is suspended" in plain(page)
            assert f'href="/licences/{device.licence}"' in page
            told = (await adam.http.get(f"/api/v1/devices/{device.device}/contact")).json()
            assert told["silence"]["reason"] == "suspended"
            assert told["unsent"] == 3
    finally:
        await device.close()


async def test_what_is_held_back_is_released_by_an_admin(office: Office) -> None:
    """B-02: an unknown contract; once it is there, the record is tried again, and it is written down who did."""
    acme = await office.acme()
    device = await office.device(acme.key())
    slot = slot_before(today(), 3)
    try:
        first = device.record(slot, contract="con-later")
        await device.publish(first)
        await device.publish(device.record(slot + timedelta(minutes=10)))
        await device.settled()
        path = f"/devices/{device.device}"
        async with office.browser(acme, "adam") as adam, office.browser(acme, "lisa") as lisa:
            page = await adam.get(path)
            assert "unknown contract" in plain(page)
            assert "Gaps 0" in plain(page)
            held = (await adam.http.get(f"/api/v1{path}/quarantine")).json()["items"]
            assert [one["seq"] for one in held] == [1]
            own = await lisa.get(path)
            assert "unknown contract" in plain(own)
            assert "Try the chosen again" not in own
            await lisa.post(f"{path}/release", 403, record=held[0]["id"])
            page = await adam.post(f"{path}/release", record=held[0]["id"])
            assert "1 could not be taken yet" in plain(page)
            answer = await adam.http.post(f"/api/v1{path}/releases", json={"records": [held[0]["id"], "ws|x|1"]})
            assert answer.json() == {"tried": 1, "released": 0}
            log = (await adam.http.get("/api/v1/audit", params={"action": "records.released"})).json()["items"]
            assert [one["detail"] for one in log] == [f"0 of 1 of device {device.device}"] * 2
    finally:
        await device.close()


async def test_a_clock_that_is_ahead_is_named(office: Office) -> None:
    acme = await office.acme()
    device = await office.device(acme.key())
    try:
        await device.publish(device.record(slot_before(today(), -7)))
        await device.settled()
        async with office.browser(acme, "mara") as mara, office.browser(acme, "emil") as emil:
            page = await mara.get("/devices")
            assert "Clock wrong" in plain(page)
            assert f'href="/devices/{device.device}#held"' in page
            assert "Your devices" in await emil.get("/devices")
            await emil.get(f"/devices/{device.device}", 404)
    finally:
        await device.close()


async def test_nobody_reads_the_devices_of_others(office: Office) -> None:
    acme, other = await office.acme(), await office.acme()
    device = await office.device(acme.key())
    try:
        async with office.browser(other, "olga") as stranger, office.browser(acme, "cleo") as cleo:
            for path in (f"/devices/{device.device}", f"/api/v1/devices/{device.device}/contact"):
                assert (await stranger.http.get(path)).status_code == 404
                assert (await cleo.http.get(path)).status_code == 403
            await stranger.post(f"/devices/{device.device}/release", 404, record="x")
    finally:
        await device.close()


async def test_a_device_is_renamed(office: Office) -> None:
    acme = await office.acme()
    device = await office.device(acme.key())
    try:
        async with office.browser(acme, "olga") as olga:
            page = await olga.post(f"/devices/{device.device}/name", name="fjord-14")
            assert "It is called fjord-14 now." in plain(page)
            page = await olga.post(f"/devices/{device.device}/name", 422, name="")
            assert 'id="f-name-error"' in page
    finally:
        await device.close()

"""Two tenants: nothing of one is to be had with the other's session."""

from datetime import timedelta

import pytest

from tests.support.pictures import webp
from tests.support.stack import Stack, day, until
from tests.support.stranger import slot_before, text_of, today

ROLES = ("owner", "admin", "manager", "employee", "client")


async def test_the_other_tenants_sessions_see_nothing(stack: Stack) -> None:
    device = await stack.device()
    try:
        slot = slot_before(today(), 4)
        picture, thumbnail = webp(640, 400), webp(320, 200)
        capture = device.capture(picture, slot + timedelta(minutes=2), 640, 400)
        await device.publish(device.record(slot, captures=[capture], memo="canary memo"))
        assert await device.send_picture(capture, picture, thumbnail) == {"state": "stored"}
        await device.settled()
        date, capture_id = text_of(slot)[:10], capture["capture_id"]
        async with stack.person("owner") as http:

            async def stored() -> bool:
                shown = (await day(http, device.member, date))["segments"]
                states = [c["state"] for one in shown for c in one["captures"] if c["capture_id"] == capture_id]
                return states == ["stored"]

            await until(stored)
            seen = await http.get(f"/api/v1/captures/{capture_id}/picture")
            assert seen.is_success
            assert seen.content[:4] == b"RIFF"
        for role in ROLES:
            async with stack.person(role, other=True) as http:
                for path in (
                    f"/api/v1/diary/{device.member}/days/{date}",
                    f"/api/v1/captures/{capture_id}/picture",
                    f"/api/v1/captures/{capture_id}/thumbnail",
                    f"/api/v1/members/{device.member}",
                    f"/api/v1/contracts/{device.contracts[0]}",
                    f"/api/v1/devices/{device.device}",
                    f"/api/v1/licences/{device.licence}",
                ):
                    answer = await http.get(path)
                    assert answer.status_code in (403, 404), (role, path, answer.status_code)
                    assert "canary memo" not in answer.text
                for collection in ("members", "contracts", "devices", "licences"):
                    answer = await http.get(f"/api/v1/{collection}", params={"member": device.member})
                    assert device.device not in answer.text, (role, collection)
                    assert not answer.is_success or answer.json()["items"] == [], (role, collection)
    finally:
        await device.close()


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/members", "/api/v1/captures/x/picture", "/api/v1/events"])
async def test_nobody_gets_in_without_a_session(stack: Stack, path: str) -> None:
    async with stack.person("owner") as http:
        del http.headers["Authorization"]
        assert (await http.get(path)).status_code == 401
        http.headers["Authorization"] = "Bearer forged.token"
        assert (await http.get(path)).status_code == 401

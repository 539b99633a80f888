"""M-05, from the policy's days to the diary: the picture goes for good, what it proved and what is billed stays."""

from datetime import timedelta
from typing import Any

import httpx

from tests.support.pictures import webp
from tests.support.stack import Stack, day, until
from tests.support.stranger import Stranger, busy, slot_before, text_of, today

STORED, EXPIRED = {"state": "stored"}, {"state": "refused", "reason": "expired"}
PICTURE, THUMBNAIL = webp(640, 360), webp(320, 180)


async def shown(http: httpx.AsyncClient, device: Stranger, date: str, capture_id: str) -> tuple[Any, Any]:
    """The segment of a capture, and the capture."""
    for segment in (await day(http, device.member, date))["segments"]:
        for capture in segment["captures"]:
            if capture["capture_id"] == capture_id:
                return segment, capture
    return None, {"state": "unknown"}


async def billed(http: httpx.AsyncClient, device: Stranger, date: str) -> Any:
    """All that is counted of a day and its weeks, and of the contract's timesheets."""
    found = await day(http, device.member, date)
    sheets = (await http.get("/api/v1/timesheets", params={"member": device.member})).json()["items"]
    kept = {"protected", "unprotected_because", "billable_minutes", "status", "active_minutes", "minutes", "score"}
    segments = [{name: one[name] for name in kept} for one in found["segments"] if one["device"] == device.device]
    return found["totals"], found["score"], found["weeks"], segments, sheets


async def test_pictures_expire_and_nothing_else_does(stack: Stack) -> None:
    device = await stack.device()
    slots = [slot_before(today() - timedelta(days=3), number) for number in (4, 3)]
    captures = [device.capture(PICTURE, slot + timedelta(minutes=4), 640, 360) for slot in slots]
    first, late = captures
    date = text_of(slots[0])[:10]
    try:
        async with stack.person("owner") as http:
            for slot, capture in zip(slots, captures, strict=True):
                await device.publish(device.record(slot, busy(), captures=[capture]))
            await device.settled()
            assert await device.send_picture(first, PICTURE, THUMBNAIL) == STORED

            async def has(capture: dict[str, Any], **fields: Any) -> bool:
                _, found = await shown(http, device, date, capture["capture_id"])
                return bool(fields.items() <= found.items())

            await until(lambda: has(first, state="stored"))
            assert (await http.get(f"/api/v1/captures/{first['capture_id']}/picture")).is_success

            async def scored() -> bool:
                segment, _ = await shown(http, device, date, late["capture_id"])
                return segment is not None and segment["score"]["activity"] is not None

            await until(scored)
            before = await billed(http, device, date)

            own = await http.patch(f"/api/v1/licences/{device.licence}", json={"policy": {"capture_days": 1}})
            assert own.is_success, own.text
            await until(lambda: has(first, state="removed", expired_after_days=1), 60)
            assert await billed(http, device, date) == before, "neither minutes nor money nor protection moved (S-09)"
            segment, _ = await shown(http, device, date, first["capture_id"])
            assert (segment["protected"], segment["unprotected_because"]) == (True, None)
            gone = await http.get(f"/api/v1/captures/{first['capture_id']}/picture")
            assert (gone.status_code, gone.json()["type"].rsplit(":", 1)[1]) == (404, "picture-expired")
            assert gone.json()["expired_after_days"] == 1
            again = await device.send_picture(first, PICTURE, THUMBNAIL)
            assert again["state"] == "refused", "its bytes do not bring it back"

            # a computer that was offline for longer than pictures are kept
            assert await device.send_picture(late, PICTURE, THUMBNAIL) == EXPIRED
            await until(lambda: has(late, state="removed", expired_after_days=1))
            segment, _ = await shown(http, device, date, late["capture_id"])
            assert segment["protected"], "it was taken and sent: its segment is protected"

            page = await http.get(f"/diary/{device.member}/{date}")
            assert "Expired after 1 day" in page.text
            page = await http.get(f"/captures/{device.member}/{date}")
            assert "expired after 1 day" in page.text
    finally:
        await device.close()


async def test_a_legal_hold_keeps_them_until_it_is_lifted(stack: Stack) -> None:
    """M-05, G-02: of a member, set by the owner, in the audit log."""
    device = await stack.device()
    slot = slot_before(today() - timedelta(days=4), 4)
    capture = device.capture(PICTURE, slot + timedelta(minutes=4), 640, 360)
    member, date = f"/api/v1/members/{device.member}", text_of(slot)[:10]
    try:
        async with stack.person("owner") as http:
            assert (await http.patch(member, json={"legal_hold": True})).json()["legal_hold"] is True
            await http.patch(f"/api/v1/licences/{device.licence}", json={"policy": {"capture_days": 2}})
            await device.publish(device.record(slot, busy(), captures=[capture]))
            await device.settled()

            async def taken() -> bool:
                return await device.send_picture(capture, PICTURE, THUMBNAIL) == STORED

            await until(taken)

            async def shown_as(**fields: Any) -> bool:
                _, found = await shown(http, device, date, capture["capture_id"])
                return bool(fields.items() <= found.items())

            await until(lambda: shown_as(state="stored"))
            assert (await http.get(f"/api/v1/captures/{capture['capture_id']}/picture")).is_success
            assert (await http.patch(member, json={"legal_hold": False})).is_success
            await until(lambda: shown_as(state="removed", expired_after_days=2), 60)
            entries = (await http.get("/api/v1/audit", params={"member": device.member})).json()["items"]
            said = [one["detail"] for one in entries if one["action"] == "member.changed"]
            assert {"legal_hold=true", "legal_hold=false"} <= set(said)
    finally:
        await device.close()

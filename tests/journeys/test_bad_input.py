"""Bad input gets a clear error or its reason in quarantine, loses nothing, and its neighbours pass."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import nats.errors
import pytest
from nacl.signing import SigningKey

from tests.support.stack import Stack, day, until
from tests.support.stranger import Stranger, slot_before, text_of, today


def _float(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["policy"] = 1.5


def _extra(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["extra"] = 1


def _extra_detail(record: dict[str, Any], detail: dict[str, Any]) -> None:
    detail["extra"] = 1


def _elsewhere(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["workspace"] = "elsewhere"


def _unknown_contract(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["contract"] = "nobodys"
    record["segment_id"] = f"nobodys:{record['device']}:{record['slot']}"


def _off_grid(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["slot"] = record["slot"].replace("0:00Z", "3:00Z")


def _wrong_detail(record: dict[str, Any], detail: dict[str, Any]) -> None:
    record["detail"], record["keep_detail"] = "0" * 64, True


SPOILED = {
    "a float": (_float, "invalid"),
    "an extra key": (_extra, "invalid"),
    "an extra key in the detail": (_extra_detail, "invalid"),
    "a slot off the grid": (_off_grid, "invalid"),
    "a detail that is not the hashed one": (_wrong_detail, "invalid"),
    "another workspace": (_elsewhere, "invalid"),
    "an unknown contract": (_unknown_contract, "unknown_contract"),
}


async def test_each_spoiled_record_is_quarantined_with_its_reason_and_its_neighbours_pass(stack: Stack) -> None:
    device = await stack.device()
    slot = slot_before(today(), 60)
    expected, good = [], []
    try:
        for change, reason in SPOILED.values():
            await device.publish(device.record(slot, change=change))
            expected.append([device.seq, reason])
            slot += timedelta(minutes=10)
            await device.publish(device.record(slot))
            good.append(device.closed[-1].segment_id)
            slot += timedelta(minutes=10)
        for when, reason in ((today() + timedelta(hours=2), "clock_ahead"), (today() - timedelta(days=200), "too_old")):
            await device.publish(device.record(slot_before(when)))
            expected.append([device.seq, reason])
        await device.publish(device.record(slot_before(today() - timedelta(days=90))))
        expected.append([device.seq, "outside_licence"])
        doubled = json.loads(device.record(slot, keep=False))["record"].replace(
            '"policy":', '"policy": 2, "policy":', 1
        )
        await device.publish(device.seal(doubled, "{}"))
        expected.append([device.seq, "invalid"])
        receipt = await device.settled()
        assert sorted(receipt["quarantined"]) == sorted(expected)
        async with stack.person("owner") as http:
            days = {text_of(slot_before(today(), n))[:10] for n in (0, 61)}

            async def all_shown() -> bool:
                shown = [one for date in days for one in (await day(http, device.member, date))["segments"]]
                return sorted(one["segment_id"] for one in shown if one["device"] == device.device) == sorted(good)

            await until(all_shown)
    finally:
        await device.close()


async def test_what_proves_nothing_takes_no_seq(stack: Stack) -> None:
    device = await stack.device()
    try:
        slot = slot_before(today(), 3)
        body = json.loads(device.record(slot, keep=False))
        forged = {**body, "signature": base64.b64encode(bytes(64)).decode()}
        for junk in (b"no json", b"[]", b'{"v":2}', b"1e999", json.dumps(forged).encode(), b"\xff\xfe", b"{" * 5000):
            await device.publish(junk)
        await device.publish(device.record(slot))
        receipt = await device.settled(1)
        assert receipt["quarantined"] == [], "nothing is proved by a broken envelope or signature"
        assert receipt["through"] == 1
    finally:
        await device.close()


async def test_the_same_seq_with_other_bytes_is_a_conflict_and_overwrites_nothing(stack: Stack) -> None:
    device = await stack.device()
    try:
        slot = slot_before(today(), 3)
        other = device.record(slot, memo="the other", keep=False)
        await device.publish(device.record(slot, memo="the first"))
        await device.settled(1)
        await device.publish(other)
        await device.publish(device.record(slot + timedelta(minutes=10)))
        await device.settled(2)
        async with stack.person("owner") as http:
            shown = await day(http, device.member, text_of(slot)[:10])
        mine = [one for one in shown["segments"] if one["device"] == device.device and one["slot"] == text_of(slot)]
        assert [one["memo"] for one in mine] == ["the first"]
    finally:
        await device.close()


async def test_a_body_over_the_limit_is_refused_and_the_next_passes(stack: Stack) -> None:
    device = await stack.device()
    try:
        slot = slot_before(today(), 3)

        def swell(record: dict[str, Any], detail: dict[str, Any]) -> None:
            detail["apps"] = [["Editor", "x" * 1900, None, 1] for _ in range(60)]

        await device.publish(device.record(slot, change=swell, keep=False))
        with pytest.raises((nats.errors.Error, ValueError)):
            await device.publish(b"x" * (2 * 1024 * 1024))
        await device.publish(device.record(slot))
        assert (await device.settled(1))["through"] == 1
    finally:
        await device.close()


async def test_a_picture_that_is_none_is_refused_with_its_reason(stack: Stack) -> None:
    device = await stack.device()
    try:
        at = slot_before(today(), 2)
        junk = b"GIF89a, or rather not" * 50
        capture = device.capture(junk, at, 640, 400)
        assert await device.send_picture(capture, junk, junk[:100]) == {"state": "refused", "reason": "format"}
        other = {**device.capture(junk, at, 640, 400), "sha256": "0" * 64}
        assert await device.send_picture(other, junk, junk[:100]) == {"state": "refused", "reason": "hash"}
    finally:
        await device.close()


class TestActivation:
    """L-01, L-03: what cannot be activated says why."""

    async def _activate(self, stack: Stack, body: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(base_url=stack.web, timeout=20) as http:
            return await http.post("/api/v1/activations", json=body)

    async def test_a_wrong_key_is_a_clear_problem(self, stack: Stack) -> None:
        answer = await self._activate(stack, Stranger(stack.web).offer("NOT-A-KEY"))
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["title"]

    async def test_the_proof_must_be_by_the_key(self, stack: Stack) -> None:
        offer = Stranger(stack.web).offer(stack.licence()["key"], proof=base64.b64encode(bytes(64)).decode())
        answer = await self._activate(stack, offer)
        assert 400 <= answer.status_code < 500
        assert "proof" in answer.text

    async def test_a_public_key_that_is_someone_elses_is_refused(self, stack: Stack) -> None:
        first, second = stack.licence(), stack.licence()
        thief = await Stranger(stack.web).activate(first["key"])
        again = await self._activate(stack, thief.offer(first["key"]))
        assert again.is_success
        assert again.json()["device"] == thief.device
        assert (await self._activate(stack, thief.offer(second["key"]))).status_code == 409

    async def test_the_last_seat_is_one_devices(self, stack: Stack) -> None:
        licence = stack.licence()
        await Stranger(stack.web).activate(licence["key"])
        late = Stranger(stack.web, key=SigningKey.generate())
        answer = await self._activate(stack, late.offer(licence["key"]))
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("no-seat-left")

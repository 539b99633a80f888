"""S-11: the same records shuffled, doubled, late and split give the same day, byte for byte."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import orjson

from tests.support.stack import Stack, day, until
from tests.support.stranger import Stranger, slot_before, text_of, today

SLOTS = 12


def _comparable(shown: dict[str, Any], device: Stranger) -> bytes:
    """The day's segments with what differs between two devices by nature put to one name."""
    mine = [one for one in shown["segments"] if one["device"] == device.device]
    text = orjson.dumps(mine).decode().replace(device.device, "DEVICE")
    for contract in device.contracts:
        text = text.replace(contract, "CONTRACT")
    return text.encode()


async def _day_of(stack: Stack, device: Stranger, date: str) -> bytes:
    async with stack.person("owner") as http:

        async def whole() -> dict[str, Any] | None:
            shown = await day(http, device.member, date)
            mine = [one for one in shown["segments"] if one["device"] == device.device]
            scored = all(one["score"]["activity"] is not None for one in mine)
            return shown if len(mine) == SLOTS and scored and all(all(one["minutes"]) for one in mine) else None

        return _comparable(await until(whole), device)


async def test_shuffled_doubled_late_and_split_give_the_same_day(stack: Stack) -> None:
    # A day of its own for each device: on one day the two would claim the same minutes (T-14).
    straight, wild = await stack.device(), await stack.device()
    noon = today().replace(hour=12, minute=0, second=0, microsecond=0)
    first, second = noon - timedelta(days=20), noon - timedelta(days=27)
    try:
        for device, start in ((straight, first), (wild, second)):
            for index in range(SLOTS):
                slot = start + index * timedelta(minutes=10)
                head = [[index, 1, 0, 0, "work", 0]] * 5 + [None] * 5
                tail = [None] * 5 + [[0, 0, 2, 9, "idle" if index % 3 else "work", 0]] * 5
                device.record(slot, head, memo="early", session="s", closed_at=slot + timedelta(minutes=5))
                device.record(slot, tail, memo="late" if index % 2 else None, session="s")
        for one in straight.closed:
            await straight.publish(one.body)
        bodies = [one.body for one in wild.closed] * 3
        random.Random(11).shuffle(bodies)
        for body in bodies:
            await wild.publish(body)
        await asyncio.gather(straight.settled(), wild.settled())
        one = await _day_of(stack, straight, text_of(first)[:10])
        other = await _day_of(stack, wild, text_of(second)[:10])
        assert one == other.replace(text_of(second)[:10].encode(), text_of(first)[:10].encode())
    finally:
        await straight.close()
        await wild.close()


async def test_two_devices_at_once_count_a_minute_once(stack: Stack) -> None:
    """T-14, where both licences are the same member's."""
    one, two = await stack.device(), await stack.device()
    try:
        slot = slot_before(today(), 40)
        for device in (one, two):
            await device.publish(device.record(slot))
            await device.settled()
        async with stack.person("owner") as http:

            async def both() -> list[dict[str, Any]] | None:
                shown = (await day(http, one.member, text_of(slot)[:10]))["segments"]
                mine = [s for s in shown if s["slot"] == text_of(slot) and s["device"] in (one.device, two.device)]
                return mine if len(mine) == 2 else None

            mine = await until(both)
        if one.member == two.member:
            assert sorted(segment["billable_minutes"] for segment in mine) == [0, 10]
            first = min((one, two), key=lambda device: device.device)
            assert next(s for s in mine if s["device"] == first.device)["billable_minutes"] == 10
    finally:
        await one.close()
        await two.close()

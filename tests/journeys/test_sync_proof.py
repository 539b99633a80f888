"""B-02 with the real agent: what has arrived, what is missing, what is held back and why, and what still waits."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.wire.slots import parse_instant
from tests.journeys.computer import Agent, Wire
from tests.support.servers import new_id
from tests.support.stack import Stack, until

pytestmark = pytest.mark.timeout(300)

HOUR = timedelta(hours=1)
GONE = 2
MOST_NAMED = 6
"""The record that the wire loses."""


async def _licence(http: httpx.AsyncClient) -> tuple[str, str]:
    """A member of their own, so that no other device is theirs, and the key of their licence."""
    named = {"name": "Tove Berg", "email": f"{new_id('tove')}@example.com", "role": "employee"}
    member = (await _made(http, "members", named))["id"]
    agreed = {"project": "Cables", "currency": "EUR", "rate_minor": 6000, "weekly_limit_minutes": None, "labels": []}
    await _made(http, "contracts", {"member": member, **agreed, "manual_time": False, "memo_required": False})
    begins = f"{(datetime.now(UTC) - timedelta(days=9)).isoformat()[:19]}Z"
    asked = {"mode": "worklog", "member": member, "seats": 1, "policy": {"apps": True}, "not_before": begins}
    return member, (await _made(http, "licences", asked))["key"]


async def _made(http: httpx.AsyncClient, collection: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(f"/api/v1/{collection}", json=body)
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _got(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(f"/api/v1/{path}")
    assert answer.is_success, answer.text
    return answer.json()


async def _page(http: httpx.AsyncClient, path: str) -> str:
    """A page's words, as somebody reads them."""
    answer = await http.get(path, headers={"Accept": "text/html"})
    assert answer.is_success, answer.text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


async def test_arrived_missing_held_back_and_unsent_are_said_at_once_and_then_nothing_is_missing(
    stack: Stack, home: Path
) -> None:
    agent = Agent(home, {"PATH": "/usr/bin:/bin", "TZ": "UTC"})
    now = datetime.now(UTC)
    async with stack.person("owner") as http, Wire(stack.ready["nats"]) as wire:
        member, key = await _licence(http)
        device = await asyncio.to_thread(agent.activate, stack.web, key)
        agent.reach_the_bus_by(wire.url)
        day = f"/diary/{member}/{now.date()}?zone=UTC"
        # some arrive, and one of them is lost on the way
        wire.lost = {GONE}
        async with agent.recording(now - 5 * HOUR, 3):
            await until(lambda: wire.passed >= {1, 3})
        sound = len(agent.closed())
        # for a while the clock is two hours ahead
        async with agent.recording(now + 2 * HOUR, 1):
            await until(lambda: max(wire.passed) > sound)
        ahead = range(sound + 1, len(agent.closed()) + 1)
        # then nothing more gets through, and at last there is no connection
        wire.lost = None
        async with agent.recording(now - 2 * HOUR, 2):
            await asyncio.to_thread(agent.says, "stop")
            records, held = wire.passed - {*ahead}, sorted(wire.passed & {*ahead})
            waits = len(agent.closed()) - len(wire.passed)
            contact = await until(lambda: _contact(http, device, waits), 60)
            wire.down = True
            wire.cut()
            assert contact["oldest_unsent"] == agent.closed()[GONE - 1][1]
            said = await _sync(http, device)
            assert (said["records"], said["through"]) == (len(records), held[-1])
            assert (said["missing"], said["broken"]) == ([[GONE, GONE]], [])
            assert said["quarantined"] == [[seq, "clock_ahead"] for seq in held]
            oldest = f"{contact['oldest_unsent'][11:16]}"
            named = [f"{seq}: from a clock that is ahead" for seq in held[:MOST_NAMED]]
            why = "; ".join(named + ["…"] * (len(held) > MOST_NAMED))
            shown = await _page(http, day)
            assert f"Arrived: {len(records)} of {held[-1]} records, 1 gap" in shown
            assert f"Records 1 to {held[-1]}, missing {GONE}, {_records(len(held))} held back ({why})" in shown
            assert f"{waits} records not sent yet, the oldest of {oldest}" in shown
            shown = await _page(http, f"/devices/{device}")
            hours = (datetime.now(UTC) - parse_instant(contact["oldest_unsent"])) // HOUR
            assert f"Waits to be sent {waits} records Oldest that waits {hours} h" in shown
            assert f"Records {len(records)} Through {held[-1]} Gaps 1: {GONE} Broken links 0" in shown
            assert f"Held back: {len(held)}" in shown
            assert shown.count("from a clock that is ahead") == len(held)
            # and when the connection comes back
            wire.down, wire.lost = False, set()
            await until(lambda: _contact(http, device, 0), 90)
        closed = len(agent.closed())
        held = [seq for seq in ahead if seq in wire.passed]
        said = await _sync(http, device)
        assert (said["records"], said["through"]) == (closed - len(held), closed)
        assert (said["missing"], said["broken"]) == ([], [])
        shown = await _page(http, day)
        assert f"Arrived: {closed - len(held)} of {closed} records, 0 gaps" in shown
        assert f"Records 1 to {closed}, none missing, {_records(len(held))} held back" in shown
        assert "nothing waits on it" in shown
        shown = await _page(http, f"/devices/{device}")
        assert f"Through {closed} Gaps 0 Broken links 0 Held back {len(held)}" in shown
        assert "Waits to be sent 0 records" in shown


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number} records"


async def _sync(http: httpx.AsyncClient, device: str) -> dict[str, Any]:
    found: dict[str, Any] = await _got(http, f"devices/{device}/sync")
    return found


async def _contact(http: httpx.AsyncClient, device: str, unsent: int) -> dict[str, Any] | None:
    """What the device said last, once so many records wait on it."""
    found: dict[str, Any] = await _got(http, f"devices/{device}/contact")
    return found if found["unsent"] == unsent else None

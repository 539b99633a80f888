"""The real agent on a real screen: what was typed there stands in the diary, number by number."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.agent.desktop import Screen, process, screen
from tests.journeys.computer import Agent, clock
from tests.support.stack import Stack, day, until

pytestmark = [pytest.mark.x11, pytest.mark.timeout(400)]

TITLE = "quarterly figures - editor"
#: A minute of the agent's clock takes five seconds.
RATE = 12


def a_fast_clock() -> dict[str, str]:
    """A minute of it has just begun, half an hour ago."""
    return clock((datetime.now(UTC) - timedelta(minutes=30)).replace(second=0, microsecond=0), RATE)


@pytest.fixture
def desk() -> Iterator[Screen]:
    with screen() as made:
        yield made


async def _mine(http: Any, member: str, device: str) -> list[dict[str, Any]]:
    """All segments of the device, of today and, around midnight, the day before."""
    now = datetime.now(UTC)
    dates = {now.date().isoformat(), datetime.fromtimestamp(now.timestamp() - 3600, UTC).date().isoformat()}
    days = [await day(http, member, date) for date in sorted(dates)]
    return [one for shown in days for one in shown["segments"] if one["device"] == device]


async def test_what_was_typed_on_a_screen_is_in_the_diary(stack: Stack, desk: Screen, home: Path) -> None:
    """T-01, T-03, T-04, T-05: 200 keys, 50 clicks, 20 scrolls, the window's name and a picture of that screen."""
    licence, agent = stack.licence(), Agent(home, desk.env | a_fast_clock())
    agent.says("activate", "--server", stack.web, stdin=licence["key"] + "\n")
    with (
        desk.terminal(TITLE),
        process(sys.executable, "-m", "agent", "run", env=agent.env, stderr=subprocess.DEVNULL) as resident,
    ):
        await until(lambda: agent.status().get("bus") == "online", 60)
        agent.says("start", "--contract", licence["contract"], "--memo", "typed by hand")
        desk.run("xdotool", "mousemove", "400", "300")
        desk.run("xdotool", "type", "--delay", "2", "a" * 200)
        desk.run("xdotool", "click", "--repeat", "50", "--delay", "2", "1")
        for wheel in "4567":
            desk.run("xdotool", "click", "--repeat", "5", "--delay", "2", wheel)
        # ten captures a segment: one in what is left of this minute or in the next
        await until(lambda: (found := agent.status()) and (found["captures_held"] or found["pictures_unsent"]), 60, 0.5)
        agent.says("stop")
        await until(lambda: (found := agent.status()) and not found["unsent"] and not found["pictures_unsent"], 60, 0.5)
        resident.send_signal(signal.SIGTERM)
        await asyncio.to_thread(resident.wait, 20)

    device = json.loads(next(home.glob("*activation*")).read_text())["device"]
    async with stack.person("owner") as http:

        async def whole() -> list[dict[str, Any]] | None:
            mine = await _mine(http, licence["member"], device)
            captures = [one for segment in mine for one in segment["captures"]]
            return mine if captures and all(one["state"] == "stored" for one in captures) else None

        mine = await until(whole, 60)
        minutes = [minute for segment in mine for minute in segment["minutes"] if minute]
        assert [sum(minute[count] for minute in minutes) for count in range(3)] == [200, 50, 20]
        assert ["xterm", TITLE] in [app[:2] for segment in mine for app in segment["apps"]]
        assert {segment["memo"] for segment in mine} == {"typed by hand"}
        assert all(segment["billable_minutes"] == 10 for segment in mine if segment["active_minutes"])
        capture = next(one for segment in mine for one in segment["captures"])
        answer = await http.get(f"/api/v1/captures/{capture['capture_id']}/picture")
        assert answer.is_success
    seen = Image.open(BytesIO(answer.content)).convert("RGB")
    assert seen.size == (capture["width"], capture["height"])
    one_colour = Image.new("RGB", seen.size, seen.getpixel((5, 5)))
    _, high = ImageChops.difference(seen, one_colour).convert("L").getextrema()
    assert high > 60, "a picture of a screen with a window on it is not one colour"


async def test_the_agent_killed_at_any_moment_loses_at_most_the_running_minute(
    stack: Stack, desk: Screen, home: Path
) -> None:
    """T-10: kill -9 while time runs; what it had closed and checkpointed is in the diary after it starts again."""
    licence, agent = stack.licence(), Agent(home, desk.env | a_fast_clock())
    agent.says("activate", "--server", stack.web, stdin=licence["key"] + "\n")
    command = (sys.executable, "-m", "agent", "run")
    with desk.terminal(TITLE), process(*command, env=agent.env, stderr=subprocess.DEVNULL) as first:
        await until(lambda: agent.status().get("bus") == "online", 60)
        agent.says("start", "--contract", licence["contract"], "--memo", "before the kill")
        desk.run("xdotool", "type", "--delay", "2", "a" * 40)
        await until(lambda: agent.keys_on_disk() == 40, 60)
        os.kill(first.pid, signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    with process(*command, env=agent.env, stderr=subprocess.DEVNULL):
        await until(lambda: (found := agent.status()) and found["bus"] == "online" and not found["unsent"], 60, 0.5)
    device = json.loads(next(home.glob("*activation*")).read_text())["device"]
    async with stack.person("owner") as http:
        mine = await until(lambda: _mine(http, licence["member"], device), 30)
    assert sum(minute[0] for segment in mine for minute in segment["minutes"] if minute) == 40

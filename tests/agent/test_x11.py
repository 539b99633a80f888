"""A real X server: what is typed is counted exactly, what is in front is named, what is on the screen is captured."""

import asyncio
import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageChops
from Xlib import X
from Xlib.display import Display

from agent import control
from agent.capture import _shrunk, pixelated
from agent.foreground_x11 import X11Foreground
from agent.input_x11 import XInput2
from agent.meter import Unavailable
from agent.sampler import Counts
from agent.shutter import Job, Shutter
from agent.slot import App
from agent.spool import Spool
from agent.x11 import X11, connect
from tests.agent.desktop import ROOT, Screen, activated, fast_clock, screen, wait_for
from tests.agent.doubles import DeviceBus, Services

pytestmark = pytest.mark.x11


@pytest.fixture(scope="module")
def desk() -> Iterator[Screen]:
    with screen() as made:
        yield made


@pytest.fixture
def x11(desk: Screen) -> Iterator[X11]:
    made = X11(desk.env["DISPLAY"])
    yield made
    made.close()


def type_and_click(desk: Screen) -> None:
    """Exactly 200 keys, 50 clicks, 20 scrolls."""
    desk.run("xdotool", "type", "--delay", "2", "a" * 200)
    desk.run("xdotool", "click", "--repeat", "50", "--delay", "2", "1")
    for wheel in "4567":
        desk.run("xdotool", "click", "--repeat", "5", "--delay", "2", wheel)


async def test_the_whole_way_from_the_keyboard_to_the_bus(desk: Screen, tmp_path: Path) -> None:
    """T-03, T-04, T-05, T-08: the record carries exactly what was typed, in which window, and a picture of it."""
    policy = {"screenshots": {"enabled": True, "per_segment": 10, "blur": True}}
    with activated(policy=policy) as home:
        bus = DeviceBus(tmp_path / "bus", [home.who])
        bus.server.start().wait_ready()
        home.settings.keep(_with_bus(home.settings.activation(), bus.server.url))
        client = await bus.connect()
        contract = {"contract": "contract", "title": "Work", "labels": [], "memo_required": False}
        entitlement = {"revision": 1, "state": "active", "licence": "lic", "contracts": [contract]}
        entitlement |= {"policy": {"version": 1, "apps": True, "titles": True, **policy}}
        services = await Services(client, key=home.notices, entitlement=entitlement).open()
        # ten times as fast, and just into a slot: it has a minute of real time left
        env = desk.env | {"DAYBOOK_AGENT_CLOCK": fast_clock(10, 5)}

        def work() -> dict[str, Any]:
            with desk.terminal("main.py - editor"), home.resident("--start", "--memo", "typing", env=env):
                assert home.status()["sources"] == {"input": "XInput2", "windows": "X11"}
                desk.run("xdotool", "mousemove", "400", "300")
                type_and_click(desk)
                wait_for(lambda: home.status()["captures_held"], 30)
                control.ask(home.settings.door, "stop")
                return wait_for(
                    lambda: (found := home.status())["pictures_unsent"] == 0 and not found["unsent"] and found
                )

        status = await asyncio.to_thread(work)
        assert status["bus"] == "online"
        (record,) = services.kept[home.who.device].values()
        minutes = [minute for minute in record.minutes if minute]
        assert [sum(minute[n] for minute in minutes) for n in range(3)] == [200, 50, 20]
        assert sum(minute[3] for minute in minutes) >= 1
        assert {minute[4] for minute in minutes} == {"work"}
        detail = services.details[home.who.device][record.seq]
        assert list(detail.apps[0])[:3] == ["xterm", "main.py - editor", None]
        assert detail.memo == "typing"
        assert [entry.capture_id for entry, _ in services.pictures] == [one.capture_id for one in detail.captures]
        entry, body = services.pictures[0]
        picture = Image.open(io.BytesIO(body[: entry.bytes]))
        assert (picture.format, picture.size) == ("WEBP", (1280, 800))
        assert hashlib.sha256(body[: entry.bytes]).hexdigest() == entry.sha256
        assert Image.open(io.BytesIO(body[entry.bytes :])).size == (320, 200)
        assert entry.blurred
        assert entry.app == 0
        await client.close()
        bus.server.kill()


def _with_bus(activation: Any, url: str) -> Any:
    from dataclasses import replace

    return replace(activation, bus=(url,))


# input ----------------------------------------------------------------------------------------------------------------


def count(source: XInput2) -> Counts:
    """All that has arrived; asked again because xdotool returns before the server has told everybody."""
    counts = Counts()
    for _ in range(10):
        counts = counts.plus(source.take())
        time.sleep(0.02)
    return counts


def test_every_event_is_counted_once(desk: Screen, x11: X11) -> None:
    source = XInput2(x11)
    with desk.terminal("one"):
        source.take()
        type_and_click(desk)
        assert count(source)[:3] == (200, 50, 20)


def test_counting_holds_under_anothers_grab(desk: Screen, x11: X11) -> None:
    """A menu or a screen locker grabs the keyboard; XInput 2.2 still tells us that keys go down."""
    source, grabber = XInput2(x11), Display(desk.env["DISPLAY"])
    with desk.terminal("one"):
        source.take()
        root = grabber.screen().root
        assert root.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime) == X.GrabSuccess
        desk.run("xdotool", "key", "--delay", "2", *["b"] * 30)
        assert count(source).keys == 30
    grabber.close()


def test_a_key_held_down_is_one_press(desk: Screen, x11: X11) -> None:
    source = XInput2(x11)
    with desk.terminal("one"):
        source.take()
        desk.run("xdotool", "keydown", "a", "sleep", "0.8", "keyup", "a")
        assert count(source).keys == 1


def test_the_pointer_moves_in_coarse_steps(desk: Screen, x11: X11) -> None:
    """T-03."""
    source = XInput2(x11)
    desk.run("xdotool", "mousemove", "100", "100")
    source.take()
    for to, moves in (("103", 0), ("107", 0), ("108", 1), ("110", 0), ("400", 1)):
        desk.run("xdotool", "mousemove", to, "100")
        assert source.take().moves == moves
    assert source.pointer() == (400, 100)


PYNPUT = """
import time
from agent.input_pynput import Pynput
source = Pynput()
time.sleep(1)
print("ready", flush=True)
input()
time.sleep(0.5)
print(*source.take()[:3], flush=True)
source.close()
"""


def test_pynput_counts_the_same_where_xinput2_is_missing(desk: Screen) -> None:
    with desk.terminal("one"):
        child = subprocess.Popen(
            [sys.executable, "-c", PYNPUT], cwd=ROOT, env=desk.env, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL
        )
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        type_and_click(desk)
        said, _ = child.communicate(b"\n", timeout=30)
        assert said.split() == [b"200", b"50", b"20"]


@pytest.mark.parametrize(
    "env", [{"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, {"XDG_SESSION_TYPE": "wayland"}, {}]
)
def test_wayland_is_named_and_nothing_is_counted_as_0(env: dict[str, str]) -> None:
    """T-17: XWayland would show a part of it, and count nothing."""
    with pytest.raises(Unavailable, match=r"Wayland|DISPLAY"):
        connect(env)


# the foreground -------------------------------------------------------------------------------------------------------


def test_the_window_in_front_is_followed_and_its_title(desk: Screen, x11: X11) -> None:
    """T-04: by events; nothing is asked while nothing changes."""
    foreground = X11Foreground(x11)

    def front() -> App | None:
        x11.drain()
        return foreground.front()

    with desk.terminal("first window"):
        wait_for(lambda: front() == App("xterm", "first window"))
        with desk.terminal("second window") as window:
            wait_for(lambda: front() == App("xterm", "second window"))
            desk.run("xdotool", "set_window", "--name", "grüße – renamed", window)
            wait_for(lambda: front() == App("xterm", "grüße – renamed"))
        wait_for(lambda: front() == App("xterm", "first window"))
    wait_for(lambda: front() is None)


def test_the_screen_saver_is_seen(desk: Screen, x11: X11) -> None:
    """T-11."""
    foreground, other = X11Foreground(x11), Display(desk.env["DISPLAY"])
    desk.run("xdotool", "key", "a")
    assert (foreground.idle_ms() or 0) < 5000
    assert not foreground.locked()
    other.force_screen_saver(X.ScreenSaverActive)
    other.sync()
    foreground._looked_at = 0
    assert foreground.locked()
    other.force_screen_saver(X.ScreenSaverReset)
    other.close()


def test_a_lost_server_is_said_and_ends_nothing() -> None:
    with screen() as made:
        x11 = X11(made.env["DISPLAY"])
        source, foreground = XInput2(x11), X11Foreground(x11)
        source.take()
    wait_for(lambda: source.take() and x11.lost)
    assert "gone" in (x11.lost or "")
    assert foreground.idle_ms() is not None


# captures -------------------------------------------------------------------------------------------------------------


async def take(desk: Screen, spool: Spool, folder: Path, **job: Any) -> list[tuple[dict[str, Any], bytes, bytes]]:
    command = ("env", f"DISPLAY={desk.env['DISPLAY']}", f"PYTHONPATH={ROOT}", sys.executable, "-m", "agent.capture")
    asked = {"at": "2026-11-21T10:01:00Z", "monitors": "all", "width": 1280, "blur": False} | job
    return await Shutter(spool, folder, command).take(Job(**asked))


async def test_a_capture_shows_the_screen_shrunk_and_small(desk: Screen, tmp_path: Path) -> None:
    """T-08, M-04."""
    with desk.terminal("a window"):
        ((entry, picture, thumbnail),) = await take(desk, Spool(":memory:"), tmp_path, width=640)
    assert (entry["width"], entry["height"], entry["monitor"], entry["blurred"]) == (640, 400, 0, False)
    assert len(picture) == entry["bytes"] <= 80_000
    assert len(thumbnail) <= 16 * 1024
    colours = Image.open(io.BytesIO(picture)).convert("L").getextrema()
    assert colours[1] - colours[0] > 100, "the picture is of one colour: nothing was captured"
    json.dumps(entry)


# VmHWM and not ru_maxrss, which a child inherits from the process it was forked from
PEAK = f"""
import os, sys
os.chdir({str(ROOT)!r})
sys.path.insert(0, os.getcwd())
from agent import capture
list(capture.capture(dict(at="2026-11-21T10:01:00Z", monitors="all", width=1280, blur=False, pointer=None)))
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


async def test_a_4k_screen_is_captured_within_its_memory(tmp_path: Path) -> None:
    """Strips meet without a seam, and the peak stays far below the 114 MB of grabbing it whole."""
    with screen("3840x2160") as made, made.terminal("large"):
        ((entry, picture, _),) = await take(made, Spool(":memory:"), tmp_path)
        peak = int(made.run(sys.executable, "-c", PEAK).split()[-1])
    assert (entry["width"], entry["height"]) == (1280, 720)
    assert peak < 55_000, f"{peak} KB"
    assert Image.open(io.BytesIO(picture)).size == (1280, 720)


@pytest.mark.parametrize("size", [(3840, 2160), (2560, 1439), (1366, 768), (800, 600)])
def test_strips_meet_without_a_seam(size: tuple[int, int]) -> None:
    """Shrunk strip by strip, a screen looks as if it had been shrunk at once."""
    wide, high = size
    whole = Image.linear_gradient("L").rotate(37).resize(size).convert("RGB")

    class Painted:
        def grab(self, area: dict[str, int]) -> SimpleNamespace:
            left, top = area["left"] - 7, area["top"] - 11
            part = whole.crop((left, top, left + area["width"], top + area["height"]))
            return SimpleNamespace(size=part.size, bgra=part.convert("RGBA").tobytes("raw", "BGRA"))

    monitor = {"left": 7, "top": 11, "width": wide, "height": high}
    shrunk = _shrunk(Painted(), monitor, 1280)
    expected = whole.resize(shrunk.size, Image.Resampling.BILINEAR)
    _, high_difference = ImageChops.difference(shrunk, expected).convert("L").getextrema()
    assert high_difference <= 2


def test_what_was_readable_is_not_after_pixelating() -> None:
    """T-08, B-05."""
    image = Image.effect_noise((1280, 720), 90).convert("RGB")
    blurred = pixelated(image)
    assert blurred.size == image.size
    assert len(set(blurred.crop((0, 0, 12, 12)).get_flattened_data())) == 1


async def test_without_a_screen_the_reason_is_said(tmp_path: Path) -> None:
    from agent.shutter import CaptureFailed

    nowhere = Screen({"DISPLAY": ":9999"})
    with pytest.raises(CaptureFailed, match="cannot be captured"):
        await take(nowhere, Spool(":memory:"), tmp_path)

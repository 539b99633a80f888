"""What the agent costs the computer (T-16): a real resident process under Xvfb, signed in to a real bus.

Somebody types ten keys a second and moves the mouse 125 times a second; CPU and memory are read from /proc. Then
captures of 1080p and 4K, each a process of its own. Bytecode is cached, as in an installed agent.
"""

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent import control
from tests.agent.desktop import ROOT, Home, Screen, activated, process, screen, wait_for
from tests.agent.doubles import DeviceBus, Services
from tests.bench.harness import Bench, Figure, median

NEEDS = ("Xvfb", "xdotool", "openbox", "xterm")
HANDS = """
import sys, time
from Xlib import X, display
from Xlib.ext import xtest
d = display.Display()
end = time.monotonic() + float(sys.argv[1])
key, tick = d.keysym_to_keycode(ord("a")), 0
while time.monotonic() < end:
    tick += 1
    xtest.fake_input(d, X.MotionNotify, x=200 + tick * 7 % 900, y=200 + tick * 3 % 400)
    if tick % 12 == 0:
        xtest.fake_input(d, X.KeyPress, key)
        xtest.fake_input(d, X.KeyRelease, key)
    d.flush()
    time.sleep(1 / 125)
"""
REST = "import sys, time; time.sleep(float(sys.argv[1]))"
CAPTURE = """
import resource, sys
from agent import capture
sys.path.insert(0, "")
shots = list(capture.capture(dict(at="2026-11-21T10:01:00Z", monitors="all", width=1280, blur=True, pointer=None)))
used = resource.getrusage(resource.RUSAGE_SELF)
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(used.ru_utime + used.ru_stime, int(peak) / 1000, shots[0][0]["bytes"] / 1000)
"""
BARE = "print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"


async def measure(bench: Bench) -> list[Figure]:
    """Resident memory, CPU at work and at rest, and captures."""
    if missing := [one for one in NEEDS if not shutil.which(one)]:
        raise RuntimeError(f"the agent needs a screen: {', '.join(missing)} is not installed")
    with screen("1920x1080") as desk, activated() as home:
        env = {name: value for name, value in desk.env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": str(bench.folder / "bytecode"), "PYTHONPATH": str(ROOT)}
        bus = DeviceBus(bench.folder / "bus", [home.who])
        bus.server.start().wait_ready()
        try:
            client = await bus.connect()
            await Services(client, key=home.notices, entitlement=_entitlement()).open()
            settings = home.settings.activation()
            home.settings.keep(replace(settings, bus=(bus.server.url,)))
            with home.resident(env=env):
                pass  # writes the bytecode
            figures = await asyncio.to_thread(_resident, desk, home, env, bench.of(15, 1), bench.of(3, 1))
            await client.close()
        finally:
            bus.server.kill()
        figures += await asyncio.to_thread(_captures, "1080p", Screen(env), bench.rounds)
    with screen("3840x2160") as large:
        figures += await asyncio.to_thread(
            _captures, "4K", Screen(env | {"DISPLAY": large.env["DISPLAY"]}), bench.rounds
        )
    return figures


def _entitlement() -> dict[str, Any]:
    contract = {"contract": "contract", "title": "Work", "labels": [], "memo_required": False}
    found: dict[str, Any] = {"revision": 1, "state": "active", "licence": "lic", "contracts": [contract]}
    return found | {"policy": {"version": 1, "apps": True, "titles": True}}


def _resident(desk: Screen, home: Home, env: dict[str, str], seconds: float, rounds: int) -> list[Figure]:
    rest, work = [], []
    with home.resident("--start", env=env) as child, desk.terminal("a window"):
        wait_for(lambda: home.status()["bus"] == "online")
        for _ in range(rounds):
            rest.append(_percent(child.pid, desk, seconds, REST))
            work.append(_percent(child.pid, desk, seconds, HANDS))
        control.ask(home.settings.door, "stop")
        resident = _memory(child.pid, "VmRSS")
    bare = int(desk.run(sys.executable, "-c", BARE)) / 1000
    return [
        Figure("the agent, resident", resident, "MB", 30, note=f"at most 35 for now; of which bare Python {bare:.1f}"),
        median("the agent, typing and mouse", "% of a core", work, target=0.15, note="at most 0.3 for now"),
        median("the agent, at rest", "% of a core", rest),
    ]


def _percent(pid: int, desk: Screen, seconds: float, hands: str) -> float:
    before = _cpu(pid)
    with process(sys.executable, "-c", hands, str(seconds), env=desk.env) as someone:
        someone.wait()
    return 100 * (_cpu(pid) - before) / seconds


def _cpu(pid: int) -> float:
    """CPU seconds of all its threads, by the nanosecond: a hundredth of a second would be too coarse."""
    return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _memory(pid: int, name: str) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0]) / 1000


def _captures(name: str, desk: Screen, rounds: int) -> list[Figure]:
    with desk.terminal("something to see"):
        desk.run(sys.executable, "-c", CAPTURE)  # writes the bytecode
        shots = [[float(one) for one in desk.run(sys.executable, "-c", CAPTURE).split()] for _ in range(rounds)]
    cpu, peak, size = zip(*shots, strict=True)
    return [
        median(f"a capture of {name}", "s CPU", cpu, target=0.25, note="its process whole, Python's start included"),
        median(f"a capture of {name}, peak memory", "MB", peak, target=45, note=f"{max(size):.0f} KB"),
    ]

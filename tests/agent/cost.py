"""What the agent costs the computer (T-16, quality.md): ``python -m tests.agent.cost [seconds]``.

A real resident process, signed in to a real bus, records under Xvfb while somebody types ten keys a second and moves
the mouse 125 times a second; CPU and memory are read from /proc. Then one capture each of 1080p and 4K. Bytecode is
cached, as in an installed agent.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from agent import control
from tests.agent.desktop import ROOT, Home, Screen, activated, process, screen, wait_for
from tests.agent.doubles import DeviceBus, Services

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
CAPTURE = """
import resource, sys
from agent import capture
sys.path.insert(0, "")
shots = list(capture.capture(dict(at="2026-11-21T10:01:00Z", monitors="all", width=1280, blur=True, pointer=None)))
used = resource.getrusage(resource.RUSAGE_SELF)
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
size = shots[0][0]["bytes"]
print(f"{used.ru_utime + used.ru_stime:.3f} s CPU, peak {int(peak) / 1000:.1f} MB, {size / 1000:.1f} KB")
"""
BARE = "print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"


def _cpu(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _memory(pid: int, name: str) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0]) / 1000


def _percent(pid: int, desk: Screen, seconds: float, hands: bool) -> float:
    code = HANDS if hands else "import sys, time; time.sleep(float(sys.argv[1]))"
    before = _cpu(pid)
    with process(sys.executable, "-c", code, str(seconds), env=desk.env) as someone:
        someone.wait()
    return 100 * (_cpu(pid) - before) / seconds


def _measure(desk: Screen, home: Home, env: dict[str, str], seconds: float) -> None:
    say = sys.stdout.write
    with home.resident("--start", env=env) as child, desk.terminal("a window"):
        wait_for(lambda: home.status()["bus"] == "online")
        say(f"idle     {_percent(child.pid, desk, seconds, False):.3f} % of a core\n")
        say(f"working  {_percent(child.pid, desk, seconds, True):.3f} % of a core, typing and 125 Hz mouse\n")
        control.ask(home.settings.door, "stop")
        say(f"memory   {_memory(child.pid, 'VmRSS'):.1f} MB resident, {_memory(child.pid, 'VmHWM'):.1f} MB at most\n")
    say(f"         of which bare Python {int(desk.run(sys.executable, '-c', BARE)) / 1000:.1f} MB\n")


async def main(seconds: float) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder, screen("1920x1080") as desk, activated() as home:
        env = {name: value for name, value in desk.env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "PYTHONPATH": str(ROOT)}
        bus = DeviceBus(Path(folder) / "bus", [home.who])
        bus.server.start().wait_ready()
        client = await bus.connect()
        contract: dict[str, Any] = {"contract": "contract", "title": "Work", "labels": [], "memo_required": False}
        entitlement = {"revision": 1, "state": "active", "licence": "lic", "contracts": [contract]}
        entitlement["policy"] = {"version": 1, "apps": True, "titles": True}
        await Services(client, key=home.notices, entitlement=entitlement).open()
        settings = home.settings.activation()
        home.settings.keep(type(settings)(**{**_fields(settings), "bus": (bus.server.url,)}))
        with home.resident(env=env):
            pass  # writes the bytecode
        await asyncio.to_thread(_measure, desk, home, env, seconds)
        await client.close()
        bus.server.kill()
        _captures("1080p", Screen(env))
        with screen("3840x2160") as large:
            _captures("4K", Screen(env | {"DISPLAY": large.env["DISPLAY"]}))


def _captures(name: str, desk: Screen) -> None:
    with desk.terminal("something to see"):
        desk.run(sys.executable, "-c", CAPTURE)
        sys.stdout.write(f"capture  {name}: {desk.run(sys.executable, '-c', CAPTURE)}")


def _fields(activation: Any) -> dict[str, Any]:
    return {name: getattr(activation, name) for name in activation.__slots__}


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60))

"""A screen of one's own, and agents as real processes on homes of their own."""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from agent import control
from agent.chain import Identity
from agent.resident import remember
from agent.settings import Activation, Settings
from agent.spool import Spool
from agent.x11 import ANY, X11
from tests.agent.doubles import identity

ROOT = Path(__file__).parents[2]
ON = {"version": 1, "apps": True, "titles": True}


def wait_for(true: Callable[[], Any], seconds: float = 20) -> Any:
    """What becomes true in time; else a TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise TimeoutError("it did not come true")


@contextmanager
def process(*command: str, env: Mapping[str, str], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is gone afterwards."""
    child = subprocess.Popen(command, env=dict(env), cwd=ROOT, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


@dataclass
class Screen:
    """An X server with a window manager."""

    env: dict[str, str]

    def run(self, *command: str) -> str:
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True, timeout=60).stdout

    @contextmanager
    def terminal(self, title: str) -> Iterator[str]:
        """An xterm that swallows what is typed; its window's id, when it is in front."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with process("xterm", "-T", title, "-e", "cat", env=self.env, **quiet):
            wait_for(lambda: self._title() == title)
            yield self.run("xdotool", "getactivewindow").strip()

    def _title(self) -> str:
        found = subprocess.run(
            ["xdotool", "getactivewindow", "getwindowname"], env=self.env, capture_output=True, text=True, check=False
        )
        return found.stdout.strip()


@contextmanager
def screen(size: str = "1280x800") -> Iterator[Screen]:
    """Xvfb on a free display, with openbox."""
    read, write = os.pipe()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    arguments = ("-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp")
    with process("Xvfb", *arguments, env=os.environ, pass_fds=[write], **quiet):
        os.close(write)
        with os.fdopen(read) as pipe:
            display = f":{pipe.readline().strip()}"
        env = {name: value for name, value in os.environ.items() if not name.startswith(("WAYLAND_", "XDG_SESSION"))}
        made = Screen(env | {"DISPLAY": display})
        with process("openbox", "--sm-disable", env=made.env, **quiet):
            # a window that comes before its manager is not put in front
            x11 = X11(display)
            check = x11.display.intern_atom("_NET_SUPPORTING_WM_CHECK")
            wait_for(lambda: x11.root.get_full_property(check, ANY))
            x11.close()
            yield made


@dataclass
class Home:
    """An activated home, and the key that the services would sign with."""

    settings: Settings
    who: Identity
    notices: SigningKey

    def spool(self) -> Spool:
        return Spool(self.settings.spool)

    def status(self) -> dict[str, Any]:
        return control.ask(self.settings.door, "status")

    def answers(self) -> bool:
        try:
            return bool(self.status())
        except control.NotRunning:
            return False

    @contextmanager
    def resident(self, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
        """The real process, once it answers."""
        base = {name: value for name, value in (env or os.environ).items() if env or name != "DISPLAY"}
        environment = base | {"DAYBOOK_AGENT_HOME": str(self.settings.home), "PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-m", "agent", "run", *arguments)
        with process(*command, env=environment, stderr=subprocess.PIPE) as child:
            wait_for(lambda: child.poll() is not None or self.answers(), 40)
            yield child


@contextmanager
def activated(bus: str = "nats://127.0.0.1:9", policy: dict[str, Any] | None = None, **more: Any) -> Iterator[Home]:
    """A home in a short path (a socket's path must be short), activated without a server."""
    folder = Path(tempfile.mkdtemp(prefix="daybook-"))
    settings, who, notices = Settings(folder / "home"), identity(), SigningKey.generate()
    settings.make_home()
    (settings.home / "device.key").write_bytes(base64.b64encode(bytes(who.key)))
    notice_key = base64.b64encode(bytes(notices.verify_key)).decode()
    settings.keep(Activation("http://127.0.0.1:9", who.workspace, who.member, who.device, (bus,), notice_key))
    contract = {"contract": "contract", "title": "Work", "labels": ["Dev"], "memo_required": False}
    message = {"state": "active", "licence": "lic", "policy": {**ON, **(policy or {})}, "contracts": [contract], **more}
    spool = Spool(settings.spool)
    remember(spool, message, datetime.now(UTC))
    spool.close()
    try:
        yield Home(settings, who, notices)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fast_clock(rate: int, seconds_into_slot: float = 0) -> str:
    """DAYBOOK_AGENT_CLOCK: ``rate`` times as fast, and so many seconds into a slot just now."""
    now = datetime.now(UTC)
    ahead = (seconds_into_slot - now.timestamp()) % 600 / (rate - 1)
    return f"{rate}@{(now - timedelta(seconds=ahead)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"

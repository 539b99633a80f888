"""Daybook's own processes on this machine: which there are, and how each is started and asked whether it is ready."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import urllib3

from deploy.local.process import Child, Forker, wait_until

ROOT = Path(__file__).parents[2]

#: name → module; the order in which they are started. ``projector`` is diary's worker.
MODULES: Mapping[str, str] = {
    "licensing": "services.licensing.app",
    "ingest": "services.ingest.app",
    "scoring": "services.scoring.app",
    "projector": "services.diary.projector",
    "diary": "services.diary.app",
    "media": "services.media.app",
}

# What a process takes from ours: how to run and where to send traces, but no secret of another service.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "DAYBOOK_LOG_LEVEL")
_PASSED_PREFIXES = ("OTEL_",)

GRACE_SECONDS = 4.0


def base_environment() -> dict[str, str]:
    """What every Python process of the stack is started with."""
    passed = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    return passed | {"PYTHONUNBUFFERED": "1", "DAYBOOK_GRACEFUL_SECONDS": str(int(GRACE_SECONDS) - 1)}


class Service:
    """One process with ``/livez``, ``/readyz`` and ``/metrics`` on its port; started again it has the same."""

    ready_seconds = 180.0

    def __init__(self, name: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{env['DAYBOOK_HTTP_PORT']}"
        command = [sys.executable, "-m", MODULES[name]]
        self.child = Child(name, command, log, env=base_environment() | dict(env), cwd=ROOT)

    @property
    def pid(self) -> int:
        """Its process id; 0 before the first start."""
        return self.child.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.child.alive

    def start(self, forker: Forker | None = None) -> "Service":
        """Start the process; returns at once. What an earlier run left of its group is killed first."""
        self.child.kill()
        self.child.start(forker)
        return self

    def answers(self) -> bool:
        """Whether it is ready to work."""
        try:
            return urllib3.request("GET", f"{self.url}/readyz", timeout=5, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def wait_ready(self) -> "Service":
        """Wait until it is; StartError with the end of its log when it does not get ready."""
        wait_until(self.answers, self.ready_seconds, self.child, "did not get ready")
        return self


def step(name: str, module: str, env: Mapping[str, str], log: Path) -> Child:
    """A process that does one thing and ends: to be started, or run to its end."""
    return Child(name, [sys.executable, "-m", module], log, env=base_environment() | dict(env), cwd=ROOT)

"""The whole of Daybook on this machine, as ``make run`` starts it, and people who use its API."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.company import OPEN_POLICY
from tests.support.servers import ROOT
from tests.support.stranger import Stranger

Found = Any


class Stack:
    """A running installation: its ready file, its accounts and its licences, each licence given out once."""

    def __init__(self, folder: Path, fleet: int = 0, module: str = "deploy.local") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.ready_file = folder / "ready.json"
        self.log = (folder / "up.log").open("w")
        command = [sys.executable, "-m", module, "up", "--data", str(self.data), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--fleet", str(fleet), "--ready-file", str(self.ready_file)],
            cwd=ROOT,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._given = 0

    def wait_ready(self, seconds: float = 300) -> "Stack":
        deadline = time.monotonic() + seconds
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the stack did not come up:\n" + (self.folder / "up.log").read_text()[-4000:])
            time.sleep(0.1)
        return self

    @property
    def ready(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.ready_file.read_text())
        return content

    @property
    def web(self) -> str:
        web: str = self.ready["web"]
        return web

    def licence(self) -> dict[str, Any]:
        """A licence that nobody else of this stack's users got."""
        self._given += 1
        licences: list[dict[str, Any]] = self.ready["licences"]
        return licences[self._given - 1] if self._given <= len(licences) else self._issue(licences[-1])

    def _issue(self, like: dict[str, Any]) -> dict[str, Any]:
        """One more licence for the same member, as the owner issues it."""
        owner = self.account("owner")
        body = {"mode": like["mode"], "member": like["member"], "seats": 1, "policy": {**OPEN_POLICY}}
        body["not_before"] = f"{(datetime.now(UTC) - timedelta(days=60)).isoformat()[:19]}Z"
        with httpx.Client(base_url=self.web, timeout=20) as http:
            token = http.post("/api/v1/sessions", json={name: owner[name] for name in ("email", "password")}).json()
            http.cookies.clear()
            answer = http.post("/api/v1/licences", json=body, headers={"Authorization": f"Bearer {token['token']}"})
        assert answer.is_success, answer.text
        return {**like, "key": answer.json()["key"]}

    def account(self, role: str, *, other: bool = False) -> dict[str, Any]:
        accounts = self.ready["others"][0]["accounts"] if other else self.ready["accounts"]
        found: dict[str, Any] = next(one for one in accounts if one["role"] == role)
        return found

    async def device(self) -> Stranger:
        """A stranger's device, activated with a fresh licence and connected."""
        return await (await Stranger(self.web).activate(self.licence()["key"])).connect()

    @contextlib.asynccontextmanager
    async def person(self, role: str, *, other: bool = False) -> Any:
        """An HTTP client signed in as somebody of that role."""
        account = self.account(role, other=other)
        async with httpx.AsyncClient(base_url=self.web, timeout=20) as http:
            credentials = {"email": account["email"], "password": account["password"]}
            answer = await http.post("/api/v1/sessions", json=credentials)
            assert answer.is_success, answer.text
            http.cookies.clear()
            http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield http

    def kill(self, name: str) -> int:
        """SIGKILL one child and give its old pid."""
        pid: int = self.ready["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    async def restarted(self, name: str, old: int, seconds: float = 60) -> None:
        """Waits until the supervisor has another child of that name running."""
        await until(lambda: self.ready["pids"].get(name) not in (None, old), seconds)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of all parts."""
        found: dict[str, int] = self.ready["pids"]
        return found

    def bus_store(self) -> Path:
        """Where the bus keeps its streams."""
        return next(path for path in (self.folder / "data").rglob("jetstream") if path.is_dir())

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.log.close()


async def until(fact: Callable[[], Found | Awaitable[Found]], seconds: float = 30, every: float = 0.1) -> Found:
    """Waits for a fact and gives it; AssertionError with the last seen value where it never comes."""
    deadline = time.monotonic() + seconds
    seen: Found = None
    while time.monotonic() < deadline:
        seen = fact()
        if asyncio.iscoroutine(seen):
            seen = await seen
        if seen:
            return seen
        await asyncio.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain; last seen: {seen!r}")


async def day(http: httpx.AsyncClient, member: str, date: str, zone: str = "UTC") -> dict[str, Any]:
    """The answer for a day."""
    answer = await http.get(f"/api/v1/diary/{member}/days/{date}", params={"zone": zone})
    assert answer.is_success, answer.text
    content: dict[str, Any] = answer.json()
    return content

"""A computer with the real agent on it, and a wire to the bus on which chosen records get lost."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.settings import Settings
from agent.slot import load
from tests.agent.desktop import process
from tests.support.proxy import Proxy
from tests.support.servers import ROOT
from tests.support.stack import until


class Agent:
    """``python -m agent`` with one home; ``env`` names the screen, where there is one."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self.settings = Settings(home)
        self.env = {**env, "DAYBOOK_AGENT_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "agent", *words]
        return subprocess.run(command, env=self.env, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)

    def says(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        done = self.run("status", "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def activate(self, server: str, key: str) -> str:
        """Loads a licence; the device's id."""
        self.says("activate", "--server", server, stdin=key + "\n")
        return self.settings.activation().device

    def reach_the_bus_by(self, url: str) -> None:
        """Its way to the bus from its next start on."""
        self.settings.keep(replace(self.settings.activation(), bus=(url,)))

    def closed(self) -> list[tuple[int, str]]:
        """The number of each record on its disk, and when it was closed."""
        with closing(sqlite3.connect(f"file:{self.settings.spool}?mode=ro", uri=True)) as spool:
            return spool.execute("SELECT seq, closed_at FROM records ORDER BY seq").fetchall()

    def keys_on_disk(self) -> int:
        """Keystrokes of the minutes that a kill cannot cost it any more."""
        with closing(sqlite3.connect(f"file:{self.settings.spool}?mode=ro", uri=True)) as spool:
            running = spool.execute("SELECT value FROM notes WHERE name = 'open'").fetchall()
            bodies = spool.execute("SELECT body FROM records").fetchall()
        minutes = [minute for (text,) in running for minute in load(text).minutes]
        minutes += [minute for (body,) in bodies for minute in json.loads(json.loads(body)["record"])["minutes"]]
        return sum(minute[0] for minute in minutes if minute)

    @asynccontextmanager
    async def recording(self, begins: datetime, records: int) -> AsyncIterator[None]:
        """The agent at work, from when it has closed so many records more; ``begins``: what its clock says first.

        A slot of that clock is a second.
        """
        before = len(self.closed())
        command = (sys.executable, "-m", "agent", "run", "--start")
        with process(*command, env=self.env | clock(begins, 600), stderr=subprocess.DEVNULL) as resident:
            await until(lambda: len(self.closed()) >= before + records, 90, 0.2)
            yield
            resident.terminate()
            await asyncio.to_thread(resident.wait, 30)


def clock(begins: datetime, rate: int) -> dict[str, str]:
    """The variable of an agent whose clock says this now, and goes ``rate`` times as fast."""
    now = datetime.now(UTC)
    anchor = now - (begins - now) / (rate - 1)
    return {"DAYBOOK_AGENT_CLOCK": f"{rate}@{anchor.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"}


class Wire(Proxy):
    """A way to the bus on which the ``lost`` records (by their numbers) never arrive; ``down``: there is none."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.lost: set[int] | None = set()
        """None: every record."""
        self.passed: set[int] = set()
        self.down = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.close()
        else:
            await super()._serve(reader, writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        if up:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._sift(reader, writer)
        else:
            await super()._pass(reader, writer, up=up)

    async def _sift(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            words, body = line.split(), b""
            if words[0] in (b"PUB", b"HPUB"):
                body = await reader.readexactly(int(words[-1]) + 2)
            if not words[-2:-1] or not words[1].startswith(b"segments.closed.") or not self._is_lost(body):
                writer.write(line + body)
                await writer.drain()

    def _is_lost(self, body: bytes) -> bool:
        seq = json.loads(json.loads(body[body.index(b'{"') :])["record"])["seq"]
        if self.lost is None or seq in self.lost:
            return True
        self.passed.add(seq)
        return False

"""A real service as a process of its own, and what CPU it has used."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.servers import ROOT


class Service:
    """``python -m <module>`` with an environment; its log in the folder."""

    def __init__(self, module: str, environment: dict[str, str], folder: Path) -> None:
        self._log = (folder / f"{module}.log").open("ab")
        env = {"PATH": os.environ["PATH"]} | environment
        self._process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=env, stderr=self._log)
        self.pid = self._process.pid

    async def ready(self, port: int) -> None:
        """Waits until it serves."""
        async with httpx.AsyncClient(verify=False) as http:
            for _ in range(600):
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise TimeoutError("the service does not come up")

    def hold(self) -> None:
        """Stands still."""
        self._process.send_signal(signal.SIGSTOP)

    def go(self) -> None:
        """Goes on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

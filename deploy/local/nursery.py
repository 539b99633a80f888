"""A Python that has imported what Daybook's processes share, and becomes any of them by forking.

Importing is most of what a service does until it is ready, and a stack starts ten processes at once: here it is done
once for all of them, while the servers start, in the order in which they are wanted: who is asked for between two
imports is forked as soon as its own module is there. Only for the first start, and only on Linux: what is started again
later, and everything elsewhere, is a Python of its own. ``python -m deploy.local.nursery SOCKET PARENT MODULE…`` runs
it; without arguments it only imports, and so has compiled what a start needs.

What it forks is the child of who asked, not of the nursery: it is orphaned at once, and orphans go to the nearest
ancestor that takes them (PR_SET_CHILD_SUBREAPER).
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.process import PR_SET_PDEATHSIG, Child, Process
from deploy.local.services import MODULES, ROOT, base_environment

#: What is imported beforehand, first what is wanted first: what runs once at the start, what uvicorn imports only as it
#: runs, and every service.
SHARED = (
    *("deploy.local.screens", "services.kit.migrate", "services.licensing.seed", "deploy.local.mail"),
    *("uvloop", "uvicorn.lifespan.on", *MODULES.values(), "deploy.local.fleet"),
)
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_ANSWER_SECONDS = 180.0  # the first has to wait for the imports, on a machine that has other work perhaps for long
_ORPHANED_SECONDS = 5.0
_MOST_BYTES = 65_536


class Nursery:
    """What forks processes for its starter. ``fork`` gives None where it cannot, and the starter does without."""

    def __init__(self, log: Path, modules: Sequence[str] = SHARED) -> None:
        self._modules = modules
        self._child = Child("nursery", [], log, env=base_environment(), cwd=ROOT)
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Have it begin to import; returns at once."""
        if sys.platform != "linux":
            return
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_ANSWER_SECONDS)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        with theirs:
            command = [sys.executable, "-m", "deploy.local.nursery", str(theirs.fileno()), str(os.getpid())]
            self._child.command = [*command, *self._modules]
            self._child.start(pass_fds=[theirs.fileno()])

    def fork(
        self, command: Sequence[str], files: Sequence[int], env: Mapping[str, str] | None, cwd: Path | None
    ) -> Process | None:
        """A process of ``python -m MODULE …`` with these three standard files, in a group of its own."""
        if self._socket is None or command[1:2] != ["-m"] or env is None or cwd is None:
            return None
        asked = {"command": list(command[2:]), "env": dict(env), "cwd": str(cwd)}
        try:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], list(files))
            return _Forked(int(self._socket.recv(_MOST_BYTES)))
        except (OSError, ValueError):  # it ended, say over a module that cannot be imported: who needs that will say so
            self.close()
            return None

    def close(self) -> None:
        """End it; what it forked lives on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._child.kill()
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0)


class _Forked:
    """A child of this process that this process did not start."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; subprocess.TimeoutExpired where it takes longer."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired([], timeout or 0)
            time.sleep(0.01)
        return status


# in the nursery -------------------------------------------------------------------------------------------------------


@dataclass
class _Asked:
    """One request: what somebody is to be, and its three standard files."""

    wanted: dict[str, Any]
    files: Sequence[int]

    @property
    def imported(self) -> bool:
        """Whether its module is."""
        return self.wanted["command"][0] in sys.modules


def _import_all(modules: Sequence[str], asker: socket.socket, parent: int) -> dict[str, Any] | None:
    """Import, and fork who is asked for meanwhile; what to be in a process that was forked, None when all is there."""
    asked: _Asked | None = None
    for module in modules:
        importlib.import_module(module)
        asked = asked or _next(asker, wait=False)
        while asked and asked.imported:
            if wanted := _fork(asked, asker, parent):
                return wanted
            asked = _next(asker, wait=False)
    return _fork(asked, asker, parent) if asked else None


def _serve(asker: socket.socket, parent: int) -> dict[str, Any]:
    """Fork for as long as somebody asks; returns in each process that was forked, with what it is to be."""
    while asked := _next(asker, wait=True):
        if wanted := _fork(asked, asker, parent):
            return wanted
    sys.exit(0)


def _next(asker: socket.socket, *, wait: bool) -> _Asked | None:
    """The next request; None where there is none, or nobody any more who could ask."""
    try:
        body, files, _, _ = socket.recv_fds(asker, _MOST_BYTES, 3, 0 if wait else socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    return _Asked(json.loads(body), files) if body else None


def _fork(asked: _Asked, asker: socket.socket, parent: int) -> dict[str, Any] | None:
    """None here; in the new process what it is to be."""
    gc.freeze()
    if middle := os.fork():
        for file in asked.files:
            os.close(file)
        os.waitpid(middle, 0)
        return None
    if os.fork():
        os._exit(0)
    _settle(asked.files, parent)
    asker.send(str(os.getpid()).encode())
    asker.close()
    return asked.wanted


def _settle(files: Sequence[int], parent: int) -> None:
    """Become the parent's child, and end when it ends; take the files as standard input, output and error."""
    deadline = time.monotonic() + _ORPHANED_SECONDS
    while os.getppid() != parent and time.monotonic() < deadline:
        time.sleep(0.001)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setpgid(0, 0)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)


def _become(wanted: Mapping[str, Any]) -> None:
    """Run a module as ``python -m`` does."""
    module, *arguments = wanted["command"]
    os.environ.clear()
    os.environ.update(wanted["env"])
    os.chdir(wanted["cwd"])
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # it is run, not imported
    ctypes.CDLL(None).prctl(_PR_SET_NAME, module.removesuffix(".app").rpartition(".")[2].encode())
    gc.enable()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """Import, then serve."""
    gc.disable()  # nothing that is imported is garbage
    if len(sys.argv) == 1:
        for module in SHARED:
            importlib.import_module(module)
        return
    asker, parent = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    _become(_import_all(sys.argv[3:], asker, parent) or _serve(asker, parent))


if __name__ == "__main__":
    main()

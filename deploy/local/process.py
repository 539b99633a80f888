"""One child process: started in a group of its own, logged to a file, and gone when its starter is gone."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


_LOOK_SECONDS = 0.05


class StartError(RuntimeError):
    """A process did not come up; the message names its log and quotes the end of it."""


class Stopped(BaseException):
    """This process was asked to stop, and came to where it waits."""


class _Wish:
    """Whether this process was asked to stop."""

    come = False


def ask_to_stop(*_: object) -> None:
    """A signal handler: the next ``rest`` raises Stopped.

    Raised by the handler itself it could come anywhere: between the taking of a lock and its ``try``, say, where
    ``Popen`` asks after a child, who then could never be waited for.
    """
    _Wish.come = True


def rest(seconds: float) -> None:
    """Sleep; Stopped where that was asked for before or in the meantime."""
    if not _Wish.come:
        time.sleep(seconds)
    if _Wish.come:
        raise Stopped


def _die_with_parent(parent: int) -> Callable[[], None]:
    """For the child between fork and exec: the kernel kills it when the starting thread ends (Linux only)."""

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended before the call above
                os._exit(1)

    return prepare


class Process(Protocol):
    """What is needed of ``subprocess.Popen``."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for it; subprocess.TimeoutExpired."""


class Forker(Protocol):
    """Who may have a quicker way to start a Python process (nursery.py)."""

    def fork(
        self, command: Sequence[str], files: Sequence[int], env: Mapping[str, str] | None, cwd: Path | None
    ) -> Process | None:
        """The process, in a group of its own, or None: then it is started as any other."""


class Child:
    """A process that can be started, killed, stopped and started again with the same command.

    Start it from a thread that lives as long as the child should: on Linux the child ends with that thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = env
        self.cwd = cwd
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 when it was never started."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        """Whether it runs; a child that has ended is reaped by asking."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs."""
        return self._process.poll() if self._process else None

    def start(self, forker: Forker | None = None, pass_fds: Sequence[int] = ()) -> None:
        """Start it, appending what it prints to its log."""
        with open(os.devnull, "rb") as nothing:
            self._open(nothing.fileno(), None, forker, pass_fds)

    def ask(self, stdin: bytes, forker: Forker | None = None) -> Callable[[float], bytes]:
        """Start it and hand it its input; what this gives waits so many seconds for its end, and gives what it printed.

        StartError when it fails or takes longer.
        """
        printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its answer is taken
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            self._open(given.fileno(), printed.fileno(), forker)

        def answer(seconds: float) -> bytes:
            with printed:
                self.wait(seconds)
                printed.seek(0)
                return printed.read()

        return answer

    def run(self, stdin: bytes, seconds: float, forker: Forker | None = None) -> bytes:
        """As ``ask``, and wait for the answer."""
        return self.ask(stdin, forker)(seconds)

    def wait(self, seconds: float) -> None:
        """Wait until it has ended by itself, and well; StartError when it fails or takes longer (it is killed)."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                late = self.failure("took too long")
                self.kill()
                raise late
            rest(_LOOK_SECONDS)
        if self.returncode:
            raise self.failure("failed")

    def _open(self, stdin: int, stdout: int | None, forker: Forker | None, pass_fds: Sequence[int] = ()) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            files = stdin, log.fileno() if stdout is None else stdout, log.fileno()
            forked = forker.fork(self.command, files, self.env, self.cwd) if forker else None
            self._process = forked or self._spawn(files, pass_fds)

    def _spawn(self, files: tuple[int, int, int], pass_fds: Sequence[int]) -> Process:
        return subprocess.Popen(
            self.command,
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
            env=dict(self.env) if self.env is not None else None,
            cwd=self.cwd,
            process_group=0,
            pass_fds=pass_fds,
            preexec_fn=_die_with_parent(os.getpid()),
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, as a fault test does."""
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL for the whole group, and wait until the process is reaped."""
        if self._process:
            self._signal_group(signal.SIGKILL)
            self._process.wait()

    def stop(self, grace_seconds: float = 5.0) -> None:
        """SIGTERM, after the grace SIGKILL; what it may have left in its group is killed too."""
        self.terminate()
        self.finish(time.monotonic() + grace_seconds)

    def terminate(self) -> None:
        """Ask it to end, without waiting; several can so end side by side."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
            os.kill(self.pid, signal.SIGCONT)  # a stopped process would not hear it

    def finish(self, deadline: float) -> None:
        """Wait until the deadline (monotonic seconds) for it to end, then kill what is left of its group."""
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, deadline - time.monotonic()))
            self.kill()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def failure(self, what: str) -> StartError:
        """The error that says what happened and shows the end of the log."""
        state = "it is still running" if self.alive else f"it ended with status {self.returncode}"
        return StartError(f"{self.name} {what} ({state}). Its log, {self.log}, ends:\n{tail(self.log)}")


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a text file, indented; empty if there is none."""
    if not path.exists():
        return ""
    text = path.read_bytes()[-8192:].decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in text[-lines:])


def wait_until(true: Callable[[], bool], seconds: float, child: Child, what: str) -> None:
    """Ask until it is true; StartError when the child ends before, or the time is up."""
    deadline = time.monotonic() + seconds
    while not true():
        if not child.alive or time.monotonic() > deadline:
            raise child.failure(what)
        rest(_LOOK_SECONDS)

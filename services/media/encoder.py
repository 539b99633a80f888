"""A small pool of limited processes (worker.py): a hostile picture takes down one of them and nothing else."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_DECODER_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGXCPU}
_PICTURES_A_PROCESS = 500
_PARTS = {"picture", "thumbnail", "blurred"}
_MOST_BYTES = 900 * 1024
"""An answer on the bus is at most 1 MiB."""


class Unreadable(Exception):
    """The picture itself cannot be decoded, or only beyond the limits; the text is a class of error, no content."""


class EncoderLost(Exception):
    """The process was lost for a reason that need not be the picture's: worth another try."""


class EncoderAway(EncoderLost):
    """No process came up: that is this machine's doing, and no picture's."""


class Encoder:
    """Renders pictures, ``processes`` at a time, each within ``memory`` bytes of address space and CPU seconds."""

    def __init__(
        self, processes: int = 2, memory: int = 512_000_000, cpu_seconds: int = 8, patience_seconds: float = 30.0
    ) -> None:
        self._command = (sys.executable, "-m", "services.media.worker", str(memory), str(cpu_seconds))
        self._patience = patience_seconds
        self._idle: asyncio.LifoQueue[_Process | None] = asyncio.LifoQueue()
        for _ in range(processes):
            self._idle.put_nowait(None)

    async def render(self, kind: str, body: bytes) -> dict[str, bytes]:
        """``picture``, ``thumbnail`` and ``blurred`` as WebP; Unreadable, or EncoderLost where a retry may help."""
        process = await self._idle.get()
        keep = None
        try:
            if process is None or not process.alive:
                process = await _Process.start(self._command, self._patience)
            rendered = await asyncio.wait_for(process.render(kind, body), self._patience)
            keep = process
            return rendered
        except TimeoutError as error:
            raise EncoderLost("no answer in time") from error
        except Unreadable:
            keep = process if process and process.alive else None
            raise
        finally:
            if keep is None or keep.pictures >= _PICTURES_A_PROCESS:
                if process:
                    await process.end()
                keep = None
            self._idle.put_nowait(keep)

    async def close(self) -> None:
        """Ends the processes that have nothing to do; others end when their service does (their input ends)."""
        while not self._idle.empty():
            if process := self._idle.get_nowait():
                await process.end()


class _Process:
    """One running worker, with one picture at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pictures = 0

    @classmethod
    async def start(cls, command: tuple[str, ...], patience_seconds: float) -> "_Process":
        """Starts a worker with an environment of its own: none of the service's secrets are in it."""
        environment = {"PATH": os.environ.get("PATH", ""), "MALLOC_ARENA_MAX": "1"}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=_ROOT,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=2**16,
            )
        except OSError as error:
            raise EncoderAway(str(error)) from error
        started = cls(process)
        await started._greeted(patience_seconds)
        return started

    async def _greeted(self, seconds: float) -> None:
        """Its first line says that it can work, before it has seen any picture."""
        line, out = b"", self._process.stdout
        if out is not None:
            with contextlib.suppress(TimeoutError, OSError):
                line = await asyncio.wait_for(out.readline(), seconds)
        if not line:
            await self.end()
            raise EncoderAway(f"a process did not come up ({self._process.returncode})")

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def render(self, kind: str, body: bytes) -> dict[str, bytes]:
        self.pictures += 1
        source, out = self._process.stdin, self._process.stdout
        if source is None or out is None:
            raise EncoderLost("no pipes")
        try:
            source.write(json.dumps({"format": kind, "bytes": len(body)}).encode() + b"\n" + body)
            await source.drain()
            line = await out.readline()
            answer: dict[str, Any] = json.loads(line) if line else {}
            if reason := answer.get("unreadable"):
                raise Unreadable(reason)
            sizes = answer["parts"]
            if set(sizes) != _PARTS or max(sizes.values()) > _MOST_BYTES:
                raise EncoderLost("an answer that is none")
            parts = {name: await out.readexactly(size) for name, size in sizes.items()}
        except (OSError, KeyError, ValueError, asyncio.IncompleteReadError) as error:
            raise await self._verdict() from error
        return parts

    async def _verdict(self) -> Exception:
        """Why the worker is no more: the limits and the decoder's own faults are the picture's doing."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.stdin:
                self._process.stdin.close()
        code = await asyncio.wait_for(self._process.wait(), 5)
        if code < 0 and signal.Signals(-code) in _DECODER_FAULTS:
            return Unreadable(signal.Signals(-code).name)
        return EncoderLost(f"the process ended with {code}")

    async def end(self) -> None:
        """Ends it at once; it holds nothing worth a goodbye."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

"""How this computer's user speaks with the resident process: one line of JSON there, one back.

A Unix socket in the home, which only its owner may enter; a named pipe on Windows (not run by our tests).
"""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.wire.language import _

Answer = dict[str, Any]
Handler = Callable[[str, dict[str, Any]], Awaitable[Answer]]
_LINE = 64 * 1024
_PATIENCE = 40
"""Seconds an answer may take: Stop waits for a capture that is being taken."""
_LONGEST_PATH = 100


class NotRunning(Exception):
    """There is no resident process for this home."""


async def serve(door: str, handle: Handler) -> None:
    """Listens until it is cancelled. A door that is left from a killed process is replaced."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            said = await handle(str(asked.pop("command")), asked)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            said = {"error": _("not a command: {error}", error=str(error))}
        with suppress(OSError):
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
            writer.close()

    if sys.platform == "win32":
        loop: Any = asyncio.get_running_loop()
        await loop.start_serving_pipe(lambda: _protocol(answer), door)
        await asyncio.Event().wait()
    else:
        if len(door) > _LONGEST_PATH:
            raise OSError(_("the path of the home is too long for a socket: {door}", door=door))
        Path(door).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, door, limit=_LINE)
        async with server:
            await server.serve_forever()


def _protocol(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> asyncio.Protocol:
    return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=_LINE), answer)


def ask(door: str, command: str, **more: Any) -> Answer:
    """Asks the resident process; NotRunning where there is none. An ``error`` in the answer is for the user to read."""
    line = json.dumps({"command": command} | more).encode() + b"\n"
    try:
        answer = _ask_pipe(door, line) if sys.platform == "win32" else _ask_socket(door, line)
        found: Answer = json.loads(answer)
    except (FileNotFoundError, ConnectionError, ValueError) as error:
        raise NotRunning(_("the agent is not running: start it with `run`")) from error
    return found


def _ask_socket(door: str, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_PATIENCE)
        client.connect(door)
        client.sendall(line)
        with client.makefile("rb") as answer:
            return answer.readline()


def _ask_pipe(door: str, line: bytes) -> bytes:
    with Path(door).open("r+b", buffering=0) as pipe:
        pipe.write(line)
        return pipe.readline()

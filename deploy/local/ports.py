"""Free TCP ports on loopback, which no two of our processes are given at once.

A port is chosen long before a server listens there, and a killed server leaves it for a moment: so what has been
given out stands in a file that all our processes of this user share, for as long as the process that got it lives.
"""

import fcntl
import json
import os
import random
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Below the range that systems take outgoing ports from: there, a client that keeps trying to reach a stopped server can
# be given the server's own port and connect to itself, and the server could not come back.
_LOWEST, _HIGHEST = 10_000, 32_000
_REGISTER = Path(tempfile.gettempdir()) / f"daybook-ports-{os.getuid()}.json"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_ports(count: int, but: Iterable[int] = ()) -> list[int]:
    """So many different free ports, none of them in ``but``; they are this process's for as long as it lives."""
    found: list[int] = []
    with _register() as owners:
        taken = {*but, *owners}
        while len(found) < count:
            port = random.randint(_LOWEST, _HIGHEST)
            if port not in taken and is_free(port):
                taken.add(port)
                found.append(port)
        owners |= dict.fromkeys(found, os.getpid())
    return found


def claim(ports: Iterable[int]) -> int | None:
    """Take ports that were chosen in an earlier run; gives the first that is not free any more, and then takes none."""
    wanted = list(ports)
    with _register() as owners:
        for port in wanted:
            if owners.get(port, os.getpid()) != os.getpid() or not is_free(port):
                return port
        owners |= dict.fromkeys(wanted, os.getpid())
    return None


@contextmanager
def _register() -> Iterator[dict[int, int]]:
    """Port → process id of those alive; what is changed inside is kept. One process at a time."""
    file = os.open(_REGISTER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "r+") as register:
        fcntl.flock(register, fcntl.LOCK_EX)
        kept = _read(register.read())
        alive = {pid for pid in set(kept.values()) if _alive(pid)}
        owners = {int(port): pid for port, pid in kept.items() if pid in alive}
        yield owners
        register.seek(0)
        register.truncate()
        json.dump(owners, register)


def _read(text: str) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads(text)
    except ValueError:  # new, or its last writer was killed
        return {}
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

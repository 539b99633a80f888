"""Free TCP ports on loopback."""

import random
import socket
from collections.abc import Iterable

# Below the range that systems take outgoing ports from: there, a client that keeps trying to reach a stopped server can
# be given the server's own port and connect to itself, and the server could not come back.
_LOWEST, _HIGHEST = 20_000, 32_000


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
    """So many different free ports, none of them in ``but``; another process may still take one before it is used."""
    taken = set(but)
    found: list[int] = []
    while len(found) < count:
        port = random.randint(_LOWEST, _HIGHEST)
        if port not in taken and is_free(port):
            taken.add(port)
            found.append(port)
    return found

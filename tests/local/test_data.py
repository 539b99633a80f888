"""A data folder's ports and its lock."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.data import DataError, Ports, locked
from tests.support.servers import ROOT


def test_ports_are_kept_and_no_two_are_the_same(tmp_path: Path) -> None:
    names = [f"part-{number}" for number in range(300)]
    first = {name: Ports(tmp_path).of(name)[name] for name in names}
    assert Ports(tmp_path).of(*names) == first
    assert len(set(first.values())) == len(names)


def test_a_kept_port_that_somebody_took_is_named(tmp_path: Path) -> None:
    port = Ports(tmp_path).of("web")["web"]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(DataError, match=f"Port {port}.* keeps for web"):
        Ports(tmp_path).web(0)
    assert Ports(tmp_path).web(0) == port


def test_ports_are_not_those_of_outgoing_connections() -> None:
    lowest = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if lowest.exists():
        assert max(ports.free_ports(50)) < int(lowest.read_text().split()[0])


def test_no_two_processes_are_given_the_same_port() -> None:
    """Also where nobody listens yet: between the choice and the server's start many seconds can pass."""
    program = (
        "import sys; from deploy.local.ports import free_ports; print(*free_ports(300), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    choosers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    try:
        given = [port for one in choosers if one.stdout for port in one.stdout.readline().split()]
        assert len(given) == len(set(given)) == 1200
        assert ports.claim([int(given[0])]) == int(given[0])
    finally:
        for one in choosers:
            one.communicate()
    assert ports.claim([int(given[0])]) is None


def test_a_folder_can_be_taken_again_once_it_is_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path), pytest.raises(DataError, match="in use by another stack"), locked(tmp_path):
            pytest.fail("two had the folder at once")

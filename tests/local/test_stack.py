"""``python -m deploy.local up``: side by side, killed, stopped, and refused with a reason."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import bus_config
from deploy.local.keys import Keys
from deploy.local.servers import Nats, ObjectStore
from tests.support.servers import ROOT, drop_databases, new_id
from tests.support.stack import Stack, until

pytestmark = pytest.mark.timeout(400)
PARTS = {"nats", "mongo", "s3", "ingest", "diary", "projector", "media", "scoring", "licensing", "mail"}


@pytest.fixture(scope="module")
def stacks(
    tmp_path_factory: pytest.TempPathFactory, mongo_url: str, s3_server: ObjectStore
) -> Iterator[tuple[Stack, Stack]]:
    """Two at once, each in a folder of its own; the second with servers that are not its own."""
    one = Stack(tmp_path_factory.mktemp("größer als eins"))  # what every server writes its data into
    folder = tmp_path_factory.mktemp("two")
    prefix, bus = new_id("t").replace("-", ""), _foreign_bus(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYBOOK_NATS_URL", bus.url)
        patch.setenv("DAYBOOK_MONGO_URL", mongo_url)
        patch.setenv("DAYBOOK_MONGO_PREFIX", prefix)
        patch.setenv("DAYBOOK_S3_URL", s3_server.url)
        patch.setenv("DAYBOOK_S3_ACCESS_KEY", s3_server.access_key)
        patch.setenv("DAYBOOK_S3_SECRET_KEY", s3_server.secret_key)
        two = Stack(folder)
    try:
        yield one.wait_ready(280), two.wait_ready(280)
    finally:
        one.stop()
        two.stop()
        bus.kill()
        drop_databases(mongo_url, prefix)


def _foreign_bus(folder: Path) -> Nats:
    keys = Keys.open(folder / "data")

    def configure(port: int, monitor_port: int, server_name: str, store: Path) -> str:
        return bus_config.render(keys, store, port, monitor_port, server_name)

    return Nats(folder.with_name("bus"), configure=configure).start().wait_ready()


def _left(folder: Path) -> list[int]:
    """Processes that have to do with a data folder: by command line, or by the bus configured for it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(folder) in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _alive(pids: dict[str, int]) -> set[str]:
    alive = set()
    for name, pid in pids.items():
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                alive.add(name)
        except FileNotFoundError:
            continue
    return alive


def _up(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.local", "up", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
    )


async def test_two_stacks_live_side_by_side(stacks: tuple[Stack, Stack]) -> None:
    one, two = stacks
    assert set(one.ready["pids"]) == PARTS
    assert set(two.ready["pids"]) == PARTS - {"nats", "mongo", "s3"}
    assert not set(one.ready["pids"].values()) & set(two.ready["pids"].values())
    assert {one.ready[name] for name in ("web", "nats", "mongo", "s3")}.isdisjoint(
        {two.ready[name] for name in ("web", "nats", "mongo", "s3")}
    )
    for stack in stacks:
        async with stack.person("owner") as http:
            assert (await http.get("/api/v1/me")).json()["workspace"] == stack.ready["workspace"]


def test_the_ready_file_says_what_is_promised(stacks: tuple[Stack, Stack]) -> None:
    ready = stacks[0].ready
    assert stacks[0].ready_file.stat().st_mode & 0o077 == 0
    assert [one["role"] for one in ready["accounts"]] == ["owner", "admin", "manager", "employee", "client"]
    assert len(ready["licences"]) >= 4
    assert {one["mode"] for one in ready["licences"]} == {"worklog"}
    (other,) = ready["others"]
    assert other["workspace"] != ready["workspace"]
    assert other["capture"]
    assert {one["role"] for one in other["accounts"]} == {"owner", "admin", "manager", "employee", "client"}


async def test_the_other_workspace_has_a_stored_picture(stacks: tuple[Stack, Stack]) -> None:
    stack = stacks[0]
    async with stack.person("owner", other=True) as http:
        answer = await http.get(f"/api/v1/captures/{stack.ready['others'][0]['capture']}/picture")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/")


@pytest.mark.parametrize("victim", ["diary", "nats"])
async def test_a_killed_part_comes_back_where_it_was(stacks: tuple[Stack, Stack], victim: str) -> None:
    stack = stacks[0]
    before = stack.ready
    await stack.restarted(victim, stack.kill(victim))
    assert {name: stack.ready[name] for name in ("web", "nats", "mongo", "s3")} == {
        name: before[name] for name in ("web", "nats", "mongo", "s3")
    }

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{stack.web}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    assert await until(ready, 60)


def test_a_folder_has_one_stack_at_a_time(stacks: tuple[Stack, Stack]) -> None:
    folder = stacks[0].folder / "data"
    refused = _up("--data", str(folder), "--port", "0")
    assert refused.returncode == 1
    assert f"in use by another stack (process {stacks[0].process.pid})" in refused.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = _up("--data", str(tmp_path), "--port", str(port))
    assert refused.returncode == 1
    assert f"Port {port} is in use" in refused.stderr


def test_stopping_takes_ten_seconds_at_most_and_leaves_nothing(stacks: tuple[Stack, Stack]) -> None:
    stack = stacks[0]
    pids = stack.ready["pids"]
    assert _alive(pids) == PARTS
    began = time.monotonic()
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert _alive(pids) == set()
    assert _left(stack.folder) == []


async def test_not_even_killing_the_supervisor_leaves_anything(stacks: tuple[Stack, Stack]) -> None:
    stack = stacks[1]
    pids = stack.ready["pids"]
    stack.process.kill()
    stack.process.wait(10)
    await until(lambda: not _alive(pids) and not _left(stack.folder), 10)

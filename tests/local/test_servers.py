"""The servers of one machine: the same address and data after a kill, and nothing left behind."""

import io
import os
import subprocess
import sys
from pathlib import Path

import nats
import pymongo
import pytest
import urllib3

from deploy.local.process import Child, StartError
from deploy.local.servers import Mongo, Nats, ObjectStore, object_store


async def test_the_bus_keeps_port_and_messages_when_killed(nats_server: Nats) -> None:
    url, pid = nats_server.url, nats_server.pid
    async with await nats.connect(url) as client:
        jetstream = client.jetstream()
        await jetstream.add_stream(name="KEPT", subjects=["kept"])
        await jetstream.publish("kept", b"one")
    nats_server.kill()
    nats_server.start().wait_ready()
    assert (nats_server.url, nats_server.pid != pid) == (url, True)
    async with await nats.connect(url) as client:
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 1


def test_mongo_keeps_port_and_documents_when_killed(mongo_server: Mongo, mongo_prefix: str) -> None:
    url = mongo_server.url
    with pymongo.MongoClient(url) as client:
        client[f"{mongo_prefix}_x"]["kept"].with_options(
            write_concern=pymongo.WriteConcern(w="majority", j=True)
        ).insert_one({"_id": 1})
    mongo_server.kill()
    mongo_server.start().wait_ready()
    assert mongo_server.url == url
    with pymongo.MongoClient(url) as client:
        assert client[f"{mongo_prefix}_x"]["kept"].count_documents({}) == 1


def test_mongo_can_move_to_another_port(tmp_path: Path) -> None:
    first = Mongo(tmp_path).start()
    first.wait_ready().kill()
    second = Mongo(tmp_path).start()
    try:
        second.wait_ready()
        with pymongo.MongoClient(second.url) as client:
            assert client.primary is not None or client.admin.command("hello")["isWritablePrimary"]
    finally:
        second.kill()


def test_the_object_store_keeps_objects_when_killed(s3_server: ObjectStore, bucket: str) -> None:
    s3_server.client().put_object(bucket, "kept", io.BytesIO(b"picture"), 7)
    s3_server.kill()
    s3_server.start().wait_ready()
    assert s3_server.client().get_object(bucket, "kept").data == b"picture"


def test_the_object_store_refuses_strangers(s3_server: ObjectStore, bucket: str) -> None:
    stranger = object_store(Path("unused"), s3_server.port, "stranger", "secret-of-a-stranger")
    assert not stranger.answers()
    parts = {part: f"http://127.0.0.1:{s3_server.ports[part]}/" for part in ("master", "volume", "filer")}
    s3_server.client().put_object(bucket, "secret", io.BytesIO(b"picture"), 7)
    asked = {
        "master": ("dir/assign", "dir/status", "dir/lookup?fileId=1,01&read=yes"),
        "volume": ("1,01", "2,01", "3,01"),
        "filer": (f"buckets/{bucket}/secret",),
    }
    answers = {urllib3.request("GET", parts[part] + path).status for part, paths in asked.items() for path in paths}
    assert answers <= {401, 404}


def test_a_stranger_on_the_port_is_not_taken_for_ours(nats_server: Nats, tmp_path: Path) -> None:
    ours = Nats(tmp_path, port=nats_server.port).start()
    with pytest.raises(StartError, match="address already in use"):
        ours.wait_ready()


def test_a_child_ends_with_its_starter(tmp_path: Path) -> None:
    """Not even SIGKILL of the starter leaves a child behind."""
    program = (
        "import sys, time, os, signal\nfrom pathlib import Path\nfrom deploy.local.process import Child\n"
        "child = Child('sleeper', ['sleep', '600'], Path(sys.argv[1]))\nchild.start()\nprint(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log")], capture_output=True, text=True, check=False
    )
    pid = int(done.stdout)
    _wait_gone(pid)


def test_stopping_takes_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    child = Child(
        "shell",
        ["sh", "-c", f"trap '' TERM; sleep 600 & echo $! >{pids}.new; mv {pids}.new {pids}; wait; wait"],
        tmp_path / "log",
    )
    child.start()
    while not pids.exists():
        assert child.alive
    child.stop(grace_seconds=0.1)
    assert not child.alive
    _wait_gone(int(pids.read_text()))


def _wait_gone(pid: int) -> None:
    """Until the process has ended (a zombie waiting for init counts as ended)."""
    status = Path(f"/proc/{pid}/stat")
    for _ in range(10_000):
        try:
            os.kill(pid, 0)
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        os.sched_yield()
    pytest.fail(f"process {pid} is still there")

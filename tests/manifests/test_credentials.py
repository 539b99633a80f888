"""What an operator is given works: secrets as the manifests want them, and a cluster of the bus with its values."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from deploy import credentials
from deploy.local.keys import Keys
from deploy.local.ports import free_ports
from deploy.manifests.render import ROOT, Document, environment, of_kind, workloads
from services.kit.bus import Bus
from services.kit.settings import Settings
from services.wire.subjects import STREAMS

NATS_SERVER = str(Path(sysconfig.get_path("scripts")) / "nats-server")
SERVERS = 3


def test_every_secret_of_the_manifests_is_made(large: list[Document], tmp_path: Path) -> None:
    credentials.kubernetes(Keys.open(tmp_path), tmp_path, "mongodb://{user}:{password}@m/?tls=true", smtp="smtp://m")
    made = {
        one["metadata"]["name"]: one["stringData"]
        for one in yaml.safe_load_all((tmp_path / "secrets.yaml").read_text())
    }
    for _, container in workloads(large):
        for value in environment(large, container).values():
            if isinstance(value, tuple):
                secret, key = value
                assert made[secret][key], f"{secret} {key}"
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is readable by others"


def test_no_secret_goes_to_two_services_but_those_that_are_shared(tmp_path: Path) -> None:
    """A service that is taken over gives away its own keys and no others."""
    shared = {"DAYBOOK_NOTICE_SEED", "DAYBOOK_SESSION_PUBLIC", "DAYBOOK_SEAL_SEED"}
    seen: dict[str, str] = {}
    for secret, values in credentials.secrets(Keys.open(tmp_path), "mongodb://{user}:{password}@m/").items():
        for name, value in values.items():
            if name in shared or (secret == "daybook-projector" and name == "DAYBOOK_MONGO_URL"):
                continue  # the projector works on diary's database
            assert value not in seen, f"{secret} and {seen[value]} share {name}"
            seen[value] = secret


def test_made_again_it_is_the_same(tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        credentials.kubernetes(Keys.open(tmp_path), tmp_path, "mongodb://{user}:{password}@m/")
        texts.append([(tmp_path / name).read_text() for name in ("secrets.yaml", "nats-values.yaml", "mongo-users.js")])
    assert texts[0] == texts[1]


def test_no_secret_is_in_the_values_of_the_bus(tmp_path: Path) -> None:
    keys = Keys.open(tmp_path)
    values = yaml.safe_dump(credentials.nats_values(keys))
    for secret in json.loads((tmp_path / "keys.json").read_text()).values():
        assert secret not in values


def test_compose_is_given_what_it_reads(tmp_path: Path) -> None:
    """Every env_file and mounted file of deploy/compose.yaml, and a configuration that the bus takes."""
    credentials.compose(Keys.open(tmp_path), tmp_path, "https://diary.example", "tls://bus.example:4222")
    for container in yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"].values():
        mounted = [volume.split(":/")[0] for volume in container.get("volumes", [])]
        for path in [*container.get("env_file", []), *(one for one in mounted if one.startswith("${DAYBOOK_FOLDER"))]:
            assert (tmp_path / path.split("}/")[1]).exists(), path
    config = (tmp_path / "nats.conf").read_text().replace('"/data"', json.dumps(str(tmp_path / "data")))
    (tmp_path / "tried.conf").write_text(config)
    done = subprocess.run(
        [NATS_SERVER, "-t", "-c", tmp_path / "tried.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@dataclass
class Cluster:
    """Three servers with the chart's values and TLS."""

    keys: Keys
    urls: list[str]
    monitors: list[str]
    processes: list["subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tls.crt, its own CA, and tls.key, for this machine's address."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=nats", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tls.key", "-out", "tls.crt"]
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *key, *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    keys = Keys.open(folder)
    ports = free_ports(3 * SERVERS)
    clients, routes, monitors = ports[:SERVERS], ports[SERVERS : 2 * SERVERS], ports[2 * SERVERS :]
    chart: Any = credentials.nats_values(keys)["config"]
    processes = []
    for number in range(SERVERS):
        config = chart["merge"] | {
            "server_name": f"nats-{number}",
            "listen": f"127.0.0.1:{clients[number]}",
            "http": f"127.0.0.1:{monitors[number]}",
            "tls": {"cert_file": str(certificate / "tls.crt"), "key_file": str(certificate / "tls.key")},
            "jetstream": chart["jetstream"]["merge"]
            | {
                "store_dir": str(folder / str(number)),
                "max_memory_store": 268_435_456,
                "max_file_store": 107_374_182_400,
            },
            "cluster": {
                "name": "nats",
                "listen": f"127.0.0.1:{routes[number]}",
                "routes": [f"nats://127.0.0.1:{port}" for port in routes],
            },
        }
        path = folder / f"{number}.json"
        path.write_text(json.dumps(config))
        log = (folder / f"{number}.log").open("wb")
        processes.append(subprocess.Popen([NATS_SERVER, "-c", path], stdout=log, stderr=log))
    urls = [f"tls://127.0.0.1:{port}" for port in clients]
    try:
        yield Cluster(keys, urls, [f"http://127.0.0.1:{port}" for port in monitors], processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _migrate(cluster: Cluster, certificate: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "SSL_CERT_FILE": str(certificate / "tls.crt"),  # as components/private-ca sets it
        "DAYBOOK_NATS_URL": ",".join(cluster.urls),
        "DAYBOOK_BUS_REPLICAS": "3",
        **credentials.secrets(cluster.keys, "")["daybook-migrate"],
    }
    command = [sys.executable, "-m", "services.kit.migrate"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr


async def _streams(cluster: Cluster) -> dict[str, Any]:
    client = await nats.connect(cluster.urls, nkeys_seed_str=cluster.keys.bus_seed("migrate"))
    try:
        js = client.jetstream()
        return {stream.name: await js.stream_info(stream.name) for stream in STREAMS}
    finally:
        await client.close()


async def _say(cluster: Cluster) -> None:
    """A service's own connection, TLS and permissions: one fact on JOURNAL, acknowledged."""
    settings = Settings(nats_url=",".join(cluster.urls), bus_seed=cluster.keys.bus_seed("ingest"))
    bus = Bus("ingest", settings)
    await bus.start()
    try:
        await bus.journal([("segment.recorded.ws.m", b"{}", None)])
    finally:
        await bus.stop()


def test_three_servers_keep_every_stream_thrice_and_one_may_go(
    cluster: Cluster, certificate: Path, large: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """architecture.md, *Many machines*: R3 with ``sync_interval: always``, TLS, the services' own users (G-05)."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "tls.crt"))
    _migrate(cluster, certificate)
    streams = asyncio.run(_streams(cluster))
    assert {name: info.config.num_replicas for name, info in streams.items()} == {one.name: 3 for one in STREAMS}
    _keda_finds_its_consumers(cluster, large)
    leader = int(streams["JOURNAL"].cluster.leader.removeprefix("nats-"))
    cluster.processes[leader].send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            asyncio.run(_say(cluster))
        except Exception:
            assert time.monotonic() < deadline, "a cluster of three with one gone takes no fact"
        else:
            break


def _keda_finds_its_consumers(cluster: Cluster, large: list[Document]) -> None:
    """What KEDA's scaler asks each server for: the account's consumers by stream, with what waits for them."""
    found = set()
    for monitor in cluster.monitors:
        with urllib.request.urlopen(f"{monitor}/jsz?acc=DAYBOOK&consumers=true&config=true", timeout=5) as answer:
            for account in json.load(answer)["account_details"]:
                for stream in account["stream_detail"]:
                    for consumer in stream.get("consumer_detail") or []:
                        assert consumer["num_pending"] >= 0
                        found.add((account["name"], stream["name"], consumer["name"]))
    for scaler in of_kind(large, "ScaledObject"):
        asked = scaler["spec"]["triggers"][0]["metadata"]
        assert (asked["account"], asked["stream"], asked["consumer"]) in found

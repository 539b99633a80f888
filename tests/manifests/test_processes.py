"""Every process as its manifest starts it: its command, its variables, its probes, its end."""

import asyncio
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import free_ports
from deploy.manifests.render import Document, environment, of_kind, pod_spec
from deploy.manifests.variables import module_of, names_of, settings_of
from deploy.manifests.watching import EXPORTERS, expressions, known, used
from tests.manifests.conftest import Image
from tests.support.servers import Installation

pytestmark = pytest.mark.timeout(300)  # an environment for each lock is installed

PROCESSES = ("ingest", "media", "scoring", "licensing", "diary", "projector")
_PLACES = {"DAYBOOK_NATS_URL", "DAYBOOK_MONGO_PREFIX", "DAYBOOK_S3_URL", "DAYBOOK_S3_BUCKET", "DAYBOOK_HTTP_PORT"}


@pytest.fixture(scope="module")
def _bus(installation: Installation) -> None:
    installation.reset_bus()
    installation.migrate("manifests")


def _reference(entry: Document) -> Document:
    found: Document = entry.get("valueFrom", {}).get("secretKeyRef", {})
    return found


def variables(name: str, documents: list[Document], container: Document, given: dict[str, str]) -> dict[str, str]:
    """What the manifest sets: its own values, secrets and this machine's addresses from an installation."""
    wanted = environment(documents, container)
    secret = {variable for variable, value in wanted.items() if isinstance(value, tuple)}
    left_out = {one["name"] for one in container["env"] if _reference(one).get("optional")}
    assert not secret - given.keys() - left_out, f"{name}: nobody makes these secrets"
    plain = {variable: value for variable, value in wanted.items() if isinstance(value, str)}
    known = names_of(settings_of(module_of(container))).keys()
    assert not (given.keys() & known) - wanted.keys(), f"{name}: the manifest does not hand these on"
    return plain | {variable: given[variable] for variable in (secret | _PLACES) & given.keys()}


def image_of(container: Document) -> str:
    """``ingest`` of ``daybook-ingest:0.1.0``."""
    return str(container["image"]).removeprefix("daybook-").split(":")[0]


def status(port: int, path: str) -> int:
    """What a path answers; 0 while nothing listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=4) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def await_probe(probe: dict[str, Any], port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    """Asks as the kubelet does; fails where the probe would have given up."""
    deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    while status(port, probe["httpGet"]["path"]) != 200:
        assert child.poll() is None, f"it ended:\n{log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"{probe['httpGet']['path']} never answered 200:\n{log.read_text()[-3000:]}"
        time.sleep(0.1)


@contextmanager
def started(image: Image, command: list[str], env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, killed at the latest at the end."""
    with log.open("wb") as file:
        child = subprocess.Popen(command, cwd=image.app, env=image.environment() | env, stdout=file, stderr=file)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.mark.usefixtures("_bus")
@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_gets_ready_and_ends_in_time(
    name: str,
    small: list[Document],
    image: Callable[[str], Image],
    installation: Installation,
    mongo_prefix: str,
    tmp_path: Path,
) -> None:
    """From its manifest alone: started, ready, live, scraped; SIGTERM ends it within the grace period less preStop."""
    (deployment,) = (one for one in of_kind(small, "Deployment") if one["metadata"]["name"] == name)
    spec = pod_spec(deployment)
    container = spec["containers"][0]
    (port,) = free_ports(1)
    given = installation.environment(name, mongo_prefix=mongo_prefix, http_port=port, s3=name == "media")
    env = variables(name, small, container, given)
    (named,) = container["ports"]
    assert environment(small, container)["DAYBOOK_HTTP_PORT"] == str(named["containerPort"])
    built, log = image(image_of(container)), tmp_path / "log"
    before = built.files()
    with started(built, container["command"], env | {"TMPDIR": str(tmp_path)}, log) as child:
        await_probe(container["startupProbe"], port, child, log)
        await_probe(container["readinessProbe"], port, child, log)
        await_probe(container["livenessProbe"], port, child, log)
        _scraped(port)
        _fits(child.pid, container)
        child.send_signal(signal.SIGTERM)
        grace = spec["terminationGracePeriodSeconds"] - container["lifecycle"]["preStop"]["sleep"]["seconds"]
        child.wait(grace)
    assert child.returncode in (0, -signal.SIGTERM), log.read_text()[-3000:]
    assert built.files() == before, "the root file system is read-only in the cluster"


def _scraped(port: int) -> None:
    """Every metric of ours that rules and dashboards ask for is declared in a live scrape."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=4) as answer:
        scraped = answer.read().decode()
    asked = {name for expression in expressions().values() for name, _ in used(expression)} - EXPORTERS.keys()
    for name in asked & known().keys():
        family = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        if ":" not in name:
            assert f"# TYPE {family} " in scraped, f"{name} is not in a live scrape"


def _fits(pid: int, container: Document) -> None:
    """At rest it takes no more memory than it asks the cluster for."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    resident = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
    requested = int(container["resources"]["requests"]["memory"].removesuffix("Mi")) * 1024**2
    assert resident <= requested, f"{resident // 1024**2} MiB at rest"


def test_the_migration_is_the_jobs_own_command(
    small: list[Document], image: Callable[[str], Image], installation: Installation, mongo_prefix: str
) -> None:
    """On an empty bus it makes streams and durables, and the second time it does no harm."""
    (job,) = of_kind(small, "Job")
    container = pod_spec(job)["containers"][0]
    given = installation.environment("migrate", mongo_prefix=mongo_prefix)
    given.pop("DAYBOOK_MONGO_URL")  # it works on the bus alone
    env = variables("migrate", small, container, given)
    installation.reset_bus()
    built = image(image_of(container))
    for _ in range(2):
        command, own = container["command"], built.environment() | env
        done = subprocess.run(command, cwd=built.app, env=own, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    assert asyncio.run(_streams(installation)) == {"SEGMENTS", "JOURNAL", "PRESENCE"}


async def _streams(installation: Installation) -> set[str | None]:
    client = await installation.connect()
    try:
        return {stream.config.name for stream in await client.jetstream().streams_info()}
    finally:
        await client.close()

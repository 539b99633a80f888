"""What all rows of the bench stand on: servers of their own, real services as processes, CPU by process, figures.

A figure is a ratio of two things measured in turn in one run, or CPU time per unit of work; an absolute time is marked
as indicative. CPU is user and system time of the whole process, threads included, from /proc.
"""

import asyncio
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from nats.aio.client import Client

from deploy.local.ports import free_ports
from deploy.local.process import Child
from deploy.local.servers import Mongo
from deploy.local.services import MODULES
from services.kit.journal import Journal
from services.wire import subjects
from tests.support.servers import ROOT, Installation, mongo

_TICK = os.sysconf("SC_CLK_TCK")
_AT_ONCE = 2000
_SETTLE_SECONDS = 300


@dataclass(frozen=True)
class Figure:
    """One measured value; ``rounds`` are all of them, and ``value`` says for all. ``target`` None: none is set."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False
    rounds: Sequence[float] = ()
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as good as it should be."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def median(name: str, unit: str, rounds: Sequence[float], **more: Any) -> Figure:
    """The figure of several rounds."""
    return Figure(name, statistics.median(rounds), unit, rounds=tuple(rounds), **more)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so much of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


@dataclass
class Bench:
    """Servers, and how much to do: ``quick`` is a smoke run, whose rows share them and whose figures mean nothing."""

    folder: Path
    installation: Installation
    server: Mongo | None
    quick: bool = False
    services: dict[str, "Service"] = field(default_factory=dict)

    def of(self, full: int, quick: int) -> int:
        """How many."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """Five, or one to see that it runs."""
        return self.of(5, 1)

    @asynccontextmanager
    async def client(self, user: str = "operator", **options: Any) -> AsyncIterator[Client]:
        """A bus connection."""
        client = await self.installation.connect(user, **options)
        try:
            yield client
        finally:
            await client.close()

    async def start(self, *names: str, s3: bool = False) -> list["Service"]:
        """Real services by name, all of them ready; those that run already where rows share them."""
        for name in names:
            if name not in self.services:
                self.run(name, MODULES[name], self.environment(name, s3=s3))
        found = [self.services[name] for name in names]
        for service in found:
            await service.ready()
        return found

    def environment(self, service: str, *, s3: bool = False) -> dict[str, str]:
        """The variables of a service."""
        return self.installation.environment(service, mongo_prefix="bench", http_port=free_ports(1)[0], s3=s3)

    def run(self, name: str, module: str, env: Mapping[str, str]) -> "Service":
        """Any module as a service."""
        self.services[name] = Service(name, [sys.executable, "-m", module], env, self.folder)
        return self.services[name]

    def stop(self, *names: str) -> None:
        """Ends these."""
        for name in names:
            self.services.pop(name).kill()

    def servers_cpu(self) -> dict[str, float]:
        """CPU seconds of the servers so far."""
        found = {"nats": cpu_seconds(self.installation.nats.pid)}
        return found | ({"mongod": cpu_seconds(self.server.pid)} if self.server else {})


class Service:
    """A process that can be held and let go, and whose CPU is known."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.name, self.port = name, int(env["DAYBOOK_HTTP_PORT"])
        base = {"PATH": os.environ["PATH"], "DAYBOOK_LOG_LEVEL": "WARNING"}
        self._child = Child(name, command, folder / f"{name}.log", env=base | dict(env), cwd=ROOT)
        self._child.start()
        self.pid = self._child.pid

    async def ready(self) -> None:
        """Waits until it serves."""
        async with httpx.AsyncClient(verify=False) as http:
            await until(lambda: self._serves(http), 60)

    async def _serves(self, http: httpx.AsyncClient) -> bool:
        if not self._child.alive:
            raise RuntimeError(f"{self.name} ended by itself:\n{self._child.log.read_text()[-3000:]}")
        try:
            return (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    def hold(self) -> None:
        """Stands still."""
        self._child.send(signal.SIGSTOP)

    def go(self) -> None:
        """Goes on."""
        self._child.send(signal.SIGCONT)

    def cpu(self) -> float:
        """CPU seconds so far, with those of processes it started."""
        return cpu_seconds(self.pid, family=True)

    def kill(self) -> None:
        """Ends it."""
        self._child.kill()


@contextmanager
def servers(quick: bool) -> Iterator[Bench]:
    """A bus, MongoDB and, once asked for, an object store, with nothing in them."""
    folder = Path(tempfile.mkdtemp(prefix="daybook-bench-"))
    try:
        with mongo(folder / "mongo") as server:
            url = server if isinstance(server, str) else server.url
            installation = Installation(folder / "installation", url)
            bench = Bench(folder, installation, None if isinstance(server, str) else server, quick)
            try:
                installation.migrate("bench")
                asyncio.run(_let_batches_in(installation))
                yield bench
            finally:
                bench.stop(*list(bench.services))
                installation.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpu_seconds(pid: int, *, family: bool = False) -> float:
    """User and system time of a process so far; with ``family`` also of all that it started and that lives or was
    waited for.
    """
    stats = _stats() if family else {pid: _stat(pid)}
    members, found = {pid}, 0.0
    for one, (parent, own, waited) in sorted(stats.items()):
        if one in members or parent in members:
            members.add(one)
            found += own + (waited if family else 0.0)
    return found


def _stats() -> dict[int, tuple[int, float, float]]:
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            found[int(path.name)] = _stat(int(path.name))
        except OSError:
            continue
    return found


def _stat(pid: int) -> tuple[int, float, float]:
    """Parent, own CPU, CPU of children that were waited for (proc(5), *stat*).

    Own CPU by the process's clock: a tick of *stat* is 10 ms, more than a few looks at a picture cost.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of that process, clock_getcpuclockid(3)
    return int(fields[1]), own, sum(map(int, fields[13:15])) / _TICK


async def until(fact: Callable[[], Any], seconds: float = _SETTLE_SECONDS, every: float = 0.05) -> None:
    """Waits for a fact; TimeoutError where it never comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = fact()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        await asyncio.sleep(every)
    raise TimeoutError("waited in vain")


async def publish(client: Client, messages: Sequence[tuple[str, bytes]]) -> None:
    """Publishes to the streams; returns when the bus has them all."""
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    journal = Journal(client)
    for start in range(0, len(messages), _AT_ONCE):
        await journal.say([(subject, body, headers) for subject, body in messages[start : start + _AT_ONCE]])


async def _let_batches_in(installation: Installation) -> None:
    """Devices publish their records one by one; a corpus goes to the bus in batches, for that is off the clock."""
    client = await installation.connect()
    js = client.jetstream()
    config = (await js.stream_info(subjects.SEGMENTS)).config
    config.allow_atomic = True
    await js.update_stream(config)
    await client.close()


async def drained(client: Client, *durables: tuple[str, str]) -> None:
    """Waits until each (stream, durable), in this order, has nothing in hand and nothing to come."""
    js = client.jetstream()
    for stream, durable in durables:

        async def idle(stream: str = stream, durable: str = durable) -> bool:
            info = await js.consumer_info(stream, durable)
            return not info.num_pending and not info.num_ack_pending

        await until(idle, every=0.02)


INGEST = (subjects.SEGMENTS, "ingest")
SCORING = (subjects.JOURNAL, "scoring")
PROJECTOR = (subjects.JOURNAL, "projector")


@dataclass
class Spent:
    """What a piece of work took, each for one unit of it."""

    cpu: dict[str, float]
    """Microseconds of CPU by process."""
    rate: float
    """Units a second of the clock on the wall; indicative."""


async def work_off(
    bench: Bench, client: Client, services: Sequence[Service], messages: Sequence[tuple[str, bytes]], *durables: Any
) -> Spent:
    """Publishes while the services stand still, as in a backlog, lets them go, and measures until all is done."""
    for service in services:
        service.hold()
    await publish(client, messages)
    before, servers_before = [service.cpu() for service in services], bench.servers_cpu()
    started = time.perf_counter()
    for service in services:
        service.go()
    await drained(client, *durables)
    seconds = time.perf_counter() - started
    spent = {one.name: one.cpu() - earlier for one, earlier in zip(services, before, strict=True)}
    spent |= {name: value - servers_before[name] for name, value in bench.servers_cpu().items()}
    return Spent({name: value / len(messages) * 1e6 for name, value in spent.items()}, len(messages) / seconds)

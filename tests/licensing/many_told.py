"""``python -m tests.licensing.many_told [LICENCES]``: how long until every computer is told what a change of its policy
lets it do, and what that costs (L-04).

Two replicas of licensing as they are deployed, with MongoDB and the bus beside them and nothing else. A member, a
licence and a computer each, all under one policy, which records less, then more, of which each member gets a notice;
then the workspace's billing day moves to another zone, which changes no licence and is told to all. Who listens takes
everything that is said to computers, and opens it afterwards as an agent would.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from nats.aio.msg import Msg

from services.wire import proof
from tests.bench.harness import Bench, cpu_seconds, servers, until
from tests.licensing import many
from tests.licensing.support import Acme, Licensing

REPLICAS = ("licensing-1", "licensing-2")
_SECONDS = 180.0


class Change(NamedTuple):
    """What the back office changes: which object, its fields, and what every computer must be told then."""

    name: str
    collection: str
    id: str
    body: Mapping[str, Any]
    held: list[str]


class Listener:
    """Everything that is said to computers, with the time it came."""

    def __init__(self) -> None:
        self.said: list[tuple[float, Msg]] = []
        self.whom: set[str] = set()

    async def hear(self, message: Msg) -> None:
        """One command more."""
        self.said.append((time.monotonic(), message))
        self.whom.add(message.subject)

    def forget(self) -> None:
        """As if nothing had been said."""
        self.said, self.whom = [], set()


class Measure:
    """Two replicas and a workspace of so many licences."""

    def __init__(self, bench: Bench, licensing: Licensing, acme: Acme, licences: int) -> None:
        self._bench, self._licensing, self._acme, self._licences = bench, licensing, acme, licences
        self._listener, self._revisions = Listener(), dict[str, int]()

    async def run(self, policy: str) -> list[str]:
        """A line for each change."""
        await self._licensing.caller.subscribe("commands.>", cb=self._listener.hear)
        changes = [
            Change("a policy that records less", "policies", policy, {"policy": {"apps": False}}, []),
            Change("one that records more", "policies", policy, {"policy": {"titles": True}}, ["titles"]),
            Change("a workspace's day", "workspaces", self._acme.workspace, {"billing_zone": "Asia/Tokyo"}, ["titles"]),
        ]
        return [await self._one(change) for change in changes]

    async def _one(self, change: Change) -> str:
        self._listener.forget()
        before, started = self._spent(), time.monotonic()
        await self._acme.change("olga", change.collection, change.id, **change.body)
        answered = time.monotonic() - started
        await until(lambda: len(self._listener.whom) >= self._licences, _SECONDS, 0.02)
        told = self._spent()
        times = sorted(at - started for at, _ in self._listener.said)
        await until(self._at_rest, _SECONDS)
        rest, after = time.monotonic() - started, self._spent()
        wrong = self._wrong(change)
        costs = ", ".join(f"{name} {(after[name] - before[name]) / self._licences * 1e3:.2f}" for name in after)
        until_told = sum(told.values()) - sum(before.values())
        whole = (sum(after.values()) - sum(before.values())) / self._licences * 1e3
        return (
            f"{change.name}: answered after {answered:.2f} s; {len(self._listener.whom)} computers told, half within "
            f"{times[len(times) // 2]:.2f} s, all within {times[-1]:.2f} s ({until_told:.1f} s CPU of all until then); "
            f"{len(times) - self._licences} told again, {wrong} told wrong; at rest after {rest:.2f} s; "
            f"{whole:.2f} ms CPU a licence ({costs})"
        )

    async def _at_rest(self) -> bool:
        left = [await self._licensing.store[name].count_documents({}) for name in ("settlings", "pushes", "outbox")]
        return not any(left)

    def _spent(self) -> dict[str, float]:
        replicas = {name: cpu_seconds(self._bench.services[name].pid) for name in REPLICAS}
        return replicas | self._bench.servers_cpu()

    def _wrong(self, change: Change) -> int:
        """Computers whose last word does not open, is no newer than the one before, or says something else."""
        wrong = 0
        for subject, body in {one.subject: one.data for _, one in self._listener.said}.items():
            _, workspace, device = subject.split(".")
            said = proof.open_notice(self._licensing.notice_public, body, workspace, device)
            newer = said["revision"] > self._revisions.get(device, 0) or change.collection == "workspaces"
            self._revisions[device] = said["revision"]
            wrong += said["held"] != change.held or said["policy"]["apps"] or not newer
        return wrong


@asynccontextmanager
async def _replicas(bench: Bench, licensing: Licensing) -> AsyncIterator[None]:
    for name in REPLICAS:
        bench.run(name, "services.licensing.app", bench.environment("licensing"))
    for name in REPLICAS:
        await bench.services[name].ready()
    await licensing.open()
    try:
        yield
    finally:
        await licensing.stop()


async def _main(bench: Bench, licences: int) -> None:
    licensing = Licensing(bench.installation, "bench")
    await licensing.store.prepare()
    acme = await licensing.seed()
    policy = await many.multiply(licensing.store, acme, licences)
    async with _replicas(bench, licensing):
        for line in await Measure(bench, licensing, acme, licences).run(policy):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    with servers(quick=False) as bench_:
        asyncio.run(_main(bench_, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))

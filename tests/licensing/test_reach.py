"""How soon a change reaches the computers, with two instances running and either of them killed (L-04, L-05, B-04)."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.ports import free_ports
from deploy.local.process import Child
from services.kit.bus import round_trip
from services.kit.problems import Problem
from services.wire import proof, requests, subjects
from tests.licensing.support import Acme, Device, Licensing, until
from tests.support.servers import ROOT, Installation, drop_databases, new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECONDS = 5.0
"""What L-04 promises."""


class Pair:
    """Two instances as processes, and a caller."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.prefix = new_id("t").replace("-", "")
        self.licensing = Licensing(installation, self.prefix)
        self._folder, self._started = folder, 0
        self.children: list[Child] = []

    def start(self) -> None:
        self._started += 1
        [port] = free_ports(1)
        environment = self.licensing.installation.environment("licensing", mongo_prefix=self.prefix, http_port=port)
        child = Child(
            "licensing",
            [sys.executable, "-m", "services.licensing.app"],
            self._folder / f"licensing-{self._started}.log",
            env={"PATH": os.environ["PATH"]} | environment,
            cwd=ROOT,
        )
        child.start()
        self.children.append(child)

    async def answering(self) -> None:
        """Until both take requests: their queue group spreads them, so some dozen answers in a row say so."""

        async def sound() -> bool:
            names = set()
            for _ in range(20):
                try:
                    await self.licensing.ask("grant", requests.GrantOf(workspace="ws-none", device="dev-none"))
                except Problem as problem:
                    names.add(problem.status)
                except Exception:
                    return False
            return names == {404}

        await until(sound, 60)

    def stop(self) -> None:
        for child in self.children:
            child.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(migrated: Installation, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    two = Pair(migrated, tmp_path_factory.mktemp("licensing"))
    try:
        await two.licensing.store.prepare()
        for _ in range(2):
            two.start()
        await two.licensing.open()
        await two.answering()
        yield two
    finally:
        two.stop()
        await two.licensing.stop()
        drop_databases(migrated.mongo_url, two.prefix)


async def _told(licensing: Licensing, device: Device, commands: Any, true: Any) -> float:
    """Seconds until a signed command says what is waited for."""
    started = time.monotonic()
    while True:
        left = SECONDS - (time.monotonic() - started)
        message = await commands.next_msg(timeout=max(0.01, left))
        told = proof.open_notice(licensing.notice_public, message.data, device.workspace, device.device)
        if true(told):
            return time.monotonic() - started


async def _activated(pair: Pair) -> tuple[Acme, Device, Any, Any]:
    acme = await pair.licensing.seed()
    device = await acme.activated(1)
    client = await device.connect(pair.licensing.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    return acme, device, client, commands


async def test_a_change_reaches_a_computer_within_seconds(pair: Pair, record_property: Any) -> None:
    """L-04: a dozen changes of each kind, whichever instance takes them."""
    acme, device, client, commands = await _activated(pair)
    policy, slowest = acme.answer["licences"][1]["policy"], 0.0
    for minutes in range(20, 32):
        await acme.change("olga", "policies", policy, policy={"idle_minutes": minutes})
        waited = await _told(
            *(pair.licensing, device, commands), lambda told, minutes=minutes: told["policy"]["idle_minutes"] == minutes
        )
        slowest = max(slowest, waited)
    record_property("slowest_seconds", round(slowest, 3))
    assert slowest < SECONDS
    await client.close()


@pytest.mark.parametrize("which", [0, 1])
async def test_with_either_instance_killed_changes_arrive_and_devices_sign_in(pair: Pair, which: int) -> None:
    """B-04: the callout and the pushes are the other's at once; the kicks of a revocation too."""
    acme, device, _, commands = await _activated(pair)
    victim = pair.children.pop(which)
    victim.kill()
    policy = acme.answer["licences"][1]["policy"]
    await acme.change("olga", "policies", policy, policy={"idle_minutes": 44})
    await _told(pair.licensing, device, commands, lambda told: told["policy"]["idle_minutes"] == 44)
    for _ in range(4):
        again = Device(device.key, device.workspace, device.device)
        assert not await again.is_refused(pair.licensing.url)
    licence = acme.answer["licences"][1]["licence"]
    started = time.monotonic()
    await acme.change("olga", "licences", licence, state="revoked", drain_hours=0)
    await asyncio.wait_for(device.closed.wait(), SECONDS)
    assert await Device(device.key, device.workspace, device.device).is_refused(pair.licensing.url)
    assert time.monotonic() - started < SECONDS
    pair.start()
    await pair.answering()


async def test_a_push_whose_instance_died_before_it_is_sent_by_another(pair: Pair) -> None:
    """L-04: what was committed and not yet pushed, as the kill of an instance leaves it."""
    acme, device, client, commands = await _activated(pair)

    async def work(session: Any) -> None:
        await pair.licensing.store["devices"].update_one(
            {"workspace": device.workspace, "id": device.device}, {"$inc": {"revision": 1}}, session=session
        )
        await pair.licensing.store.push(session, {"workspace": device.workspace, "id": device.device})

    await pair.licensing.store.write(work)
    await _told(pair.licensing, device, commands, lambda told: told["command"] == "entitlement")

    async def done() -> bool:
        return await pair.licensing.store["pushes"].count_documents({"workspace": acme.workspace}) == 0

    await until(done)
    await client.close()


async def test_commands_carry_their_id_and_time(pair: Pair) -> None:
    """So that one which is sent again is known (agent/evidence.py)."""
    acme, device, client, commands = await _activated(pair)
    policy = acme.answer["licences"][1]["policy"]
    seen = set()
    for minutes in (51, 52):
        await acme.change("olga", "policies", policy, policy={"idle_minutes": minutes})
        body = (await commands.next_msg(timeout=SECONDS)).data
        told = proof.open_notice(pair.licensing.notice_public, body, device.workspace, device.device)
        assert json.loads(json.loads(body)["message"]) == told
        seen.add(told["id"])
        assert told["at"].endswith("Z")
    assert len(seen) == 2
    await client.close()

"""Freshness at the steady load of 10,000 endpoints: one record each in ten minutes, so 16.7 a second.

From the moment a record is published, just closed, until ``diary.changed`` tells open pages to show it. Each record is
another device's and another member's, whose grant is not known yet. No 10,000 connections stand beside it.
"""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

from services.kit.bus import round_trip
from services.wire.slots import SLOT, slot_of
from tests.bench.chain import CARRIERS
from tests.bench.harness import Bench, Figure, percentile, publish, until
from tests.diary.facts import Teller, subject_of
from tests.ingest.fleet import Device, Licensing

A_SECOND = 10_000 / 600


async def measure(bench: Bench) -> list[Figure]:
    """Percentiles of seconds, and what the services took of a core."""
    seconds = bench.of(60, 2)
    devices = [Device("fresh", first_slot=slot_of(datetime.now(UTC)) - SLOT) for _ in range(int(A_SECOND * seconds))]
    seen: dict[str, float] = {}

    async def changed(message: Any) -> None:
        seen.setdefault(json.loads(message.data)["member"], time.perf_counter())

    async with bench.client() as client, bench.client("licensing") as answering:
        licensing = Licensing(answering)
        licensing.know(*devices)
        await licensing.come()
        services = await bench.start(*CARRIERS)
        settings = Teller("fresh").settings()
        await publish(client, [(subject_of(settings), settings.model_dump_json().encode())])
        await client.subscribe("diary.changed.fresh.*", cb=changed)
        await round_trip(client)
        sealed = [(one.member, one.subject, one.close().body) for one in devices]
        before, js, closed = sum(one.cpu() for one in services), client.jetstream(), {}
        begun = time.perf_counter()
        for number, (member, subject, body) in enumerate(sealed):
            await asyncio.sleep(max(0.0, begun + number / A_SECOND - time.perf_counter()))
            closed[member] = time.perf_counter()
            await js.publish(subject, body)
        await until(lambda: len(seen) == len(sealed), 60)
        took = time.perf_counter() - begun
        share = 100 * (sum(one.cpu() for one in services) - before) / took
    late = [seen[member] - closed[member] for member in closed]
    return [
        Figure("freshness at 10,000 endpoints, p99", percentile(late, 0.99), "s", 1.0, rounds=late,
               note=f"half within {percentile(late, 0.5):.2f} s; {len(late)} records"),
        Figure("the services meanwhile", share, "% of a core", note="ingest, scoring and projector"),
    ]  # fmt: skip

"""Ingest as it is: signature, admission, ledger, journal, receipt; and how it stands records that come twice.

Two shapes: *backlog*, twenty devices that have been away; *steady*, every record of another device, so that each has
its own watermark and receipt. *5 % again*: a backlog in which every twentieth record was recorded before.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import pymongo
from nacl.signing import SigningKey

from services.wire import proof
from services.wire.slots import slot_of
from tests.bench.harness import INGEST, Bench, Figure, Spent, median, work_off
from tests.ingest.fleet import Device, Licensing

_CHECKS = 1000
Messages = list[tuple[str, bytes]]


def fleet(count: int, workspace: str = "bench") -> list[Device]:
    """Devices whose every record takes the next slot, far enough back that none lies in the future."""
    begin = slot_of(datetime.now(UTC)) - timedelta(days=170)
    return [Device(workspace, first_slot=begin) for _ in range(count)]


def closed(devices: Sequence[Device], records: int) -> Messages:
    """The next records of these devices in turn."""
    return [(one.subject, one.close().body) for _ in range(records // len(devices)) for one in devices]


async def measure(bench: Bench) -> list[Figure]:
    """CPU of one process for each record."""
    records = bench.of(4_000, 200)
    async with bench.client() as client, bench.client("licensing") as answering:
        licensing = Licensing(answering)
        await licensing.come()
        (ingest,) = await bench.start("ingest")

        async def run(messages: Messages) -> Spent:
            return await work_off(bench, client, [ingest], messages, INGEST)

        backlog, steady = fleet(20), fleet(records)
        licensing.know(*backlog, *steady)
        for devices in (backlog, steady):
            await run(closed(devices, len(devices)))  # grants and watermarks are there before the clock starts
        spent: dict[str, list[Spent]] = {"backlog": [], "steady": [], "again": []}
        known: Messages = []
        for _ in range(bench.rounds):
            fresh = closed(backlog, records)
            spent["backlog"].append(await run(fresh))
            spent["steady"].append(await run(closed(steady, records)))
            known += fresh
            again = closed(backlog, records * 19 // 20) + random.sample(known, records // 20)
            spent["again"].append(await run(random.sample(again, len(again))))
    assert _quarantined(bench) == 0, "a bench of what is refused"
    cpu = {name: [one.cpu["ingest"] for one in each] for name, each in spent.items()}
    ratios = [fresh / mixed for fresh, mixed in zip(cpu["backlog"], cpu["again"], strict=True)]
    rate = max(one.rate for one in spent["backlog"])
    check = signature_check()
    servers = ", ".join(f"{name} {spent['backlog'][-1].cpu.get(name, 0):.0f}" for name in ("mongod", "nats"))
    return [
        median(
            "ingest, whole: a backlog",
            "µs CPU a segment",
            cpu["backlog"],
            target=200,
            note=f"{check:.0f} of it the signature's check alone; besides {servers}",
        ),
        median("ingest, whole: every record another device's", "µs CPU a segment", cpu["steady"], target=200),
        median("ingest, 5 % come again ÷ fresh", "×", ratios, target=0.8, at_least=True),
        Figure("ingest, one process (indicative)", rate, "segments/s"),
    ]


def signature_check() -> float:
    """Microseconds of CPU that one check of a record's signature takes here: what no ingest can go below."""
    body = orjson.loads(fleet(1)[0].close().body)
    key = SigningKey.generate()
    record = body["record"].encode()
    public, signature = bytes(key.verify_key), proof.sign(key, proof.SEGMENT_DOMAIN, record)
    started = time.process_time()
    for _ in range(_CHECKS):
        proof.check(public, proof.SEGMENT_DOMAIN, record, signature)
    return (time.process_time() - started) / _CHECKS * 1e6


def _quarantined(bench: Bench) -> int:
    with pymongo.MongoClient(bench.installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        return client["bench_ingest"]["quarantine"].count_documents({})

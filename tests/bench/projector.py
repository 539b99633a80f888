"""What the diary costs to keep: CPU of the real projector per segment, with its score and its stored picture.

``python -m tests.bench.projector [--rounds 5] [--segments 5000]``. Own servers; facts are built off the clock and
published while the projector stands still. Two shapes: *drain*, few members with a long backlog; *steady*, every
segment another member's, whose week holds a hundred segments already.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import pymongo

from deploy.local.ports import free_ports
from services.diary.store import open_store
from services.diary.weeks import Sheet
from services.kit.migrate import migrate
from services.wire.events import Fact
from tests.bench.processes import Service, cpu_seconds
from tests.diary.facts import Teller, capture, slots_from, subject_of
from tests.diary.running import Diary
from tests.support.servers import Installation, mongo, new_id

MONDAY = "2026-11-16T00:00:00Z"


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--segments", type=int, default=5_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as server:
        url = server if isinstance(server, str) else server.url
        installation = Installation(Path(folder) / "installation", url)
        try:
            asyncio.run(_run(installation, Path(folder), given.rounds, given.segments))
        finally:
            installation.stop()


async def _run(installation: Installation, folder: Path, rounds: int, count: int) -> None:
    diary = Diary(installation, "bench", "ws-bench")
    await migrate(diary.settings("migrate"))
    diary.client = await installation.connect()
    port = free_ports(1)[0]
    environment = installation.environment("projector", mongo_prefix="bench", http_port=port)
    worker = Service("services.diary.projector", environment, folder)
    await worker.ready(port)
    store = open_store(diary.settings("diary"))
    await diary.tell(diary.teller.settings())
    figures: dict[str, list[tuple[float, float]]] = {"drain": [], "steady": []}
    try:
        for _ in range(rounds):
            for shape, measured in figures.items():
                told = _drain(diary.teller, count) if shape == "drain" else _steady(installation, diary.teller, count)
                measured.append(await _round(diary, worker, told, count))
        assert await store["poison"].count_documents({}) == 0, "a bench of what is set aside"
        assert await store["segments"].count_documents({"shown": {"$exists": True}}) == 2 * rounds * count
    finally:
        worker.kill()
    for shape, measured in figures.items():
        cpu, rate = (statistics.median(column) for column in zip(*measured, strict=True))
        spread = "–".join(f"{edge:.0f}" for edge in (min(one[0] for one in measured), max(one[0] for one in measured)))
        print(f"{shape:8} {cpu:6.0f} µs CPU a segment (rounds {spread}); indicative: {rate:6.0f} segments/s")
    await diary.client.close()


def _told(tell: Teller, member: str, contract: str, slot: str) -> list[Fact]:
    shot = new_id("shot")
    recorded = tell.segment(member, slot, contract=contract, device=f"dev-{member}", captures=[capture(shot, slot)])
    return [recorded, tell.score(recorded), tell.stored(member, shot, slot, device=f"dev-{member}")]


def _drain(tell: Teller, count: int) -> list[Fact]:
    members = [new_id("m") for _ in range(20)]
    slots = slots_from(MONDAY, count // len(members))
    return [fact for member in members for slot in slots for fact in _told(tell, member, f"con-{member}", slot)]


def _steady(installation: Installation, tell: Teller, count: int) -> list[Fact]:
    members = [new_id("m") for _ in range(count)]
    slots = slots_from(MONDAY, 101)
    full = Sheet(10, 10, 10, 10).pack()
    terms = {"billing_unit": "segment", "limit_minutes": None, "workspace": 1, "contract": None}
    weeks = [
        {
            "_id": f"{tell.workspace}|con-{member}|2026-11-16",
            "workspace": tell.workspace,
            "contract": f"con-{member}",
            "member": member,
            "week": "2026-11-16",
            "version": 100,
            "claims": {f"{slot}|dev-{member}": full for slot in slots[:100]},
            "over": [],
            "terms": terms,
        }
        for member in members
    ]
    with pymongo.MongoClient(installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        client["bench_diary"]["weeks"].insert_many(weeks)
    return [fact for member in members for fact in _told(tell, member, f"con-{member}", slots[100])]


async def _round(diary: Diary, worker: Service, told: list[Fact], count: int) -> tuple[float, float]:
    """CPU µs a segment and segments a second."""
    worker.hold()
    js = diary.client.jetstream(publish_async_max_pending=4000)
    messages = [(subject_of(fact), fact.model_dump_json().encode()) for fact in told]
    for start in range(0, len(messages), 2000):
        acks = [await js.publish_async(subject, body) for subject, body in messages[start : start + 2000]]
        await asyncio.gather(*acks)
    before, started = cpu_seconds(worker.pid), time.perf_counter()
    worker.go()
    await diary.settled(every=0.2, seconds=600)
    return (cpu_seconds(worker.pid) - before) / count * 1e6, count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()

"""The whole chain: a record on the bus becomes time in the diary with its score, over all services that carry it.

A quarter of an hour of a company is worked off as a backlog: every record another member's, or twenty members with a
long one. Ingest, scoring and the projector are real processes; licensing's answers are a double's.
"""

import pymongo

from services.kit.mongo import prefix_range
from tests.bench.harness import INGEST, PROJECTOR, SCORING, Bench, Figure, Spent, median, publish, work_off
from tests.bench.ingest import closed, fleet
from tests.diary.facts import Teller, subject_of
from tests.ingest.fleet import Licensing

WORKSPACE = "chain"
CARRIERS = ("ingest", "scoring", "projector")


async def measure(bench: Bench) -> list[Figure]:
    """CPU of all services for each record."""
    records = bench.of(2_000, 200)
    async with bench.client() as client, bench.client("licensing") as answering:
        licensing = Licensing(answering)
        await licensing.come()
        services = await bench.start(*CARRIERS)
        settings = Teller(WORKSPACE).settings()
        await publish(client, [(subject_of(settings), settings.model_dump_json().encode())])
        shapes = {"a backlog": fleet(20, WORKSPACE), "every record another member's": fleet(records, WORKSPACE)}
        spent: dict[str, list[Spent]] = {name: [] for name in shapes}
        said = 0
        for devices in shapes.values():
            licensing.know(*devices)
            await work_off(bench, client, services, closed(devices, len(devices)), INGEST, SCORING, PROJECTOR)
            said += len(devices)
        for _ in range(bench.rounds):
            for name, devices in shapes.items():
                messages = closed(devices, records)
                spent[name].append(await work_off(bench, client, services, messages, INGEST, SCORING, PROJECTOR))
                said += len(messages)
    _check(bench, said)
    figures = []
    for name, each in spent.items():
        parts = {part: sorted(one.cpu[part] for one in each)[len(each) // 2] for part in each[0].cpu}
        told = ", ".join(f"{part} {value:.0f}" for part, value in parts.items())
        whole = [sum(one.cpu[part] for part in CARRIERS) for one in each]
        figures.append(median(f"whole chain: {name}", "µs CPU a segment", whole, target=600, note=told))
    return figures


def _check(bench: Bench, said: int) -> None:
    """Everything is in the diary, with its score."""
    with pymongo.MongoClient(bench.installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        diary = client["bench_diary"]["segments"]
        there = {"_id": prefix_range(WORKSPACE), "shown": {"$exists": True}, "score.rank": {"$exists": True}}
        found = diary.count_documents(there)
    assert found == said, f"{found} of {said} are in the diary with a score"

"""The projector alone: a segment with its score and its stored picture becomes a part of the diary.

Two shapes: *backlog*, few members with a long one; *steady*, every segment another member's, whose week holds a hundred
segments already.
"""

import pymongo

from services.diary.weeks import Sheet
from services.kit.mongo import prefix_range
from services.wire.events import Fact
from tests.bench.harness import PROJECTOR, Bench, Figure, Service, median, publish, work_off
from tests.diary.facts import Teller, capture, slots_from, subject_of
from tests.support.servers import new_id

MONDAY = "2026-11-16T00:00:00Z"


async def measure(bench: Bench) -> list[Figure]:
    """CPU of one process for each segment."""
    count, tell = bench.of(1_500, 200), Teller("projector")
    spent: dict[str, list[float]] = {"backlog": [], "steady": []}
    async with bench.client() as client:
        services: list[Service] = await bench.start("projector")
        await publish(client, _messages([tell.settings()]))
        for _ in range(bench.rounds):
            for shape, told in (("backlog", _backlog(tell, count)), ("steady", _steady(bench, tell, count))):
                done = await work_off(bench, client, services, _messages(told), PROJECTOR)
                spent[shape].append(done.cpu["projector"] * len(told) / count)
    with pymongo.MongoClient(bench.installation.mongo_url) as store:  # type: pymongo.MongoClient[dict[str, object]]
        diary = store["bench_diary"]
        poison = diary["poison"].count_documents({"_id": prefix_range(tell.workspace)})
        assert poison == 0, "a bench of what is set aside"
        there = {"_id": prefix_range(tell.workspace), "shown": {"$exists": True}}
        assert diary["segments"].count_documents(there) == 2 * bench.rounds * count
    return [
        median("projector alone: a backlog", "µs CPU a segment", spent["backlog"], note="with its score and picture"),
        median("projector alone: every segment another member's", "µs CPU a segment", spent["steady"]),
    ]


def _messages(facts: list[Fact]) -> list[tuple[str, bytes]]:
    return [(subject_of(fact), fact.model_dump_json().encode()) for fact in facts]


def _told(tell: Teller, member: str, contract: str, slot: str) -> list[Fact]:
    shot = new_id("shot")
    recorded = tell.segment(member, slot, contract=contract, device=f"dev-{member}", captures=[capture(shot, slot)])
    return [recorded, tell.score(recorded), tell.stored(member, shot, slot, device=f"dev-{member}")]


def _backlog(tell: Teller, count: int) -> list[Fact]:
    members = [new_id("m") for _ in range(20)]
    slots = slots_from(MONDAY, count // len(members))
    return [fact for member in members for slot in slots for fact in _told(tell, member, f"con-{member}", slot)]


def _steady(bench: Bench, tell: Teller, count: int) -> list[Fact]:
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
    with pymongo.MongoClient(bench.installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        client["bench_diary"]["weeks"].insert_many(weeks)
    return [fact for member in members for fact in _told(tell, member, f"con-{member}", slots[100])]

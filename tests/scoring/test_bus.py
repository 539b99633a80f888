"""Scoring on the real bus and store: any order, doubles, several replicas, and a kill between commit and emit."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import bson
import orjson
import pytest
from nacl.signing import SigningKey
from nats.aio.client import Client

from services.kit import mongo
from services.kit.bus import round_trip
from services.kit.migrate import MigrateSettings, migrate
from services.kit.settings import Settings
from services.kit.streams import consumer_config
from services.scoring.app import build
from services.scoring.handlers import DURABLE
from services.wire import subjects
from services.wire.edits import write_edit
from services.wire.events import DiaryEdited, SegmentRecorded, SegmentScored, WorkspaceChanged, read_fact
from services.wire.scores import Tally, score, total
from tests.scoring.records import message, removal, segment, some_segment
from tests.support.servers import ROOT, Installation, new_id

WORK = [20, 2, 1, 30, "work", 0]
DAY = ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")


@dataclass
class Bench:
    """A workspace on the bus; replicas of scoring run in it when they are started."""

    installation: Installation
    prefix: str
    client: Client
    stack: AsyncExitStack

    def environment(self) -> dict[str, str]:
        return self.installation.environment("scoring", mongo_prefix=self.prefix)

    def settings(self) -> Settings:
        return Settings(**{key.removeprefix("DAYBOOK_").lower(): value for key, value in self.environment().items()})

    async def start(self) -> None:
        """A further replica."""
        await self.stack.enter_async_context(build(self.settings()).running())

    async def say(self, facts: Sequence[SegmentRecorded | WorkspaceChanged]) -> None:
        """Publishes facts in the order given."""
        jetstream = self.client.jetstream()
        for fact in facts:
            if isinstance(fact, SegmentRecorded):
                subject, body = message(fact)
            else:
                subject = subjects.fact("workspace.changed", fact.workspace, fact.member)
                body = fact.model_dump_json().encode()
            await jetstream.publish(subject, body)

    async def settled(self) -> None:
        """Until scoring has nothing left to do."""
        jetstream = self.client.jetstream()
        while True:
            info = await jetstream.consumer_info(subjects.JOURNAL, "scoring")
            if not info.num_pending and not info.num_ack_pending:
                return
            await asyncio.sleep(0.05)

    async def kept(self, collection: str, workspace: str) -> list[dict[str, Any]]:
        """A collection's documents of a workspace, without the workspace's name."""
        found = mongo.database(self.settings(), "scoring")[collection]
        rows = await found.find({"_id": mongo.prefix_range(workspace)}).sort("_id", 1).to_list(None)
        return [{**row, "_id": row["_id"].partition("|")[2]} for row in rows]

    async def ask(self, verb: str, **body: Any) -> Any:
        return orjson.loads((await self.client.request(f"rpc.scoring.{verb}", orjson.dumps(body), timeout=20)).data)

    async def listen(self, workspace: str) -> "Heard":
        """Hears ``segment.scored`` of a workspace from now on."""
        heard = Heard({}, asyncio.Event())

        async def hear(raw: Any) -> None:
            fact = read_fact(raw.subject, raw.data)
            assert isinstance(fact, SegmentScored)
            heard.last[fact.segment_id] = fact
            heard.news.set()

        await self.client.subscribe(f"segment.scored.{workspace}.*", cb=hear)
        await round_trip(self.client)
        return heard


@dataclass
class Heard:
    """The last score that was said of each segment."""

    last: dict[str, SegmentScored]
    news: asyncio.Event

    async def until(self, segments: int) -> dict[str, SegmentScored]:
        """Waits until so many segments have been scored."""
        while len(self.last) < segments:
            self.news.clear()
            await self.news.wait()
        return self.last


@pytest.fixture
async def bench(installation: Installation, mongo_prefix: str) -> AsyncIterator[Bench]:
    environment = installation.environment("migrate", mongo_prefix=mongo_prefix)
    await migrate(MigrateSettings(**{key.removeprefix("DAYBOOK_").lower(): one for key, one in environment.items()}))
    async with AsyncExitStack() as stack:
        client = await installation.connect()
        stack.push_async_callback(client.close)
        yield Bench(installation, mongo_prefix, client, stack)


def week(workspace: str, seed: int) -> list[SegmentRecorded]:
    """Three members with two devices each, two records a segment, around two midnights."""
    draw = random.Random(seed)
    slots = [f"2026-11-{day}T{time}:00Z" for day in (20, 21) for time in ("00:00", "10:10", "10:20", "23:50")]
    facts = []
    for member in ("ann", "bob", "cyd"):
        for device in ("laptop", "desk"):
            for seq, slot in enumerate(slots * 2, start=1):
                named = {"member": member, "device": f"{member}-{device}", "slot": slot, "seq": seq}
                facts.append(some_segment(draw, workspace, **named, started=f"{slot[:11]}00:0{len(device) % 3}:00Z"))
    return facts


async def test_a_removal_leaves_the_day(bench: Bench) -> None:
    """S-08, K-02: the diary says ``diary.edited``, and the member's day is without those minutes."""
    workspace = new_id("ws")
    kept, gone = segment(workspace), segment(workspace, slot="2026-11-21T10:20:00Z", seq=2)
    await bench.start()
    await bench.say([kept, gone])
    signed = write_edit(SigningKey.generate(), removal(gone, range(10)))
    said = DiaryEdited(
        workspace=workspace,
        member=gone.member,
        edit_id="edt-1",
        contract=gone.contract,
        week="2026-11-16",
        edit=signed.text,
        detail=signed.detail,
        signature=signed.signature,
    )
    subject = subjects.fact("diary.edited", workspace, gone.member)
    for body in (said.model_dump_json().encode(), said.model_copy(update={"edit": "{}"}).model_dump_json().encode()):
        await bench.client.jetstream().publish(subject, body)
    await bench.settled()
    asked = {"workspace": workspace, "members": [gone.member], "from": DAY[0], "to": DAY[1]}
    (day,) = (await bench.ask("scores", **asked))["items"]
    assert (day["tally"]["tracked_minutes"], day["tally"]["productive_seconds"]) == (10, 600)


async def test_shuffled_and_doubled_records_give_the_same_days(bench: Bench) -> None:
    """S-11: byte for byte the same slots and rollups, by two replicas, in whatever order and however often."""
    workspaces = [new_id("ws") for _ in range(3)]
    ordered, *shuffled = (week(workspace, 7) for workspace in workspaces)
    for seed, facts in enumerate(shuffled):
        draw = random.Random(seed)
        facts += draw.sample(facts, len(facts) // 2)
        draw.shuffle(facts)
    heard = [await bench.listen(workspace) for workspace in workspaces]
    await bench.say(ordered)
    await bench.start()
    await bench.settled()
    await bench.start()
    await asyncio.gather(*(bench.say(facts) for facts in shuffled))
    await bench.settled()
    slots = [await bench.kept("slots", workspace) for workspace in workspaces]
    days = [await bench.kept("rollups", workspace) for workspace in workspaces]
    assert len(slots[0]) == 3 * 8
    assert len(days[0]) == 3 * 2
    for kept in (slots, days):
        assert bson.encode({"": kept[1]}) == bson.encode({"": kept[0]}) == bson.encode({"": kept[2]})
    segments = sum(len(slot["segments"]) for slot in slots[0])
    said = [await one.until(segments) for one in heard]
    for last in said:
        assert {name: fact.tally for name, fact in last.items()} == {name: fact.tally for name, fact in said[0].items()}
    assert total(Tally(**fact.tally.model_dump()) for fact in said[0].values()) == total(
        Tally(*day["total"]) for day in days[0]
    )


async def test_a_second_device_changes_the_score_of_the_first(bench: Bench) -> None:
    """T-14: the segment that arrived first loses the minutes that another device has the better claim to."""
    workspace = new_id("ws")
    heard = await bench.listen(workspace)
    await bench.start()
    late_starter = segment(workspace, device="b", started="2026-11-21T10:00:00Z")
    await bench.say([late_starter])
    assert (await heard.until(1))[late_starter.segment_id].tally.tracked_minutes == 10
    early_starter = segment(workspace, device="a", started="2026-11-21T09:00:00Z", minutes=[WORK] * 4 + [None] * 6)
    await bench.say([early_starter])
    last = await heard.until(2)
    await bench.settled()
    assert last[early_starter.segment_id].tally.tracked_minutes == 4
    assert last[late_starter.segment_id].tally.tracked_minutes == 6
    assert last[late_starter.segment_id].tally.productive_seconds == 360
    (day,) = await bench.kept("rollups", workspace)
    assert day["total"][0] == 10


async def test_the_settings_of_the_workspace_decide(bench: Bench) -> None:
    """K-02, T-03: also for what was recorded before, once it is scored anew."""
    workspace = new_id("ws")
    heard = await bench.listen(workspace)
    await bench.start()
    moved = [[0, 0, 0, 9, "work", 0]] * 5 + [WORK] * 5
    first = segment(workspace, minutes=moved, apps=[("steam", None, None, 600)])
    await bench.say([first])
    assert (await heard.until(1))[first.segment_id].activity == 0.25
    changed = WorkspaceChanged(
        workspace=workspace,
        member="-",
        revision=3,
        name="A",
        zone="UTC",
        billing_zone="UTC",
        movement_counts=True,
        unproductive_weight_percent=20,
    )
    older = changed.model_copy(update={"revision": 2, "movement_counts": False})
    await bench.say([changed, older])
    await bench.settled()
    assert await bench.ask("replay", workspace=workspace, **{"from": DAY[0], "to": DAY[1]}) == {"emitted": 1}
    while heard.last[first.segment_id].activity != 0.2:
        heard.news.clear()
        await heard.news.wait()
    assert heard.last[first.segment_id].tally.active_minutes == 10
    (day,) = await bench.kept("rollups", workspace)
    assert day["total"] == [10, 10, 10, 0, 600, 0]


async def test_scores_of_a_span(bench: Bench) -> None:
    """K-03, K-04: by member and day, and to the slot where the span cuts a day."""
    workspace = new_id("ws")
    await bench.start()
    await bench.say(
        [
            segment(workspace, member="ann", slot="2026-11-21T10:10:00Z"),
            segment(workspace, member="ann", slot="2026-11-21T10:20:00Z", seq=2, apps=[("steam", None, None, 600)]),
            segment(workspace, member="ann", slot="2026-11-22T00:00:00Z", seq=3, minutes=[None] * 10),
            segment(workspace, member="bob", slot="2026-11-21T10:10:00Z"),
        ]
    )
    await bench.settled()

    async def scores(start: str, end: str, members: list[str]) -> list[Any]:
        answer = await bench.ask("scores", workspace=workspace, members=members, **{"from": start, "to": end})
        return [(one["member"], one["date"], one["tally"]["tracked_minutes"], one["tracko"]) for one in answer["items"]]

    both = score(Tally(20, 20, 10, 600, 600)).tracko
    day, after = "2026-11-21", "2026-11-22"
    assert await scores(*DAY, ["ann"]) == [("ann", day, 20, both)]
    assert await scores(DAY[0], "2026-11-23T00:00:00Z", ["bob", "ann"]) == [
        ("ann", day, 20, both),
        ("ann", after, 0, None),
        ("bob", day, 10, 100.0),
    ]
    assert await scores("2026-11-21T10:15:00Z", DAY[1], ["ann", "bob"]) == [("ann", day, 10, 30.0)]
    assert await scores(DAY[0], "2026-11-21T10:20:00Z", ["ann"]) == [("ann", day, 10, 100.0)]
    assert await scores(*DAY, ["nobody"]) == []
    assert await scores(*DAY, []) == []


async def test_a_fact_that_cannot_be_read_does_not_block_its_neighbours(bench: Bench) -> None:
    workspace = new_id("ws")
    heard = await bench.listen(workspace)
    for body in (b"", b"{}", b"[]", b"\xff"):
        await bench.client.jetstream().publish(f"segment.recorded.{workspace}.member-1", body)
    await bench.say([segment(workspace)])
    await bench.start()
    await heard.until(1)
    await bench.settled()


CRASHES = """
import os, signal
from services.kit.service import run
from services.kit.settings import Settings
from services.scoring.app import build
service = build(Settings())
async def journal(messages, **_):
    os.kill(os.getpid(), signal.SIGKILL)
service.bus.journal = journal
run(service)
"""


async def test_a_kill_between_commit_and_emit_is_repaired_by_redelivery(bench: Bench) -> None:
    """S-11: what was committed and never said is said when the bus brings the record again."""
    workspace = new_id("ws")
    impatient = consumer_config(DURABLE)
    impatient.ack_wait = 1
    await bench.client.jetstream().add_consumer(subjects.JOURNAL, impatient)
    heard = await bench.listen(workspace)
    facts = [segment(workspace, slot=f"2026-11-21T10:{minute}:00Z", seq=minute) for minute in (10, 20, 30)]
    await bench.say(facts)
    environment = {"PATH": os.environ["PATH"], "DAYBOOK_LOG_LEVEL": "ERROR"} | bench.environment()
    crashing = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CRASHES], cwd=ROOT, env=environment, timeout=60, check=False
    )
    assert crashing.returncode == -signal.SIGKILL
    committed = await bench.kept("slots", workspace)
    assert committed
    assert heard.last == {}
    await bench.start()
    assert set(await heard.until(3)) == {fact.segment_id for fact in facts}
    await bench.settled()
    assert [one for one in await bench.kept("slots", workspace) if one in committed] == committed
    (day,) = await bench.kept("rollups", workspace)
    assert day["total"][0] == 30

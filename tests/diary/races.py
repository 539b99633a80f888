"""Edits against the lock, over and over: ``python -m tests.diary.races 10000`` (S-06).

A race is one edit against the lock; four at a time are run in a contract-week of their own. Members change memos,
delete segments and enter time while several sealers try to seal it, and late records come in. Whatever wins: an edit is
wholly in the seal or was refused, a record is in the seal or billed later, and what is sealed never moves again.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date
from pathlib import Path
from typing import Any, NamedTuple

from services.diary import statements
from services.diary.access import Viewer
from services.diary.folding import Folder
from services.diary.manual import ManualTime
from services.diary.notes import Note
from services.diary.removals import Removal
from services.diary.resettling import Resettler
from services.diary.sealing import Sealer
from services.diary.weeks import locks_at, week_key
from services.kit.mongo import prefix_range
from services.kit.outbox import Outbox
from services.kit.problems import Problem
from services.wire.events import Fact, SegmentRecorded
from services.wire.slots import SLOT, format_instant, parse_slot
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary
from tests.support.servers import Installation, mongo

WEEK = "2026-01-05"
FIRST = parse_slot(f"{WEEK}T09:00:00Z")
LOCK = locks_at(date.fromisoformat(WEEK), UTC, 12)  # type: ignore[arg-type]
BEFORE, AFTER = LOCK.replace(hour=11, minute=59, second=59), LOCK
_SEGMENTS = 4


class Result(NamedTuple):
    """What came of one week: edits that were made, refused ones, late records in the seal and billed later."""

    made: int
    refused: int
    early: int
    later: int


class Course:
    """Where races are run: a diary, a ledger, and sealers; the projector's folds are made here."""

    def __init__(self, diary: Diary, sealers: int = 2) -> None:
        self.diary, self.ledger = diary, Ledger(diary.workspace)
        self.folder = Folder(diary.db)
        self.editor, key = diary.edge.editor, diary.edge.settings.seal_key
        self.editor.clock = lambda: BEFORE
        outbox = Outbox(diary.db, diary.edge.bus)
        self.sealers = [Sealer(diary.db, diary.edge.bus, key, outbox, clock=lambda: AFTER) for _ in range(sealers)]

    async def ready(self) -> "Course":
        """The ledger answers, and the workspace is known."""
        await self.ledger.answer(self.diary)
        await self.know(self.diary.teller.settings())
        return self

    async def know(self, *facts: Fact) -> None:
        """What licensing tells."""
        await Resettler(self.diary.db, self.folder).tell(facts)

    async def run(self, number: int, seed: int) -> Result:
        """One week of races; AssertionError where something was half in, lost or moved."""
        dice, tell, contract = random.Random(seed), self.diary.teller, f"con{number}"
        member, device = f"mem{number}", f"dev{number}"
        await self.know(
            tell.member(member), tell.contract(contract, member, weekly_limit_minutes=dice.choice([None, 30]))
        )
        slots = [format_instant(FIRST + step * SLOT) for step in range(_SEGMENTS)]
        await self.folder.fold([self._record(member, contract, device, slot) for slot in slots], ())
        late = [self._record(member, contract, device, format_instant(FIRST + 9 * SLOT))]
        viewer = Viewer(self.diary.principal(member))
        key = week_key(self.diary.workspace, contract, WEEK)
        tasks = [self._edit(dice, viewer, contract, device, slot) for slot in slots]
        tasks += [self._after(dice, sealer.seal(key)) for sealer in self.sealers]
        tasks.append(self._after(dice, self.folder.fold(late, ())))
        dice.shuffle(tasks)
        outcomes = await asyncio.gather(*tasks)
        made = {edit for one in outcomes if isinstance(one, frozenset) for edit in one}
        return await self._judge(key, viewer, contract, made, outcomes.count("refused"), late[0])

    def _record(self, member: str, contract: str, device: str, slot: str) -> SegmentRecorded:
        return self.ledger.close(member, slot, contract=contract, device=device)

    async def _after(self, dice: random.Random, task: Any) -> Any:
        await asyncio.sleep(dice.random() * 0.03)
        return await task

    async def _edit(self, dice: random.Random, viewer: Viewer, contract: str, device: str, slot: str) -> Any:
        name = f"{contract}:{device}:{slot}"
        start = parse_slot(slot) + 30 * SLOT
        times = {"start": format_instant(start), "end": format_instant(start + SLOT / 2)}
        plan: Any = dice.choice(
            [
                Note([name], {"memo": "another"}, None),
                Removal(segments=[name]),
                ManualTime(contract=contract, kind="work", reason="Call", memo=None, label=None, **times),
            ]
        )
        await asyncio.sleep(dice.random() * 0.03)
        try:
            outcome = await self.editor.make(viewer, {viewer.member: plan})
        except Problem as problem:
            if problem.status != 409:
                raise
            return "refused"
        return frozenset(edit.id for edit in outcome.edits)

    async def _judge(
        self, key: str, viewer: Viewer, contract: str, made: set[str], refused: int, late: SegmentRecorded
    ) -> Result:
        db = self.diary.db
        seal, week = await db["seals"].find_one({"_id": key}), await db["weeks"].find_one({"_id": key})
        assert seal is not None, "nobody sealed it"
        assert week is not None
        kept = {one["_id"].rsplit("|", 1)[1] async for one in db["edits"].find({"_id": prefix_range(key)})}
        assert kept == made == set(seal["edits"]), "an edit is in part"
        self.diary.edge.people._known.clear()
        statement = await statements.read(self.diary.edge, viewer, contract, WEEK)  # by the checker of clients
        assert statement.checked.seal.totals._asdict() == seal["totals"]
        in_seal = [late.device, late.seq] in seal["records"]
        document = await db["segments"].find_one({"_id": {"$regex": f"{late.slot}\\|{contract}\\|"}})
        assert document is not None
        assert in_seal == (document["week"] == WEEK), "a record is lost, or billed twice"
        await self._nothing_moves(key, week)
        return Result(len(made), refused, int(in_seal), int(not in_seal))

    async def _nothing_moves(self, key: str, week: dict[str, Any]) -> None:
        """Counted anew, and with time that comes later: the sealed week stays as it is."""
        workspace, contract, _ = key.split("|")
        member, device = week["member"], f"dev{contract[3:]}"
        slots = [FIRST, FIRST + 20 * SLOT]
        await self.folder.refold({f"{workspace}|{member}|{format_instant(slot)}" for slot in slots})
        record = self._record(member, contract, device, format_instant(slots[1]))
        await self.folder.fold([record], ())
        assert await self.diary.db["weeks"].find_one({"_id": key}) == week, "a sealed week moved"
        document = await self.diary.db["segments"].find_one({"_id": {"$regex": f"{record.slot}\\|{contract}\\|"}})
        assert document is not None
        assert document["adjustment"] == document["week"] != WEEK


async def _main(races: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as server:
        installation = Installation(Path(folder) / "bus", server if isinstance(server, str) else server.url)
        try:
            async with Diary(installation, "races", "ws-races").running(projects=False) as diary:
                await _run(await Course(diary).ready(), races, seed)
        finally:
            installation.stop()


async def _run(course: Course, races: int, seed: int) -> None:
    sums, started, weeks = Counter[str](), time.monotonic(), 0
    while sums["made"] + sums["refused"] < races:
        sums.update((await course.run(weeks, seed + weeks))._asdict())
        course.ledger.rows.clear()  # what a week was made of is asked for no more
        weeks += 1
        if weeks % 250 == 0:
            print(f"{weeks} weeks, {time.monotonic() - started:.0f} s, {dict(sums)}", flush=True)
    edits, seconds = sums["made"] + sums["refused"], time.monotonic() - started
    print(f"{edits} edits against the lock of {weeks} weeks, from seed {seed}, in {seconds:.0f} s: {dict(sums)}")
    print("none half in, none lost, no sealed week moved")


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if sys.argv[1:] else 1000, int(sys.argv[2]) if sys.argv[2:] else 1))

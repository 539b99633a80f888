"""Whatever people and computers did to a week, who seals it and who checks it come to its figures (S-08, T-14)."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.diary import statements
from services.diary.access import Viewer
from services.diary.manual import ManualTime
from services.diary.notes import Note
from services.diary.removals import Removal
from services.diary.sealing import Sealer
from services.diary.weeks import monday_of, week_key
from services.kit.outbox import Outbox
from services.kit.problems import Problem
from services.wire.events import SegmentRecorded
from services.wire.slots import SLOT, format_instant, parse_slot, slot_of
from tests.diary.facts import idle, work
from tests.diary.races import BEFORE, WEEK, Course
from tests.diary.running import Diary

_START = parse_slot(f"{WEEK}T09:00:00Z")
_DEVICES = {"desk": "desktop", "lap": "desktop", "tab": "mobile"}


def some_minutes(dice: random.Random) -> list[Any]:
    kinds = [work(), work(), idle(), [0, 0, 0, 9, "work", None], [0, 0, 0, 0, "break", None], None, None]
    return [dice.choice(kinds) for _ in range(10)]


class Member:
    """One member, with two contracts and three computers that run at once."""

    def __init__(self, course: Course, name: str, dice: random.Random) -> None:
        self.course, self.name, self.dice = course, name, dice
        self.contracts = [f"{name}-a", f"{name}-b"]
        self.viewer = Viewer(course.diary.principal(name))

    def record(self, slot: str) -> SegmentRecorded:
        kind = self.dice.choice(list(_DEVICES))
        started = f"{WEEK}T0{self.dice.randint(1, 8)}:00:00Z"
        return self.course.ledger.close(
            self.name,
            slot,
            some_minutes(self.dice),
            contract=self.dice.choice(self.contracts),
            device=f"{self.name}-{kind}",
            kind=_DEVICES[kind],
            session_started=started,
        )

    async def live(self) -> None:
        """Two hours in which much overlaps, and what the member does to them."""
        slots = [format_instant(_START + step * SLOT) for step in range(12)]
        records = [self.record(self.dice.choice(slots)) for _ in range(30)]
        self.dice.shuffle(records)
        for chunk in range(0, 30, 10):
            await self.course.folder.fold(records[chunk : chunk + 10], ())
            for _ in range(3):
                await self.edit(self.dice.choice(records))

    async def edit(self, of: SegmentRecorded) -> None:
        start = _START + self.dice.randint(0, 20) * SLOT + timedelta(minutes=self.dice.randint(0, 9))
        end = start + timedelta(minutes=self.dice.randint(1, 25))
        times = {"start": format_instant(start), "end": format_instant(end)}
        plan: Any = self.dice.choice(
            [
                Note([of.segment_id], {"memo": "m", "label": None}, None),
                Removal(segments=[of.segment_id]),
                ManualTime(contract=of.contract, kind=self.dice.choice(["work", "work", "break"]), **times),
            ]
        )
        try:
            await self.course.editor.make(self.viewer, {self.name: plan})
        except Problem as problem:
            if problem.status not in (404, 409):  # removed before; overlapping
                raise


@pytest.mark.parametrize("unit", ["segment", "minute"])
async def test_the_seal_agrees_with_whatever_came_of_the_week(diary: Diary, unit: str) -> None:
    """Devices at once, contracts at once, edits, manual time, limits; then late time, billed in the open week."""
    course, tell = await Course(diary).ready(), diary.teller
    course.editor.clock = lambda: BEFORE
    settings = tell.settings(revision=2, billing_unit=unit, movement_counts=unit == "minute")
    await course.know(settings)
    now = datetime.now(UTC)
    later = Sealer(
        *(diary.db, diary.edge.bus, diary.edge.settings.seal_key, Outbox(diary.db, diary.edge.bus)),
        clock=lambda: now + timedelta(days=14),
    )
    present = monday_of(format_instant(slot_of(now)), ZoneInfo("UTC"))
    for seed in range(5):
        member = Member(course, f"mem{seed}", random.Random(f"{unit}{seed}"))
        limit = member.dice.choice([None, 45, 80])
        rates = (6100, None if seed == 0 else 4999)
        for contract, rate in zip(member.contracts, rates, strict=True):
            await course.know(
                tell.contract(contract, member.name, weekly_limit_minutes=limit, rate_minor=rate, manual_time=True)
            )
        await member.live()
        await seal_and_check(course, member, WEEK, later)
        slots = [format_instant(_START + step * SLOT) for step in range(14)]
        await course.folder.fold([member.record(member.dice.choice(slots)) for _ in range(12)], ())
        await seal_and_check(course, member, present, later)


async def seal_and_check(course: Course, member: Member, week: str, sealer: Sealer) -> None:
    diary = course.diary
    diary.edge.sealer, diary.edge.people._known = sealer, {}
    for contract in member.contracts:
        key = week_key(diary.workspace, contract, week)
        if await diary.db["weeks"].find_one({"_id": key}) is None:
            continue
        statement = await statements.read(diary.edge, member.viewer, contract, week)
        kept = await diary.db["weeks"].find_one({"_id": key})
        assert kept is not None
        totals = statement.checked.seal.totals
        assert (totals.billable_minutes, totals.tracked_minutes) == (kept["billable_minutes"], kept["tracked_minutes"])
        rows = [line.minutes for line in statement.checked.reckoned.lines]
        assert sum(rows) == totals.billable_minutes

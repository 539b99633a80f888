"""A new billing zone cuts open weeks anew; whatever was edited in them, each can be sealed (S-03, S-10, B-01)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.diary import statements
from services.diary.access import Viewer
from services.diary.sealing import Sealer
from services.diary.statement_view import view_of
from services.diary.statements import Statement
from services.kit.outbox import Outbox
from services.wire.slots import SLOT, format_instant
from services.wire.statements import check_chain
from tests.diary.editing import done, ids
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

EASTERN = "Etc/GMT-6"
"""Six hours ahead of UTC: its Monday begins on Sunday at 18:00, and its weeks lock on Monday at 06:00."""


def monday() -> datetime:
    """A Monday, 00:00 UTC, after which half an hour is over and whose week is open in both zones."""
    now = datetime.now(UTC) - timedelta(minutes=30)
    return (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def at(start: datetime, minutes: int) -> str:
    return format_instant(start + timedelta(minutes=minutes))


async def statement_of(diary: Diary, week: datetime) -> Statement:
    """The statement of a week, a fortnight later, as its member has it: checked as clients check it."""
    key, outbox = diary.edge.settings.seal_key, Outbox(diary.db, diary.edge.bus)
    diary.edge.sealer = Sealer(
        diary.db, diary.edge.bus, key, outbox, clock=lambda: datetime.now(UTC) + timedelta(days=14)
    )
    diary.edge.people._known.clear()
    return await statements.read(diary.edge, Viewer(diary.principal("mira")), "con", week.date().isoformat())


async def enter(diary: Diary, start: str, end: str) -> dict[str, Any]:
    entry: dict[str, Any] = await done(
        diary, "POST", "/diary/mira/manual-time", {"contract": "con", "kind": "work", "start": start, "end": end}
    )
    return entry


@pytest.fixture
async def ledger(diary: Diary) -> Ledger:
    made, tell = Ledger(diary.workspace), diary.teller
    await made.answer(diary)
    diary.edge.editor.clock = lambda: monday() + timedelta(minutes=31)
    await diary.tell(tell.settings(billing_zone=EASTERN), tell.member("mira"), tell.contract("con", "mira"))
    return made


async def test_weeks_are_sealed_with_what_was_done_before_a_new_zone(diary: Diary, ledger: Ledger) -> None:
    """Records, a note, a removal and manual time of one week come to be in two; an entry in both of them at once."""
    start, tell = monday(), diary.teller
    sunday = [format_instant(start - timedelta(hours=4) + step * SLOT) for step in range(3)]
    own = format_instant(start + 2 * SLOT)
    await diary.tell(*(ledger.close("mira", slot) for slot in (*sunday, own)))
    await enter(diary, at(start, -180), at(start, -173))
    await enter(diary, at(start, -7), at(start, 13))
    await done(diary, "PATCH", "/diary/mira/segments", {"segment_ids": ids([sunday[0], own]), "memo": "said"})
    await done(diary, "DELETE", f"/diary/mira/segments/{ids(sunday[1:2])[0]}")

    await diary.tell(tell.settings(2, billing_zone="UTC"))
    before, after = await statement_of(diary, start - timedelta(days=7)), await statement_of(diary, start)
    assert [one.checked.seal.totals.billable_minutes for one in (before, after)] == [20 + 7 + 7, 10 + 13]
    assert [one.checked.seal.totals.tracked_minutes for one in (before, after)] == [20, 10]
    assert [one.checked.seal.edits for one in (before, after)] == [3, 3], "the entry and the note are in both"
    assert [line.minutes for line in after.checked.reckoned.lines] == [10, 3, 10]
    assert {before.said_of(line).memo for line in before.checked.reckoned.lines} == {"said", "memo", None}
    check_chain([before.checked, after.checked])


async def test_what_is_removed_after_the_new_zone_is_not_billed(diary: Diary, ledger: Ledger) -> None:
    """The entry was made in the week of the old zone, its first segment removed in that of the new one."""
    start, tell = monday(), diary.teller
    entry = await enter(diary, at(start, -27), at(start, 13))
    await diary.tell(tell.settings(2, billing_zone="UTC"))
    gone = entry["segments"][:2]
    await done(diary, "DELETE", f"/diary/mira/segments/{gone[0]}")
    await done(diary, "DELETE", f"/diary/mira/segments/{gone[1]}")
    before, after = await statement_of(diary, start - timedelta(days=7)), await statement_of(diary, start)
    assert [one.checked.seal.totals.manual_minutes for one in (before, after)] == [10, 13]
    assert [one.checked.seal.edits for one in (before, after)] == [3, 1]


async def test_a_week_that_all_time_has_left_is_sealed_empty(diary: Diary, ledger: Ledger) -> None:
    """All that was edited in it is billed, once, in the week that it is in now."""
    start, tell = monday(), diary.teller
    await diary.tell(ledger.close("mira", at(start, -180)))
    await enter(diary, at(start, -120), at(start, -113))
    await diary.tell(tell.settings(2, billing_zone="UTC"))
    before, after = await statement_of(diary, start - timedelta(days=7)), await statement_of(diary, start)
    assert [one.checked.seal.totals.billable_minutes for one in (before, after)] == [17, 0]
    assert [(one.checked.seal.edits, one.checked.seal.records) for one in (before, after)] == [(1, 1), (0, 0)]
    assert view_of(after).rows == []

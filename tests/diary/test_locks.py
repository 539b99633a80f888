"""After its lock nobody changes a week: of an edit and the lock one comes first, whole; late time is an adjustment
(S-06, S-03, fine-print.md, *Minutes*).
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.diary.day_answer import week_of_day
from services.diary.people import Workspace
from services.wire import seals
from services.wire.slots import format_instant, parse_instant, slot_of, week_of
from tests.diary.editing import done, ids, kind_of, send
from tests.diary.facts import MONDAY, minutes, slots_from, work
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary
from tests.diary.test_sealing import Clock, key_of, public_of, sealer_of

LOCK = parse_instant("2026-11-23T12:00:00Z")
SLOTS = slots_from("2026-11-17T09:00:00Z", 8)
DAY = "2026-11-17"


@pytest.fixture
async def ledger(diary: Diary) -> Ledger:
    made = Ledger(diary.workspace)
    await made.answer(diary)
    tell = diary.teller
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.member("boss", "admin"),
        tell.contract("con", "mira", weekly_limit_minutes=60),
        *(made.close("mira", slot) for slot in SLOTS[:4]),
    )
    diary.edge.editor.clock = lambda: LOCK - timedelta(seconds=1)
    return made


EDITS: list[tuple[str, str, Any]] = [
    ("PATCH", "/diary/mira/segments", {"segment_ids": ids(SLOTS[:2]), "memo": "late word"}),
    ("POST", "/diary/mira/removals", {"segment_ids": ids(SLOTS[:1])}),
    ("POST", "/diary/mira/manual-time", {"contract": "con", "start": SLOTS[5], "end": SLOTS[6]}),
]


async def test_a_locked_week_refuses_every_edit_by_the_clock_alone(diary: Diary, ledger: Ledger) -> None:
    """S-06: also before it is sealed."""
    before = await diary.day_bytes("mira", DAY)
    diary.edge.editor.clock = lambda: LOCK
    for method, path, body in EDITS:
        answer = await send(diary, method, path, body)
        assert kind_of(answer) == (409, "week-locked")
        assert (answer.json()["rule"], answer.json()["week"]) == ("S-06", MONDAY)
    assert await diary.db["edits"].count_documents({}) == 0
    assert await diary.day_bytes("mira", DAY) == before
    diary.edge.editor.clock = lambda: LOCK - timedelta(seconds=1)
    for method, path, body in EDITS:
        await done(diary, method, path, body)


async def test_what_locks_while_it_is_changed_is_refused_whole(diary: Diary, ledger: Ledger) -> None:
    """The clock is judged once more before anything holds."""
    moments = iter([LOCK - timedelta(milliseconds=1), LOCK] * len(EDITS))
    diary.edge.editor.clock = lambda: next(moments)
    for method, path, body in EDITS:
        assert kind_of(await send(diary, method, path, body)) == (409, "week-locked")
    assert await diary.db["edits"].count_documents({}) == 0
    assert await diary.db["outbox"].count_documents({}) == 0
    assert await diary.db["audit"].count_documents({}) == 0


async def test_a_sealed_week_refuses_though_the_clock_were_behind(diary: Diary, ledger: Ledger) -> None:
    assert await sealer_of(diary).seal(key_of(diary))
    for method, path, body in EDITS:
        assert kind_of(await send(diary, method, path, body)) == (409, "week-locked")


async def test_what_is_approved_loses_no_time_and_keeps_its_words(diary: Diary, ledger: Ledger) -> None:
    """S-08: a member cannot delete; S-04: memo and label until the lock."""
    await diary.db["weeks"].update_one({"_id": key_of(diary)}, {"$set": {"approved": True}})
    for method, path, body in EDITS[1:]:
        assert kind_of(await send(diary, method, path, body)) == (409, "week-approved")
    await done(diary, *EDITS[0])


async def test_every_edit_changes_its_weeks_version(diary: Diary, ledger: Ledger) -> None:
    """So that no seal of an older state can be written (architecture.md, *The ledger and the weeks*)."""
    versions = []
    for method, path, body in EDITS:
        await done(diary, method, path, body)
        week = await diary.db["weeks"].find_one({"_id": key_of(diary)})
        assert week is not None
        versions.append(week["version"])
    assert versions == sorted(set(versions))


async def test_late_time_of_a_sealed_week_is_an_adjustment(diary: Diary, ledger: Ledger) -> None:
    """Billed in the week of now against its limit, shown on the segment, and there to stay; the seal does not move."""
    slots, monday, clock = slots_from("2026-11-10T09:00:00Z", 3), "2026-11-09", Clock()
    clock.now = LOCK - timedelta(days=7)
    early = [ledger.close("mira", slot) for slot in slots[:2]]
    await diary.tell(*early)
    await sealer_of(diary, clock).seal(key_of(diary, week=monday))
    sealed = await diary.db["weeks"].find_one({"_id": key_of(diary, week=monday)})
    present = slot_of(datetime.now(UTC))
    now = week_of(present, ZoneInfo("UTC")).isoformat()
    twin = ledger.close("mira", slots[0], device="other", session_started="2026-11-10T07:00:00Z")
    late = [twin, ledger.close("mira", slots[2], minutes(3))]
    await diary.tell(*late, ledger.close("mira", format_instant(present)))
    day = await diary.day("mira", "2026-11-10")
    shown = [(one["device"], one["billable_minutes"], one.get("adjustment")) for one in day["segments"]]
    assert shown == [("dev", 10, None), ("other", 0, now), ("dev", 10, None), ("dev", 10, now)], "T-14: sealed first"
    assert await diary.db["weeks"].find_one({"_id": key_of(diary, week=monday)}) == sealed
    week = await diary.db["weeks"].find_one({"_id": key_of(diary, week=now)})
    assert week is not None
    assert week["billable_minutes"] == (20 if now != MONDAY else 60)
    straight = await diary.day_bytes("mira", "2026-11-10")
    await diary.db["segments"].delete_many({})
    await diary.tell(*late, *early)
    assert await diary.day_bytes("mira", "2026-11-10") == straight, "built anew, it is billed where it was"
    await _edits_of_late_time(diary, ids(slots[2:])[0], now)


async def _edits_of_late_time(diary: Diary, segment: str, now: str) -> None:
    """G-02: edits of late time are of the week it is billed in, and are read by its own day and id all the same."""
    diary.edge.editor.clock = lambda: datetime.now(UTC)
    await done(diary, "PATCH", "/diary/mira/segments", {"segment_ids": [segment], "memo": "late"})
    await done(diary, "POST", "/diary/mira/removals", {"segment_ids": [segment]})
    for asked in (f"segment={segment}", "from=2026-11-10&to=2026-11-10"):
        found = (await done(diary, "GET", f"/diary/mira/edits?{asked}"))["items"]
        assert [(one["kind"], one["week"], one["segments"]) for one in found] == [
            ("removal", now, [{"segment_id": segment, "minutes": [0, 1, 2]}]),
            ("note", now, [{"segment_id": segment, "minutes": None}]),
        ]


async def test_a_further_record_of_a_sealed_segment_is_an_adjustment(diary: Diary, ledger: Ledger) -> None:
    """What Start pressed again, or a record held up, adds to a sealed segment: in the open week, once, and to stay."""
    slots, monday, clock = slots_from("2026-11-10T09:00:00Z", 3), "2026-11-09", Clock()
    clock.now = LOCK - timedelta(days=7)
    await diary.tell(diary.teller.settings(revision=2, billing_unit="minute"))
    parts = [ledger.close("mira", slot, [work()] * 4 + [None] * 6) for slot in slots]
    more = [ledger.close("mira", slot, [None] * 3 + [work()] * 4 + [None] * 3) for slot in slots]
    early, late = [parts[0], more[1], parts[2]], [more[0], parts[1]]
    await diary.tell(*early)
    seal = await sealer_of(diary, clock).seal(key_of(diary, week=monday))
    assert seal is not None
    assert seal["totals"]["billable_minutes"] == 12
    sealed = await diary.db["weeks"].find_one({"_id": key_of(diary, week=monday)})
    now = week_of(slot_of(datetime.now(UTC)), ZoneInfo("UTC")).isoformat()
    before = await diary.db["weeks"].find_one({"_id": key_of(diary, week=now)}) or {"billable_minutes": 0}
    await diary.tell(*late, *late, *early)
    day = await diary.day("mira", "2026-11-10")
    shown = [(one["billable_minutes"], one["active_minutes"], one.get("adjustments")) for one in day["segments"]]
    told = {"week": now, "status": "automatic", "billable_minutes": 3, "over_limit_minutes": 0}
    assert shown == [
        (7, 7, [{**told, "minutes": [4, 5, 6]}]),
        (7, 7, [{**told, "minutes": [0, 1, 2]}]),
        (4, 4, None),
    ]
    assert (day["totals"]["billable_minutes"], day["totals"]["tracked_minutes"]) == (18, 18)
    assert await diary.db["weeks"].find_one({"_id": key_of(diary, week=monday)}) == sealed
    week = await diary.db["weeks"].find_one({"_id": key_of(diary, week=now)})
    assert week is not None
    assert week["billable_minutes"] == before["billable_minutes"] + 6
    sheet = await done(diary, "GET", f"/timesheets/con/{now}")
    assert [(one["date"], one["billable_minutes"]) for one in sheet["adjustments"]] == [("2026-11-10", 6)]
    straight = await diary.day_bytes("mira", "2026-11-10")
    await diary.db["segments"].delete_many({"_id": {"$regex": "2026-11-10"}})
    for fact in (*late, *early):
        await diary.tell(fact)
    assert await diary.day_bytes("mira", "2026-11-10") == straight, "built anew, it is billed where it was"


async def test_sealed_manual_time_and_late_time_are_ten_minutes_together(diary: Diary, ledger: Ledger) -> None:
    """S-05: of a contract's ten minutes of a segment none is billed twice, in whatever weeks."""
    slot, monday, clock = "2026-11-10T09:00:00Z", "2026-11-09", Clock()
    clock.now = LOCK - timedelta(days=7)
    diary.edge.editor.clock = lambda: LOCK - timedelta(days=8)
    times = {"start": slot, "end": "2026-11-10T09:06:00Z"}
    await done(diary, "POST", "/diary/mira/manual-time", {"contract": "con", **times})
    assert await sealer_of(diary, clock).seal(key_of(diary, week=monday))
    await diary.tell(ledger.close("mira", slot))
    day = await diary.day("mira", "2026-11-10")
    assert sorted(one["billable_minutes"] for one in day["segments"]) == [4, 6]
    now = week_of(slot_of(datetime.now(UTC)), ZoneInfo("UTC")).isoformat()
    clock.now = LOCK + timedelta(days=21)
    seal = await sealer_of(diary, clock).seal(key_of(diary, week=now))
    assert seal is not None
    read = seals.read_seal(public_of(diary), seal["text"], seal["signature"])
    assert (slot, 6) in read.billed_before


def test_a_week_says_how_far_its_timesheet_has_come() -> None:
    """S-06, S-10: locked by the clock alone, and by its seal."""
    monday = datetime.now(UTC).date() + timedelta(days=7)
    monday -= timedelta(days=monday.weekday())
    figures = dict.fromkeys(("billable_minutes", "automatic_minutes", "manual_minutes", "over_limit_minutes"), 10)
    terms = {"terms": {"limit_minutes": None, "rate_minor": 6100, "currency": "EUR"}}
    week = {"contract": "con", "week": monday.isoformat(), **figures, **terms}
    marks = {
        "open": {},
        "submitted": {"submitted": True},
        "approved": {"approved": True},
        "locked": {"sealed": {"at": 1}},
    }
    assert [week_of_day(week | mark, Workspace())["state"] for mark in marks.values()] == list(marks)
    assert week_of_day(week, Workspace())["amount_minor"] == 1017, "ten minutes at 61.00 an hour"
    past = week | {"week": "2026-01-05", "approved": True}
    assert week_of_day(past, Workspace())["state"] == "locked"

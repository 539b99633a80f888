"""Weeks at the API: of every length and zone, with new terms in their middle, with all states of a minute.

S-03, S-06, A-01, architecture.md (*Reading*).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.wire.slots import SLOT, format_instant, parse_instant, slot_of, slots_between, week_bounds, week_of
from tests.diary.editing import done
from tests.diary.facts import idle, minutes, slots_from, work
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

STATES: list[Any] = [work(), work(), idle(), [0, 0, 0, 0, "locked", None]]
STATES += [[0, 0, 0, 0, "break", None]] * 2 + [[0, 0, 0, 0, "private", None], None, work(), None]


@pytest.mark.parametrize(
    ("billing", "monday", "hours", "locks_at"),
    [
        ("Europe/Berlin", "2026-03-23", 167, "2026-03-30T10:00:00Z"),
        ("Europe/Berlin", "2025-10-20", 169, "2025-10-27T11:00:00Z"),
        ("Asia/Kathmandu", "2026-01-12", 168, "2026-01-19T06:15:00Z"),  # midnight is 18:15 UTC, inside a slot
        ("Australia/Lord_Howe", "2026-03-30", 168.5, "2026-04-06T01:30:00Z"),
    ],
)
async def test_a_week_of_any_length_and_zone(
    diary: Diary, billing: str, monday: str, hours: float, locks_at: str
) -> None:
    """Every tenth slot and both ends: the timesheet's days are those of the billing zone, the member's zone another."""
    tell, zone = diary.teller, ZoneInfo(billing)
    start, end = week_bounds(date.fromisoformat(monday), zone)
    assert end - start == timedelta(hours=hours)
    own = list(slots_between(start, end))
    worked = sorted({*own[::10], own[0], own[-1]})
    around = [own[0] - SLOT, own[-1] + SLOT]
    await diary.tell(
        tell.settings(billing_zone=billing), tell.member("mira", zone="America/St_Johns"), tell.contract("con", "mira")
    )
    await diary.tell(*(tell.segment("mira", format_instant(slot), minutes(3)) for slot in (*worked, *around)))
    sheet = await done(diary, "GET", f"/timesheets/con/{monday}")
    assert (sheet["zone"], sheet["locks_at"], sheet["state"]) == (billing, locks_at, "locked")
    assert sheet["totals"]["billable_minutes"] == 10 * len(worked)
    for day in sheet["days"]:
        here = [slot for slot in worked if slot.astimezone(zone).date().isoformat() == day["date"]]
        assert day["billable_minutes"] == 10 * len(here)
        seen = await diary.day("mira", day["date"], billing)
        assert [one["slot"] for one in seen["segments"] if one["slot"] in set(map(format_instant, worked))] == [
            format_instant(slot) for slot in here
        ]
    assert sheet["attendance"]["totals"]["office_minutes"] == 3 * len(worked)
    theirs = [
        await diary.day("mira", str(date.fromisoformat(monday) + timedelta(days=n)), "member") for n in range(-1, 8)
    ]
    assert sum(len(one["segments"]) for one in theirs) == len(worked) + 2, "each slot is on one day of any zone"


async def test_new_terms_hold_for_open_weeks_and_no_sealed_one(diary: Diary) -> None:
    """S-03: also where the contract's term, by its new version, begins after the sealed week or ended before it."""
    ledger, tell = Ledger(diary.workspace), diary.teller
    await ledger.answer(diary)
    past = "2026-01-05"
    now = slot_of(datetime.now(UTC))
    present = week_of(now, ZoneInfo("UTC")).isoformat()
    terms: dict[str, Any] = {"client": "cleo", "rate_minor": 6000, "weekly_limit_minutes": 20}
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.contract("con", "mira", **terms),
        *(ledger.close("mira", slot) for slot in slots_from(f"{past}T09:00:00Z", 3)),
        *(ledger.close("mira", slot) for slot in slots_from(f"{present}T09:00:00Z", 3)),
    )
    await diary.edge.sealer.sweep()
    before = await done(diary, "GET", f"/timesheets/con/{past}")
    assert (before["amount_minor"], before["totals"]["over_limit_minutes"]) == (2000, 10)
    assert before["seal"]
    versions: list[dict[str, Any]] = [
        {"rate_minor": 9000, "weekly_limit_minutes": 20},
        {"rate_minor": 9000, "weekly_limit_minutes": None, "starts_on": present},
        {"rate_minor": 30, "currency": "JPY", "weekly_limit_minutes": None},
        {"rate_minor": 30, "currency": "JPY", "weekly_limit_minutes": None, "ends_on": "2026-01-01"},
        {"rate_minor": None, "weekly_limit_minutes": None},
    ]
    amounts = []
    for revision, version in enumerate(versions, 2):
        await diary.tell(tell.contract("con", "mira", revision, **terms | version))
        diary.edge.people._known.clear()
        assert await done(diary, "GET", f"/timesheets/con/{past}") == before
        sheet = await done(diary, "GET", f"/timesheets/con/{present}")
        amounts.append((sheet["amount_minor"], sheet["currency"], sheet["totals"]["billable_minutes"]))
    assert amounts == [(3000, "EUR", 20), (4500, "EUR", 30), (15, "JPY", 30), (0, "JPY", 0), (None, "EUR", 0)]
    await diary.tell(tell.contract("con", "mira", 2, **terms | versions[0]))
    assert (await done(diary, "GET", f"/timesheets/con/{present}"))["amount_minor"] is None, "an older one comes late"


async def test_a_day_with_every_state_of_a_minute(diary: Diary) -> None:
    """A-01: office is all of it, work is office without breaks and private time; in the day and in the week."""
    tell, monday = diary.teller, "2026-01-05"
    slots = slots_from(f"{monday}T09:00:00Z", 3)
    diary.edge.editor.clock = lambda: parse_instant(f"{monday}T20:00:00Z")
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.contract("con", "mira"),
        tell.contract("side", "mira"),
        tell.segment("mira", slots[0], STATES),
        tell.segment("mira", slots[0], [None] * 7 + [work()] * 3, contract="side", device="lap"),
        tell.segment("mira", slots[1], [None] * 5 + [[0, 0, 0, 0, "break", None]] * 5),
    )
    times = {"start": slots[2], "end": f"{monday}T09:26:00Z"}
    await done(diary, "POST", "/diary/mira/manual-time", {"contract": "con", "kind": "private", **times})
    totals = (await diary.day("mira", monday))["totals"]
    found = {name: totals[f"{name}_minutes"] for name in ("office", "work", "break", "private", "idle", "tracked")}
    assert found == {"office": 21, "work": 7, "break": 7, "private": 7, "idle": 2, "tracked": 7}
    week = (await done(diary, "GET", f"/timesheets/con/{monday}"))["attendance"]
    side = (await done(diary, "GET", f"/timesheets/side/{monday}"))["attendance"]
    for name in ("office", "work", "break", "private", "idle"):
        assert week["totals"][f"{name}_minutes"] + side["totals"][f"{name}_minutes"] == found[name], name
    assert week["days"][0] == {"date": monday, **week["totals"]}
    assert side["totals"]["office_minutes"] == 2, "T-14: a minute counts once"

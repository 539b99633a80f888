"""Time outside a contract's term is kept and shown, and not billed, however it came (S-03, S-05, B-01)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.diary import statements
from services.diary.access import Viewer
from services.diary.sealing import Sealer
from services.diary.statement_view import view_of
from services.kit.outbox import Outbox
from services.wire import verify
from tests.diary.editing import done, kind_of, open_slots, send, week_of
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

FIRST, LAST = "2026-01-07T18:10:00Z", "2026-01-08T18:10:00Z"
"""The last slot before Thursday in Kathmandu, where midnight is 18:15, and the last slot of Thursday."""
OUTSIDE = ("2026-01-06T09:00:00Z", FIRST, "2026-01-08T18:20:00Z")
WITHIN = ("2026-01-07T18:20:00Z", "2026-01-08T09:00:00Z", LAST)
MONDAY = "2026-01-05"


@pytest.fixture
async def ledger(diary: Diary) -> Ledger:
    """A week, long locked, of a contract that ran on its Thursday; more was recorded than its limit, outside of it."""
    made, tell = Ledger(diary.workspace), diary.teller
    await made.answer(diary)
    await diary.tell(
        tell.settings(billing_zone="Asia/Kathmandu"),
        tell.member("mira"),
        tell.member("cleo", role="client"),
        tell.contract("con", "mira", client="cleo", weekly_limit_minutes=20, **term("2026-01-08", "2026-01-08")),
        *(made.close("mira", slot) for slot in sorted((*OUTSIDE, *WITHIN))),
    )
    return made


def term(starts_on: str | None, ends_on: str | None) -> dict[str, Any]:
    return {"starts_on": starts_on, "ends_on": ends_on}


async def statuses(diary: Diary, **who: str) -> dict[str, tuple[str, bool]]:
    """Status by slot, and whether the segment says that the contract did not run."""
    found = {}
    for day in ("2026-01-06", "2026-01-07", "2026-01-08"):
        for one in (await diary.day("mira", day, **who))["segments"]:
            found[one["slot"]] = one["status"], one.get("outside_contract", False)
    return found


async def test_recorded_time_outside_the_term_is_not_billed(diary: Diary, ledger: Ledger) -> None:
    """It uses up no limit either; its member and the client see why."""
    expected = dict.fromkeys(OUTSIDE, ("unbilled", True)) | dict.fromkeys(WITHIN, ("automatic", False))
    expected[LAST] = "over_limit", False
    assert await statuses(diary) == await statuses(diary, who="cleo", role="client") == expected
    sheet = await done(diary, "GET", f"/timesheets/con/{MONDAY}")
    totals = {name: sheet["totals"][f"{name}_minutes"] for name in ("tracked", "billable", "over_limit")}
    assert totals == {"tracked": 60, "billable": 20, "over_limit": 10}
    assert [one["billable_minutes"] for one in sheet["days"]] == [0, 0, 0, 20, 0, 0, 0]
    assert [one["tracked_minutes"] for one in sheet["days"]] == [0, 10, 10, 30, 10, 0, 0]
    assert (sheet["runs_from"], sheet["runs_until"]) == ("2026-01-07T18:15:00Z", "2026-01-08T18:15:00Z")


async def test_the_seal_says_the_term_and_its_checker_holds_to_it(diary: Diary, ledger: Ledger) -> None:
    """What is sealed stays so, whatever term the contract is given later."""
    key, outbox = diary.edge.settings.seal_key, Outbox(diary.db, diary.edge.bus)
    diary.edge.sealer = Sealer(diary.db, diary.edge.bus, key, outbox)
    diary.edge.people._known.clear()
    viewer = Viewer(diary.principal("mira"))
    statement = await statements.read(diary.edge, viewer, "con", MONDAY)
    totals = statement.checked.seal.totals
    assert (totals.billable_minutes, totals.tracked_minutes, totals.over_limit_minutes) == (20, 60, 10)
    assert [line.slot for line in statement.checked.reckoned.lines if line.minutes] == list(WITHIN[:2])
    assert "The contract did not run in 3 segments (30 min): they are not billed." in view_of(statement).notes
    assert "runs from 2026-01-07T18:15:00Z until" in verify.report(statement.checked, known_key=True)
    before = await done(diary, "GET", f"/timesheets/con/{MONDAY}")
    await diary.tell(diary.teller.contract("con", "mira", 2, client="cleo"))
    assert await done(diary, "GET", f"/timesheets/con/{MONDAY}") == before
    assert (await statuses(diary))[FIRST] == ("unbilled", True)


async def test_an_open_week_goes_by_the_present_term(diary: Diary) -> None:
    """S-03: as by the present rate and limit; manual time that was entered before goes by it too."""
    tell, slots = diary.teller, open_slots()
    day, week = datetime.fromisoformat(slots[0]).date(), week_of(slots[0])
    await diary.tell(tell.settings(), tell.member("mira"), tell.contract("con", "mira"))
    await diary.tell(tell.segment("mira", slots[0]), tell.segment("mira", slots[1]))
    times = {"start": slots[3], "end": slots[4]}
    await done(diary, "POST", "/diary/mira/manual-time", {"contract": "con", "kind": "work", **times})
    terms = [term(None, None), term(str(day + timedelta(days=1)), None), term(None, str(day - timedelta(days=1)))]
    found = []
    for revision, one in enumerate([*terms, term(str(day), str(day)), term("0001-01-01", "9999-12-31")], 2):
        await diary.tell(tell.contract("con", "mira", revision, **one))
        totals = (await done(diary, "GET", f"/timesheets/con/{week}"))["totals"]
        found.append((totals["billable_minutes"], totals["manual_minutes"], totals["tracked_minutes"]))
    assert found == [(30, 10, 20), (0, 0, 20), (0, 0, 20), (30, 10, 20), (30, 10, 20)]
    await diary.tell(tell.contract("con", "mira", 9, **term(str(datetime.now(UTC).date() + timedelta(days=1)), None)))
    diary.edge.people._known.clear()
    times = {"start": slots[4], "end": slots[5]}
    refused = await send(diary, "POST", "/diary/mira/manual-time", {"contract": "con", "kind": "work", **times})
    assert kind_of(refused) == (409, "outside-contract")


async def test_late_time_goes_by_the_terms_that_held_when_its_week_locked(diary: Diary) -> None:
    """S-03, S-06: not by those of now, in whatever order licensing told of them; an open week goes by the present."""
    tell, slots = diary.teller, open_slots()
    agreed = [("2025-12-01", 5000, 20), ("2026-01-07", 6000, 10), ("2026-01-12", 7000, 30), ("2026-01-19", 9000, None)]
    versions = [
        tell.contract(
            "con", "mira", revision, rate_minor=rate, weekly_limit_minutes=most, changed_at=f"{day}T13:00:00Z"
        )
        for revision, (day, rate, most) in enumerate(agreed, 1)
    ]
    await diary.tell(tell.settings(), tell.member("mira"), versions[3], *versions[:3])
    await diary.tell(*(tell.segment("mira", f"2026-01-08T09:{minute}0:00Z") for minute in (0, 1)))
    await diary.tell(tell.segment("mira", slots[0]), tell.segment("mira", "2025-11-25T09:00:00Z"))
    found = {}
    for week in (MONDAY, "2026-01-12", "2025-11-24", week_of(slots[0])):
        sheet = await done(diary, "GET", f"/timesheets/con/{week}")
        found[week] = sheet["rate_minor"], sheet["limit_minutes"], sheet["totals"]["over_limit_minutes"]
    assert found == {
        MONDAY: (6000, 10, 10),  # changed in mid-week, and again an hour after the lock
        "2026-01-12": (9000, None, 0),  # nothing in it, so nothing is settled
        "2025-11-24": (5000, 20, 0),  # before there was a contract: its first version
        week_of(slots[0]): (9000, None, 0),
    }

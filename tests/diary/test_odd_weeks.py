"""Weeks at the edges of the rules: a limit within a segment, an hour that comes twice, one slot on two contracts."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.diary.editing import done, ids, open_slots, week_of
from tests.diary.facts import minutes, slots_from
from tests.diary.running import Diary

WEEK = "2025-10-20"
"""Its Sunday has 25 hours in Berlin, where the hour from 02:00 comes twice, at 00:00 and at 01:00 UTC."""


async def test_a_freed_limit_may_take_in_more_than_went(diary: Diary) -> None:
    """S-03, S-08: by the minute what does not fit is red whole and what comes later may fit; a removal says so."""
    tell, slots = diary.teller, open_slots(3)
    await diary.tell(
        tell.settings(billing_unit="minute"),
        tell.member("mira"),
        tell.contract("con", "mira", weekly_limit_minutes=15),
        *(tell.segment("mira", slot, minutes(count)) for slot, count in zip(slots, (6, 10, 5), strict=True)),
    )
    day = await diary.day("mira", slots[0][:10])
    assert [(one["status"], one["billable_minutes"]) for one in day["segments"]] == [
        *(("automatic", 6), ("over_limit", 0), ("automatic", 5)),
    ]
    removal = {"segment_ids": ids(slots[:1])}
    asked = await done(diary, "POST", "/diary/mira/removals", {**removal, "dry_run": True})
    gone = await done(diary, "POST", "/diary/mira/removals", removal)
    for found in (asked, gone):
        assert (found["billable_minutes"], found["tracked_minutes"]) == (-4, 6)
        assert found["week_totals"] == [{"contract": "con", "week": week_of(slots[0]), "before": 11, "after": 15}]
    day = await diary.day("mira", slots[0][:10])
    assert [one["billable_minutes"] for one in day["segments"]] == [10, 5]


async def test_manual_time_over_the_hour_that_comes_twice(diary: Diary) -> None:
    """S-03, S-05: a week of 169 hours; what the clock shows as an hour and a half is two and a half."""
    tell = diary.teller
    await diary.tell(
        tell.settings(billing_zone="Europe/Berlin"),
        tell.member("mira", zone="Europe/Berlin"),
        tell.contract("con", "mira", weekly_limit_minutes=169 * 60),
        *(tell.segment("mira", slot) for slot in slots_from("2025-10-19T22:00:00Z", 2)),
        *(tell.segment("mira", slot) for slot in slots_from("2025-10-26T22:50:00Z", 2)),
    )
    diary.edge.editor.clock = lambda: datetime(2025, 10, 27, 10, 59, tzinfo=UTC)
    span = {"start": "2025-10-26T00:15:00Z", "end": "2025-10-26T02:45:00Z"}
    entry = await done(diary, "POST", "/diary/mira/manual-time", {"contract": "con", "kind": "work", **span})
    assert len(entry["segments"]) == 16
    sheet = await done(diary, "GET", f"/timesheets/con/{WEEK}")
    assert sheet["totals"]["billable_minutes"] == 30 + 150, "the last slot is of the week after"
    assert [one["billable_minutes"] for one in sheet["days"]] == [20, 0, 0, 0, 0, 0, 160]
    assert (sheet["locks_at"], sheet["attendance"]["totals"]["office_minutes"]) == ("2025-10-27T11:00:00Z", 180)
    day = await diary.day("mira", "2025-10-26", "Europe/Berlin")
    assert (day["totals"]["manual_minutes"], day["totals"]["office_minutes"]) == (150, 160)


async def test_two_devices_on_two_contracts_in_one_slot(diary: Diary) -> None:
    """T-14, S-01: a minute counts on one contract; each that has an active one of its own bills its segment whole."""
    await diary.answer("licensing", "read", lambda body: {"items": []})
    tell, (same, split) = diary.teller, open_slots(2)
    half = [None] * 5 + minutes(5)[:5]
    later: dict[str, Any] = {"contract": "side", "device": "two", "session_started": "2026-11-16T08:30:00Z"}
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.contract("con", "mira"),
        tell.contract("side", "mira"),
        *(tell.segment("mira", same), tell.segment("mira", same, **later)),
        *(tell.segment("mira", split, minutes(7)), tell.segment("mira", split, half, **later)),
    )
    day = await diary.day("mira", same[:10])
    found = {(one["slot"], one["contract"]): (one["status"], one["billable_minutes"]) for one in day["segments"]}
    assert found[same, "con"] == ("automatic", 10)
    assert found[same, "side"] == ("unbilled", 0), "all of its minutes count on the device that started first"
    assert found[split, "con"] == found[split, "side"] == ("automatic", 10)
    elsewhere = {(one["slot"], one["contract"]): one.get("elsewhere") for one in day["segments"]}
    assert elsewhere == {
        (same, "con"): None,
        (same, "side"): list(range(10)),
        (split, "con"): None,
        (split, "side"): [5, 6],
    }
    week = {"week": week_of(same)}
    async with diary.browse("mira") as http:
        page = (await http.get("/timesheets/mira", params=week)).text
        minutes_ = (await http.get(f"/diary/mira/{same[:10]}/minutes/side:two:{split}")).text
    assert re.findall(r"Not billed</dt><dd[^>]*>([^<]*)<", page.replace("\u00a0", " "))[0] == "0 min"
    assert minutes_.count("work, counts elsewhere") == 2
    assert day["totals"]["tracked_minutes"] == 10 + 10, "seven of the one, and three that are left of the other's five"

"""Manual time: only where the contract allows it, never over other time, light green (S-05, S-02, A-01)."""

from datetime import timedelta
from typing import Any

import pytest

from services.wire.slots import format_instant, parse_instant, parse_slot
from tests.diary.editing import done, ids, kind_of, open_slots, people, send
from tests.diary.facts import minutes
from tests.diary.running import Diary

SLOTS = open_slots(6)
DAY = SLOTS[0][:10]
PATH = "/diary/mira/manual-time"


def span(first_minute: int, last_minute: int, **more: Any) -> dict[str, Any]:
    """From so many minutes after the first slot to so many."""
    first = parse_slot(SLOTS[0])
    told = {"contract": "con", "kind": "work", "reason": "a call", "memo": "call", "label": None}
    times = {
        name: format_instant(first + timedelta(minutes=at))
        for name, at in zip(("start", "end"), (first_minute, last_minute), strict=True)
    }
    return {**told, **times, **more}


@pytest.fixture
async def office(diary: Diary) -> Diary:
    tell = diary.teller
    await diary.tell(
        *people(diary),
        tell.contract("con", "mira", weekly_limit_minutes=60),
        tell.contract("side", "mira", manual_time=False),
        tell.contract("free", "mira", rate_minor=None),
        tell.contract("boss-con", "boss"),
        tell.segment("mira", SLOTS[0]),
    )
    return diary


async def test_it_stands_in_the_day_and_is_billed_to_the_minute(office: Diary) -> None:
    entry = await done(office, "POST", PATH, span(15, 32))
    assert entry["segments"] == [f"con:{entry['id']}:{slot}" for slot in SLOTS[1:4]]
    day = await office.day("mira", DAY)
    _, *manual = day["segments"]
    assert [(one["status"], one["billable_minutes"], one["device"], one["entry"]) for one in manual] == [
        ("manual", 5, None, entry["id"]),
        ("manual", 10, None, entry["id"]),
        ("manual", 2, None, entry["id"]),
    ]
    assert {one["unprotected_because"] for one in manual} == {"manual"}
    assert {(one["memo"], one["active_minutes"], one["session"]) for one in manual} == {("call", 0, None)}
    assert manual[0]["minutes"] == [None] * 5 + [[0, 0, 0, 0, "work", None]] * 5
    expected = {"tracked_minutes": 10, "billable_minutes": 27, "automatic_minutes": 10, "manual_minutes": 17}
    expected |= {"office_minutes": 27, "work_minutes": 27, "break_minutes": 0, "active_minutes": 10}
    assert {name: day["totals"][name] for name in expected} == expected
    (week,) = day["weeks"]
    assert (week["billable_minutes"], week["manual_minutes"], week["amount_minor"]) == (27, 17, 2700)
    listed = await done(office, "GET", f"{PATH}?from={DAY}&to={DAY}")
    (item,) = listed["items"]
    assert (item["id"], item["minutes"], item["reason"], item["segments"]) == (
        entry["id"],
        17,
        "a call",
        entry["segments"],
    )


async def test_breaks_and_private_time_are_office_time_alone(office: Diary) -> None:
    """A-01."""
    await done(office, "POST", PATH, span(10, 20, kind="break"))
    await done(office, "POST", PATH, span(20, 25, kind="private"))
    day = await office.day("mira", DAY)
    expected = {"office_minutes": 25, "work_minutes": 10, "break_minutes": 10, "private_minutes": 5}
    expected |= {"billable_minutes": 10, "manual_minutes": 0, "tracked_minutes": 10}
    assert {name: day["totals"][name] for name in expected} == expected
    assert [one["status"] for one in day["segments"]] == ["automatic", "unbilled", "unbilled"]


async def test_it_uses_up_the_limit_at_its_place_in_the_clock(office: Diary) -> None:
    """S-03."""
    await office.tell(*(office.teller.segment("mira", slot) for slot in SLOTS[3:6]))
    await done(office, "POST", PATH, span(10, 30))
    day = await office.day("mira", DAY)
    assert [one["status"] for one in day["segments"]] == ["automatic", "manual", "manual", *["automatic"] * 3]
    await office.tell(office.teller.contract("con", "mira", revision=2, weekly_limit_minutes=45))
    day = await office.day("mira", DAY)
    statuses = [one["status"] for one in day["segments"]]
    assert statuses == ["automatic", "manual", "manual", "automatic", "over_limit", "over_limit"]
    assert (day["totals"]["over_limit_minutes"], day["weeks"][0]["over_limit_minutes"]) == (20, 20)


async def test_nothing_of_a_contract_that_is_not_hourly_is_billed(office: Diary) -> None:
    """S-03, S-02: grey."""
    await office.tell(office.teller.segment("mira", SLOTS[5], contract="free"))
    await done(office, "POST", PATH, span(10, 20, contract="free"))
    day = await office.day("mira", DAY)
    assert [one["status"] for one in day["segments"]] == ["automatic", "unbilled", "unbilled"]
    week = day["weeks"][1]
    assert (week["contract"], week["billable_minutes"], week["amount_minor"]) == ("free", 0, None)


async def test_automatic_time_that_comes_later_takes_the_minute(office: Diary) -> None:
    await done(office, "POST", PATH, span(10, 30))
    await office.tell(office.teller.segment("mira", SLOTS[1], minutes(6), contract="side"))
    day = await office.day("mira", DAY)
    assert day["totals"]["office_minutes"] == 30, "a minute counts once"
    shown = [(one["contract"], one["status"], one["billable_minutes"]) for one in day["segments"]]
    assert shown == [
        ("con", "automatic", 10),
        ("con", "manual", 4),
        ("side", "automatic", 10),
        ("con", "manual", 10),
    ]
    await office.tell(office.teller.segment("mira", SLOTS[2], minutes(3)))
    day = await office.day("mira", DAY)
    own = [one["billable_minutes"] for one in day["segments"] if one["slot"] == SLOTS[2]]
    assert sum(own) == 10, "a contract's ten minutes are billed once"


REFUSED: list[tuple[dict[str, Any], tuple[int, str]]] = [
    (span(5, 15), (409, "overlap")),
    (span(0, 10, contract="free"), (409, "overlap")),  # on whatever contract
    (span(10, 20, contract="side"), (409, "no-manual-time")),
    (span(10, 20, contract="nobody"), (404, "not-found")),
    (span(10, 20, contract="boss-con"), (404, "not-found")),
    (span(20, 20), (422, "invalid")),
    (span(20, 10), (422, "invalid")),
    (span(10, 20, start="2026-01-01T00:00:30Z"), (422, "invalid")),
    (span(10, 20, start="yesterday"), (422, "invalid")),
    (span(10, 20, kind="holiday"), (422, "invalid")),
    (span(10, 20, end="2199-01-01T00:00:00Z"), (422, "invalid")),
    (span(10, 20, start="0001-01-01T00:00:00Z", end="0001-01-01T00:10:00Z"), (422, "invalid")),
    (span(10, 20, start="2020-01-01T00:00:00Z", end="2020-01-01T00:10:00Z"), (409, "week-locked")),
]


async def test_what_is_refused(office: Diary) -> None:
    before = await office.day_bytes("mira", DAY)
    for body, expected in REFUSED:
        answer = await send(office, "POST", PATH, body)
        assert kind_of(answer) == expected, (body, answer.text)
        if expected[1] == "overlap":
            assert answer.json()["overlaps"] == ids(SLOTS[:1])
    assert await office.day_bytes("mira", DAY) == before


async def test_manual_time_overlaps_no_other(office: Diary) -> None:
    await done(office, "POST", PATH, span(10, 15))
    assert kind_of(await send(office, "POST", PATH, span(14, 20, contract="free"))) == (409, "overlap")
    await done(office, "POST", PATH, span(15, 20))
    day = await office.day("mira", DAY)
    assert day["totals"]["manual_minutes"] == 10


async def test_by_whom_it_is_entered_and_removed(office: Diary) -> None:
    assert kind_of(await send(office, "POST", PATH, span(10, 20), who="lead", role="manager")) == (403, "forbidden")
    entry = await done(office, "POST", PATH, span(10, 30), who="boss", role="admin")
    assert kind_of(await send(office, "DELETE", f"{PATH}/{entry['id']}", who="lead", role="manager"))[0] == 403
    assert kind_of(await send(office, "DELETE", f"{PATH}/man_0_0000000000000000"))[0] == 404
    gone = await done(office, "DELETE", f"{PATH}/{entry['id']}", who="boss", role="admin")
    assert (gone["manual_minutes"], gone["tracked_minutes"], gone["billable_minutes"]) == (20, 0, 20)
    assert (await done(office, "GET", f"{PATH}?from={DAY}&to={DAY}"))["items"] == []
    assert (await office.day("mira", DAY))["totals"]["office_minutes"] == 10
    again = await done(office, "POST", PATH, span(10, 30))
    await done(office, "DELETE", f"/diary/mira/segments/con:{again['id']}:{SLOTS[1]}")
    assert (await done(office, "GET", f"{PATH}?from={DAY}&to={DAY}"))["items"][0]["minutes"] == 10


async def test_an_entry_over_the_weeks_border_is_two_edits_of_one_change(diary: Diary) -> None:
    """S-03: each week has its own; also where midnight is inside a slot (+05:45)."""
    tell, border = diary.teller, "2026-11-15T18:15:00Z"
    await diary.tell(tell.settings(billing_zone="Asia/Kathmandu"), tell.contract("con", "mira"))
    body = {"contract": "con", "start": "2026-11-15T17:55:00Z", "end": "2026-11-15T18:35:00Z"}
    diary.edge.editor.clock = lambda: parse_instant("2026-11-16T06:15:00Z")  # Monday noon in Kathmandu: locked
    assert kind_of(await send(diary, "POST", PATH, body)) == (409, "week-locked"), (
        "one of the two is, so nothing is done"
    )
    assert await diary.db["edits"].count_documents({}) == 0
    diary.edge.editor.clock = lambda: parse_instant("2026-11-16T06:14:59Z")
    await done(diary, "POST", PATH, body)
    kept = await diary.db["edits"].find({}).sort("week", 1).to_list(None)
    assert len({one["change"] for one in kept}) == 1
    assert [one["week"] for one in kept] == ["2026-11-09", "2026-11-16"]
    weeks = {one["week"]: one["manual_minutes"] async for one in diary.db["weeks"].find({})}
    assert weeks == {"2026-11-09": 25, "2026-11-16": 15}, f"the slot in which it is {border} belongs to the old week"


async def test_a_contracts_term_is_days_of_the_billing_zone(diary: Diary) -> None:
    """S-05: as the days of its timesheet are."""
    tell = diary.teller
    term = tell.contract("con", "mira", starts_on="2026-11-16", ends_on="2026-11-16")
    await diary.tell(tell.settings(billing_zone="Asia/Kathmandu"), term)
    diary.edge.editor.clock = lambda: parse_instant("2026-11-17T00:00:00Z")
    outside = [("2026-11-15T18:19:00Z", "2026-11-15T18:30:00Z"), ("2026-11-16T18:00:00Z", "2026-11-16T18:21:00Z")]
    for start, end in outside:
        answer = await send(diary, "POST", PATH, {"contract": "con", "start": start, "end": end})
        assert kind_of(answer) == (409, "outside-contract"), start
    for start, end in (
        ("2026-11-15T18:20:00Z", "2026-11-15T18:30:00Z"),
        ("2026-11-16T18:00:00Z", "2026-11-16T18:20:00Z"),
    ):
        await done(diary, "POST", PATH, {"contract": "con", "start": start, "end": end})

"""Facts become a day: whatever their order, however often, by however many projectors (S-11)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.kit.bus import round_trip
from services.wire.events import Fact
from services.wire.slots import SLOT, format_instant, slot_of, week_bounds, week_of
from tests.diary.facts import Teller, capture, idle, minutes, slots_from, subject_of, wild, work
from tests.diary.running import Diary

DAY = "2026-11-17"
SLOTS = slots_from(f"{DAY}T09:00:00Z", 6)


def _a_day(tell: Teller) -> list[Fact]:
    """Two contracts, two devices, segments in parts, a limit, scores twice, pictures stored, missing and removed."""
    first = tell.segment("mira", SLOTS[0], [work()] * 4 + [None] * 6, captures=[capture("c1", SLOTS[0])], memo="early")
    more = tell.segment("mira", SLOTS[0], [None] * 4 + [idle()] * 6, captures=[capture("c2", SLOTS[0])], memo="late")
    elsewhere = tell.segment("mira", SLOTS[0], device="other", session_started="2026-11-17T09:05:00Z", memo=None)
    second = tell.segment("mira", SLOTS[1], captures=[capture("c3", SLOTS[1])])
    third = tell.segment("mira", SLOTS[2], contract="side")
    fourth = tell.segment("mira", SLOTS[3])
    return [
        tell.settings(),
        tell.member("mira"),
        tell.contract("con", "mira", weekly_limit_minutes=20),
        tell.contract("side", "mira"),
        first,
        more,
        elsewhere,
        second,
        third,
        fourth,
        *(tell.score(one) for one in (first, more, second, third)),
        tell.score(second, version=2, active_minutes=5),
        tell.stored("mira", "c1", SLOTS[0]),
        tell.stored("mira", "c2", SLOTS[0], sha256="c" * 64),
        tell.stored("mira", "c3", SLOTS[1]),
        tell.removed("mira", "c3", SLOTS[1]),
    ]


async def test_a_day_is_told_whole(diary: Diary) -> None:
    """The contract's keys, and every figure of a small day (architecture.md, *The edge*)."""
    await diary.tell(*_a_day(diary.teller))
    day = await diary.day("mira", DAY)
    assert list(day) == ["member", "date", "zone", "totals", "score", "segments", "weeks"]
    assert day["totals"] == {
        "tracked_minutes": 40,
        "active_minutes": 34,
        "billable_minutes": 30,
        "automatic_minutes": 30,
        "manual_minutes": 0,
        "over_limit_minutes": 10,
        "office_minutes": 40,
        "work_minutes": 40,
        "break_minutes": 0,
        "private_minutes": 0,
        "idle_minutes": 6,
    }
    assert set(day["segments"][0]) == {
        *("segment_id", "slot", "contract", "device", "status", "billable_minutes", "memo", "label", "minutes"),
        *("active_minutes", "apps", "captures", "score", "protected", "unprotected_because", "session"),
    }
    shown = [(one["slot"][11:16], one["device"], one["status"], one["billable_minutes"]) for one in day["segments"]]
    assert shown == [
        ("09:00", "dev", "automatic", 10),
        ("09:00", "other", "unbilled", 0),
        ("09:10", "dev", "automatic", 10),
        ("09:20", "dev", "automatic", 10),
        ("09:30", "dev", "over_limit", 0),
    ]
    first, other, second, third, fourth = day["segments"]
    assert first["memo"] == "late"
    assert first["minutes"] == [work()] * 4 + [idle()] * 6
    assert [one["state"] for one in first["captures"]] == ["stored", "pending"]  # c2's bytes are not the record's
    assert second["captures"] == [
        {"capture_id": "c3", "kind": "screen", "at": SLOTS[1], "width": 1280, "height": 720} | {"state": "removed"}
    ]
    assert [one["unprotected_because"] for one in day["segments"]] == [
        None,
        "no_activity",
        None,
        "no_capture",
        "no_capture",
    ]
    assert first["protected"] is True
    assert second["score"]["activity"] == 0.5, "the higher version of the classes counts"
    assert fourth["score"] == {"activity": None, "productivity": None, "tracko": None}
    assert other["active_minutes"] == 0, "recorded elsewhere (T-14)"
    assert third["contract"] == "side"
    money = {"rate_minor": 6000, "currency": "EUR"}
    assert day["weeks"] == [
        {"contract": "con", "week": "2026-11-16", "limit_minutes": 20, "billable_minutes": 20}
        | {"automatic_minutes": 20, "manual_minutes": 0, "over_limit_minutes": 10, **money, "amount_minor": 2000}
        | {"state": day["weeks"][0]["state"]},
        {"contract": "side", "week": "2026-11-16", "limit_minutes": None, "billable_minutes": 10}
        | {"automatic_minutes": 10, "manual_minutes": 0, "over_limit_minutes": 0, **money, "amount_minor": 1000}
        | {"state": day["weeks"][1]["state"]},
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_doubling_gives_the_same_bytes(diary: Diary, seed: int) -> None:
    facts = _a_day(diary.teller)
    await diary.tell(*facts)
    straight = await diary.day_bytes("mira", DAY)
    await diary.forget()
    shuffled = wild(facts, seed)
    for start in range(0, len(shuffled), 5):  # several batches
        await diary.tell(*shuffled[start : start + 5])
    assert await diary.day_bytes("mira", DAY) == straight


async def test_several_projectors_at_once_give_the_same_bytes(diary: Diary) -> None:
    facts = _a_day(diary.teller)
    for slot in slots_from(f"{DAY}T12:00:00Z", 40):
        facts.append(diary.teller.segment("mira", slot))
    await diary.tell(*facts)
    straight = await diary.day_bytes("mira", DAY)
    await diary.forget()
    async with diary.projecting(), diary.projecting():
        await diary.tell(*wild(facts, 3))
    assert await diary.day_bytes("mira", DAY) == straight
    assert len(await diary.db["segments"].find({}).to_list(None)) == 45


async def test_a_day_nobody_worked_is_known_to_be_empty(diary: Diary) -> None:
    day = await diary.day("mira", DAY)
    assert set(day["totals"].values()) == {0}
    assert day["score"] == {"activity": None, "productivity": None, "tracko": None}
    assert (day["segments"], day["weeks"]) == ([], [])


async def test_a_poison_fact_is_kept_and_blocks_nobody(diary: Diary) -> None:
    tell = diary.teller
    good = tell.segment("mira", SLOTS[0])
    spoiled = tell.segment("mira", SLOTS[1])
    huge = spoiled.model_copy(update={"record": {**spoiled.record, "seq": 2**70}})
    shapeless = spoiled.model_copy(update={"record": {"minutes": "none"}})
    nowhere = tell.settings(billing_zone="Nowhere/Land")
    subject = f"segment.recorded.{diary.workspace}.mira"
    await diary.publish(
        [
            (subject, b"no json"),
            (f"segment.recorded.{diary.workspace}.somebody", good.model_dump_json().encode()),
            (subject, huge.model_dump_json().encode()),
            (subject, shapeless.model_dump_json().encode()),
            (subject_of(nowhere), nowhere.model_dump_json().encode()),
            (f"team.changed.{diary.workspace}.mira", b"{}"),
            (subject, good.model_dump_json().encode()),
        ]
    )
    day = await diary.day("mira", DAY)
    assert [one["slot"] for one in day["segments"]] == [SLOTS[0]]
    kept = await diary.db["poison"].find({}).to_list(None)
    assert all(one["_id"].startswith(f"{diary.workspace}|") for one in kept)
    reasons = sorted(one["reason"] for one in kept)
    assert len(reasons) == 5, reasons


async def test_what_was_set_aside_is_folded_by_a_projector_that_can(diary: Diary) -> None:
    fact = diary.teller.segment("mira", SLOTS[0])
    kept = {"subject": subject_of(fact), "body": fact.model_dump_json().encode(), "reason": "KeyError while folding"}
    spoiled = {"subject": subject_of(fact), "body": b"no json", "reason": "no JSON"}
    await diary.db["poison"].insert_many(
        [{"_id": f"{diary.workspace}|{name}", **one} for name, one in {"good": kept, "bad": spoiled}.items()]
    )
    async with diary.projecting():
        assert [one["slot"] for one in (await diary.day("mira", DAY))["segments"]] == [SLOTS[0]]
    assert [one["_id"] async for one in diary.db["poison"].find()] == [f"{diary.workspace}|bad"]


async def test_a_score_that_came_before_its_record_keeps_no_other_device_out(diary: Diary) -> None:
    """T-14: what is known of one segment of a slot is not asked for before there is anything."""
    tell = diary.teller
    here, there = (tell.segment("mira", SLOTS[0], device=device) for device in ("here", "there"))
    for fact in (tell.score(there), here, there):
        await diary.tell(fact)
    assert {one["device"] for one in (await diary.day("mira", DAY))["segments"]} == {"here", "there"}
    assert await diary.db["poison"].count_documents({}) == 0


async def test_two_devices_at_once_count_a_minute_once(diary: Diary) -> None:
    """T-14: the device that started first keeps it, desktop before mobile; billing never exceeds the clock."""
    tell = diary.teller
    await diary.tell(
        tell.segment("mira", SLOTS[0], minutes(6), device="late", session_started="2026-11-17T09:00:30Z"),
        tell.segment("mira", SLOTS[0], minutes(4), device="soon", session_started="2026-11-17T08:00:00Z"),
        tell.segment("mira", SLOTS[0], device="phone", kind="mobile", session_started="2026-11-17T07:00:00Z"),
    )
    day = await diary.day("mira", DAY)
    shown = {one["device"]: (one["active_minutes"], one["billable_minutes"]) for one in day["segments"]}
    assert shown == {"soon": (4, 10), "late": (2, 0), "phone": (4, 0)}
    assert day["totals"]["tracked_minutes"] == 10
    assert day["totals"]["billable_minutes"] == 10


async def test_late_earlier_time_moves_the_limit(diary: Diary) -> None:
    """S-03: what passes the limit is red, and is recomputed when earlier time arrives late."""
    tell = diary.teller
    await diary.tell(tell.contract("con", "mira", weekly_limit_minutes=20))
    await diary.tell(*(tell.segment("mira", slot) for slot in SLOTS[2:4]))
    day = await diary.day("mira", DAY)
    assert [one["status"] for one in day["segments"]] == ["automatic", "automatic"]
    heard: list[bytes] = []

    async def hear(message: object) -> None:
        heard.append(message.data)  # type: ignore[attr-defined]

    await diary.client.subscribe(f"diary.changed.{diary.workspace}.mira", cb=hear)
    await round_trip(diary.client)
    await diary.tell(tell.segment("mira", SLOTS[0]))
    day = await diary.day("mira", DAY)
    assert [one["status"] for one in day["segments"]] == ["automatic", "automatic", "over_limit"]
    await round_trip(diary.client)
    assert any(SLOTS[3].encode() in body for body in heard), "a page that shows the red segment must hear of it"


async def test_a_new_limit_settles_open_weeks_only(diary: Diary) -> None:
    """S-03: open weeks only."""

    now = slot_of(datetime.now(UTC))
    long_ago = format_instant(slot_of(now - timedelta(days=21)))
    present = format_instant(now)
    tell = diary.teller
    await diary.tell(tell.settings(), tell.contract("con", "mira", weekly_limit_minutes=10))
    await diary.tell(tell.segment("mira", present), tell.segment("mira", long_ago))
    await diary.tell(tell.contract("con", "mira", revision=2, weekly_limit_minutes=0))
    await diary.tell(tell.contract("con", "mira", revision=1, weekly_limit_minutes=10))  # an older telling
    open_week, locked = await diary.day("mira", present[:10]), await diary.day("mira", long_ago[:10])
    assert [one["status"] for one in open_week["segments"]] == ["over_limit"]
    assert [one["status"] for one in locked["segments"]] == ["automatic"]
    assert [one["state"] for one in (*open_week["weeks"], *locked["weeks"])] == ["open", "locked"]
    assert locked["weeks"][0]["limit_minutes"] == 10
    assert open_week["weeks"][0]["week"] == week_of(now, ZoneInfo("UTC")).isoformat()


async def test_settings_settle_what_is_there_already(diary: Diary) -> None:
    """Billing zone, unit and movement are the workspace's, and may be told after the time (S-01, S-03, T-03)."""
    tell = diary.teller
    sunday_night = "2026-11-15T23:30:00Z"  # Monday 00:30 in Berlin
    moved = [0, 0, 0, 9, "work", None]
    await diary.tell(tell.segment("mira", sunday_night, [moved] * 3 + [None] * 7))
    before = await diary.day("mira", "2026-11-15")
    assert (before["segments"][0]["status"], before["weeks"][0]["week"]) == ("unbilled", "2026-11-09")
    await diary.tell(tell.settings(billing_zone="Europe/Berlin", billing_unit="minute", movement_counts=True))
    after = await diary.day("mira", "2026-11-15")
    assert (after["segments"][0]["billable_minutes"], after["segments"][0]["active_minutes"]) == (3, 3)
    assert [one["week"] for one in after["weeks"]] == ["2026-11-16"]
    assert await diary.db["weeks"].count_documents({}) == 1


@pytest.mark.parametrize(("monday", "hours"), [("2026-10-19", 169), ("2026-03-23", 167)])
async def test_weeks_with_clock_changes_are_longer_or_shorter(diary: Diary, monday: str, hours: int) -> None:
    """A week in the billing zone has 167 or 169 hours; its last slot is still its own (architecture.md, *Reading*)."""

    tell = diary.teller
    start, end = week_bounds(date.fromisoformat(monday), ZoneInfo("Europe/Berlin"))
    assert end - start == timedelta(hours=hours)
    await diary.tell(tell.settings(billing_zone="Europe/Berlin"))
    edges = [start - SLOT, start, end - SLOT, end]
    await diary.tell(*(tell.segment("mira", format_instant(slot)) for slot in edges))
    weeks = {one["week"]: one["billable_minutes"] async for one in diary.db["weeks"].find({})}
    assert weeks[monday] == 20
    assert sorted(weeks.values()) == [10, 10, 20]


async def test_a_day_in_any_zone(diary: Diary) -> None:
    """A slot belongs to the day its start falls in, also where midnight is inside it (+05:45)."""
    tell = diary.teller
    await diary.tell(tell.settings(), tell.member("mira"))
    await diary.tell(
        *(tell.segment("mira", f"2026-11-17T{at}:00Z") for at in ("18:00", "18:10", "18:20", "22:50", "23:00"))
    )
    slots = {
        zone: [one["slot"][11:16] for one in (await diary.day("mira", "2026-11-18", zone))["segments"]]
        for zone in ("UTC", "Asia/Kathmandu", "member", "workspace")
    }
    assert slots == {
        "UTC": [],
        "Asia/Kathmandu": ["18:20", "22:50", "23:00"],  # midnight is 18:15 UTC
        "member": ["23:00"],
        "workspace": ["23:00"],
    }


async def test_what_arrived_after_a_revocation_says_so(diary: Diary) -> None:
    """fine-print.md, *Records*: it was signed before, and is billed as any other; only there stands the mark."""
    tell = diary.teller
    late = tell.segment("mira", SLOTS[0]).model_copy(update={"arrived_after_revocation": True})
    await diary.tell(late, tell.segment("mira", SLOTS[1]))
    day = await diary.day("mira", DAY)
    assert [one.get("arrived_after_revocation") for one in day["segments"]] == [True, None]
    assert [one["billable_minutes"] for one in day["segments"]] == [10, 10]


async def test_a_label_that_is_not_on_the_contracts_list_is_kept_and_flagged(diary: Diary) -> None:
    """fine-print.md, *Records*; a label of the list instead takes the flag away."""
    tell = diary.teller
    foreign = tell.segment("mira", SLOTS[0], label="Elsewhere").model_copy(update={"label_unlisted": True})
    await diary.tell(tell.contract("con", "mira", labels=["Delivery"]), foreign, tell.segment("mira", SLOTS[1]))
    day = await diary.day("mira", DAY)
    flags = [(one["label"], one.get("label_unlisted")) for one in day["segments"]]
    assert flags == [("Elsewhere", True), (None, None)]
    await diary.tell(tell.segment("mira", SLOTS[0], label="Delivery"))
    day = await diary.day("mira", DAY)
    assert [(one["label"], one.get("label_unlisted")) for one in day["segments"][:1]] == [("Delivery", None)]

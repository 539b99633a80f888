"""The view of a day: its hours, runs and ribbon; over all zones, clock changes and orders."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.diary.pages.day_view import day_view, entries_shown, states_of
from services.diary.pages.grid import COLUMNS, grid_of
from services.diary.pages.hours import Terms, hours_of, starts_of
from services.diary.pages.ribbon import HOUR_UNITS, ribbon_of
from services.wire.events import Presence
from services.wire.slots import SLOT, day_bounds, day_of, format_instant, slots_between
from tests.diary.pages import sample

OSLO = ZoneInfo("Europe/Oslo")
ZONES = [ZoneInfo(name) for name in (
    "UTC", "Europe/Oslo", "America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe",
    "Pacific/Apia", "Pacific/Kiritimati", "America/Santiago", "Africa/Cairo",
)]  # fmt: skip
DAYS = st.dates(date(2021, 1, 1), date(2030, 12, 31))
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
TERMS = Terms(sample.CONTRACTS, sample.around().paths)


def hours(segments: list[dict[str, Any]], day: str = "2026-11-20", zone: ZoneInfo = OSLO) -> list[Any]:
    return hours_of(segments, grid_of(date.fromisoformat(day), zone), TERMS)


# the grid -----------------------------------------------------------------------------------------------------------


@given(DAYS, st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_every_slot_of_a_day_has_one_place_and_no_other_has(day: date, zone: ZoneInfo) -> None:
    grid = grid_of(day, zone)
    slots = list(slots_between(*day_bounds(day, zone)))
    assert set(grid.places) == {format_instant(slot) for slot in slots}
    assert len({(place.hour, place.column) for place in grid.places.values()}) == len(slots), "no two share a place"
    assert all(1 <= place.column <= COLUMNS for place in grid.places.values())
    assert [row.start for row in grid.hours] == sorted(row.start for row in grid.hours)
    assert len({row.id for row in grid.hours}) == len(grid.hours)
    for slot in slots:
        place = grid.place(format_instant(slot))
        assert place
        assert place.clock == slot.astimezone(zone).strftime("%H:%M")
        assert grid.hours[place.hour].clock[:2] == place.clock[:2]
        assert day_of(slot, zone) == day


@pytest.mark.parametrize(("day", "rows"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 11, 20), 24)])
def test_a_day_with_a_clock_change_has_23_or_25_rows(day: date, rows: int) -> None:
    assert len(grid_of(day, OSLO).hours) == rows


def test_the_hour_that_comes_twice_says_which_is_which() -> None:
    twice = [row for row in grid_of(AUTUMN, OSLO).hours if row.clock == "02:00"]
    assert [row.offset for row in twice] == ["UTC+02:00", "UTC+01:00"]
    assert all(row.offset is None for row in grid_of(SPRING, OSLO).hours)


def test_half_hour_changes_cut_an_hour_in_rows_that_do_not_collide() -> None:
    rows = [row for row in grid_of(date(2026, 4, 5), ZoneInfo("Australia/Lord_Howe")).hours if row.clock == "01:00"]
    assert [row.offset for row in rows] == ["UTC+11:00", "UTC+10:30"]


def test_midnight_within_a_slot_belongs_to_the_day_of_its_start() -> None:
    """architecture.md, *Reading*: +05:45."""
    kathmandu = ZoneInfo("Asia/Kathmandu")
    slot = "2026-11-20T18:10:00Z"
    place = grid_of(date(2026, 11, 20), kathmandu).place(slot)
    assert place
    assert (place.clock, place.end, place.column) == ("23:55", "00:05", 6)
    assert grid_of(date(2026, 11, 21), kathmandu).place(slot) is None


# runs ---------------------------------------------------------------------------------------------------------------


@st.composite
def a_day(draw: st.DrawFn) -> tuple[date, ZoneInfo, list[dict[str, Any]]]:
    day, zone = draw(DAYS), draw(st.sampled_from(ZONES))
    slots = list(slots_between(*day_bounds(day, zone)))
    chosen = draw(st.lists(st.sampled_from(slots), unique=True, max_size=40))
    segments = []
    for slot in chosen:
        for contract in draw(st.sampled_from([[sample.PORTAL], [sample.TARIFF], [sample.PORTAL, sample.TARIFF]])):
            status = draw(st.sampled_from(["automatic", "over_limit", "unbilled", "manual"]))
            memo, active = draw(st.sampled_from(["a", "b", None])), draw(st.integers(0, 10))
            segments.append(sample.segment(slot, active, contract=contract, memo=memo, label=None, status=status))
    return day, zone, segments


@given(a_day(), st.randoms())
@settings(max_examples=80, deadline=None)
def test_every_segment_stands_once_in_a_run_of_its_own_kind(
    made: tuple[date, ZoneInfo, list[dict[str, Any]]], chance: random.Random
) -> None:
    day, zone, segments = made
    shown = hours(segments, day.isoformat(), zone)
    cards = [card.id for hour in shown for run in hour.runs for card in run.cards]
    carded = {f"s-{one['segment_id']}" for one in segments if one["status"] != "manual"}
    assert sorted(cards) == sorted(carded)
    for hour in shown:
        for run in hour.runs:
            assert run.start + run.span - 1 <= COLUMNS
            assert not run.cards or len(run.cards) == run.span
    manual = sum(run.span for hour in shown for run in hour.runs if run.kind == "manual")
    assert manual == sum(one["status"] == "manual" for one in segments)
    mixed = segments[:]
    chance.shuffle(mixed)
    assert hours(mixed, day.isoformat(), zone) == shown, "S-11: any order gives the same page"


def test_a_run_is_neighbours_with_the_same_memo_label_contract_and_kind() -> None:
    eight = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    at = [eight + n * SLOT for n in range(6)]
    runs = hours([
        sample.segment(at[0]), sample.segment(at[1]), sample.segment(at[2], label="Review"),
        sample.segment(at[3], label="Review", status="over_limit"), sample.segment(at[5], label="Review"),
    ])[8].runs  # fmt: skip
    assert [(run.kind, run.start, run.span) for run in runs] == [
        ("auto", 1, 2), ("auto", 3, 1), ("over", 4, 1), ("auto", 6, 1),
    ]  # fmt: skip


def test_two_contracts_in_one_slot_are_two_runs_and_neither_is_cut() -> None:
    eight = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    segments = [sample.segment(eight + n * SLOT) for n in range(3)]
    runs = hours([*segments, sample.segment(eight + SLOT, contract=sample.TARIFF)])[8].runs
    assert [(run.contract, run.start, run.span) for run in runs] == [
        ("Halden portal", 1, 3), ("Tariff import", 2, 1),
    ]  # fmt: skip


def test_the_friday_is_the_mock_ups() -> None:
    view = day_view(sample.friday(), OSLO, sample.around())
    shown = {hour.row.clock: hour for hour in view.hours if hour.runs}
    assert list(shown) == [f"{hour:02}:00" for hour in range(8, 16)]
    assert [hour.billable for hour in shown.values()] == [
        "50 min", "60 min", "60 min", "50 min", "20 min", "60 min", "60 min", "30 min",
    ]  # fmt: skip
    noon = shown["12:00"].runs
    assert [(run.kind, run.start, run.span) for run in noon] == [("auto", 1, 1), ("brk", 2, 4), ("auto", 6, 1)]
    assert noon[1].block[1:3] == ("Break, 40 min", "Office time, not work time. Nothing is captured.")
    assert shown["10:00"].runs[1].block[1:3] == ("Manual time, 10:30 to 11:00", "No pictures, not protected.")
    assert (shown["11:00"].runs[1].kind, shown["11:00"].runs[1].title) == ("none", "No activity")
    assert shown["14:00"].runs[1].missing
    last = shown["15:00"].runs[-1].cards[-1]
    assert (last.picture.words, last.picture.href, last.protected) == ("Picture on its way", None, False)
    assert last.reason == "Not protected: waiting for its picture"
    assert view.billable == ("6", "h", "30")
    assert (view.score.value, view.score.lines) == (
        "84", ["Activity 81 %: 48.6 of 60", "Productive 89 %: 35.7 of 40"],
    )  # fmt: skip
    assert view.limits[0].strong == "Limit reached at 15:30."
    assert view.limits[1].words == "5 h 40 left until Monday 23 November, 00:00 UTC."
    assert view.ribbon.mark_words == "30 h reached 15:30"
    assert [panel.title for panel in view.panels] == [
        "Not protected: 4 segments", "Arrived: 412 of 412 records, 0 gaps", "Looked at by others: 1",
    ]  # fmt: skip


# the ribbon ---------------------------------------------------------------------------------------------------------


@given(a_day())
@settings(max_examples=80, deadline=None)
def test_the_ribbon_shows_every_segment_within_its_hours(
    made: tuple[date, ZoneInfo, list[dict[str, Any]]],
) -> None:
    day, zone, segments = made
    begin, end = day_bounds(day, zone)
    ribbon = ribbon_of(segments, grid_of(day, zone))
    assert len(ribbon.hours) * HOUR_UNITS == ribbon.width
    assert len(ribbon.hours) <= -(-(end - begin) // timedelta(hours=1))
    starts = [float(part.split()[0]) for _, path in ribbon.bars for part in path.split("M")[1:]]
    assert all(0 <= x < ribbon.width - 5 for x in starts), "a slot over midnight (+05:45) begins within the ribbon"
    assert all(0 <= int(part.split()[1].split("h")[0]) <= 40 for _, path in ribbon.bars for part in path.split("M")[1:])
    if segments:
        assert starts


def test_the_ribbon_is_at_least_07_to_19_and_one_hour_around() -> None:
    assert ribbon_of([], grid_of(date(2026, 11, 20), OSLO)).hours == [f"{hour:02}" for hour in range(7, 19)]
    early = sample.segment(datetime(2026, 11, 20, 4, 30, tzinfo=UTC))
    late = sample.segment(datetime(2026, 11, 20, 20, 30, tzinfo=UTC))
    shown = ribbon_of([early, late], grid_of(date(2026, 11, 20), OSLO)).hours
    assert (shown[0], shown[-1]) == ("04", "22")
    edge = sample.segment(datetime(2026, 11, 20, 22, 50, tzinfo=UTC))
    assert ribbon_of([edge], grid_of(date(2026, 11, 20), OSLO)).hours[-1] == "23", "never beyond the day"


def test_the_ribbon_of_the_longest_day_has_its_hour_twice() -> None:
    night = sample.segment(datetime(2026, 10, 25, 0, 0, tzinfo=UTC))
    assert ribbon_of([night], grid_of(AUTUMN, OSLO)).hours[:4] == ["01", "02", "02", "03"]


# what is billed elsewhere, entered by hand, or running ----------------------------------------------------------------


def test_late_time_says_in_which_week_it_is_billed_and_is_as_open_as_that_one() -> None:
    """fine-print.md, *Records*: an adjustment; its own week is locked, the one it is billed in is open."""
    late = sample.segment(datetime(2026, 11, 13, 8, tzinfo=UTC)) | {"adjustment": "2026-11-16"}
    weeks = [
        {"contract": sample.PORTAL, "week": "2026-11-09", "state": "locked"},
        {"contract": sample.PORTAL, "week": "2026-11-16", "state": "open"},
    ]
    plain = {**late, "segment_id": "other"}
    del plain["adjustment"]
    assert states_of([late, plain], weeks, "UTC") == {late["segment_id"]: "open", "other": "locked"}
    (card,) = hours([late], "2026-11-13")[9].runs[0].cards
    assert card.late == "2026-11-16"


def test_a_manual_entry_is_a_block_with_its_own_times_and_reason() -> None:
    """S-05: also where it begins within a slot; one entry over two hours is deleted whole."""
    slots = [datetime(2026, 11, 20, 8, 50, tzinfo=UTC), datetime(2026, 11, 20, 9, 0, tzinfo=UTC)]
    parts = [sample.segment(slot, status="manual", pictures=0) | {"device": None, "entry": "man_1"} for slot in slots]
    entry = {"start": "2026-11-20T08:55:00Z", "end": "2026-11-20T09:07:00Z", "reason": "A call.", "name": "Mira"}
    shown = entries_shown({"man_1": entry}, parts, OSLO)
    rows = hours_of(parts, grid_of(date(2026, 11, 20), OSLO), TERMS._replace(entries=shown))
    blocks = [row.runs[0].block for row in rows if row.runs]
    assert [block.strong for block in blocks] == ["Manual time, 09:55 to 10:07"] * 2
    assert blocks[0].words == "A call, added by Mira. No pictures, not protected."
    assert blocks[0].pick.ids == parts[0]["segment_id"]
    assert blocks[0].entry == " ".join(one["segment_id"] for one in parts)


def test_time_outside_the_contracts_term_says_so() -> None:
    """S-03: a run of its own, grey, beside time of the same words that is not billed for another reason."""
    start = datetime(2026, 11, 20, 9, tzinfo=UTC)
    parts = [sample.segment(start + step * SLOT, status="unbilled") for step in range(3)]
    parts[1]["outside_contract"] = parts[2]["outside_contract"] = True
    runs = [run for hour in hours(parts) for run in hour.runs]
    assert [(run.kind, run.span, run.words) for run in runs] == [
        ("none", 1, "not billed"),
        ("none", 2, "outside the contract's term, not billed"),
    ]
    assert [run.outside for run in runs] == [False, True]
    (unbilled,) = [one for one in day_view(sample.answer(parts), OSLO, sample.around()).figures if one.kind == "none"]
    assert (unbilled.value, unbilled.small) == ("30 min", "20 min outside term")


def test_the_running_segment_stands_in_its_place_until_it_is_there() -> None:
    """V-01: what a device says that it records; it says when it will be shown."""
    said = {"status": "working", "app": None, "since": "2026-11-20T14:31:00Z", "agent": "1", "unsent": 2}
    doing = {sample.DEVICE: Presence(**said, oldest_unsent="2026-11-20T14:20:00Z")}
    around = replace(sample.around(), now=datetime(2026, 11, 20, 14, 52, tzinfo=UTC), doing=doing)
    view = day_view(sample.friday(), OSLO, around)
    (running,) = [hour.running for hour in view.hours if hour.running]
    assert (running[0].since, running[0].words, running[1]) == (
        "since 15:50", "Shown when the segment closes at 16:00.", 6,
    )  # fmt: skip
    there = sample.answer([sample.segment(datetime(2026, 11, 20, 14, 50, tzinfo=UTC))])
    assert not any(hour.running for hour in day_view(there, OSLO, around).hours)
    stopped = {sample.DEVICE: doing[sample.DEVICE].model_copy(update={"status": "stopped"})}
    quiet = day_view(sample.friday(), OSLO, replace(around, doing=stopped))
    assert not any(hour.running for hour in quiet.hours)


@pytest.mark.parametrize("ahead", [timedelta(seconds=20), timedelta(seconds=59), timedelta(hours=3)])
def test_what_has_just_begun_does_not_close_when_it_begins(ahead: timedelta) -> None:
    """V-01: a device counts from the next minute on, and its clock may be ahead: the segment shown is that minute's."""
    now = datetime(2026, 11, 20, 14, 59, 1, tzinfo=UTC)
    said = {"status": "working", "app": None, "since": format_instant(now + ahead), "agent": "1", "unsent": 0}
    around = replace(sample.around(), now=now, doing={sample.DEVICE: Presence(**said, oldest_unsent=None)})
    (running,) = [hour.running for hour in day_view(sample.friday(), OSLO, around).hours if hour.running]
    began = "15:59" if ahead.seconds == 20 else "16:00"
    closes = "16:00" if ahead.seconds == 20 else "16:10"
    assert (running[0].since, running[0].words) == (
        f"since {began}", f"Shown when the segment closes at {closes}.",
    )  # fmt: skip


def test_a_set_begins_where_its_session_does() -> None:
    """M-01, V-01: the border stands at the first segment of each session, and nowhere else."""
    slots = [datetime(2026, 11, 20, 8, 10 * n, tzinfo=UTC) for n in range(4)]
    day = [sample.segment(slot, session="ab"[n // 2]) for n, slot in enumerate(slots)]
    assert starts_of(day) == {day[0]["segment_id"], day[2]["segment_id"]}
    assert starts_of(reversed(day)) == starts_of(day)

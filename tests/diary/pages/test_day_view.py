"""The view of a day: hours, runs, ribbon, figures, panels; over all zones, clock changes and orders."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.diary.pages import formatting
from services.diary.pages.day_view import day_view, entries_shown, states_of
from services.diary.pages.figures import score_of
from services.diary.pages.grid import COLUMNS, grid_of
from services.diary.pages.hours import Terms, hours_of, starts_of
from services.diary.pages.minutes_view import edit_lines, minutes_view
from services.diary.pages.picture_view import looks_lines, set_of
from services.diary.pages.ribbon import HOUR_UNITS, ribbon_of
from services.wire.events import Presence
from services.wire.slots import SLOT, day_bounds, day_of, format_instant, parse_slot, slots_between
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


# figures and words --------------------------------------------------------------------------------------------------


def test_no_score_is_a_dash_with_its_reason() -> None:
    """K-03."""
    none = {"activity": None, "productivity": None, "tracko": None}
    assert (score_of(none, 0).value, score_of(none, 0).reason) == ("–", "Nothing tracked")
    assert score_of(none, 30).reason == "Not worked out yet"
    alone = score_of({"activity": 0.5, "productivity": None, "tracko": 50.0}, 60)
    assert (alone.value, alone.arc_b, alone.lines[0]) == ("50", 0, "Activity 50 %: 50.0 of 100")
    zero = score_of({"activity": 0.0, "productivity": 0.0, "tracko": 0.0}, 60)
    assert (zero.value, zero.reason) == ("0", None), "a zero is a zero"


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_ring_is_the_formula(activity: float, productivity: float) -> None:
    """K-03: 60 and 40 of the ring's 100."""
    score = score_of({"activity": activity, "productivity": productivity, "tracko": 1.0}, 10)
    assert 0 <= score.arc_a <= 59.4
    assert 0 <= score.arc_b <= 39.4


@given(st.integers(0, 100_000))
def test_durations_read_back(minutes: int) -> None:
    text = formatting.duration(minutes)
    hours_, _, rest = text.partition(" h ")
    assert (int(hours_) * 60 + int(rest) if rest else int(text.removesuffix(" min"))) == minutes
    left, right = formatting.hours_and_minutes(minutes).split(":")
    assert int(left) * 60 + int(right) == minutes


def test_texts_of_time() -> None:
    assert [formatting.duration(n) for n in (0, 40, 60, 390)] == ["0 min", "40 min", "1 h 00", "6 h 30"]
    assert (formatting.limit(1800), formatting.limit(2250)) == ("30 h", "37 h 30")
    assert [formatting.ago(n) for n in (5, 180, 7500, 5 * 86400)] == [
        "just now",
        "3 min ago",
        "2 h 05 ago",
        "5 days ago",
    ]


def test_not_protected_says_every_reason_with_its_times() -> None:
    """S-09: the diary shows which are not and why; break and manual time are no exceptions to be explained."""
    lines = day_view(sample.friday(), OSLO, sample.around()).panels[0].lines
    assert {(line.strong, line.text) for line in lines} == {
        ("11:50", "had no activity in ten minutes."),
        ("14:20 and 14:30", "have neither memo nor label."),
        ("15:40", "is waiting for its picture."),
    }


def test_a_gap_is_counted_and_named() -> None:
    """B-02: 0 gaps is a statement."""
    device = {
        "device": sample.DEVICE, "records": 9, "through": 12, "missing": [[3, 4], [8, 8]], "broken": [9],
        "quarantined": [[5, "clock_ahead"]], "last_received_at": None,
    }  # fmt: skip
    panel = day_view(sample.friday(), OSLO, sample.around(sync=[device])).panels[1]
    assert panel.title == "Arrived: 9 of 12 records, 2 gaps"
    assert panel.lines[0].quiet == (
        "Records 1 to 12, missing 3 to 4 and 8, 1 record held back, chain broken at 9 (5: from a clock that is ahead)"
    )
    assert day_view(sample.friday(), OSLO, sample.around(sync=None)).panels[1].title == "Arrived: not known just now"


def test_what_is_held_back_or_waits_is_no_whole_proof() -> None:
    """B-02: a record that is held back is not among those that arrived; what waits only the computer can say."""
    device = {
        "device": sample.DEVICE, "records": 11, "through": 12, "missing": [], "broken": [],
        "quarantined": [[5, "revoked"]], "last_received_at": None,
    }  # fmt: skip
    said = {"status": "stopped", "app": None, "since": "2026-11-20T14:31:00Z", "agent": "1"}
    found = []
    for unsent in (0, 2, None):
        says = None if unsent is None else Presence(**said, unsent=unsent, oldest_unsent=None)
        doing = {} if says is None else {sample.DEVICE: says}
        [line, _] = day_view(sample.friday(), OSLO, sample.around(sync=[device], doing=doing)).panels[1].lines
        found.append((line.icon, line.quiet.removeprefix("Records 1 to 12, none missing, 1 record held back")))
    assert found == [
        ("warn", " (5: made after the revocation), nothing waits on it"),
        ("warn", " (5: made after the revocation), 2 records not sent yet"),
        ("warn", " (5: made after the revocation); what still waits on it is not known: no contact just now"),
    ]
    assert day_view(sample.friday(), OSLO, sample.around(sync=[device])).panels[1].title == (
        "Arrived: 11 of 12 records, 0 gaps"
    )


def test_minutes_are_on_the_readers_clock() -> None:
    friday = sample.friday()["segments"]
    noon = next(one for one in friday if one["slot"] == "2026-11-20T11:00:00Z")
    view = minutes_view(noon, OSLO)
    assert (view.span, len(view.rows)) == ("12:00 to 12:10", 10)
    assert (view.rows[0].clock, view.rows[0].counts) == ("12:00", [41, 2, 0, 30])
    assert (view.rows[9].state, view.rows[9].counts) == ("break", [])


def test_minutes_without_counts_that_follow_one_another_are_one_row() -> None:
    """V-01: a segment of two minutes is not eight lines of nothing; minutes with counts each have their own."""
    part = sample.segment(datetime(2026, 11, 20, 8, tzinfo=UTC)) | {
        "minutes": [None] * 7 + [sample.minute()] * 2 + [None]
    }
    shown = minutes_view(part, OSLO).shown
    assert [(row.clock, bool(row.counts)) for row in shown] == [
        ("09:00 to 09:06", False),
        ("09:07", True),
        ("09:08", True),
        ("09:09", False),
    ]


def test_work_until_midnight_ends_at_24() -> None:
    """A-02: a day from midnight to midnight is not one of no length."""
    ends = [datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 20, 22, 50, tzinfo=UTC)]
    view = day_view(sample.answer([sample.segment(at) for at in ends]), OSLO, sample.around())
    assert view.figures[-1].value == "00:00 to 24:00"


def test_who_edited_a_segment_is_said_by_name_or_role() -> None:
    """G-02."""
    edit = {"kind": "note", "changed": ["label", "memo"], "actor_role": "manager", "at": "2026-11-20T10:02:00Z"}
    lines = edit_lines([edit | {"actor_name": "Leyla Aydin"}, edit | {"actor_name": ""}], OSLO)
    assert lines[0] == ("Memo and label changed", "Leyla Aydin", "20 Nov 2026 11:02")
    assert lines[1].name == "manager"


def test_looks_at_a_picture_are_a_line_a_person() -> None:
    """B-03: the last look of each size, and in how many other minutes there was one."""
    looks = [
        {"actor_name": name, "actor_role": "manager", "at": f"2026-11-20T10:{at}Z", "detail": size}
        for name, at, size in (
            ("Leyla", "09:00", "thumbnail"),
            ("Ada", "08:30", "thumbnail"),
            ("Leyla", "07:00", "picture"),
            ("Leyla", "06:00", "thumbnail"),
            ("Leyla", "06:30", "thumbnail"),
            ("Leyla", "05:00", "thumbnail"),
        )
    ]
    assert [(line.strong, line.quiet) for line in looks_lines(looks, OSLO).lines] == [
        ("Leyla", "In full: 20 Nov 11:07; in the list: 20 Nov 11:09 and 2 times before"),
        ("Ada", "In the list: 20 Nov 11:08"),
    ]


def test_a_set_is_a_sessions_pictures_in_order() -> None:
    """M-01: a set runs from start to stop."""
    day = sample.friday()
    taken = [one for segment in day["segments"] if segment["session"] == "s2" for one in segment["captures"]]
    shots = set_of(day, taken[5]["capture_id"])
    assert shots
    assert [capture["at"] for _, capture in shots] == sorted(one["at"] for one in taken)
    assert set_of(day, "unknown") is None
    assert parse_slot(shots[0][0]["slot"]).hour == 11


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


def test_a_set_begins_where_its_session_does() -> None:
    """M-01, V-01: the border stands at the first segment of each session, and nowhere else."""
    slots = [datetime(2026, 11, 20, 8, 10 * n, tzinfo=UTC) for n in range(4)]
    day = [sample.segment(slot, session="ab"[n // 2]) for n, slot in enumerate(slots)]
    assert starts_of(day) == {day[0]["segment_id"], day[2]["segment_id"]}
    assert starts_of(reversed(day)) == starts_of(day)

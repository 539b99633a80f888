"""The grid of the UTC clock, and the days and weeks read off it, where clocks do odd things (S-03, V-01)."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import slots

HOUR = timedelta(hours=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",  # +05:45: midnight inside a slot
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Cairo",  # the clock skips midnight
    "Asia/Beirut",
    "America/Sao_Paulo",
    "Pacific/Apia",  # a whole day skipped in 2011
    "Pacific/Chatham",
    "America/St_Johns",
]
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))
ANY_ZONE = st.sampled_from(ZONES).map(ZoneInfo)


@given(INSTANTS)
def test_an_instant_lies_in_its_slot_on_the_grid(instant: datetime) -> None:
    slot = slots.slot_of(instant)
    assert slot <= instant < slot + slots.SLOT
    assert (slot.minute % 10, slot.second, slot.microsecond, slot.utcoffset()) == (0, 0, 0, timedelta(0))
    assert slots.slot_of(slot) == slot


@given(INSTANTS, ANY_ZONE)
def test_instants_are_written_in_utc_and_read_back(instant: datetime, zone: ZoneInfo) -> None:
    text = slots.format_instant(instant.astimezone(zone))
    assert slots.parse_instant(text) == instant.replace(microsecond=0)
    assert slots.parse_slot(slots.format_instant(slots.slot_of(instant))) == slots.slot_of(instant)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:10:00",
        "2026-11-21T10:10:00+00:00",
        "2026-11-21 10:10:00Z",
        "2026-11-21T10:10Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:10:00.1234567Z",
        "２０26-11-21T10:10:00Z",
        " 2026-11-21T10:10:00Z",
        "2026-11-21T10:10:00Z\n",
        "",
    ],
)
def test_other_forms_are_no_instants(text: str) -> None:
    with pytest.raises(ValueError):
        slots.parse_instant(text)


@pytest.mark.parametrize("text", ["2026-11-21T10:11:00Z", "2026-11-21T10:10:01Z", "2026-11-21T10:10:00.5Z"])
def test_off_the_grid_is_no_slot(text: str) -> None:
    with pytest.raises(ValueError):
        slots.parse_slot(text)


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_slots_between_are_those_that_start_there(start: datetime, length: timedelta) -> None:
    found = list(slots.slots_between(start, start + length))
    assert all(start <= slot < start + length for slot in found)
    assert all(after - before == slots.SLOT for before, after in pairwise(found))
    last = slots.slot_of(start + length - timedelta(microseconds=1)) if length else start - slots.SLOT
    expected = max(0, (last - slots.slot_of(start - timedelta(microseconds=1))) // slots.SLOT)
    assert len(found) == expected


@given(INSTANTS, ANY_ZONE)
def test_every_slot_is_in_the_bounds_of_exactly_its_day_and_week(instant: datetime, zone: ZoneInfo) -> None:
    """Days tile the time line: also where a day has 23 or 25 hours, or does not exist at all."""
    slot = slots.slot_of(instant)
    day = slots.day_of(slot, zone)
    start, end = slots.day_bounds(day, zone)
    assert start <= slot < end
    for other in (day - timedelta(days=1), day + timedelta(days=1)):
        before, after = slots.day_bounds(other, zone)
        assert not before <= slot < after
    monday = slots.week_of(slot, zone)
    first, last = slots.week_bounds(monday, zone)
    assert monday.weekday() == 0
    assert first <= slot < last


@given(st.dates(date(2005, 1, 1), date(2040, 1, 1)), ANY_ZONE)
def test_days_follow_one_another_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    assert slots.day_bounds(day, zone)[1] == slots.day_bounds(day + timedelta(days=1), zone)[0]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 7, 1), 24),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # 00:00 does not exist
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # never was
    ],
)
def test_days_are_as_long_as_their_clock_makes_them(zone: str, day: date, hours: float) -> None:
    start, end = slots.day_bounds(day, ZoneInfo(zone))
    assert (end - start) / HOUR == hours


@pytest.mark.parametrize(
    ("zone", "day"), [("Africa/Cairo", date(2026, 4, 24)), ("America/Sao_Paulo", date(2018, 11, 4))]
)
def test_where_midnight_is_skipped_the_day_begins_as_the_clock_jumps(zone: str, day: date) -> None:
    local = slots.midnight(day, ZoneInfo(zone)).astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour, local.minute) == (day, 1, 0)
    before = slots.midnight(day, ZoneInfo(zone)) - timedelta(seconds=1)
    assert before.astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "monday", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 23), 167),
        ("Europe/Berlin", date(2026, 10, 19), 169),
        ("America/New_York", date(2026, 3, 2), 167),
        ("America/New_York", date(2026, 10, 26), 169),
        ("UTC", date(2026, 3, 23), 168),
    ],
)
def test_weeks_with_clock_changes_are_longer_or_shorter(zone: str, monday: date, hours: int) -> None:
    """S-03: the week's limit counts real minutes, of 167, 168 or 169 hours."""
    start, end = slots.week_bounds(monday, ZoneInfo(zone))
    assert (end - start) / HOUR == hours
    assert len(list(slots.slots_between(start, end))) == hours * 6


def test_a_slot_that_midnight_falls_in_belongs_to_the_day_it_starts_in() -> None:
    """+05:45: local midnight is 18:15 UTC, in the middle of the slot of 18:10."""
    kathmandu = ZoneInfo("Asia/Kathmandu")
    slot = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)
    assert slots.midnight(date(2026, 11, 22), kathmandu) == slot + timedelta(minutes=5)
    assert slots.day_of(slot, kathmandu) == date(2026, 11, 21)
    assert slots.day_of(slot + slots.SLOT, kathmandu) == date(2026, 11, 22)


def test_a_week_is_named_by_its_monday() -> None:
    with pytest.raises(ValueError):
        slots.week_bounds(date(2026, 11, 22), ZoneInfo("UTC"))

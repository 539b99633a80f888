"""Why a device says nothing: a case for every reason, and which one goes before another (V-03, L-05)."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages.silence_view import told
from services.diary.silence import IN_CONTACT, LONG, Known, Reason, last_heard, why_silent
from services.wire.slots import format_instant

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DEVICE: dict[str, Any] = {
    "id": "dev-1",
    "licence": "lic-1",
    "mode": "worklog",
    "state": "active",
    "released_at": None,
    "revoked_at": None,
    "activated_at": "2026-11-01T08:00:00Z",
    "last_contact_at": None,
    "cloned_at": None,
}
LICENCE: dict[str, Any] = {"not_before": None, "expires": None, "archived": False, "over_limit": False}
SYNC: dict[str, Any] = {"through": 12, "quarantined": [], "last_received_at": None}


def known(
    device: dict[str, Any] | None = None,
    licence: dict[str, Any] | None = None,
    sync: dict[str, Any] | None = None,
    heard: timedelta | None = timedelta(minutes=1),
    status: str | None = "working",
) -> Known:
    at = None if heard is None else NOW - heard
    return Known(DEVICE | (device or {}), LICENCE | (licence or {}), SYNC | (sync or {}), at, status)


CASES: dict[str, Known] = {
    "removed": known({"released_at": "2026-11-10T09:00:00Z", "state": "revoked"}),
    "revoked": known({"state": "revoked", "revoked_at": "2026-11-10T09:00:00Z"}),
    "suspended": known({"state": "suspended"}),
    "archived": known({"state": "suspended"}, {"archived": True}),
    "expired": known({"state": "expired"}, {"expires": "2026-10-31T00:00:00Z"}),
    "not_begun": known({"state": "issued"}, {"not_before": "2026-12-01T00:00:00Z"}),
    "limit": known(licence={"over_limit": True}, heard=None, status=None),
    "cloned": known({"cloned_at": "2026-11-19T09:00:00Z"}),
    "clock": known(sync={"quarantined": [[12, "clock_ahead"]]}),
    "monitoring_off": known({"mode": "monitoring"}, status="stopped"),
    "never_seen": known(heard=None, status=None),
    "no_contact": known(heard=timedelta(hours=2), status=None),
}


def test_there_is_a_case_for_every_reason() -> None:
    assert set(CASES) == set(get_args(Reason))


@pytest.mark.parametrize("reason", CASES)
def test_each_reason_is_found_and_said_with_its_next_step(reason: str) -> None:
    silence = why_silent(CASES[reason], NOW)
    assert silence is not None
    assert silence.reason == reason
    said = told(silence, CASES[reason].status, DEVICE, NOW, ZoneInfo("UTC"))
    assert said.words.endswith(".")
    assert said.short
    if reason != "no_contact":
        assert said.step is not None
        assert said.step.href.startswith("/")


def test_who_reports_is_not_silent() -> None:
    assert why_silent(known(), NOW) is None
    assert why_silent(known(status="stopped"), NOW) is None, "a worklog agent that is not tracking is no silence (T-01)"
    assert why_silent(known(status=None), NOW) is None
    assert told(None, "working", DEVICE, NOW, ZoneInfo("UTC")).short == "Working"


def test_a_night_is_no_cause_for_alarm_and_three_days_are() -> None:
    night, days = known(heard=timedelta(hours=14)), known(heard=timedelta(days=3))
    assert [why_silent(one, NOW).grave for one in (night, days)] == [False, True]  # type: ignore[union-attr]
    words = told(why_silent(days, NOW), None, DEVICE, NOW, ZoneInfo("UTC"))
    assert words.words.startswith("Last heard of 3 days ago")
    assert words.step is not None


def test_a_clock_that_was_set_right_again_is_no_reason() -> None:
    """Later records were taken since, so what is held back is the past's."""
    assert why_silent(known(sync={"through": 20, "quarantined": [[12, "clock_ahead"]]}), NOW) is None
    assert why_silent(known(sync={"quarantined": [[12, "invalid"]]}), NOW) is None


def test_what_is_certain_goes_before_what_is_likely() -> None:
    both = known({"state": "suspended"}, sync={"quarantined": [[12, "clock_ahead"]]}, heard=None)
    assert why_silent(both, NOW).reason == "suspended"  # type: ignore[union-attr]
    assert why_silent(both._replace(device=DEVICE), NOW).reason == "clock"  # type: ignore[union-attr]


def test_one_that_was_just_activated_has_a_moment() -> None:
    fresh = known({"activated_at": format_instant(NOW - IN_CONTACT / 2)}, heard=None, status=None)
    silence = why_silent(fresh, NOW)
    assert silence is not None
    assert (silence.reason, silence.grave) == ("never_seen", False)


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=3, max_size=3))
def test_the_last_contact_is_the_latest_of_all_ways(ages: list[int | None]) -> None:
    at = [None if age is None else NOW - timedelta(seconds=age) for age in ages]
    text = [None if one is None else format_instant(one) for one in at]
    heard = last_heard(DEVICE | {"last_contact_at": text[0]}, SYNC | {"last_received_at": text[1]}, at[2])
    assert heard == max((one for one in at if one), default=None)


@given(st.timedeltas(timedelta(0), timedelta(days=400)), st.sampled_from(["worklog", "monitoring"]))
def test_silence_begins_with_the_last_contact(age: timedelta, mode: str) -> None:
    silence = why_silent(known({"mode": mode}, heard=age, status="working"), NOW)
    if age <= IN_CONTACT:
        assert silence is None
    else:
        assert silence is not None
        assert (silence.since, silence.grave) == (NOW - age, age > LONG)

"""How long pictures are kept, put together from policy, workspace and member (M-05)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import retention, words

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = st.one_of(st.none(), st.integers(1, 36500))


def test_what_is_stated_nowhere_is_seven_days() -> None:
    assert retention.in_effect({}, {}, {}) == {"capture_days": 7, "camera_days": 7, "legal_hold": False}


@pytest.mark.parametrize(
    ("policy", "days"),
    [
        ({"capture_days": 30}, (30, 30)),  # of before the camera had a field: every kind
        ({"capture_days": None}, (None, None)),
        ({"capture_days": "workspace", "camera_days": 1}, (14, 1)),
        ({"capture_days": 2, "camera_days": "workspace"}, (2, None)),
    ],
)
def test_a_policy_goes_before_its_workspace(policy: dict[str, Any], days: tuple[int | None, int | None]) -> None:
    held = retention.in_effect(policy, {"capture_days": 14, "camera_days": None}, {})
    assert (held["capture_days"], held["camera_days"]) == days


@given(DAYS, st.sampled_from(["screen", "camera"]), st.timedeltas(timedelta(0), timedelta(days=99_999)))
def test_a_time_is_over_after_its_days_and_never_before(days: int | None, kind: str, age: timedelta) -> None:
    policy = retention.in_effect({retention.FIELDS[kind]: days}, {}, {})
    over = retention.is_over(policy, kind, NOW - age, NOW)
    assert over == (days is not None and age > timedelta(days=days))
    assert not retention.is_over(policy | {"legal_hold": True}, kind, NOW - age, NOW)


@pytest.mark.parametrize("holder", [0, 1, 2])
def test_any_hold_is_one(holder: int) -> None:
    parts: list[dict[str, Any]] = [{}, {}, {}]
    parts[holder] = {"legal_hold": True}
    assert retention.in_effect(*parts)["legal_hold"]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"capture_days": 1}, "How long: pictures are erased for good after 1 day. Time records stay."),
        ({}, "How long: pictures are kept as long as the workspace's settings say. Time records stay."),
        (
            {"capture_days": None, "camera_days": 2, "legal_hold": True},
            "How long: screenshots are kept without an end, camera snapshots erased for good after 2 days; a legal "
            "hold keeps them until it is lifted. Time records stay.",
        ),
    ],
)
def test_it_is_said_in_plain_words(policy: dict[str, Any], said: str) -> None:
    assert said in words.lines(policy)

"""The diary's fold against a small slow one: hundreds of made-up weeks with edits and manual time (S-01 to S-11)."""

import random

import pytest

from tests.diary import generated_weeks, reference
from tests.diary.generated_weeks import compare, make


@pytest.mark.parametrize("block", range(4))
def test_the_diary_agrees_with_the_reference(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        compare(seed)


def test_the_weeks_have_in_them_what_they_are_for() -> None:
    weeks = [make(random.Random(seed)) for seed in range(200)]
    assert sum(bool(week.removed) for week, _ in weeks) > 50
    assert sum(bool(week.noted) for week, _ in weeks) > 50
    assert sum(any(one.kind == "manual" for one in week.records) for week, _ in weeks) > 50


def _all() -> None:
    for seed in range(200):
        generated_weeks.compare(seed)


def test_a_mistake_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the removals the two disagree soon."""
    monkeypatch.setattr(reference, "_left", lambda record, at, week: record.minutes[at])
    with pytest.raises(AssertionError):
        _all()

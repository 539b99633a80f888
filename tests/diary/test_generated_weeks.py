"""The diary's fold against a small slow one: hundreds of made-up weeks with edits and manual time (S-01 to S-11)."""

import random
from collections.abc import Sequence
from dataclasses import replace

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


def _agreeing(seed: int, states: Sequence[str]) -> reference.Week:
    """A week on one contract whose devices saw the same of each minute, some of it after a seal or two."""
    dice = random.Random(f"agreeing {seed}")
    week, _ = make(dice)
    week.records, week.removed, week.noted = [one for one in week.records if one.kind != "manual"], [], []
    seen = {
        (slot, at): (dice.choice(states), dice.random() < 0.6 or len(states) == 1)
        for slot in sorted({one.slot for one in week.records})
        for at in range(10)
    }
    for one in week.records:
        one.contract = "ca"
        one.minutes = [minute and seen[one.slot, at] for at, minute in enumerate(one.minutes)]
    return week


def _sums(week: reference.Week, unit: str) -> tuple[int, int, int]:
    found = reference.fold(week, {"ca": None}, {"ca": 6000}, unit)
    bills = found.contracts.values()
    return found.office, sum(one["tracked"] for one in bills), sum(one["billable"] for one in bills)


@pytest.mark.parametrize("unit", ["segment", "minute"])
def test_what_comes_after_a_seal_adds_up_to_the_whole(unit: str) -> None:
    """S-01, T-14: sealed minutes and adjustments are the minutes of the whole week, whenever each of them came.

    By exact minutes a segment without activity bills nothing (S-01), so there all of them are active.
    """
    late = 0
    for seed in range(400):
        week = _agreeing(seed, generated_weeks.STATES if unit == "segment" else ("work",))
        whole = reference.Week([replace(one, wave=0) for one in week.records])
        assert _sums(week, unit) == _sums(whole, unit), seed
        late += any(one.wave for one in week.records)
    assert late > 100

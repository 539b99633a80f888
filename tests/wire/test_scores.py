"""Scores from integers: bounds, rounding half up, and a dash where there is no figure (K-02, K-03, K-04)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from services.wire.scores import NO_SCORE, Tally, score, total

MANY = st.integers(0, 10**6)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    tracked = draw(st.integers(0, 10**6))
    active = draw(st.integers(0, tracked))
    return Tally(tracked, active, draw(st.integers(0, active)), draw(MANY), draw(MANY), draw(MANY))


def half_up(value: Fraction, places: int) -> float:
    """By another way than the code under test: decimal's own rounding of the exact quotient."""
    scaled = value * 10**places
    whole = (Decimal(scaled.numerator * 2) / Decimal(scaled.denominator * 2)).quantize(Decimal(1), ROUND_HALF_UP)
    return float(whole.scaleb(-places))


@given(tallies(), st.integers(0, 100))
def test_scores_are_exact_and_rounded_half_up(tally: Tally, weight: int) -> None:
    found = score(tally, weight)
    if not tally.tracked_minutes:
        assert found == NO_SCORE
        return
    full = tally.active_minutes - tally.unproductive_active_minutes
    activity = (full + Fraction(weight, 100) * tally.unproductive_active_minutes) / tally.tracked_minutes
    assert found.activity == half_up(activity, 4)
    classified = tally.productive_seconds + tally.unproductive_seconds
    if not classified:
        assert (found.productivity, found.tracko) == (None, half_up(100 * activity, 1))
        return
    productivity = Fraction(tally.productive_seconds, classified)
    assert found.productivity == half_up(productivity, 4)
    assert found.tracko == half_up(60 * activity + 40 * productivity, 1)


@given(tallies(), st.integers(0, 100))
def test_scores_keep_their_bounds(tally: Tally, weight: int) -> None:
    found = score(tally, weight)
    assert found.activity is None or 0 <= found.activity <= 1
    assert found.productivity is None or 0 <= found.productivity <= 1
    assert found.tracko is None or 0 <= found.tracko <= 100


@given(tallies())
def test_unproductive_work_never_scores_more(tally: Tally) -> None:
    assume(tally.tracked_minutes)
    scores = [score(tally, weight).activity or 0.0 for weight in (0, 50, 100)]
    assert scores == sorted(scores)


@given(st.lists(tallies(), max_size=5))
def test_an_average_weights_by_tracked_time(own: list[Tally]) -> None:
    """K-04: it is the score of the sum, whoever sums it and in whatever groups."""
    assert total(own) == total([total(own[:2]), total(own[2:])])
    assert total([]) == Tally()
    assert total(own).tracked_minutes == sum(one.tracked_minutes for one in own)


def test_the_rules_own_examples() -> None:
    """Nothing tracked is a dash and never 0; half an unproductive minute; half up at the edge."""
    assert score(Tally()) == NO_SCORE
    assert score(Tally(tracked_minutes=10)) == (0.0, None, 0.0)
    assert score(Tally(10, 4, 4)).activity == 0.2
    assert score(Tally(10, 10, 0, 600)) == (1.0, 1.0, 100.0)
    assert score(Tally(20000, 1)).activity == 0.0001  # 0.00005
    assert score(Tally(10, 5, 0, 1, 1)) == (0.5, 0.5, 50.0)

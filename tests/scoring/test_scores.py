"""The arithmetic of scores (K-02, K-03, K-04), against exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.wire.scores import NO_SCORE, Tally, score, total


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    tracked = draw(st.integers(0, 600))
    active = draw(st.integers(0, tracked))
    seconds = st.integers(0, 36_000)
    return Tally(tracked, active, draw(st.integers(0, active)), draw(seconds), draw(seconds), draw(seconds))


WEIGHTS = st.integers(0, 100)


def exact(tally: Tally, weight: int) -> tuple[Fraction, Fraction | None, Fraction]:
    """The same by fractions, as product.md says it."""
    half = Fraction(weight, 100)
    activity = (
        Fraction(tally.active_minutes - tally.unproductive_active_minutes) + half * tally.unproductive_active_minutes
    ) / tally.tracked_minutes
    classified = tally.productive_seconds + tally.unproductive_seconds
    if not classified:
        return activity, None, 100 * activity
    productivity = Fraction(tally.productive_seconds, classified)
    return activity, productivity, 60 * activity + 40 * productivity


def is_half_up(shown: float, value: Fraction, places: int) -> bool:
    """Whether ``shown`` is the value rounded to so many places, a half upwards."""
    steps = Fraction(str(shown)) * 10**places
    return steps.denominator == 1 and steps - Fraction(1, 2) <= value * 10**places < steps + Fraction(1, 2)


@given(tallies(), WEIGHTS)
def test_scores_stay_within_their_bounds(tally: Tally, weight: int) -> None:
    result = score(tally, weight)
    assert result.activity is None or 0 <= result.activity <= 1
    assert result.productivity is None or 0 <= result.productivity <= 1
    assert result.tracko is None or 0 <= result.tracko <= 100


@given(tallies().filter(lambda tally: tally.tracked_minutes > 0), WEIGHTS)
def test_scores_are_exact_and_rounded_half_up(tally: Tally, weight: int) -> None:
    """K-02, K-03"""
    activity, productivity, tracko = exact(tally, weight)
    result = score(tally, weight)
    assert result.activity is not None
    assert result.tracko is not None
    assert is_half_up(result.activity, activity, 4)
    assert is_half_up(result.tracko, tracko, 1)
    if productivity is None:
        assert result.productivity is None
    else:
        assert result.productivity is not None
        assert is_half_up(result.productivity, productivity, 4)


@given(tallies(), WEIGHTS)
def test_nothing_tracked_is_a_dash_and_never_0(tally: Tally, weight: int) -> None:
    """K-03"""
    assert (score(tally, weight) == NO_SCORE) == (tally.tracked_minutes == 0)


def test_nothing_classified_is_activity_alone_scaled_to_100() -> None:
    """K-03"""
    assert score(Tally(tracked_minutes=10, active_minutes=7, neutral_seconds=600)) == (0.7, None, 70.0)


def test_an_active_minute_in_an_unproductive_app_counts_half() -> None:
    """K-02"""
    tally = Tally(10, 8, 4, 300, 300, 0)
    assert score(tally) == (0.6, 0.5, 56.0)
    assert score(tally, 100) == (0.8, 0.5, 68.0)
    assert score(tally, 0) == (0.4, 0.5, 44.0)


def test_halves_are_rounded_up() -> None:
    assert score(Tally(tracked_minutes=8, active_minutes=1, neutral_seconds=1)).tracko == 12.5
    assert score(Tally(tracked_minutes=32, active_minutes=1)) == (0.0313, None, 3.1)
    assert score(Tally(tracked_minutes=1000, active_minutes=333, productive_seconds=1, unproductive_seconds=7)) == (
        0.333,
        0.125,
        25.0,
    )


@given(st.lists(tallies(), min_size=1, max_size=8))
def test_an_average_weights_by_tracked_time(parts: list[Tally]) -> None:
    """K-04: of summed tallies, not of scores."""
    summed = total(parts)
    assert summed.tracked_minutes == sum(part.tracked_minutes for part in parts)
    if summed.tracked_minutes:
        weighted = sum(
            (exact(part, 50)[0] * part.tracked_minutes for part in parts if part.tracked_minutes), Fraction(0)
        )
        activity = score(summed).activity
        assert activity is not None
        assert is_half_up(activity, weighted / summed.tracked_minutes, 4)


def test_a_long_day_outweighs_a_short_one() -> None:
    """K-04"""
    assert score(total([Tally(tracked_minutes=90, active_minutes=90), Tally(tracked_minutes=10)])).activity == 0.9

"""Scores from integers (K-02, K-03, K-04): a tally of minutes and seconds, and the figures it gives.

A tally adds up over segments, members and days, and every average is taken from the summed tally, so that it weights
by tracked time of itself (K-04). Scoring makes the tallies; whoever shows a span of its own choosing sums them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

ACTIVITY_POINTS = 60
PRODUCTIVITY_POINTS = 40
UNPRODUCTIVE_WEIGHT_PERCENT = 50
"""K-02: an active minute in an unproductive app counts half, unless the workspace says otherwise."""


class Tally(NamedTuple):
    """Integers a score is made of: minutes tracked, active in full, active in an unproductive app; seconds by class."""

    tracked_minutes: int = 0
    active_minutes: int = 0
    unproductive_active_minutes: int = 0
    productive_seconds: int = 0
    unproductive_seconds: int = 0
    neutral_seconds: int = 0


class Score(NamedTuple):
    """``activity`` and ``productivity`` in 0 to 1 with 4 decimals, ``tracko`` in 0 to 100 with 1; None: no figure."""

    activity: float | None
    productivity: float | None
    tracko: float | None


NO_SCORE = Score(None, None, None)


def total(tallies: Iterable[Sequence[int]]) -> Tally:
    """The sum of tallies, field by field; each as a ``Tally`` or its figures in that order."""
    return Tally(*map(sum, zip(Tally(), *tallies, strict=True)))


def score(tally: Tally, unproductive_weight_percent: int = UNPRODUCTIVE_WEIGHT_PERCENT) -> Score:
    """The scores of a tally (K-02, K-03). Nothing tracked: all None. Nothing classified: activity alone, to 100.

    ``active_minutes`` includes those in an unproductive app; these count with the weight, in percent.
    """
    if not tally.tracked_minutes:
        return NO_SCORE
    # activity and productivity as fractions of integers: part of whole
    part = tally.active_minutes * 100 - tally.unproductive_active_minutes * (100 - unproductive_weight_percent)
    whole = tally.tracked_minutes * 100
    activity = _half_up(part, whole, 4)
    classified = tally.productive_seconds + tally.unproductive_seconds
    if not classified:
        return Score(activity, None, _half_up(part * 100, whole, 1))
    points = ACTIVITY_POINTS * part * classified + PRODUCTIVITY_POINTS * tally.productive_seconds * whole
    return Score(activity, _half_up(tally.productive_seconds, classified, 4), _half_up(points, whole * classified, 1))


def _half_up(part: int, whole: int, places: int) -> float:
    """``part / whole``, not below 0, rounded to so many places in integers; a tenth of the cost of fractions."""
    scale: int = 10**places
    return (2 * part * scale + whole) // (2 * whole) / scale

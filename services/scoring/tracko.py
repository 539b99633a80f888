"""From the segments of a slot to their tallies, which the Tracko score is made of (K-02, K-03, T-14). Pure.

The formula itself is ``services.wire.scores.score``: whoever sums tallies over a span of its own uses it too (K-04).
"""

from collections.abc import Mapping
from typing import NamedTuple

from services.scoring.activity import activity_of
from services.scoring.classes import Catalogue
from services.scoring.productivity import productivity_of
from services.wire.scores import UNPRODUCTIVE_WEIGHT_PERCENT, Tally
from services.wire.segments import Claim, Merged, counted


class Rules(NamedTuple):
    """What a workspace computes with: its settings as of ``revision``, and its classes."""

    revision: int = 0
    movement_counts: bool = False
    unproductive_weight_percent: int = UNPRODUCTIVE_WEIGHT_PERCENT


class Contender(NamedTuple):
    """One segment of a slot: who recorded it, on which kind of device, and what its records merge to."""

    device: str
    kind: str
    merged: Merged


def tallies(contenders: Mapping[str, Contender], rules: Rules, catalogue: Catalogue) -> dict[str, Tally]:
    """The tally of each segment of one member's slot, by the key it is given under; a minute counts once (T-14)."""
    claims = [
        Claim(key, one.device, one.kind, one.merged.session_started, one.merged.minutes)
        for key, one in contenders.items()
    ]
    counts = counted(claims)
    return {key: _tally(one.merged, counts[key], rules, catalogue) for key, one in contenders.items()}


def _tally(merged: Merged, counts: list[bool], rules: Rules, catalogue: Catalogue) -> Tally:
    classes = [catalogue.classify(app[0], app[2]).name for app in merged.apps]
    minutes = activity_of(merged.minutes, counts, classes, movement_counts=rules.movement_counts)
    seconds = productivity_of(merged.apps, classes, minutes.tracked, minutes.own)
    return Tally(minutes.tracked, minutes.active, minutes.unproductive_active, *seconds)

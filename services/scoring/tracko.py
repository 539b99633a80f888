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
    """One segment of a slot: who recorded it, on which kind of device, and what its records merge to.

    ``own``: how many tracked minutes they had before removals; None: as many as they have.
    """

    device: str
    kind: str
    merged: Merged
    own: int | None = None


def tallies(contenders: Mapping[str, Contender], rules: Rules, catalogue: Catalogue) -> dict[str, Tally]:
    """The tally of each segment of one member's slot, by the key it is given under; a minute counts once (T-14)."""
    claims = [
        Claim(key, one.device, one.kind, one.merged.session_started, one.merged.minutes)
        for key, one in contenders.items()
    ]
    counts = counted(claims)
    return {key: _tally(one, counts[key], rules, catalogue) for key, one in contenders.items()}


def _tally(one: Contender, counts: list[bool], rules: Rules, catalogue: Catalogue) -> Tally:
    classes = [catalogue.classify(app[0], app[2]).name for app in one.merged.apps]
    minutes = activity_of(one.merged.minutes, counts, classes, movement_counts=rules.movement_counts)
    own = minutes.own if one.own is None else one.own
    seconds = productivity_of(one.merged.apps, classes, minutes.tracked, own)
    return Tally(minutes.tracked, minutes.active, minutes.unproductive_active, *seconds)

"""The minutes of a tally (K-02): tracked, active, and active in an unproductive app; only those that count (T-14)."""

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.classes import Class
from services.wire.segments import APP, Minute, is_active, is_tracked


class Activity(NamedTuple):
    """Integer minutes; ``own`` are the segment's tracked minutes whether they count or not."""

    own: int
    tracked: int
    active: int
    unproductive_active: int


def activity_of(
    minutes: Sequence[Minute | None], counts: Sequence[bool], classes: Sequence[Class], *, movement_counts: bool
) -> Activity:
    """Counts a segment's minutes; ``classes`` are those of its apps, in the order that the minutes' indices mean.

    An active minute is weighed by its own app's class; one without an app is neutral (fine-print.md, *Minutes*).
    """
    own = tracked = active = unproductive = 0
    for minute, yes in zip(minutes, counts, strict=True):
        if minute is None or not is_tracked(minute):
            continue
        own += 1
        if not yes:
            continue
        tracked += 1
        if is_active(minute, movement_counts=movement_counts):
            active += 1
            app = minute[APP]
            unproductive += app is not None and app < len(classes) and classes[app] == "unproductive"
    return Activity(own, tracked, active, unproductive)

"""The seconds of a tally (K-03): by class of the application in front."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.scoring.classes import Class


class Productivity(NamedTuple):
    """Integer seconds by class."""

    productive: int
    unproductive: int
    neutral: int


def productivity_of(apps: Iterable[Sequence[object]], classes: Sequence[Class], counted: int, own: int) -> Productivity:
    """Sums the seconds of ``apps`` (seconds come last in each), ``counted`` of whose ``own`` tracked minutes count.

    Where another device keeps some of the minutes (T-14), the seconds count in that proportion, rounded down.
    """
    seconds = {"productive": 0, "unproductive": 0, "neutral": 0}
    for app, name in zip(apps, classes, strict=True):
        seconds[name] += int(app[-1])  # type: ignore[call-overload]
    if counted != own:
        seconds = {name: value * counted // own for name, value in seconds.items()}
    elif not own:
        seconds = dict.fromkeys(seconds, 0)
    return Productivity(seconds["productive"], seconds["unproductive"], seconds["neutral"])

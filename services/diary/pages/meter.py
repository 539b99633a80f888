"""The activity meter of a segment: ten boxes, one a minute (V-01). Pure."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from services.wire.segments import STATE, is_active

# the meter's boxes: active, no input, away (break, private, locked), not tracked
_ON, _OFF, _AWAY, _NONE = '<i class="on"></i>', "<i></i>", '<i class="st"></i>', '<i class="nt"></i>'


def meter(minutes: Sequence[Sequence[Any] | None], *, movement_counts: bool = False) -> Markup:
    """The ten boxes of the activity meter; made of constants only, so it is safe as it is."""
    boxes = "".join([_box(minute, movement_counts) for minute in minutes])
    return Markup(boxes)  # noqa: S704


def _box(minute: Sequence[Any] | None, movement_counts: bool) -> str:
    if minute is None:
        return _NONE
    if is_active(minute, movement_counts=movement_counts):
        return _ON
    return _OFF if minute[STATE] in ("work", "idle") else _AWAY

"""The counts of each minute of one segment: what the meter's popover shows (T-03, V-01). Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import clock
from services.wire.segments import STATE, is_tracked
from services.wire.slots import SLOT, parse_slot

NOT_TRACKED = "not tracked"


class MinuteRow(NamedTuple):
    """One minute: keys, clicks, scrolls, moves, or no counts where nothing was tracked."""

    clock: str
    counts: list[int]
    state: str


class MinutesView(NamedTuple):
    """``09:40 to 09:50``, ``8 of 10 active``, and the ten minutes."""

    span: str
    active: str
    rows: list[MinuteRow]


def minutes_view(segment: Mapping[str, Any], zone: ZoneInfo) -> MinutesView:
    """The view of a segment of the day's answer."""
    slot = parse_slot(segment["slot"])
    rows = [
        MinuteRow(
            clock(slot + timedelta(minutes=index), zone),
            list(minute[:STATE]) if minute and is_tracked(minute) else [],
            minute[STATE] if minute else NOT_TRACKED,
        )
        for index, minute in enumerate(segment["minutes"])
    ]
    active = f"{segment['active_minutes']} of {len(rows)} active"
    return MinutesView(f"{clock(slot, zone)} to {clock(slot + SLOT, zone)}", active, rows)

"""The ribbon of a day: one bar for each ten minutes, its height the active minutes, its fill the billing. Pure.

It shows the hours from one before the first to one after the last, at least 07 to 19; 84 units an hour, 44 high.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.diary.pages.grid import Grid
from services.diary.pages.hours import KINDS, pause_of
from services.wire.slots import SLOT_MINUTES, day_bounds, parse_slot

HOUR_UNITS, HEIGHT, BASE = 84, 44, 40
_SLOT_UNITS = HOUR_UNITS * SLOT_MINUTES / 60
_GAP = 1.5
_BACK, _FAR = 0.6, 0.86
_HOUR = timedelta(hours=1)


class Ribbon(NamedTuple):
    """SVG path data by class, the ticks, the hours' names, and the mark where a limit was reached (percent, words)."""

    width: int
    ticks: str
    bars: list[tuple[str, str]]
    hours: list[str]
    mark_x: float | None
    mark_at: str | None
    mark_words: str | None
    mark_class: str


def ribbon_of(
    segments: Iterable[Mapping[str, Any]],
    grid: Grid,
    mark: tuple[str, str] | None = None,
    span: tuple[int, int] | None = None,
) -> Ribbon:
    """The ribbon of a day's segments; ``mark``: the slot at which a weekly limit was reached, and the words for it.

    ``span``: the elapsed hours of the day to show, where several days are to stand below one another.
    """
    shown = [(place.start, segment) for segment in segments if (place := grid.place(segment["slot"]))]
    first, last = span or span_of([segment["slot"] for _, segment in shown], grid)
    start, hours = day_bounds(grid.day, grid.zone)[0] + first * _HOUR, last - first
    paths: dict[str, list[str]] = {}
    heights: dict[str, int] = {}
    for slot, segment in shown:
        x = _x(slot, start)
        if pause_of(segment):
            paths.setdefault("brk", []).append(f"M{x:g} 39h{_SLOT_UNITS:g}")
            continue
        kind = KINDS[segment["status"]]
        below = heights.get(segment["slot"], 0)
        high = min(BASE - below, 4 * _bar_minutes(segment, kind))
        heights[segment["slot"]] = below + high
        if high:
            width = _SLOT_UNITS - 2 * _GAP
            paths.setdefault(kind, []).append(f"M{x + _GAP:g} {BASE - below - high}h{width:g}v{high}h-{width:g}z")
    total = hours * HOUR_UNITS
    at = _x(parse_slot(mark[0]), start) if mark else None
    return Ribbon(
        total,
        "".join(f"M{hour * HOUR_UNITS} 0v{HEIGHT}" for hour in range(hours + 1)),
        [(kind, "".join(found)) for kind, found in paths.items()],
        [_name(start + hour * _HOUR, grid) for hour in range(hours)],
        at,
        f"{at * 100 / total:.2f}%" if at is not None else None,
        mark[1] if mark else None,
        "far" if at and at > total * _FAR else "back" if at and at > total * _BACK else "",
    )


def _bar_minutes(segment: Mapping[str, Any], kind: str) -> int:
    """Active minutes; manual time has no activity and stands full, and no activity at all still leaves a line."""
    if kind == "manual":
        return sum(minute is not None for minute in segment["minutes"]) or SLOT_MINUTES
    return max(1, int(segment["active_minutes"]))


def span_of(slots: Iterable[str], grid: Grid) -> tuple[int, int]:
    """The elapsed hours since the day began that a ribbon with time in these slots shows: from, and to."""
    starts = [place.start for slot in slots if (place := grid.place(slot))]
    begin, end = day_bounds(grid.day, grid.zone)
    first, last = (_at(grid, hour) for hour in (7, 19))
    if starts:
        first = min(first, _floor(min(starts), begin) - _HOUR)
        last = max(last, _floor(max(starts), begin) + 2 * _HOUR)
    from_hour = (max(begin, first) - begin) // _HOUR
    return from_hour, from_hour - (-(min(end, last) - begin - from_hour * _HOUR) // _HOUR)


def _at(grid: Grid, hour: int) -> datetime:
    local = datetime(grid.day.year, grid.day.month, grid.day.day, hour, tzinfo=grid.zone)
    return local.astimezone(UTC)


def _floor(instant: datetime, begin: datetime) -> datetime:
    return begin + (instant - begin) // _HOUR * _HOUR


def _x(slot: datetime, start: datetime) -> float:
    return round((slot - start) / _HOUR * HOUR_UNITS, 2)


def _name(instant: datetime, grid: Grid) -> str:
    local = instant.astimezone(grid.zone)
    return f"{local:%H:%M}" if local.minute else f"{local:%H}"

"""When somebody was at work, day by day: office and work time, breaks, private and idle time (A-01). Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.diary.pages.formatting import DASH, between, hours_and_minutes, short_weekday
from services.diary.pages.grid import Grid
from services.wire.language import N_, _, again

_COLUMNS = ("office_minutes", "work_minutes", "break_minutes", "private_minutes", "idle_minutes")
NAMES = (N_("Office"), N_("Work"), N_("Break"), N_("Private"), N_("Idle"))


class Cell(NamedTuple):
    """A figure in a table; ``zero`` is set in the muted ink."""

    text: str
    zero: bool


class Day(NamedTuple):
    """One day: its name, from when to when, and its figures in the order of ``NAMES``; ``why`` it has dashes."""

    name: str
    span: str
    cells: list[Cell]
    why: str


class Attendance(NamedTuple):
    """Days below one another, and what they come to."""

    names: Sequence[str]
    days: list[Day]
    totals: list[Cell]


def cell(minutes: int) -> Cell:
    """``6:20``; a zero is known, and muted."""
    return Cell(hours_and_minutes(minutes), not minutes)


def attendance_view(days: Sequence[Mapping[str, Any]], grids: Sequence[Grid], today: date) -> Attendance:
    """The attendance in neighbouring days' answers; what is still to come is a dash."""
    sums: Counter[str] = Counter()
    for day in days:
        sums.update({name: day["totals"][name] for name in _COLUMNS})
    rows = [_row(day, grid, today) for day, grid in zip(days, grids, strict=True)]
    return Attendance([again(one) for one in NAMES], rows, [cell(sums[name]) for name in _COLUMNS])


def _row(day: Mapping[str, Any], grid: Grid, today: date) -> Day:
    name = _("{weekday} {day}", weekday=short_weekday(grid.day), day=grid.day.day)
    if grid.day > today:
        return Day(name, DASH, [Cell(DASH, True)] * len(_COLUMNS), _("Not yet"))
    places = [place for one in day["segments"] if (place := grid.place(one["slot"]))]
    span = between(min(places).clock, max(places).end) if places else DASH
    return Day(name, span, [cell(day["totals"][one]) for one in _COLUMNS], "" if places else _("Nothing recorded"))

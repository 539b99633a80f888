"""A month of a diary, its weeks beginning on the workspace's day (V-01, W-06). Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from services.diary.pages.formatting import duration, hours_and_minutes, long_day, month_title, short_weekday, weekday
from services.wire.language import _

#: The days a week may begin with, as ``date.weekday`` counts them.
STARTS: Mapping[str, int] = {"monday": 0, "saturday": 5, "sunday": 6}
_FULL = 8 * 60
"""Minutes of a day that fill its bar."""


class Cell(NamedTuple):
    """A day: its number, its page, its whole name for readers, and its time (``""``: none); ``share`` of a full day."""

    number: int
    href: str
    name: str
    time: str
    share: float
    current: str


class Month(NamedTuple):
    """All that the template of a month writes; a place of a week is None where the day is another month's."""

    title: str
    weekdays: list[tuple[str, str]]
    weeks: list[list[Cell | None]]
    previous: tuple[str, str]
    following: tuple[str, str]
    total: str
    week: tuple[str, str]


def first_of(day: date, start: str) -> date:
    """The first day of the week that a day lies in; ``start`` is a day of ``STARTS``."""
    return day - timedelta(days=(day.weekday() - STARTS[start]) % 7)


def dates_of(month: date) -> list[date]:
    """The days of the month that a date lies in."""
    first = month.replace(day=1)
    return [first + timedelta(days=step) for step in range((next_month(first) - first).days)]


def next_month(month: date) -> date:
    """The first of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def last_month(month: date) -> date:
    """The first of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_view(
    days: Sequence[Mapping[str, Any]], shown: date, today: date, start: str, page: Callable[[date], str]
) -> Month:
    """A month by its days' answers, in order; ``shown`` is the day whose page it is, ``page`` a day's address."""
    cells = {one: _cell(one, day, shown, today, page) for day in days if (one := date.fromisoformat(day["date"]))}
    first, last = min(cells), max(cells)
    weeks, begin = [], first_of(first, start)
    while begin <= last:
        weeks.append([cells.get(begin + timedelta(days=step)) for step in range(7)])
        begin += timedelta(days=7)
    names = [first_of(first, start) + timedelta(days=step) for step in range(7)]
    before, after, week = last_month(first), next_month(first), first_of(shown, start)
    return Month(
        title=month_title(first),
        weekdays=[(short_weekday(one), weekday(one)) for one in names],
        weeks=weeks,
        previous=(f"{before:%Y-%m}", month_title(before)),
        following=(f"{after:%Y-%m}", month_title(after)),
        total=duration(sum(day["totals"]["tracked_minutes"] for day in days)),
        week=(week.isoformat(), (week + timedelta(days=6)).isoformat()),
    )


def _cell(day: date, answer: Mapping[str, Any], shown: date, today: date, page: Callable[[date], str]) -> Cell:
    minutes = answer["totals"]["tracked_minutes"]
    time = hours_and_minutes(minutes) if minutes else ""
    words = duration(minutes) if minutes else _("no time")
    name = _("{day}: {time}", day=long_day(day), time=words)
    current = "page" if day == shown else "date" if day == today else ""
    return Cell(day.day, page(day), name, time, min(1.0, minutes / _FULL), current)

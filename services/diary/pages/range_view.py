"""Several days of a diary below one another (V-01: a date or a range). Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.figures import Figure, big_duration
from services.diary.pages.formatting import counted
from services.diary.pages.week_view import DayTable, day_table, figures_of_sums
from services.kit.problems import invalid

MOST_DAYS = 62


class RangeView(NamedTuple):
    """All that the template of a range writes; ``previous`` and ``following`` are spans of the same length."""

    title: str
    first: str
    last: str
    previous: tuple[str, str]
    following: tuple[str, str]
    billable: tuple[str, str, str]
    figures: list[Figure]
    table: DayTable
    total_name: str


def days_between(first: date, last: date) -> int:
    """How many days a range has; 422 where there are none, or too many for a page."""
    number = (last - first).days + 1
    if not 1 <= number <= MOST_DAYS:
        raise invalid(f"to: a day after the first, at most {MOST_DAYS} days", field="to")
    return number


def range_view(days: Sequence[Mapping[str, Any]], member: str, zone: ZoneInfo, now: datetime) -> RangeView:
    """The view of neighbouring days' answers in a zone."""
    first, last = (date.fromisoformat(days[place]["date"]) for place in (0, -1))
    span = timedelta(days=len(days))
    table = day_table(days, member, zone, now)
    return RangeView(
        title=f"{_short(first)} to {_short(last)} {last.year}",
        first=first.isoformat(),
        last=last.isoformat(),
        previous=((first - span).isoformat(), (last - span).isoformat()),
        following=((first + span).isoformat(), (last + span).isoformat()),
        billable=big_duration(table.sums["billable_minutes"]),
        figures=figures_of_sums(table.sums),
        table=table,
        total_name=counted(len(days), "day"),
    )


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"

"""Several days of a diary below one another (V-01: a date or a range). Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.figures import Figure, big_duration
from services.diary.pages.formatting import between, full_date, short_date
from services.diary.pages.week_view import DayTable, day_table, figures_of_sums
from services.kit.problems import invalid
from services.wire.language import _, ngettext

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
        raise invalid(_("to: a day after the first, at most {number} days", number=MOST_DAYS), field="to")
    return number


def range_view(days: Sequence[Mapping[str, Any]], member: str, zone: ZoneInfo, now: datetime) -> RangeView:
    """The view of neighbouring days' answers in a zone."""
    first, last = (date.fromisoformat(days[place]["date"]) for place in (0, -1))
    span = timedelta(days=len(days))
    table = day_table(days, member, zone, now)
    return RangeView(
        title=span_words(first, last),
        first=first.isoformat(),
        last=last.isoformat(),
        previous=((first - span).isoformat(), (last - span).isoformat()),
        following=((first + span).isoformat(), (last + span).isoformat()),
        billable=big_duration(table.sums["billable_minutes"]),
        figures=figures_of_sums(table.sums),
        table=table,
        total_name=ngettext("{number} day", "{number} days", len(days)),
    )


class RangeEdit(NamedTuple):
    """What can be changed in a range: its contracts as (id, title), where the steps go, and why a step cannot be."""

    contracts: list[tuple[str, str]]
    note: str
    removal: str
    locked: str
    closed: str


def range_edit(
    days: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    only_read: frozenset[str],
    address: Callable[[str], str],
) -> RangeEdit:
    """What can be changed of these days; ``only_read``: contracts on which the reader changes nothing (T-02)."""
    there = {one["contract"] for day in days for one in day["segments"]}
    choices = sorted(
        ((one, titles.get(one) or _("Contract")) for one in there - only_read), key=lambda one: one[1].casefold()
    )
    if len(choices) > 1 and not there & only_read:
        choices.insert(0, ("", _("All contracts")))
    states = {week["state"] for day in days for week in day["weeks"]}
    locked = "locked" if states == {"locked"} else ""
    closed = locked or ("approved" if states and states <= {"approved", "locked"} else "")
    return RangeEdit(choices, address("note"), address("removal"), locked, closed)


def span_words(first: date, last: date) -> str:
    """``16 Nov to 22 Nov 2026``."""
    return between(short_date(first), full_date(last))

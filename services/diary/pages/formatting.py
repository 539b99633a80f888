"""How the pages write times and amounts: ``6 h 30`` in text, ``6:30`` in tables, ``09:40`` on the clock.

A dash stands for what is unknown and comes with a reason; a known zero is written as zero.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from services.wire import currencies
from services.wire.language import N_, _, again, decimal_point, ngettext, number
from services.wire.slots import parse_instant

DASH = "–"
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_RULE = re.compile(r" \([A-Z]-\d\d\)")
_WEEKDAYS = (
    *(N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday")),
)
_SHORT_WEEKDAYS = N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun")
_MONTHS = (
    *(N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"), N_("July"), N_("August")),
    *(N_("September"), N_("October"), N_("November"), N_("December")),
)
#: ``May`` is long and short: the short ones are told apart by their mark.
_SHORT_MONTHS = (
    *(N_("Jan."), N_("Feb."), N_("Mar."), N_("Apr."), N_("May."), N_("Jun."), N_("Jul."), N_("Aug."), N_("Sep.")),
    *(N_("Oct."), N_("Nov."), N_("Dec.")),
)
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def duration(minutes: int) -> str:
    """Minutes as text: ``40 min``, ``6 h 30``."""
    hours, rest = divmod(minutes, 60)
    return _("{hours} h {minutes}", hours=hours, minutes=f"{rest:02}") if hours else _("{minutes} min", minutes=rest)


def hours_and_minutes(minutes: int) -> str:
    """Minutes under a heading that says so: ``6:30``."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02}"


def limit(minutes: int) -> str:
    """A weekly limit: ``30 h``, or ``37 h 30`` where it is no whole number of hours."""
    return _("{hours} h", hours=minutes // 60) if minutes % 60 == 0 else duration(minutes)


def money(minor: int, currency: str) -> str:
    """An amount in minor units: ``€ 1,920.00``; a currency without a sign of its own is written by its code."""
    places = places_of(currency)
    whole, rest = divmod(abs(minor), 10**places)
    shown = number(whole) + (f"{decimal_point()}{rest:0{places}}" if places else "")
    sign = _SIGNS.get(currency, currency)
    return _("{minus}{currency}\u00a0{amount}", minus="−" if minor < 0 else "", currency=sign, amount=shown)


def places_of(currency: str) -> int:
    """How many decimals a currency has."""
    return currencies.places(currency)


def percent(share: float) -> str:
    """A share from 0 to 1 as ``81 %``, half up."""
    return f"{int(share * 100 + 0.5)} %"


def clock(instant: datetime, zone: ZoneInfo) -> str:
    """The wall clock, ``09:40``."""
    return instant.astimezone(zone).strftime("%H:%M")


def long_day(day: date) -> str:
    """``Friday 20 November 2026``."""
    return _("{weekday} {day} {month} {year}", **_named(day))


def short_day(day: date) -> str:
    """``Thursday 19 November``, for a neighbour of the day that is shown."""
    return _("{weekday} {day} {month}", **_named(day))


def month_title(day: date) -> str:
    """``November 2026``."""
    return _("{month} {year}", **_named(day))


def short_date(day: date) -> str:
    """``21 Nov``."""
    return _("{day} {short_month}", **_named(day))


def full_date(day: date) -> str:
    """``21 Nov 2026``."""
    return _("{day} {short_month} {year}", **_named(day))


def long_date(day: date) -> str:
    """``21 November 2026``."""
    return _("{day} {month} {year}", **_named(day))


def day_of_week(day: date) -> str:
    """``Fri 20``, where the week is known."""
    return _("{weekday} {day}", weekday=short_weekday(day), day=day.day)


def weekday(day: date) -> str:
    """``Friday``."""
    return again(_WEEKDAYS[day.weekday()])


def short_weekday(day: date) -> str:
    """``Fri``."""
    return again(_SHORT_WEEKDAYS[day.weekday()])


def _named(day: date) -> dict[str, str]:
    """What a date is written with: ``weekday``, ``day``, ``month``, ``short_month``, ``year``."""
    return {
        "weekday": weekday(day),
        "day": str(day.day),
        "month": again(_MONTHS[day.month - 1]),
        "short_month": again(_SHORT_MONTHS[day.month - 1]).rstrip("."),
        "year": str(day.year),
    }


def week_title(monday: date) -> str:
    """``Week 47, 16 to 22 Nov 2026``."""
    sunday = monday + timedelta(days=6)
    last, named = _("{day} {short_month} {year}", **_named(sunday)), week_name(monday)
    if monday.month == sunday.month:
        return _("{week}, {first} to {last}", week=named, first=_("{day}", day=monday.day), last=last)
    return _("{week}, {first} to {last}", week=named, first=short_date(monday), last=last)


def week_name(monday: date) -> str:
    """``Week 47``."""
    return _("Week {number}", number=monday.isocalendar().week)


def moment(instant: datetime, zone: ZoneInfo, day: date) -> str:
    """When something happened, seen from a day: ``11:02`` on it, else ``21 Nov 11:02``."""
    local = instant.astimezone(zone)
    at = local.strftime("%H:%M")
    return at if local.date() == day else _("{date} {clock}", date=short_date(local), clock=at)


def dated(instant: datetime | str, zone: ZoneInfo, *, named: bool = True) -> str:
    """When something happened: ``22 Nov 2026, 10:22 Berlin``; not ``named`` where the heading names the zone."""
    found: datetime = parse_instant(instant) if isinstance(instant, str) else instant
    local = found.astimezone(zone)
    on = _("{day} {short_month} {year}", **_named(local))
    return _("{date}, {clock}", date=on, clock=f"{local:%H:%M}") + (f" {zone_name(zone.key)}" if named else "")


def with_clocks(words: str, zone: ZoneInfo) -> str:
    """A sentence for programs as people read it: instants as the zone's clock had them, no rule's id behind it."""
    said = _INSTANT.sub(lambda found: dated(found[0], zone), words)
    return _RULE.sub("", said)


def ago(seconds: float) -> str:
    """How long ago: ``just now``, ``3 min ago``, ``2 h 05 ago``, ``4 days ago``."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return _("{time} ago", time=duration(minutes))
    if minutes < 48 * 60:
        return _("{time} ago", time=duration(minutes))
    return ngettext("{number} day ago", "{number} days ago", minutes // (24 * 60))


def zone_name(name: str) -> str:
    """A zone as people say it: ``Oslo`` of ``Europe/Oslo``."""
    return name.rsplit("/", 1)[-1].replace("_", " ")


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 segment``, ``4 segments``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def between(first: str, last: str) -> str:
    """From one time or date to another: ``09:40 to 10:00``."""
    return _("{first} to {last}", first=first, last=last)


def both(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a and b and c``."""
    return reduce(lambda several, last: _("{several} and {last}", several=several, last=last), words)


def listed(words: list[str]) -> str:
    """``14:20``, ``14:20 and 14:30``, ``14:20, 14:30 and 15:00``."""
    if len(words) == 1:
        return words[0]
    return _("{several} and {last}", several=", ".join(words[:-1]), last=words[-1])

"""How the pages write times and amounts: ``6 h 30`` in text, ``6:30`` in tables, ``09:40`` on the clock.

A dash stands for what is unknown and comes with a reason; a known zero is written as zero.
"""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.wire import currencies
from services.wire.slots import parse_instant

DASH = "–"
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_RULE = re.compile(r" \([A-Z]-\d\d\)")
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def duration(minutes: int) -> str:
    """Minutes as text: ``40 min``, ``6 h 30``."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}" if hours else f"{rest} min"


def hours_and_minutes(minutes: int) -> str:
    """Minutes under a heading that says so: ``6:30``."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02}"


def limit(minutes: int) -> str:
    """A weekly limit: ``30 h``, or ``37 h 30`` where it is no whole number of hours."""
    return f"{minutes // 60} h" if minutes % 60 == 0 else duration(minutes)


def money(minor: int, currency: str) -> str:
    """An amount in minor units: ``€ 1,920.00``; a currency without a sign of its own is written by its code."""
    places = places_of(currency)
    whole, rest = divmod(abs(minor), 10**places)
    shown = f"{whole:,}" + (f".{rest:0{places}}" if places else "")
    return f"{'−' if minor < 0 else ''}{_SIGNS.get(currency, currency)}\u00a0{shown}"


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
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """``Thursday 19 November``, for a neighbour of the day that is shown."""
    return f"{day:%A} {day.day} {day:%B}"


def week_title(monday: date) -> str:
    """``Week 47, 16 to 22 Nov 2026``."""
    sunday = monday + timedelta(days=6)
    first = str(monday.day) if monday.month == sunday.month else f"{monday.day} {monday:%b}"
    return f"{week_name(monday)}, {first} to {sunday.day} {sunday:%b %Y}"


def week_name(monday: date) -> str:
    """``Week 47``."""
    return f"Week {monday.isocalendar().week}"


def moment(instant: datetime, zone: ZoneInfo, day: date) -> str:
    """When something happened, seen from a day: ``11:02`` on it, else ``21 Nov 11:02``."""
    local = instant.astimezone(zone)
    return local.strftime("%H:%M") if local.date() == day else f"{local.day} {local:%b %H:%M}"


def dated(instant: datetime | str, zone: ZoneInfo, *, named: bool = True) -> str:
    """When something happened: ``22 Nov 2026, 10:22 Berlin``; not ``named`` where the heading names the zone."""
    found: datetime = parse_instant(instant) if isinstance(instant, str) else instant
    local = found.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}" + (f" {zone_name(zone.key)}" if named else "")


def with_clocks(words: str, zone: ZoneInfo) -> str:
    """A sentence for programs as people read it: instants as the zone's clock had them, no rule's id behind it."""
    said = _INSTANT.sub(lambda found: dated(found[0], zone), words)
    return _RULE.sub("", said)


def ago(seconds: float) -> str:
    """How long ago: ``just now``, ``3 min ago``, ``2 h 05 ago``, ``4 days ago``."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{duration(minutes)} ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def zone_name(name: str) -> str:
    """A zone as people say it: ``Oslo`` of ``Europe/Oslo``."""
    return name.rsplit("/", 1)[-1].replace("_", " ")


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 segment``, ``4 segments``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """``14:20``, ``14:20 and 14:30``, ``14:20, 14:30 and 15:00``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

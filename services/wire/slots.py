"""The ten-minute grid of the UTC clock, and the days and weeks that are read off it (product.md: segment, S-03).

A slot is named by its start, an aware UTC datetime; on the wire it is text, ``2026-11-21T10:10:00Z``.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SLOT_MINUTES = 10
SLOT = timedelta(minutes=SLOT_MINUTES)
_SLOT_SECONDS = SLOT_MINUTES * 60
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@lru_cache(4096)  # a service reads the same slot of many devices, and each instant of a fact more than once
def parse_instant(text: str) -> datetime:
    """Reads ``YYYY-MM-DDTHH:MM:SS[.ffffff]Z``; any other form, or no such time, is a ValueError."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"not an instant in UTC like 2026-11-21T10:10:00Z: {text[:40]!r}")
    return datetime.fromisoformat(text)


def format_instant(instant: datetime) -> str:
    """Writes an aware datetime as UTC to the second, with ``Z``."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return f"{in_utc.isoformat()[:19]}Z"


def slot_of(instant: datetime) -> datetime:
    """The start of the slot an instant falls in."""
    seconds = int(instant.timestamp() // _SLOT_SECONDS) * _SLOT_SECONDS
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(4096)
def parse_slot(text: str) -> datetime:
    """Reads a slot's start; an instant off the grid is a ValueError."""
    instant = parse_instant(text)
    if instant.minute % SLOT_MINUTES or instant.second or instant.microsecond:
        raise ValueError(f"not the start of a ten-minute slot: {text[:40]!r}")
    return instant


def slots_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The slots whose start lies in [start, end)."""
    slot = slot_of(start)
    if slot < start:
        slot += SLOT
    while slot < end:
        yield slot
        slot += SLOT


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant a local day begins; where the clock skips midnight, the moment it jumps."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open span of a local day; 23, 24 or 25 hours long."""
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def day_of(slot: datetime, zone: ZoneInfo) -> date:
    """The local day a slot belongs to: the one its start falls in, also where midnight is inside it (+05:45)."""
    return slot.astimezone(zone).date()


def week_of(slot: datetime, zone: ZoneInfo) -> date:
    """The Monday of the week a slot belongs to in the billing zone (S-03)."""
    day = day_of(slot, zone)
    return day - timedelta(days=day.weekday())


def week_bounds(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open span of a week; 167, 168 or 169 hours long. Not a Monday: ValueError."""
    if monday.weekday():
        raise ValueError(f"a week is named by its Monday, and {monday} is none")
    return midnight(monday, zone), midnight(monday + timedelta(days=7), zone)

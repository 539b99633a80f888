"""Where a slot stands on a day's page: which hour row, which of its six columns, what the clock says.

Pure. A day is read by instants, so a day with a clock change has 23, 24 or 25 rows and an hour that comes twice is two
rows; in zones like +05:45 a row's columns start at :05, :15 … and a slot belongs to the day its start falls in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.wire.slots import SLOT, SLOT_MINUTES, day_bounds, format_instant, slots_between

COLUMNS = 6


class Place(NamedTuple):
    """A slot's row (index into ``Grid.hours``), its column from 1 to 6, its start and end on the clock, its start."""

    hour: int
    column: int
    clock: str
    end: str
    start: datetime


class HourRow(NamedTuple):
    """An hour of the local clock: its id on the page, the instant it begins, ``09:00``, and its offset if needed."""

    id: str
    start: datetime
    clock: str
    offset: str | None


@dataclass(frozen=True)
class Grid:
    """All rows of one day in one zone, and the place of each of its slots by the slot's text on the wire."""

    day: date
    zone: ZoneInfo
    hours: tuple[HourRow, ...]
    places: dict[str, Place]

    def place(self, slot: str) -> Place | None:
        """The place of a slot, None where it belongs to another day."""
        return self.places.get(slot)


@lru_cache(maxsize=512)
def grid_of(day: date, zone: ZoneInfo) -> Grid:
    """The grid of a day; worked out once for a zone and date."""
    rows: list[tuple[datetime, datetime]] = []
    places: dict[str, Place] = {}
    for slot in slots_between(*day_bounds(day, zone)):
        local = slot.astimezone(zone)
        start = slot - timedelta(minutes=local.minute)
        if not rows or rows[-1][0] != start:
            rows.append((start, local))
        end = (slot + SLOT).astimezone(zone)
        column = local.minute // SLOT_MINUTES + 1
        places[format_instant(slot)] = Place(len(rows) - 1, column, f"{local:%H:%M}", f"{end:%H:%M}", slot)
    return Grid(day, zone, tuple(_named(rows)), places)


def _named(rows: list[tuple[datetime, datetime]]) -> Iterator[HourRow]:
    """Each row with the hour its first slot is in (a 30-minute clock change may cut what lies before it)."""
    hours = [local.hour for _, local in rows]
    for start, local in rows:
        offset = _offset(local) if hours.count(local.hour) > 1 else None
        yield HourRow(f"h{start:%Y%m%dT%H%MZ}", start, f"{local.hour:02}:00", offset)


def _offset(local: datetime) -> str:
    """``UTC+02:00``."""
    minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"

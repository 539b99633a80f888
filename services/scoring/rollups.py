"""A member's UTC day, from the slots of that day (K-04). Pure.

    {"_id": "<workspace>|<member>|<day>", "revision": …, "total": [the six integers of a Tally],
     "slots": {"10:10": [three integers of the slot's stamp, six of its tally], …}}

The total is summed anew from all slots whenever one changes; of two states of a slot the one with the higher stamp
stands. So the same slots in any order, however often, give the same day. The revision grows with every change.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.scoring.folds import tally_of
from services.wire.scores import Tally

Document = dict[str, Any]
_STAMP = 3


def day_key(slot_key: str) -> str:
    """The ``_id`` of the day that a slot belongs to: ``workspace|member|2026-11-21``."""
    return slot_key.rpartition("T")[0]


def roll_up(key: str, known: Mapping[str, Any] | None, slots: Iterable[Mapping[str, Any]]) -> Document:
    """The day ``key`` with these slots of it in it."""
    entries: dict[str, list[int]] = dict(known["slots"]) if known else {}
    for slot in slots:
        time = slot["slot"][11:16]
        stamp = slot["stamp"]
        if time not in entries or entries[time][:_STAMP] < stamp:
            entries[time] = [*stamp, *tally_of(slot)]
    columns = [sum(column) for column in zip(*entries.values(), strict=True)]
    return {
        "_id": key,
        "revision": sum(columns[:_STAMP]),
        "total": columns[_STAMP:],
        "slots": dict(sorted(entries.items())),
    }


def tally_between(day: Mapping[str, Any], start: str, end: str) -> Tally | None:
    """The tally of a day's slots that start in [start, end), both ``HH:MM`` to ``24:00``; None where none does."""
    if (start, end) == ("00:00", "24:00"):
        return Tally(*day["total"])
    chosen = [entry[_STAMP:] for time, entry in day["slots"].items() if start <= time < end]
    return Tally(*map(sum, zip(*chosen, strict=True))) if chosen else None

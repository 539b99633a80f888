"""The counts of each minute of one segment: what the meter's popover shows (T-03, V-01). Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import clock
from services.wire.segments import STATE, is_tracked
from services.wire.slots import SLOT, parse_instant, parse_slot

NOT_TRACKED = "not tracked"
_DONE = {
    "removal": "Time removed",
    "manual": "Entered by hand",
    "picture_removal": "Picture removed",
    "picture_blur": "Picture blurred",
}


class MinuteRow(NamedTuple):
    """One minute: keys, clicks, scrolls, moves, or no counts where nothing was tracked."""

    clock: str
    counts: list[int]
    state: str


_ELSEWHERE = ", counts elsewhere"
"""What of a minute that counts on another device or contract is shown beside its state (T-14)."""


class MinutesView(NamedTuple):
    """``09:40 to 09:50``, ``8 of 10 active``, and the ten minutes."""

    span: str
    active: str
    rows: list[MinuteRow]

    @property
    def shown(self) -> list[MinuteRow]:
        """The rows, those without counts that follow one another with the same words in one: ``09:40 to 09:47``."""
        shown = []
        for (words, bare), found in groupby(self.rows, key=lambda row: (row.state, not row.counts)):
            rows = list(found)
            one = bare and len(rows) > 1
            shown += [MinuteRow(f"{rows[0].clock} to {rows[-1].clock}", [], words)] if one else rows
        return shown


class EditLine(NamedTuple):
    """``Memo changed``, ``Mira Solberg``, ``22 Nov 2026 09:41``."""

    did: str
    name: str
    when: str


def minutes_view(segment: Mapping[str, Any], zone: ZoneInfo) -> MinutesView:
    """The view of a segment of the day's answer."""
    slot, elsewhere = parse_slot(segment["slot"]), segment.get("elsewhere", ())
    rows = [
        MinuteRow(
            clock(slot + timedelta(minutes=index), zone),
            list(minute[:STATE]) if minute and is_tracked(minute) else [],
            f"{minute[STATE] if minute else NOT_TRACKED}{_ELSEWHERE if index in elsewhere else ''}",
        )
        for index, minute in enumerate(segment["minutes"])
    ]
    active = f"{segment['active_minutes']} of {len(rows)} active"
    return MinutesView(f"{clock(slot, zone)} to {clock(slot + SLOT, zone)}", active, rows)


def edit_lines(edits: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[EditLine]:
    """Who changed what of a segment, and when (G-02), in the order given."""
    return [EditLine(_did(one), one["actor_name"] or one["actor_role"], _when(one["at"], zone)) for one in edits]


def _did(edit: Mapping[str, Any]) -> str:
    words = " and ".join(reversed(edit["changed"] or ["words"]))
    return _DONE.get(edit["kind"], f"{words.capitalize()} changed")


def _when(at: str, zone: ZoneInfo) -> str:
    local = parse_instant(at).astimezone(zone)
    return f"{local.day} {local:%b %Y %H:%M}"

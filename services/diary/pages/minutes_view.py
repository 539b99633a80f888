"""The counts of each minute of one segment: what the meter's popover shows (T-03, V-01). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import between, clock, full_date
from services.wire.language import N_, _, again
from services.wire.segments import STATE, is_tracked
from services.wire.slots import SLOT, parse_instant, parse_slot

NOT_TRACKED = N_("not tracked")
_STATES = {
    "work": N_("work"),
    "idle": N_("idle"),
    "break": N_("break"),
    "private": N_("private"),
    "locked": N_("locked"),
}
_DONE = {
    "removal": N_("Time removed"),
    "manual": N_("Entered by hand"),
    "picture_removal": N_("Picture removed"),
    "picture_blur": N_("Picture blurred"),
}


_CHANGED = {
    ("label",): N_("Label changed"),
    ("label", "memo"): N_("Memo and label changed"),
    ("memo",): N_("Memo changed"),
}


class MinuteRow(NamedTuple):
    """One minute: keys, clicks, scrolls, moves, or no counts where nothing was tracked."""

    clock: str
    counts: list[int]
    state: str


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
            shown += [MinuteRow(between(rows[0].clock, rows[-1].clock), [], words)] if one else rows
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
            _state(minute, elsewhere=index in elsewhere),
        )
        for index, minute in enumerate(segment["minutes"])
    ]
    active = _("{active} of {minutes} active", active=segment["active_minutes"], minutes=len(rows))
    return MinutesView(between(clock(slot, zone), clock(slot + SLOT, zone)), active, rows)


def _state(minute: Sequence[Any] | None, *, elsewhere: bool) -> str:
    """A minute's state in words; one that counts on another device or contract says so (T-14)."""
    state = again(_STATES.get(minute[STATE], minute[STATE]) if minute else NOT_TRACKED)
    return _("{state}, counts elsewhere", state=state) if elsewhere else state


def edit_lines(edits: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[EditLine]:
    """Who changed what of a segment, and when (G-02), in the order given."""
    return [EditLine(_did(one), one["actor_name"] or again(one["actor_role"]), _when(one["at"], zone)) for one in edits]


def _did(edit: Mapping[str, Any]) -> str:
    return again(_DONE.get(edit["kind"]) or _CHANGED.get(tuple(edit["changed"] or ()), N_("Words changed")))


def _when(at: str, zone: ZoneInfo) -> str:
    local = parse_instant(at).astimezone(zone)
    return _("{date} {clock}", date=full_date(local), clock=f"{local:%H:%M}")

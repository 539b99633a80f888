"""Where a timesheet stands: the four steps to the seal, who decided what, and the seal to compare by eye. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import both, dated, duration, full_date, short_date, weekday, zone_name
from services.wire.language import _
from services.wire.slots import parse_instant

_ORDER = ("open", "submitted", "approved", "locked")
_BIT, _ROW, _GAP = 4, 9, 1
_COLUMNS = 32


class Step(NamedTuple):
    """One of the four steps: ``done``, ``current`` or neither."""

    name: str
    words: str
    glyph: str
    done: bool
    current: bool


class Seal(NamedTuple):
    """A seal: the root in groups, the one before, and the root's 256 bits as SVG path data, 32 in a row."""

    root: str
    previous: str
    sealed: str
    leaves: int
    number: int
    path: str


def shown_state(sheet: Mapping[str, Any]) -> str:
    """The state as its pill says it: an open week that was rejected says so."""
    return "rejected" if sheet["rejected"] else str(sheet["state"])


def steps_of(sheets: Sequence[Mapping[str, Any]], zone: ZoneInfo, now: datetime) -> list[Step]:
    """The steps of a member's week: it stands where the one of its contracts stands that is furthest behind."""
    at = min((_ORDER.index(one["state"]) for one in sheets), default=0)
    locks = parse_instant(sheets[0]["locks_at"]) if sheets else None
    sealed = bool(sheets) and all(one["seal"] for one in sheets)
    words = (
        _("Memos, labels and manual time can change"),
        _who(sheets, "submitted") or (_("was not submitted") if at == 3 else _("by the member, at any time")),
        _who(sheets, "approved") or (_("was not approved") if at == 3 else _("by a manager of the team or an admin")),
        _lock_words(locks, zone, now),
    )
    last = _("Locked and sealed") if sealed or at < 3 else _("Locked, being sealed")
    names = (_("Open"), _("Submitted"), _("Approved"), last)
    done = [index < at and _came(sheets, index) for index in range(len(names))]
    return [
        Step(name, words[index], _glyph(index, at, done[index]), done[index], index == at)
        for index, name in enumerate(names)
    ]


def _came(sheets: Sequence[Mapping[str, Any]], index: int) -> bool:
    """Whether a step behind was really taken: a week locks by the clock alone, also when nobody decided anything."""
    if not index:
        return True
    return all(one["approved"] or (index == 1 and _last(one, "submitted")) for one in sheets)


def _glyph(index: int, at: int, done: bool) -> str:
    if index == len(_ORDER) - 1:
        return "lockg"
    return "half" if index == at else "tick" if done else "none"


def _who(sheets: Sequence[Mapping[str, Any]], action: str) -> str:
    said = [entry for one in sheets if (entry := _last(one, action))]
    names = sorted({entry["actor_name"] for entry in said})
    return _("by {name}", name=both(names)) if names else ""


def _last(sheet: Mapping[str, Any], action: str) -> Mapping[str, Any] | None:
    """The last entry of the history with an action, unless a rejection came after it."""
    for entry in reversed(sheet.get("history") or []):
        if entry["action"] == action:
            return dict(entry)
        if entry["action"] == "rejected":
            return None
    return None


def _lock_words(locks: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    if locks is None:
        return _("by the clock, on the Monday after")
    local = locks.astimezone(zone)
    at = {"weekday": weekday(local), "date": short_date(local), "clock": f"{local:%H:%M}"}
    words = _("{weekday} {date} {clock} {zone}", **at, zone=zone_name(zone.key))
    minutes = int((locks - now).total_seconds() // 60)
    if minutes <= 0:
        return words
    days, rest = divmod(minutes // 60, 24)
    left = _("{days} d {hours} h", days=days, hours=rest) if days else duration(minutes)
    return _("{moment}, in {time}", moment=words, time=left)


def notes_of(sheet: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """What was decided of a timesheet, newest first, and whether it moved since."""
    notes = []
    if sheet.get("changed_since") and sheet["state"] != "locked":
        approved = sheet["state"] == "approved"
        notes.append(
            _("Its minutes changed after it was approved.")
            if approved
            else _("Its minutes changed after it was submitted.")
        )
    notes += [_decided(entry, zone) for entry in reversed(sheet.get("history") or [])]
    late = sum(one["billable_minutes"] for one in sheet.get("adjustments") or ())
    if late:
        notes.append(_("With {time} of earlier weeks that arrived after their lock.", time=duration(late)))
    return notes


def rejection_of(sheet: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Why an open week was sent back, and by whom; ``""`` where it was not."""
    return _decided(sheet["history"][-1], zone) if shown_state(sheet) == "rejected" else ""


def _decided(entry: Mapping[str, Any], zone: ZoneInfo) -> str:
    about = {"name": entry["actor_name"], "date": dated(entry["at"], zone)}
    match entry["action"]:
        case "submitted":
            words = _("Submitted by {name}, {date}", **about)
        case "approved":
            words = _("Approved by {name}, {date}", **about)
        case _:
            words = _("Rejected by {name}, {date}", **about)
    return f"{words}: {entry['reason']}" if entry["reason"] else words


def seal_of(sheet: Mapping[str, Any], zone: ZoneInfo) -> Seal | None:
    """The seal of a timesheet, None where there is none yet."""
    seal = sheet["seal"]
    if not seal:
        return None
    at = parse_instant(seal["sealed_at"]).astimezone(zone)
    return Seal(
        root=grouped(seal["root"]),
        previous=grouped(seal["previous"]),
        sealed=_("{date} {clock} {zone}", date=full_date(at), clock=f"{at:%H:%M:%S}", zone=zone.key),
        leaves=seal["leaves"],
        number=seal["number"],
        path=pattern_path(seal["root"]),
    )


def grouped(digest: str) -> str:
    """A hash in groups of eight."""
    return " ".join(digest[place : place + 8] for place in range(0, len(digest), 8))


def pattern_path(root: str) -> str:
    """The 256 bits of a root as SVG path data, first bit top left, in a field of 160 × 80."""
    bits = f"{int(root, 16):0256b}"
    step = _BIT + _GAP
    return "".join(
        f"M{place % _COLUMNS * step} {place // _COLUMNS * (_ROW + _GAP)}h{_BIT}v{_ROW}h-{_BIT}z"
        for place, bit in enumerate(bits)
        if bit == "1"
    )

"""The three panels under a day: what is not protected and why, what has arrived, and who else looked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import ago, between, listed, moment
from services.diary.pages.grid import Grid
from services.diary.pages.hours import pause_of
from services.diary.pages.reason_words import held, unprotected_sentence
from services.wire.events import Presence
from services.wire.language import _, again, ngettext
from services.wire.slots import parse_instant

_UTC = ZoneInfo("UTC")
_ICONS = {"capture_pending": "clock", "no_activity": "clock", "manual": "pen"}
_MOST_TIMES = 6


class Line(NamedTuple):
    """A line of a panel: its icon, what stands out, the rest, a quieter second line, and a link as (href, words)."""

    icon: str
    strong: str
    text: str
    quiet: str = ""
    link: tuple[str, str] | None = None


class Panel(NamedTuple):
    """A titled list; ``empty`` is the sentence where there is nothing to list."""

    title: str
    lines: list[Line]
    empty: str = ""


def unprotected_panel(segments: Iterable[Mapping[str, Any]], grid: Grid) -> Panel:
    """Automatic segments that are not protected, by reason (S-09)."""
    by_reason: dict[str, list[str]] = {}
    shown = False
    for segment in segments:
        place, shown = grid.place(segment["slot"]), True
        if place and not segment["protected"] and segment["status"] != "manual" and not pause_of(segment):
            by_reason.setdefault(segment["unprotected_because"] or "unknown", []).append(place.clock)
    count = sum(map(len, by_reason.values()))
    lines = [
        Line(_ICONS.get(reason, "unshield"), _times(clocks), unprotected_sentence(reason, len(clocks)))
        for reason, clocks in by_reason.items()
    ]
    if not count and not shown:
        return Panel(_("Not protected: 0 segments"), [], _("There is nothing to protect on this day."))
    if not count:
        return Panel(_("Not protected: 0 segments"), [], _("Every segment of this day that can be protected is."))
    return Panel(ngettext("Not protected: {number} segment", "Not protected: {number} segments", count), lines)


def _times(clocks: Sequence[str]) -> str:
    if len(clocks) <= _MOST_TIMES:
        return listed(list(clocks))
    rest = len(clocks) - _MOST_TIMES + 1
    return _("{several} and {number} more", several=", ".join(clocks[: _MOST_TIMES - 1]), number=rest)


def arrived_panel(
    devices: Sequence[Mapping[str, Any]] | None,
    names: Mapping[str, str],
    now: datetime,
    doing: Mapping[str, Presence] | None = None,
    zone: ZoneInfo = _UTC,
) -> Panel:
    """The proof of sync (B-02), from ingest's answer per device; None where ingest does not answer just now.

    ``doing``: what devices said last, of those heard within minutes: what they have not sent yet. None: nobody asked.
    """
    if devices is None:
        words = _("The ledger does not answer. Nothing is lost; look again in a moment.")
        return Panel(_("Arrived: not known just now"), [], words)
    if not devices:
        return Panel(_("Arrived: nothing yet"), [], _("No device has sent anything yet."))
    records, last = (sum(one[name] for one in devices) for name in ("records", "through"))
    gaps = sum(len(one["missing"]) for one in devices)
    title = ngettext(
        "Arrived: {count} of {number} record, {gaps}",
        "Arrived: {count} of {number} records, {gaps}",
        last,
        count=records,
        gaps=ngettext("{number} gap", "{number} gaps", gaps),
    )
    lines = [_device(one, names, now) for one in devices]
    if doing is not None:
        lines = [
            _with_waiting(line, doing.get(one["device"]), now, zone) for line, one in zip(lines, devices, strict=True)
        ]
    return Panel(title, lines)


def is_whole(device: Mapping[str, Any]) -> bool:
    """Whether all that a device numbered so far is in the ledger, unbroken (B-02)."""
    return not (device["missing"] or device["broken"] or device["quarantined"])


def _with_waiting(line: Line, says: Presence | None, now: datetime, zone: ZoneInfo) -> Line:
    """With what still waits on the device, which it alone can say."""
    if says is None:
        quiet = _("{records}; what still waits on it is not known: no contact just now", records=line.quiet)
        return line._replace(quiet=quiet)
    if not says.unsent:
        return line._replace(quiet=_("{records}, nothing waits on it", records=line.quiet))
    waits = ngettext("{number} record not sent yet", "{number} records not sent yet", says.unsent)
    if says.oldest_unsent:
        oldest = moment(parse_instant(says.oldest_unsent), zone, now.astimezone(zone).date())
        waits = _("{waiting}, the oldest of {when}", waiting=waits, when=oldest)
    return line._replace(quiet=f"{line.quiet}, {waits}")


def _device(one: Mapping[str, Any], names: Mapping[str, str], now: datetime) -> Line:
    last = one.get("last_received_at")
    seen = _("no record yet")
    if last:
        seen = _("last record {time}", time=ago((now - parse_instant(last)).total_seconds()))
    more = ["…"] if len(one["quarantined"]) > _MOST_TIMES else []
    why = "; ".join([*(f"{seq}: {held(reason)}" for seq, reason in one["quarantined"][:_MOST_TIMES]), *more])
    text = ", ".join([_("Records 1 to {last}", last=one["through"]), *_ledger(one)]) + (f" ({why})" if why else "")
    return Line("mon" if is_whole(one) else "warn", names.get(one["device"], one["device"]), f", {seen}", text)


def _ledger(one: Mapping[str, Any]) -> list[str]:
    """What is missing, held back and broken of a device's records."""
    missing = [f"{first}" if first == end else between(first, end) for first, end in one["missing"]]
    held_back = len(one["quarantined"])
    said = [
        _("missing {records}", records=listed(missing)) if missing else _("none missing"),
        ngettext("{number} record held back", "{number} records held back", held_back)
        if held_back
        else _("none held back"),
    ]
    broken = [str(seq) for seq in one["broken"]]
    return [*said, _("chain broken at {records}", records=listed(broken))] if broken else said


def looks_panel(looks: Sequence[Mapping[str, Any]], grid: Grid) -> Panel:
    """Who else looked at this day's pictures (B-03): ``[{name, role, at, what}]``."""
    if not looks:
        return Panel(
            _("Looked at by others: {number}", number=0), [], _("Nobody else has looked at a picture of this day.")
        )
    lines = [
        Line(
            "eye",
            look["name"],
            f", {again(look['role'])}",
            _("{pictures}, at {when}", pictures=look["what"], when=_when(look["at"], grid)),
        )
        for look in looks
    ]
    return Panel(_("Looked at by others: {number}", number=len(looks)), lines)


def _when(at: str, grid: Grid) -> str:
    return moment(parse_instant(at), grid.zone, grid.day)

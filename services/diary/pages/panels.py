"""The three panels under a day: what is not protected and why, what has arrived, and who else looked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import ago, counted, listed, moment
from services.diary.pages.grid import Grid
from services.diary.pages.hours import pause_of
from services.diary.pages.reason_words import held, unprotected_sentence
from services.wire.events import Presence
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
        return Panel("Not protected: 0 segments", [], "There is nothing to protect on this day.")
    if not count:
        return Panel("Not protected: 0 segments", [], "Every segment of this day that can be protected is.")
    return Panel(f"Not protected: {counted(count, 'segment')}", lines)


def _times(clocks: Sequence[str]) -> str:
    if len(clocks) <= _MOST_TIMES:
        return listed(list(clocks))
    return f"{', '.join(clocks[: _MOST_TIMES - 1])} and {len(clocks) - _MOST_TIMES + 1} more"


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
        return Panel(
            "Arrived: not known just now", [], "The ledger does not answer. Nothing is lost; look again in a moment."
        )
    if not devices:
        return Panel("Arrived: nothing yet", [], "No device has sent anything yet.")
    records, last = (sum(one[name] for one in devices) for name in ("records", "through"))
    gaps = sum(len(one["missing"]) for one in devices)
    title = f"Arrived: {records} of {counted(last, 'record')}, {counted(gaps, 'gap')}"
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
        return line._replace(quiet=f"{line.quiet}; what still waits on it is not known: no contact just now")
    waits = f"{counted(says.unsent, 'record')} not sent yet" if says.unsent else "nothing waits on it"
    if says.unsent and says.oldest_unsent:
        waits += f", the oldest of {moment(parse_instant(says.oldest_unsent), zone, now.astimezone(zone).date())}"
    return line._replace(quiet=f"{line.quiet}, {waits}")


def _device(one: Mapping[str, Any], names: Mapping[str, str], now: datetime) -> Line:
    last = one.get("last_received_at")
    seen = f", last record {ago((now - parse_instant(last)).total_seconds())}" if last else ", no record yet"
    missing = [f"{first}" if first == end else f"{first} to {end}" for first, end in one["missing"]]
    said = [
        f"missing {listed(missing)}" if missing else "none missing",
        f"{counted(len(one['quarantined']), 'record')} held back" if one["quarantined"] else "none held back",
    ]
    if one["broken"]:
        said.append(f"chain broken at {listed([str(seq) for seq in one['broken']])}")
    why = "; ".join(f"{seq}: {held(reason)}" for seq, reason in one["quarantined"][:_MOST_TIMES])
    text = f"Records 1 to {one['through']}, {', '.join(said)}" + (f" ({why})" if why else "")
    return Line("mon" if is_whole(one) else "warn", names.get(one["device"], one["device"]), seen, text)


def looks_panel(looks: Sequence[Mapping[str, Any]], grid: Grid) -> Panel:
    """Who else looked at this day's pictures (B-03): ``[{name, role, at, what}]``."""
    if not looks:
        return Panel("Looked at by others: 0", [], "Nobody else has looked at a picture of this day.")
    lines = [
        Line("eye", look["name"], f", {look['role']}", f"{look['what']}, at {_when(look['at'], grid)}")
        for look in looks
    ]
    return Panel(f"Looked at by others: {len(looks)}", lines)


def _when(at: str, grid: Grid) -> str:
    return moment(parse_instant(at), grid.zone, grid.day)

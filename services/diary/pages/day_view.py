"""The page of a day, worked out before the template renders it: the template only writes it down. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.figures import (
    Figure,
    Limit,
    Score,
    big_duration,
    figures_of,
    limits_of,
    reached,
    score_of,
)
from services.diary.pages.formatting import between, clock, duration, limit, long_day, short_day
from services.diary.pages.grid import Grid, grid_of
from services.diary.pages.hours import Hour, Running, Terms, hours_of, starts_of
from services.diary.pages.panels import Line, Panel, arrived_panel, looks_panel, unprotected_panel
from services.diary.pages.paths import Paths
from services.diary.pages.ribbon import Ribbon, ribbon_of
from services.diary.weeks import locks_at
from services.wire.events import Presence
from services.wire.language import N_, _, again, ngettext
from services.wire.slots import SLOT, format_instant, midnight, parse_instant, parse_slot, slot_of, week_of


@dataclass(frozen=True)
class Surroundings:
    """What a day's page needs beside the day itself.

    ``contracts`` titles and ``devices`` names by id; ``sync`` ingest's answer per device, None where it is not known;
    ``looks`` who else looked, None where the reader is not to see it (B-03); ``paths`` the page's addresses;
    ``scores`` and ``synced``: whether the reader may see scores and the proof of sync; ``entries`` the manual entries
    by id; ``only_read`` the contracts on which the reader changes nothing; ``doing`` what each device said last, of
    those that were heard within minutes; ``last`` the last day with time, where this one has none.
    """

    contracts: Mapping[str, str]
    devices: Mapping[str, str]
    billing_zone: str
    paths: Paths
    now: datetime
    sync: Sequence[Mapping[str, Any]] | None = None
    looks: Sequence[Mapping[str, Any]] | None = None
    movement_counts: bool = False
    scores: bool = True
    synced: bool = True
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    only_read: frozenset[str] = frozenset()
    doing: Mapping[str, Presence] | None = None
    lock_hour: int = 12
    last: date | None = None


class Neighbour(NamedTuple):
    """The day before or after."""

    href: str
    name: str


class DayView(NamedTuple):
    """All that the templates of a day write."""

    title: str
    date: str
    previous: Neighbour
    following: Neighbour
    today: bool
    billable_name: str
    billable: tuple[str, str, str]
    figures: list[Figure]
    score: Score | None
    limits: list[Limit]
    ribbon: Ribbon
    hours: list[Hour]
    empty: bool
    panels: list[Panel]
    spoken: str
    last: Neighbour | None = None


def day_view(day: Mapping[str, Any], zone: ZoneInfo, around: Surroundings) -> DayView:
    """The view of a day's answer (architecture.md, *The edge*) in a zone."""
    shown = date.fromisoformat(day["date"])
    grid = grid_of(shown, zone)
    segments = [one for one in day["segments"] if grid.place(one["slot"])]
    totals = day["totals"]
    today = around.now.astimezone(zone).date() == shown
    running = running_of(around, zone) if today else None
    return DayView(
        title=long_day(shown),
        date=day["date"],
        previous=_neighbour(shown - timedelta(days=1), around.paths),
        following=_neighbour(shown + timedelta(days=1), around.paths),
        today=today,
        billable_name=_("Billable today") if today else _("Billable"),
        billable=big_duration(totals["billable_minutes"]),
        figures=figures_of(totals, segments, grid),
        score=score_of(day["score"], totals["tracked_minutes"]) if around.scores else None,
        limits=limits_of(day["weeks"], segments, grid, around.contracts, around.billing_zone),
        ribbon=ribbon_of(segments, grid, _mark(day["weeks"], segments, grid)),
        hours=hours_of(
            segments,
            grid,
            Terms(
                around.contracts,
                around.paths,
                around.movement_counts,
                states_of(segments, day["weeks"], around.billing_zone),
                starts_of(segments),
                entries_shown(around.entries, segments, zone),
                running,
                around.only_read,
            ),
        ),
        empty=not segments and not running,
        panels=[
            unprotected_panel(segments, grid),
            _arrived(around, shown, zone),
            *([] if around.looks is None else [looks_panel(around.looks, grid)]),
        ],
        spoken=_spoken(totals["billable_minutes"], len(segments)),
        last=_neighbour(around.last, around.paths) if around.last else None,
    )


def _spoken(billable: int, segments: int) -> str:
    """The day as it is read out."""
    return ngettext(
        "{time} billable, {number} segments", "{time} billable, {number} segments", segments, time=duration(billable)
    )


def _arrived(around: Surroundings, shown: date, zone: ZoneInfo) -> Panel:
    """What has arrived (B-02), and until when the day can be changed (S-06)."""
    lock = lock_line(shown, zone, around)
    if not around.synced:
        return Panel(_("Until when it can change"), [lock])
    panel = arrived_panel(around.sync, around.devices, around.now, around.doing, zone)
    return panel._replace(lines=[*panel.lines, lock]) if panel.lines else panel


def lock_line(day: date, zone: ZoneInfo, around: Surroundings) -> Line:
    """When the week of a day locks, or did."""
    billing = ZoneInfo(around.billing_zone)
    at = locks_at(week_of(slot_of(midnight(day, zone)), billing), billing, around.lock_hour)
    when = _("{date}, {clock}", date=short_day(at), clock=f"{at:%H:%M} {around.billing_zone}")
    if around.now >= at:
        return Line("lock", _("The week is locked"), _("since {when}. Nothing of it changes any more.", when=when))
    return Line("lock", _("The week locks"), _("on {when}. Memos and labels can be changed until then.", when=when))


def entries_shown(
    entries: Mapping[str, Mapping[str, Any]], segments: Iterable[Mapping[str, Any]], zone: ZoneInfo
) -> dict[str, dict[str, Any]]:
    """Manual entries by id with their ``span`` on the clock, and the ``ids`` of their segments on this day."""
    ids: dict[str, list[str]] = {}
    for one in segments:
        if one.get("entry"):
            ids.setdefault(one["entry"], []).append(one["segment_id"])
    shown = {}
    for name, entry in entries.items():
        start, end = (clock(parse_instant(entry[at]), zone) for at in ("start", "end"))
        shown[name] = {**entry, "span": between(start, end), "ids": " ".join(ids.get(name, ()))}
    return shown


_DOING = {"working": N_("Recording"), "idle": N_("Recording"), "break": N_("Break"), "private": N_("Private time")}


def running_of(around: Surroundings, zone: ZoneInfo) -> Running | None:
    """The running segment, where a device says that it records one; it is shown when it closes."""
    said = [one for one in (around.doing or {}).values() if one.status in _DOING]
    if not said:
        return None
    latest = max(said, key=lambda one: one.since)
    # a device says from which minute on it records, which is the next one, and its clock may be ahead by a little
    since = min(parse_instant(latest.since), around.now + timedelta(minutes=1))
    slot = slot_of(max(around.now, since))
    since = max(slot, since)
    words = _("Shown when the segment closes at {clock}.", clock=clock(slot + SLOT, zone))
    doing, began = again(_DOING[latest.status]), _("since {clock}", clock=clock(since, zone))
    return Running(format_instant(slot), doing, began, words)


def states_of(
    segments: Iterable[Mapping[str, Any]], weeks: Iterable[Mapping[str, Any]], billing_zone: str
) -> dict[str, str]:
    """The state of the week that each segment is billed in, by segment id: what may still be done to it (S-06)."""
    states = {(week["contract"], week["week"]): week["state"] for week in weeks}
    zone = ZoneInfo(billing_zone)
    return {
        one["segment_id"]: states.get(
            (one["contract"], one.get("adjustment") or week_of(parse_slot(one["slot"]), zone).isoformat()), "open"
        )
        for one in segments
    }


def _neighbour(day: date, paths: Paths) -> Neighbour:
    return Neighbour(f"/diary/{paths.member}/{day.isoformat()}{paths.query}", short_day(day))


def _mark(
    weeks: Iterable[Mapping[str, Any]], segments: Sequence[Mapping[str, Any]], grid: Grid
) -> tuple[str, str] | None:
    """Where the first weekly limit was reached on this day, and the words of its flag."""
    marks = []
    for week in weeks:
        first = reached(week["contract"], segments)
        if first and week["limit_minutes"] is not None:
            marks.append((first["slot"], week["limit_minutes"]))
    if not marks:
        return None
    slot, most = min(marks)
    place = grid.place(slot)
    return (slot, _("{limit} reached {clock}", limit=limit(most), clock=place.clock)) if place else None

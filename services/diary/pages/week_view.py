"""A member's week, day by day and contract by contract (S-10, V-06), worked out before the template writes it. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.attendance_view import Attendance, Cell, attendance_view, cell
from services.diary.pages.decided_view import Seal, Step, notes_of, rejection_of, seal_of, shown_state, steps_of
from services.diary.pages.figures import Bar, Figure, big_duration, limit_bars, tracked_in
from services.diary.pages.formatting import (
    DASH,
    clock,
    day_of_week,
    duration,
    hours_and_minutes,
    limit,
    listed,
    money,
    week_name,
    week_title,
    weekday,
    zone_name,
)
from services.diary.pages.grid import Grid, grid_of
from services.diary.pages.panels import Line, arrived_panel, is_whole
from services.diary.pages.paths import Paths
from services.diary.pages.ribbon import Ribbon, ribbon_of, span_of
from services.wire.language import N_, _, again, ngettext
from services.wire.slots import day_bounds, day_of, parse_slot, week_bounds

_FIGURES = ("automatic_minutes", "manual_minutes", "over_limit_minutes", "unbilled_minutes", "billable_minutes")
_REASONS = {
    "no_memo": N_("neither memo nor label"),
    "no_capture": N_("no picture"),
    "capture_pending": N_("a picture on its way"),
    "no_activity": N_("no activity"),
}
_MOST_TIMES = 6
#: From one instant to another, the second not in it.
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class WeekAround:
    """What a week's page needs beside its days.

    ``contracts`` as licensing told them by id; ``sheets`` the contract-weeks (``timesheets.show``); ``sync`` ingest's
    answer per device, None where it is not known; ``address`` gives the page of another week. The week is cut in the
    zone ``billing``, and its days are shown as the clocks of ``zone`` had them.
    """

    member: str
    contracts: Mapping[str, Mapping[str, Any]]
    sheets: Sequence[Mapping[str, Any]]
    zone: ZoneInfo
    billing: ZoneInfo
    now: datetime
    address: Callable[[date], str]
    sync: Sequence[Mapping[str, Any]] | None = None
    devices: Mapping[str, str] | None = None


class DayRow(NamedTuple):
    """One day: its link, its ribbon or the words instead, and automatic, manual, over limit, not billed, billable.

    ``part`` says of which part of the day alone, where the week begins or ends within it: ``from 19:00``.
    """

    href: str
    name: str
    part: str
    ribbon: Ribbon | None
    words: str
    cells: list[Cell]
    billable: Cell


class DayTable(NamedTuple):
    """Days as rows; ``sums`` are the minutes of all of them by name, ``attendance`` when somebody was at work."""

    hours: str
    rows: list[DayRow]
    totals: list[Cell]
    billable: Cell
    grids: list[Grid]
    sums: Mapping[str, int]
    attendance: Attendance


class ContractWeek(NamedTuple):
    """A contract's week against its limit (V-06), where it has one (``limited``), and where it stands."""

    id: str
    title: str
    used: str
    of: str
    limited: bool
    bars: list[Bar]
    words: str
    amount: str
    state: str
    notes: list[str]
    seal: Seal | None
    rejected: str


class WeekView(NamedTuple):
    """All that the template of a week writes."""

    title: str
    week: str
    previous: tuple[str, str]
    following: tuple[str, str] | None
    cut: str
    billable_name: str
    billable: tuple[str, str, str]
    figures: list[Figure]
    table: DayTable
    total_name: str
    contracts: list[ContractWeek]
    steps: list[Step]
    checks: list[Line]
    manual: list[Line]
    closed: bool
    days_href: str
    table_href: str


def week_view(monday: date, days: Sequence[Mapping[str, Any]], around: WeekAround) -> WeekView:
    """The view of the week from ``monday`` in the billing zone; ``days`` are the answers for ``dates_of`` that week."""
    span = week_bounds(monday, around.billing)
    table = day_table(days, around.member, around.zone, around.now, span)
    grids, sums = table.grids, table.sums
    ahead = monday + timedelta(days=7)
    today = around.now.astimezone(around.billing).date()
    return WeekView(
        title=week_title(monday),
        week=monday.isoformat(),
        previous=(around.address(monday - timedelta(days=7)), week_name(monday - timedelta(days=7))),
        following=(around.address(ahead), week_name(ahead)) if ahead <= today else None,
        cut=_("The week is cut in {zone}", zone=around.billing.key) if around.billing != around.zone else "",
        billable_name=_("Billable this week") if monday <= today < ahead else _("Billable"),
        billable=big_duration(sums["billable_minutes"]),
        figures=[*figures_of_sums(sums), _amount(around)],
        table=table,
        total_name=_("Week"),
        contracts=_contracts(around),
        steps=steps_of(around.sheets, around.zone, around.now),
        checks=_checks(days, grids, around),
        manual=_manual(days, grids, around),
        closed=bool(around.sheets) and all(sheet["state"] == "locked" for sheet in around.sheets),
        days_href=f"/diary/{around.member}/{monday}?zone={around.billing.key}&to={monday + timedelta(days=6)}",
        table_href=Paths(around.member, str(monday), f"?zone={around.billing.key}").table(monday + timedelta(days=6)),
    )


def dates_of(span: Span, zone: ZoneInfo) -> list[date]:
    """The dates of a zone that a span of time touches: a week of another zone may touch eight."""
    first, last = day_of(span[0], zone), day_of(span[1] - timedelta(seconds=1), zone)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def day_table(
    days: Sequence[Mapping[str, Any]], member: str, zone: ZoneInfo, now: datetime, within: Span | None = None
) -> DayTable:
    """Days below one another, all their ribbons showing the same hours; ``within``: what was read of them alone."""
    grids = [grid_of(date.fromisoformat(day["date"]), zone) for day in days]
    spans = [span_of([one["slot"] for one in day["segments"]], grid) for day, grid in zip(days, grids, strict=True)]
    span = min(span[0] for span in spans), max(span[1] for span in spans)
    sums: Counter[str] = Counter()
    for day in days:
        sums.update(_minutes(day))
    today = now.astimezone(zone).date()
    return DayTable(
        hours=_("{first} to {last}, {zone}", first=f"{span[0]:02}", last=f"{span[1]:02}", zone=zone_name(zone.key)),
        rows=[_row(day, grid, span, member, today, within) for day, grid in zip(days, grids, strict=True)],
        totals=[cell(sums[name]) for name in _FIGURES[:-1]],
        billable=cell(sums["billable_minutes"]),
        grids=grids,
        sums=sums,
        attendance=attendance_view(days, grids, today),
    )


def _minutes(day: Mapping[str, Any]) -> dict[str, int]:
    totals = day["totals"]
    unbilled = tracked_in(one for one in day["segments"] if one["status"] == "unbilled")
    return {**{name: totals[name] for name in _FIGURES if name in totals}, "unbilled_minutes": unbilled}


def figures_of_sums(sums: Mapping[str, int]) -> list[Figure]:
    """The figures of several days beside the billable sum."""
    named = (
        (_("Automatic"), "auto", "automatic_minutes"),
        (_("Manual"), "manual", "manual_minutes"),
        (_("Over limit"), "over", "over_limit_minutes"),
        (_("Not billed"), "none", "unbilled_minutes"),
    )
    return [Figure(name, duration(sums[key]), kind, not sums[key]) for name, kind, key in named]


def _amount(around: WeekAround) -> Figure:
    """The week's amount in each currency; contracts without an hourly rate bill nothing (S-03)."""
    sums: Counter[str] = Counter()
    for sheet in around.sheets:
        if sheet["amount_minor"] is not None:
            sums[sheet["currency"]] += sheet["amount_minor"]
    if not sums:
        return Figure(_("Amount"), DASH, None, True, _("No contract of this week is paid by the hour"))
    return Figure(_("Amount"), " + ".join(money(minor, currency) for currency, minor in sorted(sums.items())))


def _row(
    day: Mapping[str, Any], grid: Grid, span: tuple[int, int], member: str, today: date, within: Span | None
) -> DayRow:
    href = f"/diary/{member}/{day['date']}?zone={grid.zone.key}"
    name, part = day_of_week(grid.day), _part(grid, within)
    if grid.day > today:
        dash = Cell(DASH, True)
        return DayRow(href, name, part, None, _("Not yet"), [dash] * 4, dash)
    minutes = _minutes(day)
    ribbon = ribbon_of(day["segments"], grid, span=span) if day["segments"] else None
    cells = [cell(minutes[key]) for key in _FIGURES[:-1]]
    return DayRow(href, name, part, ribbon, _("Nothing recorded"), cells, cell(minutes["billable_minutes"]))


def _part(grid: Grid, within: Span | None) -> str:
    start, end = day_bounds(grid.day, grid.zone)
    if within and start < within[0] < end:
        return _("from {clock}", clock=clock(within[0], grid.zone))
    return _("to {clock}", clock=clock(within[1], grid.zone)) if within and start < within[1] < end else ""


def _contracts(around: WeekAround) -> list[ContractWeek]:
    ordered = sorted(around.sheets, key=lambda one: str(one["project"]).casefold())
    return [_contract(one, around) for one in ordered]


def _contract(sheet: Mapping[str, Any], around: WeekAround) -> ContractWeek:
    totals, most = sheet["totals"], sheet["limit_minutes"]
    used, over = totals["billable_minutes"], totals["over_limit_minutes"]
    words = _("{time} over the limit, not billed.", time=duration(over)) if over else ""
    if most is not None and not over:
        words = _("{time} left.", time=duration(max(0, most - used)))
    amount = ""
    if sheet["rate_minor"] is not None:
        rate = _("{rate} an hour:", rate=money(sheet["rate_minor"], sheet["currency"]))
        words = f"{words} {rate}".lstrip()
        amount = money(sheet["amount_minor"], sheet["currency"])
    return ContractWeek(
        sheet["contract"],
        sheet["project"],
        hours_and_minutes(used),
        _("no weekly limit") if most is None else _("of {limit}", limit=limit(most)),
        most is not None,
        limit_bars(totals["automatic_minutes"], totals["manual_minutes"], over, most),
        words,
        amount,
        shown_state(sheet),
        notes_of(sheet, around.zone),
        seal_of(sheet, around.zone),
        rejection_of(sheet, around.zone),
    )


def _checks(days: Sequence[Mapping[str, Any]], grids: Sequence[Grid], around: WeekAround) -> list[Line]:
    """What to settle before the week is submitted: memos, protection and whether everything has arrived."""
    required = {id for id, terms in around.contracts.items() if terms["memo_required"]}
    lines = []
    bare = _billed(days, lambda one: not one["memo"] and not one["label"])
    must = [place for place in bare if place[1]["contract"] in required]
    if must:
        words = ngettext(
            "{number} segment without a memo that the contract asks for",
            "{number} segments without a memo that the contract asks for",
            len(must),
        )
        lines.append(_where(words, must, days, grids, around))
    for reason, said in _REASONS.items():
        found = _billed(days, _because(reason))
        if found:
            lines.append(_where(_not_protected(len(found), again(said)), found, days, grids, around))
    if not any(day["segments"] for day in days):
        lines.append(Line("clock", _("Nothing has been recorded in this week"), ""))
    elif not lines:
        lines.append(Line("check", _("Every billed segment is protected"), ""))
    arrived = arrived_panel(around.sync, around.devices or {}, around.now)
    quiet = "; ".join(f"{line.strong}{line.text}" for line in arrived.lines) or arrived.empty
    whole = around.sync is not None and all(map(is_whole, around.sync))
    return [*lines, Line("check" if whole else "warn", arrived.title, "", quiet)]


def _not_protected(count: int, reason: str) -> str:
    return ngettext(
        "{number} segment not protected: {reason}",
        "{number} segments not protected: {reason}",
        count,
        reason=reason,
    )


_Found = list[tuple[int, Mapping[str, Any]]]
"""Segments with the index of their day."""


def _billed(days: Sequence[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], bool]) -> _Found:
    return [
        (index, one)
        for index, day in enumerate(days)
        for one in day["segments"]
        if one["status"] in ("automatic", "over_limit") and wanted(one)
    ]


def _because(reason: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda one: bool(one["unprotected_because"] == reason)


def _where(
    strong: str, found: _Found, days: Sequence[Mapping[str, Any]], grids: Sequence[Grid], around: WeekAround
) -> Line:
    """A line that says on which day and when, with the way there."""
    index = found[0][0]
    here = [one for place, one in found if place == index]
    clocks = sorted({place.clock for one in here if (place := grids[index].place(one["slot"]))})
    more = len(found) - len(here)
    shown = clocks[:_MOST_TIMES]
    text = _("{weekday} {clocks}", weekday=weekday(grids[index].day), clocks=listed(shown))
    rest = more + len(clocks) - len(shown)
    href = f"/diary/{around.member}/{days[index]['date']}?zone={around.zone.key}"
    return Line("warn", strong, "", _("and {number} more", number=rest) if rest else "", (href, text))


def _manual(days: Sequence[Mapping[str, Any]], grids: Sequence[Grid], around: WeekAround) -> list[Line]:
    lines = []
    for day, grid in zip(days, grids, strict=True):
        for entry in entries_of(day["segments"]):
            start, end = _span(entry, around.zone)
            title = around.contracts.get(entry[0]["contract"], {}).get("project", _("Contract"))
            times = {"first": f"{start:%H:%M}", "last": f"{end:%H:%M}"}
            strong = _("{weekday} {first} to {last}", weekday=weekday(grid.day), **times)
            lines.append(Line("manual", strong, f", {title}", entry[0].get("reason") or entry[0]["memo"] or ""))
    return lines


def _span(entry: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first to the last minute of an entry's segments, in the zone."""
    minutes = [
        parse_slot(one["slot"]) + timedelta(minutes=index)
        for one in entry
        for index, minute in enumerate(one["minutes"])
        if minute is not None
    ]
    return min(minutes).astimezone(zone), (max(minutes) + timedelta(minutes=1)).astimezone(zone)


def entries_of(segments: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The segments of each manual entry, in the order of the clock (S-05)."""
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(segments, key=lambda segment: str(segment["slot"])):
        if one.get("device") is None:
            entries.setdefault(str(one.get("entry") or one["segment_id"].split(":")[1]), []).append(one)
    return list(entries.values())

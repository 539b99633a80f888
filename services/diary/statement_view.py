"""A statement as every file of it shows it: lines by day, figures, the seal. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.decided_view import grouped, pattern_path
from services.diary.pages.formatting import DASH, duration, hours_and_minutes, limit, money, week_name
from services.diary.statements import Statement
from services.wire import slots
from services.wire.billing import line_amounts
from services.wire.proof import GENESIS
from services.wire.reckoning import Line

_MOST_WORDS = 4


class Row(NamedTuple):
    """One day: minutes as integers, the amount in minor units, None where the contract is not hourly.

    ``late``: a day of an earlier week.
    """

    day: date
    words: str
    late: bool
    automatic: int
    manual: int
    billable: int
    over: int
    amount: int | None

    @property
    def name(self) -> str:
        """``Mon 9``; a day of another week with its month."""
        return f"{self.day:%a} {self.day.day}{f' {self.day:%b}, late' if self.late else ''}"

    @property
    def minutes(self) -> tuple[int, int, int]:
        """Automatic, manual and billable, as the columns have them."""
        return self.automatic, self.manual, self.billable


class View(NamedTuple):
    """All that is shown, in words."""

    title: str
    period: str
    locked: str
    parties: list[tuple[str, str]]
    figures: list[tuple[str, str]]
    amount: str
    rows: list[Row]
    notes: list[str]
    root: str
    pattern: str
    seal: list[tuple[str, str]]
    file: str
    currency: str | None

    total_name: str = "Week"

    @property
    def total(self) -> tuple[int, ...]:
        """Automatic, manual and billable minutes of all rows."""
        return tuple(map(sum, zip(*(row.minutes for row in self.rows), strict=True))) or (0, 0, 0)

    @staticmethod
    def minutes(value: int) -> str:
        """Minutes in the table."""
        return hours_and_minutes(value)

    def money(self, value: int | None) -> str:
        """An amount; a dash where the contract is not hourly, so that there is none."""
        return money(value, self.currency) if self.currency and value is not None else DASH


def view_of(statement: Statement) -> View:
    """The statement in words."""
    seal, about = statement.checked.seal, statement.about
    monday, zone = date.fromisoformat(seal.week), ZoneInfo(seal.zone)
    totals, terms = seal.totals, seal.terms
    rate = "not hourly" if terms.rate_minor is None else f"{money(terms.rate_minor, terms.currency)} an hour"
    parties = [("From", about.workspace), ("To", about.client or ""), ("Contract", about.project)]
    parties += [("Member", about.member), ("Rate", rate)]
    figures = [("Billable", duration(totals.billable_minutes)), ("Automatic", duration(totals.automatic_minutes))]
    figures += [("Manual", duration(totals.manual_minutes))]
    return View(
        title=f"Statement {monday.isocalendar().year}-W{monday.isocalendar().week:02}",
        period=f"{_period(monday)}, week in {seal.zone}",
        locked=f"Locked {_moment(seal.locks_at, zone)}, sealed",
        parties=[(name, value) for name, value in parties if value],
        figures=figures,
        amount=DASH if terms.rate_minor is None else money(totals.amount_minor, terms.currency),
        rows=rows_of(statement, monday, zone),
        notes=_notes(statement),
        root=grouped(seal.root),
        pattern=pattern_path(seal.root),
        seal=_seal_lines(statement, zone),
        file=statement.name,
        currency=None if terms.rate_minor is None else terms.currency,
    )


def rows_of(statement: Statement, monday: date, zone: ZoneInfo) -> list[Row]:
    """The days with time on them, in order; their amounts sum to the statement's."""
    days: defaultdict[date, list[Line]] = defaultdict(list)
    for line in statement.checked.reckoned.lines:
        days[slots.day_of(slots.parse_slot(line.slot), zone)].append(line)
    ordered = sorted(days.items())
    billable = [sum(line.minutes for line in lines) for _, lines in ordered]
    rate = statement.checked.seal.terms.rate_minor
    amounts = [None] * len(billable) if rate is None else line_amounts(billable, rate)
    return [
        Row(
            day,
            _words(statement, lines),
            day < monday,
            sum(line.minutes for line in lines if line.device),
            sum(line.minutes for line in lines if not line.device),
            minutes,
            sum(line.over_minutes for line in lines),
            amount,
        )
        for (day, lines), minutes, amount in zip(ordered, billable, amounts, strict=True)
    ]


def _words(statement: Statement, lines: Sequence[Line]) -> str:
    """What the time was for: memos, or labels, each once, the longest first."""
    minutes: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        said = statement.said_of(line)
        if words := said.memo or said.label:
            minutes[words] += line.minutes + line.over_minutes
    ordered = sorted(minutes, key=lambda words: -minutes[words])
    more = f" and {len(ordered) - _MOST_WORDS} more" if len(ordered) > _MOST_WORDS else ""
    return "; ".join(ordered[:_MOST_WORDS]) + more


def _notes(statement: Statement) -> list[str]:
    checked = statement.checked
    lines, terms = checked.reckoned.lines, checked.seal.terms
    automatic = [line for line in lines if line.device]
    outside = [line for line in lines if not terms.term.holds(line.slot)]
    unbilled = [line for line in automatic if line.status == "unbilled" and terms.term.holds(line.slot)]
    unbilled = unbilled if terms.rate_minor is not None else []
    quiet, billed_before = (
        sum(line.tracked_minutes for line in unbilled if bool(line.active_minutes) == active)
        for active in (False, True)
    )
    over = checked.seal.totals.over_limit_minutes
    notes = [f"Not on this bill: {duration(quiet)} without activity."] if quiet else []
    if outside and terms.rate_minor is not None:
        beyond = sum(line.tracked_minutes for line in outside)
        notes.append(f"The contract did not run in {len(outside)} segments ({duration(beyond)}): they are not billed.")
    if billed_before:
        notes.append(f"{duration(billed_before)} belong to segments that are billed whole already.")
    if terms.limit_minutes is not None:
        of = f"the weekly limit of {limit(terms.limit_minutes)}"
        notes.append(f"{duration(over)} over {of} are not billed." if over else f"Nothing was over {of}.")
    if checked.seal.totals.manual_minutes:
        notes.append("Manual time was entered with a reason and is never marked as protected.")
    unit = "A segment is ten minutes" if terms.billing_unit == "segment" else "Time is billed by the minute"
    protected = sum(statement.said_of(line).protected for line in automatic)
    notes.append(f"{unit}; {protected} of {len(automatic)} automatic segments are protected.")
    return notes


def _seal_lines(statement: Statement, zone: ZoneInfo) -> list[tuple[str, str]]:
    seal, stretches = statement.checked.seal, len(statement.checked.stretches)
    between = stretches - len(seal.devices)
    gaps = "every link holds" if not between else "every link holds; between lies other work of the device"
    devices = f"{len(seal.devices)} device{'' if len(seal.devices) == 1 else 's'}"
    covers = f"{seal.records} records, {seal.edits} edits, {devices}; {gaps}"
    before = "none: it is the first" if seal.previous == GENESIS else grouped(seal.previous)
    rules = f"billing {seal.rules}, unit: {seal.terms.billing_unit}"
    signed = f"{_moment(seal.sealed_at, zone, seconds=True)}, number {seal.number} of the contract"
    key = statement.bundle.key
    return [("Covers", covers), ("Seal before", before), ("Rules", rules), ("Signed", signed), ("Key", key)]


def _period(monday: date) -> str:
    sunday = monday + timedelta(days=6)
    first = str(monday.day) if monday.month == sunday.month else f"{monday.day} {monday:%B}"
    return f"{week_name(monday)}, {first} to {sunday.day} {sunday:%B %Y}"


def _moment(instant: str, zone: ZoneInfo, *, seconds: bool = False) -> str:
    local = slots.parse_instant(instant).astimezone(zone)
    return f"{local.day} {local:%b %Y} {local:%H:%M:%S}" if seconds else f"{local.day} {local:%b %H:%M} {zone.key}"

"""The day in numbers: what it comes to, its score and its contracts' weeks against their limits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from services.diary.pages.formatting import DASH, between, duration, hours_and_minutes, limit, percent, short_day
from services.diary.pages.grid import Grid
from services.wire.language import _, number
from services.wire.scores import ACTIVITY_POINTS, PRODUCTIVITY_POINTS
from services.wire.segments import is_tracked

# the ring's track leaves 0.6 of 100 free at each end of an arc, so an arc is that much shorter than its points
_ARC_GAP = 0.6
_TICK_AT = 90
"""Percent of a limit bar's width at which the limit stands."""


class Figure(NamedTuple):
    """A number under its name; ``kind`` gives the colour's key and glyph, ``zero`` the muted ink."""

    name: str
    value: str
    kind: str | None = None
    zero: bool = False
    note: str = ""
    small: str = ""


class Score(NamedTuple):
    """The ring: arcs in SVG units of 100, what stands in it, the formula in words, and the ``most`` of each term."""

    value: str
    arc_a: float
    arc_b: float
    words: str
    lines: list[str]
    reason: str | None
    most: tuple[int, int] = (ACTIVITY_POINTS, PRODUCTIVITY_POINTS)


class Bar(NamedTuple):
    """A part of a limit bar: its kind and its width as a percentage."""

    kind: str
    width: str


class Limit(NamedTuple):
    """A contract's week: ``6:20`` of ``12 h``, the bar's parts, and what follows from it."""

    id: str
    title: str
    used: str
    of: str
    limited: bool
    bars: list[Bar]
    strong: str
    words: str


def big_duration(minutes: int) -> tuple[str, str, str]:
    """Minutes for the largest figure: number, unit, rest; ``("6", "h", "30")`` or ``("40", "min", "")``."""
    hours, rest = divmod(minutes, 60)
    return (str(hours), "h", f"{rest:02}") if hours else (str(rest), "min", "")


def figures_of(totals: Mapping[str, int], segments: Sequence[Mapping[str, Any]], grid: Grid) -> list[Figure]:
    """The figures beside the billable sum, in the order of the mock-up."""
    unbilled = [one for one in segments if one["status"] == "unbilled"]
    outside = tracked_in(one for one in unbilled if one.get("outside_contract"))
    said = _("{time} outside term", time=duration(outside))
    figures = [
        _minutes(_("Automatic"), totals["automatic_minutes"], "auto"),
        _minutes(_("Manual"), totals["manual_minutes"], "manual"),
        _minutes(_("Over limit"), totals["over_limit_minutes"], "over"),
        _minutes(_("Not billed"), tracked_in(unbilled), "none", said if outside else ""),
        _minutes(_("Break"), totals["break_minutes"]),
    ]
    if totals["private_minutes"]:
        figures.append(_minutes(_("Private"), totals["private_minutes"]))
    at_work = _at_work(segments, grid)
    if totals["office_minutes"]:
        office, work = duration(totals["office_minutes"]), duration(totals["work_minutes"])
        hours = _("{office} office, {work} work", office=office, work=work)
        at_work = at_work._replace(small=hours)
    return [*figures, at_work]


def _minutes(name: str, minutes: int, kind: str | None = None, small: str = "") -> Figure:
    return Figure(name, duration(minutes), kind, minutes == 0, small=small)


def tracked_in(segments: Iterable[Mapping[str, Any]]) -> int:
    """The tracked minutes of segments that count there, and not on another device or contract (T-14)."""
    return sum(
        is_tracked(minute) and place not in one.get("elsewhere", ())
        for one in segments
        for place, minute in enumerate(one["minutes"])
    )


def _at_work(segments: Sequence[Mapping[str, Any]], grid: Grid) -> Figure:
    places = [(segment["slot"], place) for segment in segments if (place := grid.place(segment["slot"]))]
    if not places:
        return Figure(_("At work"), DASH, None, True, _("Nothing recorded on this day"))
    end = max(places)[1].end
    return Figure(_("At work"), between(min(places)[1].clock, "24:00" if end == "00:00" else end))


def score_of(score: Mapping[str, float | None], tracked_minutes: int) -> Score:
    """The score ring (K-02, K-03): no score is a dash with its reason, never 0."""
    tracko, activity, productivity = score["tracko"], score["activity"], score["productivity"]
    if tracko is None or activity is None:
        return _no_score(tracked_minutes)
    shown = str(int(tracko + 0.5))
    if productivity is None:
        points = number(activity * 100, 1)
        words = _("Tracko score {score} of 100: activity alone, {points}", score=shown, points=points)
        lines = [_activity(activity, 100), _("No classified application or site")]
        return Score(shown, _arc(activity * 100), 0, words, lines, None)
    a, b = activity * ACTIVITY_POINTS, productivity * PRODUCTIVITY_POINTS
    said = {"a": number(a, 1), "most_a": ACTIVITY_POINTS, "b": number(b, 1), "most_b": PRODUCTIVITY_POINTS}
    words = _(
        "Tracko score {score} of 100: activity {a} of {most_a}, productivity {b} of {most_b}", score=shown, **said
    )
    share = percent(productivity)
    productive = _("Productive {share}: {points} of {most}", share=share, points=number(b, 1), most=PRODUCTIVITY_POINTS)
    return Score(shown, _arc(a), _arc(b), words, [_activity(activity, ACTIVITY_POINTS), productive], None)


def _no_score(tracked_minutes: int) -> Score:
    if tracked_minutes:
        words, line = _("No Tracko score: not worked out yet"), _("Not worked out yet, so there is no score.")
        return Score(DASH, 0, 0, words, [line], _("Not worked out yet"))
    words, line = _("No Tracko score: nothing tracked"), _("Nothing tracked, so there is no score.")
    return Score(DASH, 0, 0, words, [line], _("Nothing tracked"))


def _activity(share: float, most: int) -> str:
    points = number(share * most, 1)
    return _("Activity {share}: {points} of {most}", share=percent(share), points=points, most=most)


def _arc(points: float) -> float:
    return round(max(0.0, points - _ARC_GAP), 1)


def limits_of(
    weeks: Iterable[Mapping[str, Any]],
    segments: Sequence[Mapping[str, Any]],
    grid: Grid,
    contracts: Mapping[str, str],
    billing_zone: str,
) -> list[Limit]:
    """Each contract's week against its limit (S-03), those with a limit first."""
    ordered = sorted(weeks, key=lambda week: (week["limit_minutes"] is None, contracts.get(week["contract"], "")))
    return [_limit(week, segments, grid, contracts, billing_zone) for week in ordered]


def reached(contract: str, segments: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first segment of a contract that is over its weekly limit on this day."""
    over = [one for one in segments if one["status"] == "over_limit" and one["contract"] == contract]
    return min(over, key=lambda one: str(one["slot"])) if over else None


def _limit(
    week: Mapping[str, Any],
    segments: Sequence[Mapping[str, Any]],
    grid: Grid,
    contracts: Mapping[str, str],
    billing_zone: str,
) -> Limit:
    title = contracts.get(week["contract"]) or _("Contract")
    used, most, over = week["billable_minutes"], week["limit_minutes"], week["over_limit_minutes"]
    shown = hours_and_minutes(used)
    if most is None:
        words = _("The week ends on {when}.", when=_week_ends(week, billing_zone))
        return Limit(week["contract"], title, shown, _("no weekly limit"), False, [], "", words)
    bars = limit_bars(week["automatic_minutes"], week["manual_minutes"], over, most)
    first = reached(week["contract"], segments)
    place = grid.place(first["slot"]) if first else None
    strong = _("Limit reached at {clock}.", clock=place.clock) if place else _("Limit reached.") if over else ""
    words = _("{time} over are not billed.", time=duration(over)) if over else ""
    if not strong:
        left = duration(max(0, most - used))
        words = _("{time} left until {when}.", time=left, when=_week_ends(week, billing_zone))
    return Limit(week["contract"], title, shown, _("of {limit}", limit=limit(most)), True, bars, strong, words)


def limit_bars(automatic: int, manual: int, over: int, most: int | None) -> list[Bar]:
    """The parts of a limit bar in minutes; the limit stands at its tick, and what is over it beyond."""
    room = 100 - _TICK_AT
    return [
        Bar(kind, f"{min(minutes * _TICK_AT / most, room if kind == 'over' else _TICK_AT):.1f}%")
        for kind, minutes in (("auto", automatic), ("manual", manual), ("over", over))
        if minutes > 0 and most
    ]


def _week_ends(week: Mapping[str, Any], billing_zone: str) -> str:
    """Weeks run Monday to Sunday in the billing zone; past ones are named by their date."""
    monday = date.fromisoformat(week["week"]) + timedelta(days=7)
    return _("{date}, {clock}", date=short_day(monday), clock=f"00:00 {billing_zone}")

"""The dialogue for manual time (S-05): the contracts that allow it, and times of a zone as instants. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.diary.pages.forms import Sent
from services.kit.problems import invalid
from services.wire.language import N_, _
from services.wire.slots import format_instant

KINDS = (("work", N_("Work")), ("break", N_("Break")), ("private", N_("Private time")))


def contracts_for(contracts: Iterable[Mapping[str, Any]], member: str, day: str) -> list[Mapping[str, Any]]:
    """The member's contracts that allow manual time on a day, by project."""
    found = [
        one
        for one in contracts
        if one["member"] == member
        and one["manual_time"]
        and (not one["starts_on"] or one["starts_on"] <= day)
        and (not one["ends_on"] or day <= one["ends_on"])
    ]
    return sorted(found, key=lambda one: str(one["project"]).casefold())


def instant_of(day: date, text: str, zone: ZoneInfo, field: str, *, ends: bool = False) -> str:
    """``09:40`` of a day in a zone as an instant; 422 at the field where there is no such time.

    Of an hour that comes twice the first is meant. ``ends``: ``00:00`` is the midnight after the day.
    """
    try:
        clock = time.fromisoformat(text)
    except ValueError as error:
        raise invalid(_("{field}: a time like 09:40", field=field), field=field) from error
    if clock.second or clock.microsecond or clock.tzinfo:
        raise invalid(_("{field}: a time like 09:40", field=field), field=field)
    if ends and clock == time.min:
        day += timedelta(days=1)
    local = datetime.combine(day, clock, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise invalid(_("{field}: the clocks skip this time on this day", field=field), field=field)
    return format_instant(instant)


def body_of(sent: Sent, day: date, zone: ZoneInfo) -> dict[str, Any]:
    """The body of ``POST …/manual-time`` of a sent dialogue."""
    start = instant_of(day, sent.text("start"), zone, "start")
    end = instant_of(day, sent.text("end"), zone, "end", ends=True)
    if end <= start:
        raise invalid(_("end: after the start"), field="end")
    if not sent.text("reason"):
        raise invalid(_("reason: say what was done away from the computer"), field="reason")
    names = ("contract", "kind", "reason")
    return {name: sent.text(name) for name in names} | {
        "start": start,
        "end": end,
        "memo": sent.some("memo"),
        "label": sent.some("label"),
    }

"""Licences as their pages show them: state, seats, validity and the reason of a row. Pure (L-02 to L-05, L-07)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import DASH, counted
from services.wire.slots import format_instant, parse_instant

Object = Mapping[str, Any]
DRAIN_HOURS = 24
_FEW = 3
MODES = (("", "Any mode"), ("worklog", "Worklog"), ("monitoring", "Monitoring"))
STATES = (
    ("", "Any state"),
    *((one, one.title()) for one in ("draft", "issued", "active", "suspended", "revoked", "expired")),
)
_PILLS = {
    "draft": ("", "none", "Draft"),
    "issued": ("", "none", "Not started"),
    "active": ("good", "auto", "Active"),
    "suspended": ("warn", "pause", "Suspended"),
    "revoked": ("bad", "cross", "Revoked"),
    "expired": ("", "none", "Expired"),
}


class Row(NamedTuple):
    """A licence in the list; ``reason`` is why it does not go as it should, ``""`` where it does.

    ``short`` is the end of its id, which tells several licences of one member apart; ``computers`` hold its seats.
    """

    id: str
    short: str
    whose: str
    computers: str
    mode: str
    pill: tuple[str, str, str]
    reason: str
    seats: str
    expires: str


class Totals(NamedTuple):
    """Seats of the workspace, and how many licences stand how; ``total`` None: no limit."""

    taken: int
    total: int | None
    worklog: int
    monitoring: int
    stopped: int


def row_of(
    licence: Object,
    names: Mapping[str, str],
    unread: frozenset[str],
    zone: ZoneInfo,
    now: datetime,
    devices: Sequence[Object] = (),
) -> Row:
    """One line of the list; ``unread`` are the members with a notice that they have not acknowledged."""
    holding = sorted(str(one["name"]) for one in devices if one["licence"] == licence["id"] and not one["released_at"])
    return Row(
        id=licence["id"],
        short=f"…{licence['id'][-6:]}",
        computers=", ".join(holding[:_FEW]) + (f" and {len(holding) - _FEW} more" if len(holding) > _FEW else ""),
        whose=licence["computer"] or names.get(licence["member"], DASH),
        mode=str(licence["mode"]).title(),
        pill=_PILLS.get(licence["state"], ("", "none", str(licence["state"]).title())),
        reason=reason_of(licence, licence["member"] in unread, zone, now),
        seats=f"{licence['seats_taken']} of {licence['seats']}",
        expires=day_words(licence["expires"], zone, last=True) if licence["expires"] else DASH,
    )


def reason_of(licence: Object, unread: bool, zone: ZoneInfo, now: datetime) -> str:
    """Why the bus refuses it or it records nothing yet, in a few words (L-05)."""
    match licence["state"]:
        case "draft":
            return "has no key yet"
        case "revoked":
            drains = licence["drain_until"] and parse_instant(licence["drain_until"]) > now
            until = f"; signed work may arrive until {moment_words(licence['drain_until'], zone)}" if drains else ""
            return f"since {day_words(licence['revoked_at'], zone)}{until}"
        case "expired":
            return f"on {day_words(licence['expires'], zone, last=True)}"
        case "suspended" if licence["archived"]:
            return "its member or the workspace is archived"
        case "suspended":
            return "records nothing until it is resumed"
        case "issued" if licence["not_before"] and parse_instant(licence["not_before"]) > now:
            return f"begins on {day_words(licence['not_before'], zone)}"
    if licence["over_limit"]:
        over = licence["seats_taken"] - licence["seats"]
        return f"{counted(over, 'seat')} over: no further computer can be activated"
    if unread:
        return "notice not acknowledged"
    return ""


def totals_of(licences: Sequence[Object], workspace: Object) -> Totals:
    """The numbers above the list."""
    live = [one for one in licences if one["state"] in ("issued", "active", "suspended")]
    modes = [one["mode"] for one in live]
    stopped = sum(one["state"] in ("suspended", "revoked", "expired") for one in licences)
    seats = workspace.get("seats"), workspace.get("seats_taken") or 0
    return Totals(seats[1], seats[0], modes.count("worklog"), modes.count("monitoring"), stopped)


def fits(licence: Object, mode: str, state: str, policy: str) -> bool:
    """Whether a licence passes the filters; an empty one lets all pass."""
    named = not policy or policy in (licence["policy"], licence["in_effect"])
    return mode in ("", licence["mode"]) and state in ("", licence["state"]) and named


def facts_of(licence: Object, policy: Object, zone: ZoneInfo) -> list[tuple[str, str]]:
    """What stands in the drawer above the policy."""
    mode = "Worklog: the member starts and stops it"
    if licence["mode"] == "monitoring":
        mode = "Monitoring: from when the computer starts until it shuts down"
    begins = day_words(licence["not_before"], zone) if licence["not_before"] else day_words(licence["created_at"], zone)
    ends = f"to {day_words(licence['expires'], zone, last=True)}" if licence["expires"] else "without an end"
    seats = f"{licence['seats_taken']} of {licence['seats']} taken"
    if licence["seats_reserved"]:
        seats += f", {counted(licence['seats_reserved'], 'seat')} of these kept for a transfer"
    days = policy["policy"]["grace_days"]
    return [
        ("Mode", mode),
        ("Valid", f"{begins} {ends}"),
        ("Seats", seats),
        ("If offline", f"keeps recording for {counted(days, 'day')}, then stops"),
    ]


def day_words(text: str, zone: ZoneInfo, *, last: bool = False) -> str:
    """``31 August 2027``; ``last``: the last day before an instant, for ends are instants and people name days."""
    instant = parse_instant(text) - (timedelta(seconds=1) if last else timedelta(0))
    local = instant.astimezone(zone)
    return f"{local.day} {local:%B %Y}"


def moment_words(text: str, zone: ZoneInfo) -> str:
    """``22 Nov, 08:14``."""
    local = parse_instant(text).astimezone(zone)
    return f"{local.day} {local:%b, %H:%M}"


def begins_of(day: str | None, zone: ZoneInfo) -> str | None:
    """The instant at which a day begins, of a form's date; None where there is none, ValueError where it is no date."""
    return _midnight(date.fromisoformat(day), zone) if day else None


def ends_of(day: str | None, zone: ZoneInfo) -> str | None:
    """The instant at which a last day is over."""
    return _midnight(date.fromisoformat(day) + timedelta(days=1), zone) if day else None


def _midnight(day: date, zone: ZoneInfo) -> str:
    return format_instant(datetime.combine(day, time(), zone).astimezone(UTC))


def day_value(text: str | None, zone: ZoneInfo, *, last: bool = False) -> str:
    """An instant as a form's date; ``""`` where there is none."""
    if not text:
        return ""
    return (parse_instant(text) - (timedelta(seconds=1) if last else timedelta(0))).astimezone(zone).date().isoformat()

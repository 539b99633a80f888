"""Licences as their pages show them: state, seats, validity and the reason of a row. Pure (L-02 to L-05, L-07)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import DASH, long_date, short_date
from services.wire.language import N_, _, again, ngettext
from services.wire.slots import format_instant, parse_instant

Object = Mapping[str, Any]
DRAIN_HOURS = 24
_FEW = 3
MODES = (("", N_("Any mode")), ("worklog", N_("Worklog")), ("monitoring", N_("Monitoring")))
_MODES = dict(MODES)
#: A mode or a state within a line.
MODE_WORDS = N_("worklog"), N_("monitoring")
STATE_WORDS = N_("draft"), N_("issued"), N_("active"), N_("suspended"), N_("revoked"), N_("expired")
STATES = (
    *(("", N_("Any state")), ("draft", N_("Draft")), ("issued", N_("Issued")), ("active", N_("Active"))),
    *(("suspended", N_("Suspended")), ("revoked", N_("Revoked")), ("expired", N_("Expired"))),
)
_PILLS = {
    "draft": ("", "none", N_("Draft")),
    "issued": ("", "none", N_("Not started")),
    "active": ("good", "auto", N_("Active")),
    "suspended": ("warn", "pause", N_("Suspended")),
    "revoked": ("bad", "cross", N_("Revoked")),
    "expired": ("", "none", N_("Expired")),
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
    kind, glyph, state = _PILLS.get(licence["state"], ("", "none", str(licence["state"]).title()))
    return Row(
        id=licence["id"],
        short=f"…{licence['id'][-6:]}",
        computers=_few(holding),
        whose=licence["computer"] or names.get(licence["member"], DASH),
        mode=again(_MODES.get(licence["mode"], str(licence["mode"]).title())),
        pill=(kind, glyph, again(state)),
        reason=reason_of(licence, licence["member"] in unread, zone, now),
        seats=_("{shown} of {all}", shown=licence["seats_taken"], all=licence["seats"]),
        expires=day_words(licence["expires"], zone, last=True) if licence["expires"] else DASH,
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FEW])
    if len(names) <= _FEW:
        return shown
    return _("{names} and {number} more", names=shown, number=len(names) - _FEW)


def reason_of(licence: Object, unread: bool, zone: ZoneInfo, now: datetime) -> str:
    """Why the bus refuses it or it records nothing yet, in a few words (L-05)."""
    match licence["state"]:
        case "draft":
            return _("has no key yet")
        case "revoked":
            since, until = day_words(licence["revoked_at"], zone), licence["drain_until"]
            if not until or parse_instant(until) <= now:
                return _("since {day}", day=since)
            last = moment_words(until, zone)
            return _("since {day}; signed work may arrive until {moment}", day=since, moment=last)
        case "expired":
            return _("on {day}", day=day_words(licence["expires"], zone, last=True))
        case "suspended" if licence["archived"]:
            return _("its member or the workspace is archived")
        case "suspended":
            return _("records nothing until it is resumed")
        case "issued" if licence["not_before"] and parse_instant(licence["not_before"]) > now:
            return _("begins on {day}", day=day_words(licence["not_before"], zone))
    if licence["over_limit"]:
        over = licence["seats_taken"] - licence["seats"]
        return ngettext(
            "{number} seat over: no further computer can be activated",
            "{number} seats over: no further computer can be activated",
            over,
        )
    if unread:
        return _("notice not acknowledged")
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
    mode = _("Worklog: the member starts and stops it")
    if licence["mode"] == "monitoring":
        mode = _("Monitoring: from when the computer starts until it shuts down")
    begins = day_words(licence["not_before"], zone) if licence["not_before"] else day_words(licence["created_at"], zone)
    span = _("{begin} without an end", begin=begins)
    if licence["expires"]:
        span = _("{begin} to {end}", begin=begins, end=day_words(licence["expires"], zone, last=True))
    days = ngettext(
        "keeps recording for {number} day, then stops",
        "keeps recording for {number} days, then stops",
        policy["policy"]["grace_days"],
    )
    seats = _seats(licence["seats_taken"], licence["seats"], licence["seats_reserved"])
    return [(_("Mode"), mode), (_("Valid"), span), (_("Seats"), seats), (_("If offline"), days)]


def _seats(taken: int, all: int, kept: int) -> str:
    if not kept:
        return _("{taken} of {all} taken", taken=taken, all=all)
    return ngettext(
        "{taken} of {all} taken, {number} seat of these kept for a transfer",
        "{taken} of {all} taken, {number} seats of these kept for a transfer",
        kept,
        taken=taken,
        all=all,
    )


def day_words(text: str, zone: ZoneInfo, *, last: bool = False) -> str:
    """``31 August 2027``; ``last``: the last day before an instant, for ends are instants and people name days."""
    instant = parse_instant(text) - (timedelta(seconds=1) if last else timedelta(0))
    return long_date(instant.astimezone(zone))


def moment_words(text: str, zone: ZoneInfo) -> str:
    """``22 Nov, 08:14``."""
    local = parse_instant(text).astimezone(zone)
    return _("{date}, {clock}", date=short_date(local), clock=f"{local:%H:%M}")


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

"""The likely reason for a device's silence in words, with its next step as a link. Pure (V-03, L-05)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import ago, long_date
from services.diary.silence import Silence
from services.wire.language import N_, _, again


class Step(NamedTuple):
    """Somewhere to go on from here."""

    words: str
    href: str


class Told(NamedTuple):
    """The pill of a device or a reason (kind, glyph, words), the sentence, and the next step (None: there is none)."""

    kind: str
    glyph: str
    short: str
    words: str
    step: Step | None


_STATUS = {
    "working": ("good", "auto", N_("Working")),
    "idle": ("good", "half", N_("Idle")),
    "break": ("", "pause", N_("Break")),
    "private": ("", "pause", N_("Private")),
    "locked": ("", "lockg", N_("Locked")),
    "stopped": ("", "none", N_("Not tracking")),
}
_SHORT = {
    "removed": ("", "none", N_("Seat given back")),
    "revoked": ("bad", "cross", N_("Revoked")),
    "suspended": ("warn", "pause", N_("Suspended")),
    "archived": ("", "pause", N_("Archived")),
    "expired": ("bad", "cross", N_("Expired")),
    "not_begun": ("", "none", N_("Not begun")),
    "limit": ("bad", "cross", N_("Over the seats")),
    "cloned": ("bad", "bang", N_("Key seen twice")),
    "clock": ("warn", "bang", N_("Clock wrong")),
    "monitoring_off": ("warn", "pause", N_("Monitoring off")),
    "never_seen": ("warn", "bang", N_("Never seen")),
    "no_contact": ("", "none", N_("No contact")),
}


def told(silence: Silence | None, status: str | None, device: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Told:
    """What is said of a device: what it does, or why it says nothing and how to go on."""
    if silence is None:
        kind, glyph, short = _STATUS.get(status or "", ("good", "auto", N_("In contact")))
        return Told(kind, glyph, again(short), "", None)
    kind, glyph, short = _SHORT[silence.reason]
    if silence.reason == "no_contact" and silence.grave:
        kind, glyph = "warn", "bang"
    words, step = _said(silence, device, now, zone)
    return Told(kind, glyph, again(short), words, step)


def _said(silence: Silence, device: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> tuple[str, Step | None]:
    day = long_date(silence.since.astimezone(zone)) if silence.since else ""
    licence, own = f"/licences/{device['licence']}", f"/devices/{device['id']}"
    match silence.reason:
        case "removed" | "revoked" | "expired" | "not_begun" | "never_seen":
            return _dated(silence.reason, day), _next(silence.reason, licence, own)
        case "archived":
            return _("Its member or the workspace is archived."), Step(_("Restore under People"), "/people")
        case "suspended":
            words = _("Its licence is suspended: it records nothing until it is resumed.")
            return words, Step(_("Resume it"), licence)
        case "limit":
            words = _("More seats of its licence are taken than there are.")
            return words, Step(_("Change the seats"), f"{licence}#seats")
        case "cloned":
            return _("Two computers seem to use its key."), Step(_("Look into it"), own)
        case "clock":
            words = _("Its clock is ahead, so what it sends is held back.")
            return words, Step(_("Set the clock, then release"), f"{own}#held")
        case "monitoring_off":
            words = _("The agent runs, but monitoring is off on it.")
            return words, Step(_("Look at its profile"), "/profiles")
    return _away(silence.since, now), Step(_("What has arrived"), own) if silence.grave else None


def _away(since: datetime | None, now: datetime) -> str:
    if since is None:
        return _("Not heard of: off, asleep or without a network. It keeps what it records and sends it later.")
    return _(
        "Last heard of {ago}: off, asleep or without a network. It keeps what it records and sends it later.",
        ago=ago((now - since).total_seconds()),
    )


def _dated(reason: str, day: str) -> str:
    """What was, or will be, on a day; ``""`` where that is not known."""
    match reason:
        case "removed":
            return _("Its seat was given back on {day}.", day=day) if day else _("Its seat was given back.")
        case "revoked":
            if day:
                return _("Its licence was revoked on {day}. What it signed before stays valid.", day=day)
            return _("Its licence was revoked. What it signed before stays valid.")
        case "expired":
            return _("Its licence ended on {day}.", day=day) if day else _("Its licence ended.")
        case "not_begun":
            return _("Its licence begins on {day}.", day=day) if day else _("Its licence begins.")
    return _("Activated on {day}, and never heard of.", day=day) if day else _("Activated, and never heard of.")


def _next(reason: str, licence: str, own: str) -> Step:
    match reason:
        case "removed":
            return Step(_("Look at the licence"), licence)
        case "revoked":
            return Step(_("Issue another"), "/licences/new")
        case "expired":
            return Step(_("Renew it"), f"{licence}#renew")
        case "not_begun":
            return Step(_("Change when it begins"), f"{licence}#renew")
    return Step(_("Check that the agent runs there"), own)

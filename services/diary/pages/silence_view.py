"""The likely reason for a device's silence in words, with its next step as a link. Pure (V-03, L-05)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import ago
from services.diary.silence import Silence


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
    "working": ("good", "auto", "Working"),
    "idle": ("good", "half", "Idle"),
    "break": ("", "pause", "Break"),
    "private": ("", "pause", "Private"),
    "locked": ("", "lockg", "Locked"),
    "stopped": ("", "none", "Not tracking"),
}
_SHORT = {
    "removed": ("", "none", "Seat given back"),
    "revoked": ("bad", "cross", "Revoked"),
    "suspended": ("warn", "pause", "Suspended"),
    "archived": ("", "pause", "Archived"),
    "expired": ("bad", "cross", "Expired"),
    "not_begun": ("", "none", "Not begun"),
    "limit": ("bad", "cross", "Over the seats"),
    "cloned": ("bad", "bang", "Key seen twice"),
    "clock": ("warn", "bang", "Clock wrong"),
    "monitoring_off": ("warn", "pause", "Monitoring off"),
    "never_seen": ("warn", "bang", "Never seen"),
    "no_contact": ("", "none", "No contact"),
}


def told(silence: Silence | None, status: str | None, device: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Told:
    """What is said of a device: what it does, or why it says nothing and how to go on."""
    if silence is None:
        return Told(*_STATUS.get(status or "", ("good", "auto", "In contact")), "", None)
    kind, glyph, short = _SHORT[silence.reason]
    if silence.reason == "no_contact" and silence.grave:
        kind, glyph = "warn", "bang"
    words, step = _said(silence, device, now, zone)
    return Told(kind, glyph, short, words, step)


def _said(silence: Silence, device: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> tuple[str, Step | None]:
    since = _day(silence.since, zone)
    licence, own = f"/licences/{device['licence']}", f"/devices/{device['id']}"
    match silence.reason:
        case "removed":
            return f"Its seat was given back{since}.", Step("Look at the licence", licence)
        case "revoked":
            return f"Its licence was revoked{since}. What it signed before stays valid.", Step(
                "Issue another", "/licences/new"
            )
        case "expired":
            return f"Its licence ended{since}.", Step("Renew it", f"{licence}#renew")
        case "archived":
            return "Its member or the workspace is archived.", Step("Restore under People", "/people")
        case "suspended":
            return "Its licence is suspended: it records nothing until it is resumed.", Step("Resume it", licence)
        case "not_begun":
            return f"Its licence begins{since}.", Step("Change when it begins", f"{licence}#renew")
        case "limit":
            return "More seats of its licence are taken than there are.", Step("Change the seats", f"{licence}#seats")
        case "cloned":
            return "Two computers seem to use its key.", Step("Look into it", own)
        case "clock":
            return "Its clock is ahead, so what it sends is held back.", Step(
                "Set the clock, then release", f"{own}#held"
            )
        case "monitoring_off":
            return "The agent runs, but monitoring is off on it.", Step("Look at its profile", "/profiles")
        case "never_seen":
            return f"Activated{since}, and never heard of.", Step("Check that the agent runs there", own)
    heard = f"Last heard of {ago((now - silence.since).total_seconds())}" if silence.since else "Not heard of"
    words = f"{heard}: off, asleep or without a network. It keeps what it records and sends it later."
    return words, Step("What has arrived", own) if silence.grave else None


def _day(instant: datetime | None, zone: ZoneInfo) -> str:
    if instant is None:
        return ""
    local = instant.astimezone(zone)
    return f" on {local.day} {local:%B %Y}"

"""Devices as their pages show them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.devices import Contact, waits_since
from services.diary.pages.formatting import DASH, ago, dated
from services.diary.pages.reason_words import held
from services.diary.pages.silence_view import Told, told
from services.wire.language import N_, _, again, ngettext


class Row(NamedTuple):
    """A device in the list; ``heard`` is a dash where it was never heard of."""

    id: str
    name: str
    os: str
    member: str
    member_id: str
    mode: str
    told: Told
    heard: str
    agent: str
    unsent: str
    held: int


class Held(NamedTuple):
    """A record that is held back: its number (a dash where nothing proves it), and why."""

    id: str
    seq: str
    why: str
    at: str


class Fact(NamedTuple):
    """A named figure; ``reason`` says why it is a dash."""

    name: str
    value: str
    reason: str = ""


def row_of(contact: Contact, names: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Row:
    """One line of the list."""
    device = contact.device
    presence = contact.now.presence if contact.now else None
    return Row(
        id=device["id"],
        name=device["name"],
        os=os_name(device["os"]),
        member=names.get(device["member"], DASH),
        member_id=device["member"],
        mode=mode_name(str(device["mode"])),
        told=told(contact.silence, contact.status, device, now, zone),
        heard=ago((now - contact.heard_at).total_seconds()) if contact.heard_at else DASH,
        agent=presence.agent if presence else DASH,
        unsent=str(presence.unsent) if presence else DASH,
        held=len(contact.held),
    )


def mode_name(mode: str) -> str:
    """How a device's licence records: ``Worklog``."""
    return again({"worklog": N_("Worklog"), "monitoring": N_("Monitoring")}.get(mode, mode.title()))


def os_name(system: str) -> str:
    """A computer's system as people write it."""
    return {"linux": "Linux", "windows": "Windows", "macos": "macOS", "darwin": "macOS"}.get(system, system)


def facts_of(contact: Contact, now: datetime, zone: ZoneInfo) -> list[Fact]:
    """What is known of a device's contact; what only it could say is a dash while it is not there."""
    presence = contact.now.presence if contact.now else None
    away = _("It is not in contact just now, and only it knows")
    heard = ago((now - contact.heard_at).total_seconds()) if contact.heard_at else DASH
    oldest = waits_since(contact)
    facts = [
        Fact(_("Last contact"), heard, _("Never")),
        Fact(_("Agent"), presence.agent if presence else DASH, away),
        Fact(_("Waits to be sent"), _records(presence.unsent) if presence else DASH, away),
    ]
    if oldest:
        facts.append(Fact(_("Oldest that waits"), ago((now - oldest).total_seconds())))
    if contact.device.get("cloned_because"):
        facts.append(Fact(_("Doubt about its key"), _doubt(str(contact.device["cloned_because"]))))
    return facts


def _records(count: int) -> str:
    return ngettext("{number} record", "{number} records", count)


def _doubt(because: str) -> str:
    return again(because) if because in ("boots", "conflict") else because


def proof_of(sync: Mapping[str, Any] | None) -> list[Fact]:
    """The ledger's statement (B-02): "0 gaps" is a statement, and a dash says that there is none just now."""
    if sync is None:
        away = _("The ledger does not answer just now")
        return [Fact(_("Records"), DASH, away), Fact(_("Gaps"), DASH, _("As above"))]
    missing = [
        f"{first}" if first == last else _("{first} to {last}", first=first, last=last)
        for first, last in sync["missing"]
    ]
    return [
        Fact(_("Records"), str(sync["records"])),
        Fact(_("Through"), str(sync["through"])),
        Fact(_("Gaps"), f"{len(missing)}" + (f": {', '.join(missing[:8])}" if missing else "")),
        Fact(_("Broken links"), f"{len(sync['broken'])}"),
        Fact(_("Held back"), f"{len(sync['quarantined'])}"),
    ]


def held_of(items: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Held]:
    """Records that are held back, newest first."""
    return [
        Held(
            one["id"],
            DASH if one["seq"] is None else str(one["seq"]),
            held(str(one["reason"])),
            dated(one["received_at"], zone, named=False),
        )
        for one in items
    ]

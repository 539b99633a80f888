"""Devices as their pages show them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.devices import Contact, waits_since
from services.diary.pages.formatting import DASH, ago, counted, dated
from services.diary.pages.reason_words import held
from services.diary.pages.silence_view import Told, told


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
        mode=str(device["mode"]).title(),
        told=told(contact.silence, contact.status, device, now, zone),
        heard=ago((now - contact.heard_at).total_seconds()) if contact.heard_at else DASH,
        agent=presence.agent if presence else DASH,
        unsent=str(presence.unsent) if presence else DASH,
        held=len(contact.held),
    )


def os_name(system: str) -> str:
    """A computer's system as people write it."""
    return {"linux": "Linux", "windows": "Windows", "macos": "macOS", "darwin": "macOS"}.get(system, system)


def facts_of(contact: Contact, now: datetime, zone: ZoneInfo) -> list[Fact]:
    """What is known of a device's contact; what only it could say is a dash while it is not there."""
    presence = contact.now.presence if contact.now else None
    away = "It is not in contact just now, and only it knows"
    oldest = waits_since(contact)
    facts = [
        Fact("Last contact", ago((now - contact.heard_at).total_seconds()) if contact.heard_at else DASH, "Never"),
        Fact("Agent", presence.agent if presence else DASH, away),
        Fact("Waits to be sent", counted(presence.unsent, "record") if presence else DASH, away),
    ]
    if oldest:
        facts.append(Fact("Oldest that waits", ago((now - oldest).total_seconds())))
    if contact.device.get("cloned_because"):
        facts.append(Fact("Doubt about its key", str(contact.device["cloned_because"])))
    return facts


def proof_of(sync: Mapping[str, Any] | None) -> list[Fact]:
    """The ledger's statement (B-02): "0 gaps" is a statement, and a dash says that there is none just now."""
    if sync is None:
        return [Fact("Records", DASH, "The ledger does not answer just now"), Fact("Gaps", DASH, "As above")]
    missing = [f"{first}" if first == last else f"{first} to {last}" for first, last in sync["missing"]]
    return [
        Fact("Records", str(sync["records"])),
        Fact("Through", str(sync["through"])),
        Fact("Gaps", f"{len(missing)}" + (f": {', '.join(missing[:8])}" if missing else "")),
        Fact("Broken links", f"{len(sync['broken'])}"),
        Fact("Held back", f"{len(sync['quarantined'])}"),
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

"""Devices as the back office reads them: what licensing, ingest and the bus know of each, put together (V-03, B-02)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from services.diary import audit
from services.diary.access import Viewer
from services.diary.edge import Edge
from services.diary.presence import Heard, heard
from services.diary.silence import Known, Silence, last_heard, why_silent
from services.kit.problems import Problem
from services.wire.requests import QuarantineOf, Release, SyncOf
from services.wire.slots import format_instant, parse_instant

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Contact:
    """One device: when it was last heard of, what it does now and waits to send (None: unknown), and its silence.

    ``held`` are the records of it that are held back; ``sync`` ingest's statement where it was asked for.
    """

    device: Object
    licence: Object
    heard_at: datetime | None
    now: Heard | None
    sync: Object | None
    held: Sequence[Object]
    silence: Silence | None

    @property
    def status(self) -> str | None:
        """What it said it is doing, within the last five minutes."""
        return self.now.presence.status if self.now and self.now.presence else None


async def contacts(
    edge: Edge, viewer: Viewer, devices: Sequence[Object], licences: Sequence[Object], *, proof: bool = False
) -> list[Contact]:
    """The contact of each of these devices, which licensing lets the viewer see.

    Ingest states a device's whole chain with ``proof`` alone, or where its silence hangs on it. What does not answer
    just now is left out, and shown as unknown.
    """
    ids = [str(one["id"]) for one in devices]
    said = await _said(edge, viewer.workspace, ids)
    held = await _held(edge, viewer.workspace, ids[0] if len(ids) == 1 else None)
    asked = ids if proof else [str(one["id"]) for one in devices if _doubtful(one, said, held)]
    statements = await _statements(edge, viewer.workspace, asked)
    by_id = {one["id"]: one for one in licences}
    found, now = [], datetime.now(UTC)
    for one in devices:
        heard_now, sync = said.get(one["id"]), statements.get(one["id"])
        last = last_heard(one, sync, heard_now.at if heard_now else None)
        licence = by_id.get(one["licence"], {})
        status = heard_now.presence.status if heard_now and heard_now.presence else None
        silence = why_silent(Known(one, licence, sync, last, status), now)
        found.append(Contact(one, licence, last, heard_now, sync, held.get(one["id"], []), silence))
    return found


def _doubtful(device: Object, said: Mapping[str, Heard], held: Mapping[str, Sequence[Object]]) -> bool:
    unheard = device["id"] not in said and not device.get("last_contact_at")
    return unheard or any(one["reason"] == "clock_ahead" for one in held.get(device["id"], ()))


async def _said(edge: Edge, workspace: str, devices: Sequence[str]) -> dict[str, Heard]:
    try:
        return await heard(edge.bus, workspace, devices)
    except Problem:
        return {}


async def _held(edge: Edge, workspace: str, device: str | None) -> dict[str, list[Object]]:
    try:
        answer = await edge.bus.ask("ingest", "quarantine", QuarantineOf(workspace=workspace, device=device))
    except Problem:
        return {}
    by_device: dict[str, list[Object]] = {}
    for one in cast(list[Object], answer["items"]):
        by_device.setdefault(one["device"], []).append(one)
    return by_device


async def _statements(edge: Edge, workspace: str, devices: Sequence[str]) -> dict[str, Object]:
    if not devices:
        return {}
    try:
        answer = await edge.bus.ask("ingest", "sync", SyncOf(workspace=workspace, devices=list(devices)))
    except Problem:
        return {}
    return {one["device"]: one for one in cast(list[Object], answer["devices"])}


async def release(edge: Edge, viewer: Viewer, contact: Contact, ids: Sequence[str]) -> tuple[int, int]:
    """Tries records of a device that are held back once more, and writes down who did (B-02, G-02).

    Gives how many were tried and how many of these are in the ledger now; ids that are not held of it mean nothing.
    """
    wanted = set(ids)
    tried = [str(one["id"]) for one in contact.held if one["id"] in wanted]
    if not tried:
        return 0, 0
    answer = await edge.bus.ask("ingest", "release", Release(principal=viewer.principal, ids=tried), timeout=20.0)
    released = int(answer["released"])
    detail = f"{released} of {len(tried)} of device {contact.device['id']}"
    await audit.note(edge.db, viewer, "records.released", contact.device["member"], detail=detail)
    return len(tried), released


def as_told(contact: Contact) -> dict[str, Any]:
    """A contact as the API shows it; what is not known just now is null."""
    presence = contact.now.presence if contact.now else None
    silence = contact.silence
    return {
        "device": contact.device["id"],
        "heard_at": _text(contact.heard_at),
        "status": contact.status,
        "since": presence.since if presence else None,
        "agent": presence.agent if presence else None,
        "unsent": presence.unsent if presence else None,
        "oldest_unsent": presence.oldest_unsent if presence else None,
        "silence": {"reason": silence.reason, "since": _text(silence.since), "grave": silence.grave}
        if silence
        else None,
    }


def waits_since(contact: Contact) -> datetime | None:
    """Since when the oldest record waits on the device; None where none does, or where it is not known."""
    presence = contact.now.presence if contact.now else None
    return parse_instant(presence.oldest_unsent) if presence and presence.oldest_unsent else None


def _text(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None

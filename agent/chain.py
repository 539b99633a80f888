"""Closes a slot into a record: the next link of this device's chain (architecture.md, *The record on the wire*).

Pure apart from the salt and the trace's id, which are random.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nacl.signing import SigningKey

from agent.slot import OTHER, App, Minute, OpenSlot, clean
from services.wire import proof, slots

VERSION = "1.0.0"
MAX_APPS = 100
MAX_CAPTURES = 60
MEMO_CHARS = 2000
_SLOT_SECONDS = slots.SLOT_MINUTES * 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: the ids of the activation, and the device's key."""

    workspace: str
    member: str
    device: str
    licence: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain so far: the last record's seq and hash."""

    seq: int = 0
    hash: str = proof.GENESIS


@dataclass(frozen=True, slots=True)
class Record:
    """A closed record as it goes on the wire; ``minutes`` has bit i set where minute i is carried."""

    seq: int
    segment_id: str
    minutes: int
    closed_at: datetime
    hash: str
    body: bytes
    traceparent: str


@dataclass(frozen=True, slots=True)
class HeldCapture:
    """A capture of the open slot: its entry on the wire but for ``app``, and what was in front at its moment."""

    entry: Mapping[str, Any]
    app: App | None = None


def segment_id(contract: str, device: str, slot: datetime) -> str:
    """``contract:device:slot``; the same for every record of the slot on that contract."""
    return f"{contract}:{device}:{slots.format_instant(slot)}"


def traceparent() -> str:
    """A new W3C trace context, sampled; the trace follows the segment from closed to visible (B-07)."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def close(
    slot: OpenSlot,
    captures: Sequence[HeldCapture],
    identity: Identity,
    head: Head,
    closed_at: datetime,
    agent: str = VERSION,
) -> Record | None:
    """The record of a slot, linked to the head; None where no minute was tracked."""
    if not slot.tracked:
        return None
    limit = MAX_APPS
    while True:
        record, detail = _texts(slot, captures[:MAX_CAPTURES], identity, head, closed_at, agent, limit)
        body = proof.seal_record(identity.key, record, detail)
        if len(body) <= proof.MAX_BODY or not limit:
            break
        limit //= 2  # titles full of four-byte characters or quotes: fewer of them
    return Record(
        seq=head.seq + 1,
        segment_id=segment_id(slot.contract, identity.device, slot.slot),
        minutes=slot.tracked,
        closed_at=closed_at,
        hash=proof.digest(record),
        body=body,
        traceparent=traceparent(),
    )


def _texts(
    slot: OpenSlot,
    captures: Sequence[HeldCapture],
    identity: Identity,
    head: Head,
    closed_at: datetime,
    agent: str,
    limit: int,
) -> tuple[str, str]:
    used = [minute.app for minute in slot.minutes if minute] + [capture.app for capture in captures]
    apps, place = _apps(slot.apps, (app for app in used if app is not None), limit)
    detail = _compact(
        {
            "salt": secrets.token_hex(16),
            "memo": _text(slot.memo),
            "label": _text(slot.label),
            "apps": apps,
            "captures": [{**capture.entry, "app": place.get(capture.app)} for capture in captures],
        }
    )
    record = _compact(
        {
            "segment_id": segment_id(slot.contract, identity.device, slot.slot),
            "workspace": identity.workspace,
            "member": identity.member,
            "device": identity.device,
            "licence": identity.licence,
            "policy": slot.policy,
            "contract": slot.contract,
            "session": slot.session,
            "session_started": slot.session_started,
            "slot": slots.format_instant(slot.slot),
            "zone": slot.zone,
            "minutes": [_minute(minute, place) for minute in slot.minutes],
            "seq": head.seq + 1,
            "prev": head.hash,
            "detail": proof.digest(detail),
            "boot": slot.boot,
            "uptime_ms": list(slot.uptime_ms),
            "closed_at": slots.format_instant(closed_at),
            "agent": agent,
        }
    )
    return record, detail


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(text: str | None) -> str | None:
    return (clean(text, MEMO_CHARS) or None) if text is not None else None


def _minute(minute: Minute | None, place: Mapping[App | None, int]) -> list[Any] | None:
    return [*minute[:5], place.get(minute.app)] if minute else None


def _apps(
    front_ms: Mapping[App, int], used: Iterable[App], limit: int
) -> tuple[list[list[Any]], dict[App | None, int]]:
    """The wire's ``apps``, most in front first, and each application's index in it.

    At most ``limit`` by name; the rest is one ``other``. What was in front for less than half a second, and is not
    the application of a minute or a capture, is left out.
    """
    named = set(used)
    seconds = {app: min((ms + 500) // 1000, _SLOT_SECONDS) for app, ms in front_ms.items()}
    seconds |= dict.fromkeys(named - seconds.keys(), 0)
    ranked = sorted((app for app in seconds if seconds[app] or app in named), key=lambda app: -seconds[app])
    kept, rest = ranked[:limit], ranked[limit:]
    rows: list[list[Any]] = [[app.name, app.title, app.site, seconds[app]] for app in kept]
    place: dict[App | None, int] = {app: index for index, app in enumerate(kept)}
    if rest:
        place |= dict.fromkeys(rest, len(rows))
        rows.append([*OTHER, min(sum(seconds[app] for app in rest), _SLOT_SECONDS)])
    return rows, place

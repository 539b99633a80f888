"""Records as ingest says them, for scoring's tests and bench."""

import hashlib
import random
from collections.abc import Sequence
from typing import Any

from services.wire import subjects
from services.wire.edits import Edit
from services.wire.events import SegmentRecorded

APPS: tuple[tuple[str, str | None, str | None], ...] = (
    ("code", "main.py", None),
    ("firefox", "A film", "youtube.com"),
    ("firefox", "Questions", "https://stackoverflow.com/questions/1"),
    ("steam", "Library", None),
    ("nautilus", None, None),
)


def segment(
    workspace: str,
    *,
    member: str = "member-1",
    device: str = "device-1",
    contract: str = "contract-1",
    slot: str = "2026-11-21T10:10:00Z",
    seq: int = 1,
    minutes: Sequence[Sequence[Any] | None] | None = None,
    apps: Sequence[Sequence[Any]] = (("code", "main.py", None, 600),),
    started: str = "2026-11-21T09:00:00Z",
    kind: str = "desktop",
) -> SegmentRecorded:
    """``segment.recorded`` of one record; ten active minutes in a productive app if not said otherwise."""
    minutes = [[20, 2, 1, 30, "work", 0]] * 10 if minutes is None else minutes
    text = f"{contract}:{device}:{slot}:{seq}"
    detail = {"salt": "0" * 32, "memo": "m", "label": None, "apps": [list(app) for app in apps], "captures": []}
    record = {
        "segment_id": f"{contract}:{device}:{slot}",
        "workspace": workspace,
        "member": member,
        "device": device,
        "licence": "licence-1",
        "policy": 1,
        "contract": contract,
        "session": "session-1",
        "session_started": started,
        "slot": slot,
        "zone": "UTC",
        "minutes": [minute if minute is None else list(minute) for minute in minutes],
        "seq": seq,
        "prev": "0" * 64,
        "detail": "0" * 64,
        "boot": "boot-1",
        "uptime_ms": [0, 600_000],
        "closed_at": slot,
        "agent": "1.0.0",
    }
    return SegmentRecorded(
        workspace=workspace,
        member=member,
        device=device,
        device_kind=kind,  # type: ignore[arg-type]
        contract=contract,
        segment_id=f"{contract}:{device}:{slot}",
        slot=slot,
        seq=seq,
        record_hash=hashlib.sha256(text.encode()).hexdigest(),
        record=record,
        detail=detail,
        received_at=slot,
    )


def some_segment(draw: random.Random, workspace: str, **named: Any) -> SegmentRecorded:
    """A record with minutes, apps and seconds of a seeded random kind."""
    chosen = draw.sample(APPS, draw.randrange(1, len(APPS) + 1))

    def minute() -> list[Any] | None:
        if draw.random() < 0.2:
            return None
        state = draw.choice(["work", "work", "work", "idle", "break", "private", "locked"])
        app = draw.randrange(len(chosen)) if draw.random() < 0.9 else None
        return [draw.randrange(3), draw.randrange(2), 0, draw.randrange(40), state, app]

    apps = [(*app, draw.randrange(0, 300)) for app in chosen]
    return segment(workspace, minutes=[minute() for _ in range(10)], apps=apps, **named)


def message(fact: SegmentRecorded) -> tuple[str, bytes]:
    """Subject and body on JOURNAL."""
    return subjects.fact("segment.recorded", fact.workspace, fact.member), fact.model_dump_json().encode()


def removal(fact: SegmentRecorded, minutes: Sequence[int], seq: int | None = None, name: str = "edt-1") -> Edit:
    """A removal of these minutes of a record's segment, up to its seq if not said otherwise (S-08)."""
    removed = [[fact.segment_id, list(minutes), fact.seq if seq is None else seq]]
    who = ("chg", fact.workspace, fact.member, fact.contract, "2026-11-16", "2026-11-22T09:00:00Z", fact.member)
    return Edit(name, *who, "employee", "removal", {"removed": removed, "captures": []}, {})

"""Facts as the services would tell them, with the smallest possible say."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.wire import scores, subjects
from services.wire.events import (
    CaptureRemoved,
    CaptureStored,
    ContractChanged,
    Fact,
    LicenceChanged,
    MemberChanged,
    SegmentRecorded,
    SegmentScored,
    TallyOf,
    WorkspaceChanged,
)
from services.wire.slots import SLOT, format_instant, parse_slot

MONDAY = "2026-11-16"
KINDS = {
    SegmentRecorded: "segment.recorded",
    SegmentScored: "segment.scored",
    CaptureStored: "capture.stored",
    CaptureRemoved: "capture.removed",
    WorkspaceChanged: "workspace.changed",
    MemberChanged: "member.changed",
    ContractChanged: "contract.changed",
    LicenceChanged: "licence.changed",
}


def subject_of(fact: Fact) -> str:
    return subjects.fact(KINDS[type(fact)], fact.workspace, fact.member)


def work(keys: int = 5, app: int | None = 0) -> list[Any]:
    return [keys, 0, 0, 3, "work", app]


def idle() -> list[Any]:
    return [0, 0, 0, 0, "idle", None]


def minutes(active: int = 10, idling: int = 0) -> list[Any]:
    """So many active minutes, then idle ones, then nothing tracked."""
    return [work()] * active + [idle()] * idling + [None] * (10 - active - idling)


def capture(capture_id: str, slot: str, sha256: str = "a" * 64, **more: Any) -> dict[str, Any]:
    return {
        "capture_id": capture_id,
        "kind": "screen",
        "at": slot,
        "sha256": sha256,
        "bytes": 70_000,
        "width": 1280,
        "height": 720,
        "monitor": 0,
        "blurred": False,
        "app": 0,
        **more,
    }


@dataclass
class Teller:
    """Tells of one workspace."""

    workspace: str
    seqs: dict[str, int] = field(default_factory=dict)

    def settings(self, revision: int = 1, **more: Any) -> WorkspaceChanged:
        told = {"name": "Harbour", "zone": "Europe/Berlin", "billing_zone": "UTC", **more}
        return WorkspaceChanged(workspace=self.workspace, member="-", revision=revision, **told)

    def member(self, member: str, role: str = "employee", revision: int = 1, **more: Any) -> MemberChanged:
        told = {"name": member.title(), "email": f"{member}@x.test", "team": None, "manages": [], "zone": "Europe/Oslo"}
        return MemberChanged(workspace=self.workspace, member=member, revision=revision, role=role, **{**told, **more})

    def contract(self, contract: str, member: str, revision: int = 1, **more: Any) -> ContractChanged:
        told: dict[str, Any] = {
            "project": contract.title(),
            "client": None,
            "currency": "EUR",
            "rate_minor": 6000,
            "weekly_limit_minutes": None,
            "manual_time": True,
            "labels": [],
            "memo_required": False,
            "starts_on": None,
            "ends_on": None,
        }
        told |= more
        return ContractChanged(workspace=self.workspace, member=member, contract=contract, revision=revision, **told)

    def device(self, device: str, member: str) -> LicenceChanged:
        return LicenceChanged(
            workspace=self.workspace,
            member=member,
            revision=1,
            licence=f"lic-{device}",
            device=device,
            device_name=device.title(),
            state="active",
        )

    def segment(
        self,
        member: str,
        slot: str,
        worked: Sequence[Any] | None = None,
        *,
        contract: str = "con",
        device: str = "dev",
        seq: int | None = None,
        memo: str | None = "memo",
        label: str | None = None,
        captures: Sequence[dict[str, Any]] = (),
        session_started: str = "2026-11-16T08:00:00Z",
        kind: str = "desktop",
    ) -> SegmentRecorded:
        self.seqs[device] = seq or self.seqs.get(device, 0) + 1
        record = {
            "minutes": list(minutes() if worked is None else worked),
            "seq": self.seqs[device],
            "session": "session",
            "session_started": session_started,
            "closed_at": slot,
        }
        detail = {
            "salt": "0" * 32,
            "memo": memo,
            "label": label,
            "apps": [["Editor", "Title", None, 600]],
            "captures": list(captures),
        }
        return SegmentRecorded(
            workspace=self.workspace,
            member=member,
            device=device,
            device_kind=kind,  # type: ignore[arg-type]
            contract=contract,
            segment_id=f"{contract}:{device}:{slot}",
            slot=slot,
            seq=self.seqs[device],
            record_hash="b" * 64,
            record=record,
            detail=detail,
            received_at=slot,
        )

    def score(self, of: SegmentRecorded, seq: int | None = None, version: int = 1, **tally: int) -> SegmentScored:
        counted = scores.Tally(**{"tracked_minutes": 10, "active_minutes": 10, "productive_seconds": 600, **tally})
        return SegmentScored(
            workspace=self.workspace,
            member=of.member,
            device=of.device,
            contract=of.contract,
            segment_id=of.segment_id,
            slot=of.slot,
            seq=seq or of.seq,
            classes_version=version,
            tally=TallyOf(**counted._asdict()),
            **scores.score(counted)._asdict(),
        )

    def stored(self, member: str, capture_id: str, slot: str, device: str = "dev", sha256: str = "a" * 64) -> Fact:
        return CaptureStored(
            workspace=self.workspace,
            member=member,
            device=device,
            capture_id=capture_id,
            at=slot,
            sha256=sha256,
            width=1280,
            height=720,
            stored_at=slot,
        )

    def removed(self, member: str, capture_id: str, slot: str, device: str = "dev", days: int | None = None) -> Fact:
        return CaptureRemoved(
            workspace=self.workspace,
            member=member,
            device=device,
            capture_id=capture_id,
            removed_at=slot,
            reason="retention",
            days=days,
        )


def slots_from(first: str, count: int) -> list[str]:
    """So many neighbouring slots from a slot on."""
    start = parse_slot(first)
    return [format_instant(start + step * SLOT) for step in range(count)]


def wild(facts: Sequence[Fact], seed: int) -> list[Fact]:
    """Each fact one to three times, in some order."""
    dice = random.Random(seed)
    shuffled = [fact for fact in facts for _ in range(dice.randint(1, 3))]
    dice.shuffle(shuffled)
    return shuffled

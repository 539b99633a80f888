"""What the API answers about the audit log (G-02); as ``shapes.py``."""

from typing import Any

from services.diary.api.shapes import Instant, Whole
from services.wire.events import Strict


class AuditEntry(Strict):
    """An entry of the audit log (G-02)."""

    id: str
    at: Instant
    action: str
    actor: str | None
    actor_name: str | None
    actor_role: str | None
    member: str | None
    capture: str | None
    target: str | None
    address: str | None
    detail: str | None
    segments: list[str] | None
    seq: Whole | None
    hash: str | None


class AuditPage(Strict):
    """The newest entries; ``incomplete`` names a service whose log could not be read."""

    items: list[AuditEntry]
    next: str | None
    incomplete: list[str]


class LicensingChain(Strict):
    """Whether a log's chain holds."""

    entries: Whole
    head: str
    broken: list[Any]


class DiaryChain(LicensingChain):
    """The diary's, with entries that are in no chain."""

    unchained: list[str]


class AuditCheck(Strict):
    """Whether the chains of both logs hold."""

    holds: bool
    licensing: LicensingChain
    diary: DiaryChain

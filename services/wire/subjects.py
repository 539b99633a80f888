"""Every subject, stream and durable of the bus, in one place (architecture.md, *On the bus*)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

ID = re.compile(r"[A-Za-z0-9_-]{1,40}")

SEGMENTS = "SEGMENTS"
JOURNAL = "JOURNAL"
PRESENCE = "PRESENCE"

JOURNAL_FACTS = (
    "segment.recorded",
    "segment.scored",
    "capture.stored",
    "capture.removed",
    "diary.edited",
    "week.sealed",
    "workspace.changed",
    "workspace.deleted",
    "member.changed",
    "team.changed",
    "contract.changed",
    "licence.changed",
    "notice.raised",
    "access.ended",
)


def token(text: str) -> str:
    """An id that may stand in a subject; anything else (wildcards, dots, spaces) is a ValueError."""
    if not ID.fullmatch(text):
        raise ValueError(f"not an id of letters, digits, - and _ (at most 40): {text[:50]!r}")
    return text


def _join(root: str, *ids: str) -> str:
    return ".".join((root, *(token(one) for one in ids)))


def segments_closed(workspace: str, device: str) -> str:
    """Where a device publishes its closed records."""
    return _join("segments.closed", workspace, device)


def presence(workspace: str, device: str) -> str:
    """Where a device says what it is doing now."""
    return _join("presence", workspace, device)


def live(workspace: str, device: str) -> str:
    """Where a device sends frames during an audited watch."""
    return _join("live", workspace, device)


def receipts(workspace: str, device: str) -> str:
    """Where a device hears what is safe."""
    return _join("receipts", workspace, device)


def commands(workspace: str, device: str) -> str:
    """Where a device hears signed commands."""
    return _join("commands", workspace, device)


def device_request(workspace: str, device: str, verb: str) -> str:
    """What a device asks: ``entitlement``, ``receipts`` or ``picture``."""
    return _join("rpc.device", workspace, device, verb)


def device_inbox(device: str) -> str:
    """The only prefix into which a device is answered."""
    return _join("_INBOX", device)


@lru_cache(50_000)
def fact(kind: str, workspace: str, member: str) -> str:
    """The subject of a fact on JOURNAL; facts about no member use the member ``-``."""
    if kind not in JOURNAL_FACTS:
        raise ValueError(f"not a fact of the journal: {kind}")
    return _join(kind, workspace, member)


def diary_changed(workspace: str, member: str) -> str:
    """Heard by every web replica when a member's days changed."""
    return _join("diary.changed", workspace, member)


def rpc(service: str, verb: str) -> str:
    """A request from one service to another."""
    return f"rpc.{service}.{verb}"


@dataclass(frozen=True)
class Durable:
    """A consumer that the migration makes and a service's replicas share."""

    name: str
    stream: str
    subjects: tuple[str, ...]
    ack_wait_seconds: int = 30
    max_ack_pending: int = 20_000

    @property
    def source(self) -> str:
        """What operators see it as, in spans and metrics: the one kind of subject that it takes, else its name."""
        return self.subjects[0].split(".*")[0] if len(self.subjects) == 1 else self.name


@dataclass(frozen=True)
class Stream:
    """A stream that the migration makes; ages in days or seconds as named."""

    name: str
    subjects: tuple[str, ...]
    retention: str = "limits"
    storage: str = "file"
    discard_new: bool = False
    max_age_seconds: int = 0
    max_bytes: int = -1
    last_per_subject: bool = False
    batches: bool = False
    """Whether services may publish many messages as one."""
    durables: tuple[Durable, ...] = field(default=())


DAY = 86_400
_DELETED = "workspace.deleted.*.*"
_HOW_LONG = ("licence.changed", "member.changed", "workspace.changed")

STREAMS = (
    Stream(
        SEGMENTS,
        ("segments.closed.*.*",),
        retention="workqueue",
        discard_new=True,
        max_age_seconds=7 * DAY,
        max_bytes=20 * 1024**3,
        durables=(Durable("ingest", SEGMENTS, ("segments.closed.*.*",)),),
    ),
    Stream(
        JOURNAL,
        tuple(f"{kind}.*.*" for kind in JOURNAL_FACTS),
        max_age_seconds=30 * DAY,
        max_bytes=50 * 1024**3,
        batches=True,
        durables=(
            # a workspace's settings decide what counts as active, and for how much (K-02)
            # a removal takes minutes out of the score (S-08, K-02)
            Durable(
                "scoring", JOURNAL, ("segment.recorded.*.*", "workspace.changed.*.*", "diary.edited.*.*", _DELETED)
            ),
            Durable(
                "projector",
                JOURNAL,
                tuple(f"{kind}.*.*" for kind in JOURNAL_FACTS if kind != "access.ended"),
            ),
            # a removal takes the pictures, a blur hides them (S-08, M-03); the others say how long they are kept (M-05)
            Durable("media", JOURNAL, ("diary.edited.*.*", *(f"{kind}.*.*" for kind in _HOW_LONG), _DELETED)),
            # each takes away what it keeps of a deleted workspace, also where it was down meanwhile (W-02)
            Durable("ingest", JOURNAL, (_DELETED,)),
        ),
    ),
    Stream(PRESENCE, ("presence.*.*",), storage="memory", last_per_subject=True, max_age_seconds=300),
)

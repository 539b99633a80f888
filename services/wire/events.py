"""What crosses the bus, version 1: the record, the facts of JOURNAL and the pushes to devices, as pydantic models.

Every model is strict and refuses extra keys: a body that is not its own (a PubAck aimed at a service, say) never
passes for an event. ``examples/`` holds one file for each; producers and consumers both test against them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from services.wire import slots
from services.wire.segments import Part, part_of
from services.wire.strict_json import read_json as read_json

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=2000)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


def _instant(text: str) -> str:
    slots.parse_instant(text)
    return text


def _slot(text: str) -> str:
    slots.parse_slot(text)
    return text


Instant = Annotated[str, AfterValidator(_instant)]
Slot = Annotated[str, AfterValidator(_slot)]


class Strict(BaseModel):
    """Integers are integers, text is text, and what is not named is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


# the record ---------------------------------------------------------------------------------------------------------

State = Literal["work", "idle", "break", "private", "locked"]
# JSON knows no tuples: a list passes for one here, and what is in it is as strict as everywhere.
Minute = Annotated[tuple[Count, Count, Count, Count, State, Count | None], Field(strict=False)]
"""``[keys, clicks, scrolls, moves, state, app]``."""


class Envelope(Strict):
    """The body of ``segments.closed``."""

    v: Annotated[int, Field(ge=1, le=1)]  # not Literal[1], which 1.0 and true would equal
    record: str
    detail: str
    signature: str


class Record(Strict):
    """The signed text of a record, parsed."""

    segment_id: Annotated[str, StringConstraints(max_length=110)]
    workspace: Id
    member: Id
    device: Id
    licence: Id
    policy: Count
    contract: Id
    session: Id
    session_started: Instant
    slot: Slot
    zone: Annotated[str, StringConstraints(max_length=64)]
    minutes: Annotated[list[Minute | None], Field(min_length=10, max_length=10)]
    seq: Annotated[int, Field(ge=1, lt=2**53)]
    prev: Hash
    detail: Hash
    boot: Annotated[str, StringConstraints(max_length=64)]
    uptime_ms: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(min_length=2, max_length=2)]
    closed_at: Instant
    agent: Annotated[str, StringConstraints(max_length=40)]


class Capture(Strict):
    """A capture as the detail names it; ``app`` is an index into the detail's apps."""

    capture_id: Id
    kind: Literal["screen", "camera"]
    at: Instant
    sha256: Hash
    bytes: Count
    width: Count
    height: Count
    monitor: Count
    blurred: bool
    app: Count | None


class Picture(Capture):
    """The ``Daybook-Capture`` header of a ``picture`` request."""

    thumbnail_bytes: Count


App = Annotated[tuple[str, str | None, str | None, Annotated[int, Field(ge=0, le=600)]], Field(strict=False)]
"""``[app, title, site, seconds]``."""


class Detail(Strict):
    """The personal part of a record, bound to it by a salted hash."""

    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    memo: Text | None
    label: Text | None
    apps: Annotated[list[App], Field(max_length=500)]
    captures: Annotated[list[Capture], Field(max_length=60)]


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], text: str | bytes) -> Model:
    """Reads one model strictly from JSON text; ValueError says what is wrong, without the content."""
    return check(model, read_json(text))


#: what is named where no single field is wrong
WHOLE = "the body"


def check(model: type[Model], value: Any) -> Model:
    """Checks parsed JSON against a model; ValueError says which field is wrong, without its content."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # a step with brackets names one of several kinds that a field may be, and no field
        where = ".".join(str(step) for step in first["loc"] if "[" not in str(step))
        raise ValueError(f"{where or WHOLE}: {first['msg'].removeprefix('Value error, ')}") from error


# facts on JOURNAL ---------------------------------------------------------------------------------------------------


class Fact(Strict):
    """A fact is about one member of one workspace, and its subject says the same."""

    workspace: Id
    member: Id


class SegmentRecorded(Fact):
    """``segment.recorded``: a record is in the ledger. By ingest. The parsed record and detail, and ingest's marks."""

    device: Id
    device_kind: Literal["desktop", "mobile"]
    contract: Id
    segment_id: str
    slot: Slot
    seq: int
    record_hash: Hash
    record: dict[str, Any]
    detail: dict[str, Any]
    received_at: Instant
    arrived_after_revocation: bool = False
    label_unlisted: bool = False

    def part(self) -> Part:
        """What the record adds to its segment."""
        return part_of(self.record, self.detail)


class TallyOf(Strict):
    """``services.wire.scores.Tally`` on the wire."""

    tracked_minutes: Count
    active_minutes: Count
    unproductive_active_minutes: Count
    productive_seconds: Count
    unproductive_seconds: Count
    neutral_seconds: Count


class SegmentScored(Fact):
    """``segment.scored``: the tally and score of a merged segment, as of ``seq`` and the classes' version.

    ``stamp`` is that of its slot, and grows with every change to any segment in it: what another device recorded can
    change what this segment counts (T-14), while its own seq stays.
    """

    device: Id
    contract: Id
    segment_id: str
    slot: Slot
    seq: int
    classes_version: int
    stamp: list[Count] = Field(default_factory=list)
    tally: TallyOf
    activity: float | None
    productivity: float | None
    tracko: float | None


class CaptureStored(Fact):
    """``capture.stored``: a picture and its thumbnail are in the object store. By media."""

    device: Id
    capture_id: Id
    at: Instant
    sha256: Hash
    width: Count
    height: Count
    stored_at: Instant


class CaptureRemoved(Fact):
    """``capture.removed``: a picture is gone for good, or turned out to be none (``unreadable``, M-09). By media.

    ``days``: of what went by retention, how many it was to be kept (M-05).
    """

    device: Id
    capture_id: Id
    removed_at: Instant
    reason: Literal["retention", "member", "admin", "erasure", "unreadable"]
    days: Count | None = None


class WorkspaceChanged(Fact):
    """``workspace.changed``: settings that others compute with, whole, by revision. ``member`` is ``-``."""

    revision: int
    name: str
    zone: str
    billing_zone: str
    lock_hour: int = 12
    billing_unit: Literal["segment", "minute"] = "segment"
    movement_counts: bool = False
    unproductive_weight_percent: int = 50
    deletion_rule: Literal["segment", "since_previous"] = "segment"
    language: str = "en"
    week_start: Literal["monday", "sunday", "saturday"] = "monday"
    archived: bool = False


class WorkspaceDeleted(Fact):
    """``workspace.deleted``: its owner deleted it, for good (W-02). By licensing; ``member`` is ``-``.

    Who hears it takes away all that is kept of the workspace, and from then on takes nothing more of it in
    (``services.kit.deletions``).
    """

    deleted_at: Instant


class MemberChanged(Fact):
    """``member.changed``: a person's place in a workspace, whole, by revision; ``language`` None: the workspace's."""

    revision: int
    name: str
    email: str
    role: Literal["owner", "admin", "manager", "employee", "client"]
    team: Id | None
    manages: list[Id]
    zone: str
    language: str | None = None
    archived: bool = False


class ContractChanged(Fact):
    """``contract.changed``: a contract, whole, by revision; ``member`` is whose time is booked on it.

    ``rate_minor`` an hour in minor units of ``currency``; None: not hourly, and nothing of it is billed (S-03).
    ``monitored``: it came with a monitored computer's licence, whose user writes and deletes nothing (T-02).
    ``changed_at``: since when it is so; None: not known, for as long as anybody can tell. A replay says it of every
    revision that is kept.
    """

    revision: int
    contract: Id
    project: str
    client: Id | None
    currency: str
    rate_minor: int | None
    weekly_limit_minutes: int | None
    manual_time: bool
    labels: list[str]
    memo_required: bool
    starts_on: str | None
    ends_on: str | None
    monitored: bool = False
    changed_at: Instant | None = None


class LicenceChanged(Fact):
    """``licence.changed``: a device's right to record changed: activated, revoked, policy edited. By licensing.

    ``device`` is None where the licence has no device yet.
    """

    revision: int
    licence: Id
    device: Id | None
    device_name: str | None
    state: Literal["issued", "active", "suspended", "grace", "expired", "revoked"]


class NoticeRaised(Fact):
    """``notice.raised``: a member is told that more is recorded of them than before (G-01). By licensing.

    ``kinds`` are the policy's fields that record more, ``changes`` the same in words.
    """

    notice: Id
    kinds: list[str]
    changes: list[Text]
    policy: Id
    policy_version: int
    raised_at: Instant


class AccessEnded(Fact):
    """``access.ended``: a session or API token of a member is one no more, so what was remembered of it is wrong
    (W-01, W-08). By licensing. A role, an archived member or a workspace's networks are told by their own facts.
    """

    session: Id


class DiaryEdited(Fact):
    """``diary.edited``: somebody changed the diary. By the diary, which keeps it for ever (``services.wire.edits``).

    ``edit`` and ``detail`` are the signed text and the personal part it is bound to (null once erased, G-03).
    """

    edit_id: Id
    contract: Id
    week: str
    edit: str
    detail: str | None
    signature: str


class WeekSealed(Fact):
    """``week.sealed``: a contract-week is locked for good; ``seal`` is its signed text (S-06, ``wire.seals``)."""

    contract: Id
    week: str
    seal: str
    signature: str


FACTS: dict[str, type[Fact]] = {
    "segment.recorded": SegmentRecorded,
    "segment.scored": SegmentScored,
    "capture.stored": CaptureStored,
    "capture.removed": CaptureRemoved,
    "workspace.changed": WorkspaceChanged,
    "workspace.deleted": WorkspaceDeleted,
    "member.changed": MemberChanged,
    "contract.changed": ContractChanged,
    "licence.changed": LicenceChanged,
    "notice.raised": NoticeRaised,
    "access.ended": AccessEnded,
    "diary.edited": DiaryEdited,
    "week.sealed": WeekSealed,
}


def kind_of(subject: str) -> str:
    """``segment.recorded`` of ``segment.recorded.<workspace>.<member>``."""
    return ".".join(subject.split(".")[:2])


def read_fact(subject: str, body: bytes) -> Fact:
    """The fact a message on JOURNAL carries; ValueError where it is none, or speaks of others than its subject."""
    kind = kind_of(subject)
    if kind not in FACTS:
        raise ValueError(f"no such fact: {kind}")
    try:
        fact = _ADAPTERS[kind].validate_json(body)
    except ValidationError as error:
        raise ValueError(f"not a {kind}: {error.error_count()} errors") from error
    if subject.split(".")[2:] != [fact.workspace, fact.member]:
        raise ValueError(f"a {kind} about others than its subject says")
    return fact


_ADAPTERS: dict[str, TypeAdapter[Fact]] = {kind: TypeAdapter(model) for kind, model in FACTS.items()}


# core NATS ----------------------------------------------------------------------------------------------------------


class DiaryChanged(Fact):
    """``diary.changed``: these slots of a member's diary look different now (not stored). By the projector."""

    slots: list[Slot]


class Presence(Strict):
    """``presence``: what a device is doing."""

    status: Literal["working", "idle", "break", "private", "locked", "stopped"]
    app: Text | None
    since: Instant
    agent: str
    unsent: Count
    oldest_unsent: Instant | None
    boot: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Which run of the computer it is; two at once are two computers with one key."""


class Receipt(Strict):
    """What is safe: everything up to ``through``, the ranges ``above``; some of it in quarantine, with its reason."""

    ledger: str
    workspace: Id
    device: Id
    through: int
    above: list[list[int]]
    quarantined: list[Annotated[tuple[int, str], Field(strict=False)]]
    now: Instant


def seconds_since(instant: str, now: datetime) -> float:
    """Seconds from an instant on the wire until now."""
    return (now - slots.parse_instant(instant)).total_seconds()

"""What the API answers about devices: activation, contact, proof of sync (L-03, V-03, B-02); as ``shapes.py``."""

from typing import Annotated, Any, Literal

from pydantic import Field

from services.diary.api.shapes import Instant, Whole
from services.wire.events import Strict


class Signed(Strict):
    """A text and its signature (the fine print); ``message`` is JSON."""

    message: str
    signature: str


class LicenceFile(Strict):
    """A licence as a signed file (L-02)."""

    document: str
    signature: str
    key: str


class Activated(Strict):
    """What an agent needs to begin (L-03)."""

    workspace: str
    member: str
    device: str
    bus: list[str]
    notice_key: str
    licence_public: str
    entitlement: Signed
    licence: LicenceFile


class Device(Strict):
    """A computer on which a licence was activated; ``reason``: why it records nothing (L-05)."""

    id: str
    member: str
    licence: str
    mode: Literal["worklog", "monitoring"]
    name: str
    os: str
    kind: Literal["desktop", "mobile"]
    public_key: str
    state: str
    reason: str | None
    seat: str
    activated_at: Instant
    released_at: Instant | None
    revoked_at: Instant | None
    drain_until: Instant | None
    last_contact_at: Instant | None
    cloned_at: Instant | None
    cloned_because: str | None


class Sync(Strict):
    """What the ledger says of a device's chain (B-02)."""

    device: str
    records: Whole
    through: Whole
    missing: list[Any]
    broken: list[Whole]
    quarantined: list[Annotated[list[int | str], Field(min_length=2, max_length=2)]]
    last_received_at: Instant | None


class Silence(Strict):
    """The likely reason why a device says nothing (V-03)."""

    reason: str
    since: Instant | None
    grave: bool


class Contact(Strict):
    """When a device was last heard of, and what it said."""

    device: str
    heard_at: Instant | None
    status: str | None
    since: Instant | None
    agent: str | None
    unsent: Whole | None
    oldest_unsent: Instant | None
    silence: Silence | None


class Held(Strict):
    """A record in quarantine (B-02)."""

    id: str
    device: str
    seq: Whole | None
    reason: str
    message: str
    received_at: Instant


class Released(Strict):
    """How many records were tried once more, and how many of them were taken."""

    tried: Whole
    released: Whole

"""What the API answers about people, contracts, licences, policies and mails, licensing's own; as ``shapes.py``."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from services.diary.api.shapes import Date, Instant, Role, Whole
from services.wire import collections
from services.wire.events import Strict
from services.wire.language import Code

#: every switch that an agent knows, as licensing describes it
Policy = Annotated[dict[str, Any], WithJsonSchema(collections.read()["policies"]["create"]["properties"]["policy"])]


class Archivable(Strict):
    """What is made, named and put away."""

    id: str
    name: str
    archived: bool
    created_at: Instant


class Team(Archivable):
    """A team (W-04)."""


class Client(Archivable):
    """A client; ``invited`` until they confirmed (W-05)."""

    email: str
    invited: bool


class Member(Client):
    """A member (W-03); ``manages`` are the teams of a manager."""

    role: Role
    team: str | None
    manages: list[str]
    zone: str
    language: Code | None
    #: no days of their pictures end (M-05)
    legal_hold: bool


class SignOn(Strict):
    """A workspace's OpenID Connect provider (W-08)."""

    issuer: str
    client_id: str
    domains: list[str]
    has_secret: bool


class Workspace(Archivable):
    """A workspace and its settings (W-06); the last three are the owners' and admins' to see."""

    zone: str
    billing_zone: str
    lock_hour: Annotated[int, Field(ge=0, le=23)]
    billing_unit: Literal["segment", "minute"]
    movement_counts: bool
    unproductive_weight_percent: Annotated[int, Field(ge=0, le=100)]
    deletion_rule: Literal["segment", "since_previous"]
    language: Code
    week_start: Literal["monday", "sunday", "saturday"]
    #: days that pictures are kept where a policy does not say otherwise; null: without an end (M-05)
    capture_days: Annotated[int, Field(ge=1, le=36500)] | None
    camera_days: Annotated[int, Field(ge=1, le=36500)] | None
    legal_hold: bool
    seats: Whole | None
    seats_taken: Whole
    minimum_agent: str | None
    mails_off: list[str] = Field(default_factory=list)
    allowed_ranges: list[str] = Field(default_factory=list)
    oidc: SignOn | None = None


class Agreed(Strict):
    """What a contract says."""

    member: str
    project: str
    client: str | None
    currency: str
    rate_minor: Whole | None
    weekly_limit_minutes: Whole | None
    manual_time: bool
    labels: list[str]
    memo_required: bool
    starts_on: Date | None
    ends_on: Date | None


class Contract(Agreed):
    """A contract; ``monitored`` is a computer's own (T-02)."""

    id: str
    revision: Whole
    monitored: bool
    created_at: Instant


class ContractVersion(Strict):
    """What a contract said from then on; ``changes`` names the fields that became others."""

    version: Whole
    changed_at: Instant
    by: str | None
    by_name: str | None
    changes: list[str]
    contract: Agreed


class Licence(Strict):
    """A licence (L-02); ``key`` only in the answer that issued it."""

    id: str
    member: str
    computer: str | None
    mode: Literal["worklog", "monitoring"]
    policy: str
    in_effect: str
    policy_version: Whole
    profile: str | None
    contract: str | None
    seats: Whole
    seats_taken: Whole
    seats_reserved: Whole
    node_locked: bool
    state: str
    archived: bool
    over_limit: bool
    not_before: Instant | None
    expires: Instant | None
    revoked_at: Instant | None
    drain_until: Instant | None
    created_at: Instant
    key: str = ""


class Declaration(BaseModel, extra="allow"):
    """The legal basis of a hidden icon, and who declared it (G-01)."""


class PolicyRow(Strict):
    """A policy in its newest version (L-02)."""

    id: str
    name: str
    version: Whole
    policy: Policy
    declaration: Declaration | None
    created_at: Instant


class PolicyChange(BaseModel, extra="allow"):
    """What became different, in words."""


class PolicyVersion(Strict):
    """A version of a policy; it never changes."""

    version: Whole
    created_at: Instant
    policy: Policy
    changes: list[PolicyChange]


class Profile(Strict):
    """A policy for members or teams while it is on (L-07)."""

    id: str
    name: str
    policy: str
    members: list[str]
    teams: list[str]
    enabled: bool
    created_at: Instant


class Mail(Strict):
    """A mail that was sent, waits or failed (W-07, W-09)."""

    id: str
    kind: str
    to: str
    member: str | None
    state: Literal["waiting", "sent", "failed", "off"]
    tries: Whole
    error: str | None
    sent_at: Instant | None
    created_at: Instant


class BadLine(Strict):
    """A line of a file that was not taken."""

    line: Whole
    reason: str


class Import(Strict):
    """Members by the file (W-03)."""

    id: str
    name: str
    member: str
    state: Literal["running", "done"]
    total: Whole
    done: Whole
    taken: Whole
    errors: list[BadLine]
    created_at: Instant


class Arrival(Strict):
    """When a notice reached a device."""

    device: str
    at: Instant


class Notice(Strict):
    """What more is recorded of a member (G-01)."""

    id: str
    member: str
    kinds: list[str]
    changes: list[str]
    policy: str
    policy_version: Whole
    acknowledged_by: str | None
    created_at: Instant
    acknowledged_at: Instant | None
    delivered: list[Arrival]

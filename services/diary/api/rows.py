"""What the API answers about people, contracts, licences and their like; as ``shapes.py``, models that describe."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from services.diary.api.shapes import Date, Instant, Role, Whole
from services.wire import collections
from services.wire.events import Strict
from services.wire.requests import TokenScope

#: every switch that an agent knows, as licensing describes it
Policy = Annotated[dict[str, Any], WithJsonSchema(collections.read()["policies"]["create"]["properties"]["policy"])]


class Me(Strict):
    """Who is signed in."""

    member: str
    workspace: str
    role: Role
    name: str
    person: str
    email: str = ""
    team: str | None = None
    manages: list[str] = Field(default_factory=list)
    zone: str = ""


class Place(Strict):
    """A workspace that somebody may go to."""

    workspace: str
    name: str
    role: Role
    archived: bool


class SignedIn(Strict):
    """A session; ``token`` goes into ``Authorization: Bearer``."""

    token: str
    member: str
    workspace: str
    name: str
    role: Role
    workspaces: list[Place]


class Renewed(Strict):
    """The token that this session goes on under."""

    token: str


class Session(Strict):
    """One of one's own sessions."""

    id: str
    workspace: str
    address: str
    agent: str
    started_at: Instant
    seen_at: Instant
    until: Instant
    current: bool


class Ended(Strict):
    """How many sessions ended."""

    ended: Whole


class TwoFactor(Strict):
    """Whether the second factor is on."""

    enabled: bool
    recovery_codes_left: Whole


class Secret(Strict):
    """A secret for an authenticator."""

    secret: str
    uri: str


class Recovery(Renewed):
    """The codes that are shown this once."""

    recovery_codes: list[str]


class Joined(Strict):
    """The workspace that somebody belongs to from now on."""

    workspace: str
    email: str


class Invitation(Strict):
    """What a mail's link invites to."""

    workspace_name: str
    name: str
    email: str
    role: str
    password_needed: bool


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


class Token(Strict):
    """A personal API token (W-08); ``token`` itself only in the answer that made it."""

    id: str
    member: str
    name: str
    scopes: list[TokenScope]
    state: Literal["active", "expired", "revoked"]
    expires: Instant | None
    created_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None
    token: str = ""


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


class Keys(Strict):
    """The key that seals and edits are signed with, base64."""

    seal_key: str

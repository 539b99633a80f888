"""What services ask one another: the bodies of ``rpc.<service>.<verb>``, and the answers that more than one side reads.

The tenant always comes from ``principal``, which the diary takes from a verified session and never from a browser.
"""

from typing import Any, Literal

from pydantic import Field

from services.wire.events import Id, Instant, Strict
from services.wire.names import Name

Role = Literal["owner", "admin", "manager", "employee", "client"]
Collection = Literal[
    "workspaces",
    "members",
    "teams",
    "clients",
    "contracts",
    "licences",
    "policies",
    "profiles",
    "devices",
    "mails",
    "tokens",
    "imports",
    "notices",
]


def singular(collection: str) -> str:
    """One of a collection, in words: ``policy`` of ``policies``."""
    return collection[:-3] + "y" if collection.endswith("ies") else collection.removesuffix("s")


TokenScope = Literal[
    "read", "write", "diary:read", "diary:write", "people:read", "people:write", "devices:read", "devices:write"
]


class Principal(Strict):
    """Who is asking: a signed-in person in one workspace, in one role."""

    session: Id
    workspace: Id
    member: Id
    role: Role
    name: str
    person: Id
    issued: int
    expires: int


class SignIn(Strict):
    """``rpc.licensing.sign_in`` → ``SignedIn``; 401 problem where it does not fit, 429 after ten failures a minute."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    totp: str | None = Field(default=None, max_length=12)
    workspace: Id | None = None
    address: str = Field(max_length=64)
    agent: str = Field(default="", max_length=300)


class WorkspaceRef(Strict):
    """A workspace somebody belongs to; an archived one is named to its owners only, who may restore it (W-02)."""

    workspace: Id
    name: str
    role: Role
    archived: bool = False


class SignedIn(Strict):
    """A session; ``token`` is opened by ``services.kit.principals``."""

    token: str
    member: Id
    workspace: Id
    name: str
    role: Role
    workspaces: list[WorkspaceRef]


class SignOut(Strict):
    """``rpc.licensing.sign_out`` → {}: this session ends."""

    principal: Principal


class SessionOf(Strict):
    """``rpc.licensing.session`` → {"holds": bool}: not ended, not over, the person still has this role here, and the
    workspace may be used from that address.

    Ask at most every 30 s a session and address, and remember the answer between.
    """

    principal: Principal
    address: str | None = Field(default=None, max_length=64)


class TokenOf(Strict):
    """``rpc.licensing.token`` → {"principal", "scopes"}: who a personal API token speaks for; 401 problem (W-08).

    Ask at most every 30 s a token and address, and remember the answer between.
    """

    token: str = Field(max_length=100)
    address: str = Field(max_length=64)


class DeviceOffer(Strict):
    """The device that wants to be activated; ``public_key`` as a user nkey or base64 of the 32 bytes."""

    name: Name
    os: Name
    kind: Literal["desktop", "mobile"]
    public_key: str = Field(max_length=100)


class Activate(Strict):
    """``rpc.licensing.activate`` → the answer of ``POST /api/v1/activations`` (architecture.md, *The edge*).

    With a licence's key, or with the text of its signed file (``services.wire.licence``).
    """

    licence_key: str = Field(default="", max_length=200)
    licence_file: str = Field(default="", max_length=16 * 1024)
    device: DeviceOffer
    proof: str = Field(max_length=200)
    address: str = Field(max_length=64)


class LicenceFileOf(Strict):
    """``rpc.licensing.licence_file`` → {"document", "signature", "key"}: a licence as a signed file, for its admins.

    Whoever has the file can activate it. 404 where there is no such licence, 409 where it is a draft, revoked or over.
    """

    principal: Principal
    id: str
    address: str = Field(default="", max_length=64)


class Doubt(Strict):
    """``rpc.licensing.doubt`` → {}: a device's key seems to be in two hands; its row says so and its admins are told.

    ``conflict``: two records of one seq. ``boots``: two runs of a computer at once.
    """

    workspace: Id
    device: Id
    because: Literal["conflict", "boots"]


class GrantOf(Strict):
    """``rpc.licensing.grant`` → ``Grant``; 404 where there is no such device."""

    workspace: Id
    device: Id


class GrantedContract(Strict):
    """A contract time may be booked on."""

    contract: Id
    title: str
    labels: list[str]
    memo_required: bool
    manual_time: bool


class Untold(Strict):
    """Fields of a policy as they were in effect on a device until its notice of more reached it (G-01)."""

    until: Instant
    policy: dict[str, Any]


class Grant(Strict):
    """All that ingest and media need to decide what a device may send, and what the agent is told as entitlement."""

    revision: int
    workspace: Id
    member: Id
    device: Id
    device_kind: Literal["desktop", "mobile"]
    public_key: str
    licence: Id
    mode: Literal["worklog", "monitoring"]
    state: Literal["active", "grace", "suspended", "revoked", "expired"]
    not_before: Instant | None
    expires: Instant | None
    revoked_at: Instant | None
    drain_until: Instant | None
    policy: dict[str, Any]
    untold: list[Untold] = Field(default_factory=list)
    """The oldest first. What was captured before ``until`` is judged by these, whenever it arrives."""
    contracts: list[GrantedContract]


class KeysOf(Strict):
    """``rpc.licensing.keys`` → {"devices": [{device, public_key, kind}]}: those that the workspace has, whatever became
    of their licences; ``public_key`` is base64 of the 32 bytes. For sealing (S-06).
    """

    workspace: Id
    devices: list[Id] = Field(max_length=1000)


class Read(Strict):
    """``rpc.licensing.read`` → {"items": [...], "next"}: what the principal may see of a collection, or of it one.

    As much as one answer of the bus carries; the rest is asked for with the ``next`` of the answer before as ``after``,
    until it is null.
    """

    principal: Principal
    collection: Collection
    id: str | None = None
    filters: dict[str, str] = Field(default_factory=dict)
    after: Id | None = None


class Create(Strict):
    """``rpc.licensing.create`` → the new object; 403, 404, 409 or 422 problems."""

    principal: Principal
    collection: Collection
    body: dict[str, Any]
    address: str = Field(default="", max_length=64)


class Change(Strict):
    """``rpc.licensing.change`` → the changed object; 403, 404, 409 or 422 problems."""

    principal: Principal
    collection: Collection
    id: str
    body: dict[str, Any]
    address: str = Field(default="", max_length=64)


class AuditOf(Strict):
    """``rpc.licensing.audit`` → {"items"}: entries of licensing's own log, newest first (G-02); its admins see all of a
    workspace, others what concerns them; from ``start`` on and before ``end``, where they are given.
    ``rpc.licensing.audit_check`` → {"entries", "head", "broken"}.
    """

    principal: Principal
    filters: dict[Literal["actor", "action", "member"], str] = Field(default_factory=dict)
    start: Instant | None = None
    end: Instant | None = None
    before: str | None = Field(default=None, max_length=60)
    limit: int = Field(default=100, ge=1, le=501)


class PolicyVersionsOf(Strict):
    """``rpc.licensing.policy_versions`` → {"items": [{version, created_at, policy}]}, newest first; 404 where the
    principal may not see the policy. Versions never change.
    """

    principal: Principal
    policy: Id


class ContractVersionsOf(Strict):
    """``rpc.licensing.contract_versions`` → {"items": [{version, changed_at, by, by_name, changes, contract}]}, newest
    first; 404 where the principal may not see the contract. ``changes`` names the fields that became others.
    """

    principal: Principal
    contract: Id


class Replay(Strict):
    """``rpc.<service>.replay`` → {"emitted": n}: the owner says its facts of a span again."""

    workspace: Id
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")


class PictureOf(Strict):
    """``rpc.media.picture`` → the bytes, encoded anew, with header ``Content-Type``; 404 while not stored.

    ``blurred``: the diary knows that it was blurred afterwards, so it is never given clear (M-03).
    """

    workspace: Id
    device: Id
    capture_id: Id
    size: Literal["picture", "thumbnail"]
    blurred: bool = False


class RecordsOf(Strict):
    """``rpc.ingest.records`` → {"records": [{device, seq, record, detail, signature}], "next"}, by device and seq.

    More than the bus takes in one answer (about 400 records) is a 413 problem, unless ``after`` asks for pages: first
    ``""``, then the ``next`` of the answer before, until it is null. An erased detail (G-03) is null.
    """

    workspace: Id
    devices: list[Id]
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    after: str | None = None


class SyncOf(Strict):
    """``rpc.ingest.sync`` → {"devices": [{device, records, through, missing, broken, quarantined, last_received_at}]}.

    What B-02 states: ``missing`` are ranges of seq, ``broken`` single ones, ``quarantined`` pairs of seq and reason.
    """

    workspace: Id
    devices: list[Id]


class QuarantineOf(Strict):
    """``rpc.ingest.quarantine`` → {"items": [{id, device, seq, reason, message, received_at}]}."""

    workspace: Id
    device: Id | None = None


class Release(Strict):
    """``rpc.ingest.release`` → {"released": n}: tried again as if it had just arrived; what still fails stays."""

    principal: Principal
    ids: list[str]


class ScoresOf(Strict):
    """``rpc.scoring.scores`` → {"items": [{member, date, tally, activity, productivity, tracko}]}."""

    workspace: Id
    members: list[Id]
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")


class Tell(Strict):
    """``rpc.licensing.tell`` → {}: a mail to a member that another service has reason for (W-07).

    ``id`` makes asking again harmless: one mail an id. ``values`` fill the text of its kind. ``said`` are those of them
    that are words, line by line as ``language.as_told`` gives them: the mail says these in its reader's language.
    """

    workspace: Id
    id: str = Field(max_length=200)
    kind: Literal["device_silent", "weekly_summary", "timesheet_decision"]
    member: Id
    values: dict[str, str] = Field(default_factory=dict)
    said: dict[str, list[dict[str, Any] | str]] = Field(default_factory=dict)

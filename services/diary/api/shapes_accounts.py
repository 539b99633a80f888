"""What the API answers about who is signed in: accounts, sessions, invitations, tokens; as ``shapes.py``."""

from typing import Literal

from pydantic import Field

from services.diary.api.shapes import Instant, Role, Whole
from services.wire.events import Strict
from services.wire.requests import TokenScope


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


class Keys(Strict):
    """The key that seals and edits are signed with, base64."""

    seal_key: str


class Exported(Strict):
    """When the workspace's export was downloaded whole, within the last seven days."""

    downloaded_at: Instant | None


class DeletionOffer(Strict):
    """What would go with a workspace, by the kind of what is kept (W-02)."""

    workspace: str
    name: str
    archived: bool
    counts: dict[str, int]
    export: Exported


class Deleted(Strict):
    """A workspace that is gone."""

    workspace: str
    deleted_at: Instant

"""Workspaces: a tenant's name, zones and the settings that others compute with (W-02, W-06)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.kit import zones
from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import sign_on_settings
from services.licensing.addresses import Range
from services.licensing.mail_texts import Switchable
from services.licensing.patches import Changes
from services.licensing.policies import Days
from services.licensing.store import NOBODY, Document, Store, instant, key, new_id, now
from services.wire.events import Fact, Strict, WorkspaceChanged
from services.wire.language import N_, Code
from services.wire.names import Name
from services.wire.retention import DEFAULT_DAYS


def _zone(name: str) -> str:
    return zones.zone(name).key


Zone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_zone)]
# What is none would be taken by agents as "no lowest version" (T-15).
Version = Annotated[str, Field(max_length=40, pattern=r"^\d+(\.\d+){0,3}$")]


class New(Strict):
    """The body that makes a workspace."""

    name: Name
    zone: Zone = "UTC"
    billing_zone: Zone = "UTC"
    language: Code = "en"


class Patch(Changes):
    """What may be changed; ``seats`` is the workspace's total over all licences, null: no limit (L-03)."""

    nullable = frozenset({"seats", "minimum_agent", "oidc", "capture_days", "camera_days"})

    name: Name | None = None
    zone: Zone | None = None
    billing_zone: Zone | None = None
    lock_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    billing_unit: Literal["segment", "minute"] | None = None
    movement_counts: bool | None = None
    unproductive_weight_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    deletion_rule: Literal["segment", "since_previous"] | None = None
    """What a capture takes with it when its member deletes it (S-08)."""
    language: Code | None = None
    """What Daybook speaks with members who chose no language of their own."""
    week_start: Literal["monday", "sunday", "saturday"] | None = None
    """With which day calendars begin; bills run from Monday to Sunday (S-03)."""
    capture_days: Days = None
    """How long screenshots are kept where a policy does not say otherwise, null: without an end (M-05)."""
    camera_days: Days = None
    """Likewise camera snapshots."""
    legal_hold: bool | None = None
    """No picture's days end while it is on."""
    seats: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    minimum_agent: Version | None = None
    mails_off: Annotated[list[Switchable], Field(max_length=20)] | None = None
    """Kinds of mail that are not sent (W-07)."""
    allowed_ranges: Annotated[list[Range], Field(max_length=100)] | None = None
    """Networks like 192.0.2.0/24 that people must come from; none: from everywhere (W-01)."""
    oidc: sign_on_settings.Settings | None = None
    """The workspace's own OpenID Connect provider (W-08), null: none; for owners."""
    archived: bool | None = None


_SETTINGS = (
    *("name", "zone", "billing_zone", "lock_hour", "billing_unit", "movement_counts"),
    *("unproductive_weight_percent", "deletion_rule", "language", "week_start", "archived"),
)
_RETENTION: Document = {"capture_days": DEFAULT_DAYS, "camera_days": DEFAULT_DAYS, "legal_hold": False}
#: Settings that workspaces made before them do not name.
_LATER: Document = {"deletion_rule": "segment", "language": "en", "week_start": "monday"} | _RETENTION


async def create(store: Store, session: Session, body: New) -> Document:
    """A workspace with the usual settings, told to the others."""
    workspace = new_id("ws")
    doc: Document = {"_id": key(workspace), "workspace": workspace, "id": workspace, "revision": 1}
    doc |= _LATER | body.model_dump() | {"lock_hour": 12, "billing_unit": "segment", "movement_counts": False}
    doc |= {"unproductive_weight_percent": 50, "archived": False, "seats": None, "seats_taken": 0}
    doc |= {"minimum_agent": None, "mails_off": [], "allowed_ranges": [], "created_at": now()}
    await store["workspaces"].insert_one(doc, session=session)
    await store.outbox.stage([fact(doc)], session)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Settings as they are to be; others are told."""
    if doc.get("deleted_at"):
        raise not_found(N_("workspace"))
    fields = body.model_dump(exclude_unset=True)
    if "oidc" in fields:
        fields["oidc"] = sign_on_settings.stored(store.vault, doc.get("oidc"), fields["oidc"])
    changed = await store.update("workspaces", doc["_id"], fields, session)
    if changed is None:
        raise not_found(N_("workspace"))
    await store.outbox.stage([fact(changed)], session)
    return changed


async def find(store: Store, workspace: str, session: Session | None = None) -> Document:
    """A workspace by id; 404 where there is none."""
    doc = await store["workspaces"].find_one({"_id": key(workspace)}, session=session)
    if doc is None:
        raise not_found(N_("workspace"))
    return doc


def fact(doc: Document) -> tuple[str, Fact]:
    """``workspace.changed`` as of a document."""
    settings = {name: (_LATER | doc)[name] for name in _SETTINGS}
    return "workspace.changed", WorkspaceChanged(
        workspace=doc["workspace"], member=NOBODY, revision=doc["revision"], **settings
    )


def shown(doc: Document) -> Document:
    """A workspace as the API shows it."""
    names = ("id", *_SETTINGS, *_RETENTION, "seats", "seats_taken", "minimum_agent")
    lists = {name: doc.get(name, []) for name in ("mails_off", "allowed_ranges")}
    own = lists | {"oidc": sign_on_settings.shown(doc.get("oidc")), "created_at": instant(doc["created_at"])}
    return {name: (_LATER | doc)[name] for name in names} | own

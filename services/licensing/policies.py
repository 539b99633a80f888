"""Policies: what may be captured, and how often. Immutable by version; everything is off until turned on (B-05)."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, WithJsonSchema

from services.kit.mongo import Session
from services.kit.problems import invalid, not_found
from services.licensing.patches import Changes
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire.collections import inlined
from services.wire.events import Strict, check
from services.wire.language import N_, _
from services.wire.names import Name

# A declaration without words would declare nothing, and hide the icon all the same (G-01, B-09).
Basis = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Days = Annotated[int, Field(ge=1, le=36500)] | None
"""How long pictures are kept; null: without an end (M-05)."""
Sites = Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(max_length=500)]


class Screenshots(Strict):
    """Captures of the screen (T-05, T-06, T-08, M-04); ``monitors: member`` leaves it to the member."""

    enabled: bool = False
    per_segment: int = Field(default=1, ge=1, le=10)
    monitors: Literal["all", "active", "member"] = "member"
    width: int = Field(default=1280, ge=320, le=3840)
    blur: bool = True


class Camera(Strict):
    """Snapshots by the camera, which also need the member's own yes (T-09)."""

    enabled: bool = False
    per_hour: int = Field(default=1, ge=1, le=6)


class MemberMay(Strict):
    """What a member under a *monitoring* licence may do; a worklog licence always allows it (T-02)."""

    choose_monitors: bool = False
    discard: bool = False
    keep_idle: bool = False
    remind: bool = False
    pause: bool = False


class Policy(Strict):
    """Every switch an agent knows; the dump of this is what goes over the wire, with the version it has."""

    version: int = Field(default=1, ge=1)
    screenshots: Screenshots = Screenshots()
    camera: Camera = Camera()
    recording: bool = False
    """Screen recording as a low-rate video (M-08)."""
    live: bool = False
    """Frames during an audited watch (M-07)."""
    apps: bool = False
    titles: bool = False
    site: Literal["off", "domain", "url"] = "off"
    only_sites: Sites = Field(default_factory=list)
    never_sites: Sites = Field(default_factory=list)
    """T-04."""
    notify: bool = True
    """The member is shown each capture and may discard it (T-07)."""
    idle_minutes: int = Field(default=5, ge=1, le=120)
    """T-11."""
    movement_counts: bool = False
    """T-03. Of no effect: a minute counts alike for everybody, as the workspace's setting of this name says."""
    grace_days: int = Field(default=30, ge=0, le=180)
    """How long an offline agent goes on under this policy (L-04)."""
    tray: bool = True
    legal_basis: Basis | None = None
    """An admin's declaration; without it a hidden tray icon waits for the member's acknowledgement (G-01)."""
    member_may: MemberMay = MemberMay()
    capture_days: Days | Literal["workspace"] = "workspace"
    """Retention in days of screenshots; null: kept without an end, ``workspace``: as its settings say (M-05)."""
    camera_days: Days | Literal["workspace"] = "workspace"
    """Likewise of camera snapshots."""
    legal_hold: bool = False
    """Nothing's days end (M-05); a workspace and a member may be on hold too."""
    shifts_only: bool = False
    """A-04."""
    automatic_updates: bool = True
    """T-15."""


def build(overrides: dict[str, Any], base: dict[str, Any] | None = None, version: int = 1) -> dict[str, Any]:
    """The dump of a policy: overrides on top of a base (or of the defaults); a 422 Problem says what does not fit."""
    merged = _merge(whole(base) if base else Policy().model_dump(), {**overrides, "version": version})
    try:
        return check(Policy, merged).model_dump()
    except ValueError as error:
        raise invalid(f"policy.{error}") from error


def whole(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept dump with the switches that came after it; its days of captures once were those of every kind."""
    return Policy().model_dump() | {"camera_days": kept["capture_days"]} | kept


def _merge(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in overrides.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


Switches = Annotated[dict[str, Any], WithJsonSchema(inlined(Policy.model_json_schema()))]
"""What differs from another policy, checked once it is merged with that (``build``)."""


class New(Strict):
    """The body that makes a policy; ``policy`` carries what differs from the defaults."""

    name: Name
    policy: Switches = Field(default_factory=dict)


class Patch(Changes):
    """The body that makes its next version; ``policy`` carries what differs from the version before."""

    name: Name | None = None
    policy: Switches = Field(default_factory=dict)


async def create(
    store: Store, session: Session, workspace: str, body: New, base: dict[str, Any] | None = None
) -> Document:
    """A policy in its version 1: what differs from ``base``, or from the defaults."""
    policy = new_id("pol")
    doc = {"_id": key(workspace, policy), "workspace": workspace, "id": policy, "name": body.name, "created_at": now()}
    doc |= {"version": 1, "policy": build(body.policy, base), "revision": 1}
    await store["policies"].insert_one(doc, session=session)
    await _keep_version(store, session, doc)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """The next version of a policy; licences that name it carry it from now on."""
    version = doc["version"] + 1
    fields: Document = {"version": version, "policy": build(body.policy, doc["policy"], version)}
    if body.name is not None:
        fields["name"] = body.name
    changed = await store.update("policies", doc["_id"], fields, session)
    if changed is None:
        raise not_found(N_("policy"))
    await _keep_version(store, session, changed)
    return changed


async def declare(store: Store, session: Session, actor: Document, doc: Document) -> None:
    """Keeps who declared the policy's legal basis, when, and in which words; each declaration for ever (G-01, B-09)."""
    text, before = doc["policy"]["legal_basis"], doc.get("declaration")
    if text == (before["text"] if before else None):
        return
    said = {"text": text, "by": actor["id"], "by_name": actor["name"], "version": doc["version"], "at": now()}
    declaration = new_id("dcl")
    row = {"_id": key(doc["workspace"], declaration), "workspace": doc["workspace"], "policy": doc["id"], **said}
    await store["declarations"].insert_one(row, session=session)
    doc["declaration"] = said if text is not None else None
    await store["policies"].update_one(
        {"_id": doc["_id"]}, {"$set": {"declaration": doc["declaration"]}}, session=session
    )


async def find(store: Store, session: Session | None, workspace: str, policy: str) -> Document:
    """A policy by id; 404 where there is none."""
    doc = await store.one("policies", workspace, policy, session=session)
    if doc is None:
        raise not_found(N_("policy"))
    return doc


async def require(store: Store, session: Session, workspace: str, policy: str) -> Document:
    """A policy that a body names; 422 where there is none."""
    doc = await store.one("policies", workspace, policy, session=session)
    if doc is None:
        raise invalid(_("policy: there is no such policy"), field="policy")
    return doc


async def as_of(store: Store, session: Session, workspace: str, policy: str, version: int) -> dict[str, Any]:
    """The dump of one version of a policy; versions never change."""
    doc = await store.one("policy_versions", workspace, policy, str(version), session=session)
    if doc is None:
        raise not_found(N_("policy"))
    return whole(doc["policy"])


async def versions(store: Store, workspace: str, policy: str) -> list[Document]:
    """All versions of a policy, the newest first; a licence carries one of them."""
    below = {"$gt": key(workspace, policy, ""), "$lt": key(workspace, policy, ":")}  # digits come before the colon
    found = await store["policy_versions"].find({"_id": below}).to_list(None)
    shown = [
        {"version": doc["policy"]["version"], "created_at": instant(doc["created_at"]), "policy": doc["policy"]}
        for doc in found
    ]
    return sorted(shown, key=lambda one: int(one["version"]), reverse=True)


def shown(doc: Document) -> Document:
    """A policy as the API shows it; ``declaration`` is who declared its legal basis, when, and in which words."""
    said = doc.get("declaration")
    declaration = {**said, "at": instant(said["at"])} if said else None
    found = {name: doc[name] for name in ("id", "name", "version", "policy")} | {"declaration": declaration}
    return found | {"created_at": instant(doc["created_at"])}


async def _keep_version(store: Store, session: Session, doc: Document) -> None:
    await store["policy_versions"].insert_one(
        {
            "_id": key(doc["workspace"], doc["id"], str(doc["version"])),
            "workspace": doc["workspace"],
            "policy": doc["policy"],
            "created_at": now(),
        },
        session=session,
    )

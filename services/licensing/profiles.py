"""Monitoring profiles: a named policy for members or teams, switched on and off (L-07)."""

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from services.kit.mongo import Session
from services.kit.problems import invalid, not_found
from services.licensing import people, policies, teams
from services.licensing.patches import Changes
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire.events import Id, Strict
from services.wire.language import N_, _
from services.wire.names import Name

MOST = 20_000
"""Members, and teams, that a profile names; its document stays well below the store's 16 MB."""
Ids = Annotated[list[Id], Field(max_length=1000)]


class New(Strict):
    """The body that makes a profile: whoever is named, or is in a named team, works under ``policy`` while it is on."""

    name: Name
    policy: Id
    members: Ids = Field(default_factory=list)
    teams: Ids = Field(default_factory=list)
    enabled: bool = True


class Patch(Changes):
    """What may be changed. ``members`` and ``teams`` are lists given whole; to ``add_…`` and to ``remove_…`` from what
    they are then is for very many, or where somebody else may be changing them too.
    """

    name: Name | None = None
    policy: Id | None = None
    members: Ids | None = None
    add_members: Ids | None = None
    remove_members: Ids | None = None
    teams: Ids | None = None
    add_teams: Ids | None = None
    remove_teams: Ids | None = None
    enabled: bool | None = None


class Profile(NamedTuple):
    """A profile as far as it decides; ``made`` orders two that say the same of somebody."""

    id: str
    policy: str
    members: frozenset[str]
    teams: frozenset[str]
    enabled: bool
    made: object = 0

    @classmethod
    def of(cls, doc: Document) -> "Profile":
        """The profile of a stored document."""
        made = (doc["created_at"], doc["id"])
        return cls(doc["id"], doc["policy"], frozenset(doc["members"]), frozenset(doc["teams"]), doc["enabled"], made)


def in_force(member: str, team: str | None, profiles: Iterable[Profile]) -> Profile | None:
    """The profile that a member works under; None: the licence's own policy holds. Pure.

    One that names the member goes before one that names their team; of two alike the one made last.
    """
    switched_on = [one for one in profiles if one.enabled]
    named = [one for one in switched_on if member in one.members]
    of_team = [one for one in switched_on if team is not None and team in one.teams]
    return max(named or of_team, key=lambda one: one.made, default=None)  # type: ignore[arg-type,return-value]


async def create(store: Store, session: Session, workspace: str, body: New) -> Document:
    """A profile; the licences of whom it concerns are settled by ``licences.settle_all``."""
    await _check(store, session, workspace, body.policy, body.members, body.teams)
    profile = new_id("prf")
    doc: Document = {"_id": key(workspace, profile), "workspace": workspace, "id": profile, "revision": 1}
    doc |= body.model_dump() | {"created_at": now()}
    await store["profiles"].insert_one(doc, session=session)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Another name, policy, who it is for, on or off."""
    fields = _whole(doc, body.model_dump(exclude_unset=True))
    added = {name: [one for one in fields.get(name, ()) if one not in doc[name]] for name in ("members", "teams")}
    await _check(store, session, doc["workspace"], body.policy, added["members"], added["teams"])
    changed = await store.update("profiles", doc["_id"], fields, session)
    if changed is None:
        raise not_found(N_("profile"))
    return changed


def _whole(doc: Document, fields: Document) -> Document:
    """The fields with their lists whole: what is added to them, and taken out again."""
    for name in ("members", "teams"):
        added: list[str] = fields.pop(f"add_{name}", [])
        removed: list[str] = fields.pop(f"remove_{name}", [])
        if added or removed:
            out = set(removed)
            before: list[str] = fields[name] if name in fields else doc[name]
            fields[name] = [one for one in dict.fromkeys([*before, *added]) if one not in out]
        if len(fields.get(name, ())) > MOST:
            words = _("add_{field}: at most {most} in all; name their teams instead", field=name, most=f"{MOST:,}")
            raise invalid(words, field=f"add_{name}")
    return fields


async def _check(
    store: Store,
    session: Session,
    workspace: str,
    policy: str | None,
    members: Sequence[str],
    of_teams: Sequence[str],
) -> None:
    if policy is not None:
        await policies.require(store, session, workspace, policy)
    for member in members:
        await people.require(store, session, workspace, member, "members")
    await teams.require(store, session, workspace, list(of_teams))


async def concerned(store: Store, session: Session, *docs: Document) -> list[str]:
    """The members whom a profile (before, after) speaks of.

    They and their teams are written, so that somebody who joins a team in this moment, or is given a licence, is seen
    by this change or sees it.
    """
    workspace = docs[0]["workspace"]
    of_teams = {team for doc in docs for team in doc["teams"]}
    await store["teams"].update_many(
        {"workspace": workspace, "id": {"$in": sorted(of_teams)}}, {"$inc": {"seen": 1}}, session=session
    )
    named = {member for doc in docs for member in doc["members"]}
    where = {"workspace": workspace, "$or": [{"id": {"$in": sorted(named)}}, {"team": {"$in": sorted(of_teams)}}]}
    found: list[str] = await store["members"].distinct("id", where, session=session)
    await store["members"].update_many(
        {"workspace": workspace, "id": {"$in": found}}, {"$inc": {"seen": 1}}, session=session
    )
    return found


async def switched_on(store: Store, session: Session, workspace: str) -> list[Profile]:
    """The profiles of a workspace that are on."""
    docs = await store["profiles"].find({"workspace": workspace, "enabled": True}, session=session).to_list(None)
    return [Profile.of(doc) for doc in docs]


def shown(doc: Document) -> Document:
    """A profile as the API shows it."""
    return {name: doc[name] for name in ("id", *New.model_fields)} | {"created_at": instant(doc["created_at"])}

"""Teams: a member is in at most one of a workspace (W-04)."""

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid, not_found
from services.licensing.patches import Changes
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire.events import Strict
from services.wire.language import N_, _
from services.wire.names import Name


class New(Strict):
    """The body that makes a team."""

    name: Name


class Patch(Changes):
    """What may be changed."""

    name: Name | None = None
    archived: bool | None = None


async def create(store: Store, session: Session, workspace: str, body: New) -> Document:
    """A team; 409 where there is one of that name already, which members brought by a file could not be told from."""
    await _require_name(store, session, workspace, body.name)
    team = new_id("team")
    doc = {"_id": key(workspace, team), "workspace": workspace, "id": team, "name": body.name, "revision": 1}
    doc |= {"archived": False, "created_at": now()}
    await store["teams"].insert_one(doc, session=session)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Another name, archived or restored; 409 where a team with members is to be archived, or the name is another's."""
    if body.name is not None or body.archived is False:
        await _require_name(store, session, doc["workspace"], body.name or doc["name"], but=doc["id"])
    if body.archived:
        of_team = {"workspace": doc["workspace"], "team": doc["id"], "archived": False}
        if await store["members"].find_one(of_team, session=session):
            raise Problem(
                409, "team-not-empty", _("The team still has members."), _("Move them to another team first.")
            )
    changed = await store.update("teams", doc["_id"], body.model_dump(exclude_unset=True), session)
    if changed is None:
        raise not_found(N_("team"))
    return changed


async def _require_name(store: Store, session: Session, workspace: str, name: str, but: str = "") -> None:
    # the workspace is written, so that two that take a name at once conflict
    await store["workspaces"].update_one({"_id": key(workspace)}, {"$inc": {"team_names": 1}}, session=session)
    others = store["teams"].find({"workspace": workspace, "archived": False, "id": {"$ne": but}}, session=session)
    if any(one["name"].casefold() == name.casefold() for one in await others.to_list(None)):
        detail = _("Choose another name, or use the team that is there.")
        raise Problem(409, "name-taken", _("There is a team of this name."), detail, field="name", rule="W-04")


async def require(store: Store, session: Session, workspace: str, teams: list[str]) -> None:
    """422 where one of the teams is not of this workspace, or archived."""
    for team in teams:
        # written, not only read, so that archiving the team at the same moment conflicts with it
        found = await store.update("teams", key(workspace, team), {}, session) if "|" not in team else None
        if found is None or found["archived"]:
            raise invalid(_("team: there is no such team"), field="team")


async def usable(store: Store, session: Session, workspace: str, teams: set[str]) -> set[str]:
    """Those of the teams that members may be put into; as in ``require`` they are written."""
    found = [await store.update("teams", key(workspace, team), {}, session) for team in sorted(teams)]
    return {one["id"] for one in found if one and not one["archived"]}


def shown(doc: Document) -> Document:
    """A team as the API shows it."""
    return {name: doc[name] for name in ("id", "name", "archived")} | {"created_at": instant(doc["created_at"])}

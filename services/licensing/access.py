"""How far somebody reaches into licensing's collections: the one table's scopes (kit/access.py) as filters.

The tenant comes from the principal alone, the role from the store as it is now, so that a demotion holds at once.
"""

from dataclasses import dataclass, field

from services.kit.access import Scope as Scope
from services.kit.access import Scopes, Verb, of_collection
from services.kit.mongo import Session
from services.kit.problems import forbidden
from services.licensing.store import Document, Store
from services.wire.language import _
from services.wire.requests import Collection, Principal, Role

_WIDEST = (Scope.WORKSPACE, Scope.TEAM, Scope.CONTRACT, Scope.OWN)
# How the workspace is guarded is nothing for those who only work in it, or pay for what is done there.
_KEPT_FROM_OTHERS = {"workspaces": ("allowed_ranges", "oidc", "mails_off")}


def scope_of(role: Role, verb: Verb, collection: Collection) -> Scope | None:
    """The widest scope of a role in a collection (a team's holds one's own too); None: denied."""
    action = of_collection(collection, verb)
    scopes: Scopes = action.scopes(role) if action else frozenset()
    return next((scope for scope in _WIDEST if scope in scopes), None)


@dataclass(frozen=True)
class Reach:
    """What of a workspace somebody may touch: all, or what belongs to these members."""

    workspace: str
    me: str
    role: Role
    scope: Scope
    members: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    actor: Document = field(default_factory=dict)
    """The member who acts."""

    def within(self, collection: Collection) -> Document:
        """The filter that keeps to it."""
        tenant: Document = {"workspace": self.workspace}
        if collection == "clients":
            tenant["role"] = "client"
        if self.scope is Scope.WORKSPACE:
            return tenant
        theirs = {"$in": list(self.members)}
        nothing: Document = {"id": {"$in": []}}
        match collection:
            case "members":
                return tenant | {"id": theirs}
            case "clients":
                return tenant | ({"id": self.me} if self.scope is Scope.CONTRACT else nothing)
            case "teams":
                return tenant | {"id": {"$in": list(self.teams)}}
            case "contracts" if self.scope is Scope.CONTRACT:
                return tenant | {"client": self.me}
            case "contracts" | "licences" | "devices" | "tokens" | "notices":
                return tenant | {"member": theirs}
        return tenant | nothing


def bare(reach: Reach, collection: Collection, items: list[Document]) -> list[Document]:
    """Objects without the members that only those read who may change such objects."""
    kept = () if scope_of(reach.role, "change", collection) else _KEPT_FROM_OTHERS.get(collection, ())
    return [{name: value for name, value in one.items() if name not in kept} for one in items]


async def acting(store: Store, principal: Principal, session: Session | None = None) -> Document:
    """The member who acts, as they are now; 403 where they are none any more."""
    member = await store.one("members", principal.workspace, principal.member, session=session)
    if member is None or member["archived"]:
        raise forbidden(_("You are no longer a member of this workspace."), rule="W-03")
    return member


async def reach(store: Store, principal: Principal, verb: Verb, collection: Collection) -> Reach:
    """How far the principal goes; 403 where the role does not allow it at all."""
    member = await acting(store, principal)
    scope = scope_of(member["role"], verb, collection)
    if scope is None:
        action = of_collection(collection, verb)
        raise forbidden(**({"rule": action.rule} if action else {}))
    teams = [*member["manages"], *([member["team"]] if member["team"] else [])]
    theirs = await _members(store, member, scope)
    return Reach(principal.workspace, member["id"], member["role"], scope, tuple(theirs), tuple(teams), member)


async def _members(store: Store, member: Document, scope: Scope) -> list[str]:
    tenant, me = {"workspace": member["workspace"]}, member["id"]
    if scope is Scope.TEAM:
        found: list[str] = await store["members"].distinct("id", {**tenant, "team": {"$in": member["manages"]}})
        return [*found, me]
    if scope is Scope.CONTRACT:
        return [*await store["contracts"].distinct("member", {**tenant, "client": me}), me]
    return [me]


async def refine(store: Store, reach: Reach, collection: Collection) -> Document:
    """The filter of a reach, also where it goes by way of other documents (clients and policies of one's members)."""
    if reach.scope in (Scope.WORKSPACE, Scope.CONTRACT) or collection not in ("clients", "policies", "profiles"):
        return reach.within(collection)
    if collection == "profiles":
        who = [{"members": {"$in": list(reach.members)}}, {"teams": {"$in": list(reach.teams)}}]
        return {"workspace": reach.workspace, "$or": who}
    theirs = {"workspace": reach.workspace, "member": {"$in": list(reach.members)}}
    if collection == "policies":
        policies = await store["licences"].distinct("in_effect", theirs)
        return {"workspace": reach.workspace, "id": {"$in": policies}}
    clients = await store["contracts"].distinct("client", {**theirs, "client": {"$ne": None}})
    return {"workspace": reach.workspace, "role": "client", "id": {"$in": clients}}

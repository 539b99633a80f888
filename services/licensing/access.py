"""Who may do what: role × action × collection gives a scope; what is not in the table is denied.

The tenant comes from the principal alone, the role from the store as it is now, so that a demotion holds at once.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, get_args

from services.kit.problems import forbidden
from services.licensing.store import Document, Store
from services.wire.requests import Collection, Principal, Role

Action = Literal["read", "create", "change"]


class Scope(Enum):
    """Whose things: one's own, those of one's teams, those of the contracts one is the client of, or all."""

    OWN = "own"
    TEAM = "team"
    CONTRACT = "contract"
    WORKSPACE = "workspace"


_ALL: tuple[Collection, ...] = (
    *("workspaces", "members", "teams", "clients"),
    *("contracts", "licences", "policies", "devices"),
)
_ADMINS_ONLY: tuple[Collection, ...] = ("mails",)
#: Anybody may make a workspace of their own, look after their own tokens, and acknowledge their own notices.
_EVERYBODYS: dict[tuple[Action, Collection], Scope] = {
    ("create", "workspaces"): Scope.OWN,
    **{(action, "tokens"): Scope.OWN for action in get_args(Action)},
    ("change", "notices"): Scope.OWN,
}
_EVERYTHING: dict[tuple[Action, Collection], Scope] = {
    **{("read", one): Scope.WORKSPACE for one in _ALL},
    **{("change", one): Scope.WORKSPACE for one in _ALL},
    **{("create", one): Scope.WORKSPACE for one in _ALL if one not in ("workspaces", "devices")},
    **{(action, one): Scope.WORKSPACE for action in get_args(Action) for one in _ADMINS_ONLY},
    ("read", "imports"): Scope.WORKSPACE,
    ("read", "notices"): Scope.WORKSPACE,
    ("create", "imports"): Scope.WORKSPACE,
    **_EVERYBODYS,
}

TABLE: dict[Role, dict[tuple[Action, Collection], Scope]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING,
    "manager": {
        ("read", "workspaces"): Scope.WORKSPACE,
        ("read", "policies"): Scope.WORKSPACE,
        ("read", "notices"): Scope.TEAM,
        **{("read", one): Scope.TEAM for one in ("members", "teams", "clients", "contracts", "licences", "devices")},
        **_EVERYBODYS,
    },
    "employee": {
        ("read", "workspaces"): Scope.WORKSPACE,
        **{("read", one): Scope.OWN for one in _ALL if one != "workspaces"},
        ("read", "notices"): Scope.OWN,
        **_EVERYBODYS,
    },
    "client": {
        ("read", "workspaces"): Scope.WORKSPACE,
        **{("read", one): Scope.CONTRACT for one in ("members", "clients", "contracts")},
        ("change", "contracts"): Scope.CONTRACT,  # the label list alone (S-07), see collections.py
        **_EVERYBODYS,
    },
}


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


async def acting(store: Store, principal: Principal) -> Document:
    """The member who acts, as they are now; 403 where they are none any more."""
    member = await store.one("members", principal.workspace, principal.member)
    if member is None or member["archived"]:
        raise forbidden("You are no longer a member of this workspace.")
    return member


async def reach(store: Store, principal: Principal, action: Action, collection: Collection) -> Reach:
    """How far the principal's action goes; 403 where the role does not allow it at all."""
    member = await acting(store, principal)
    scope = TABLE[member["role"]].get((action, collection))
    if scope is None:
        raise forbidden()
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
    if reach.scope in (Scope.WORKSPACE, Scope.CONTRACT) or collection not in ("clients", "policies"):
        return reach.within(collection)
    theirs = {"workspace": reach.workspace, "member": {"$in": list(reach.members)}}
    if collection == "policies":
        policies = await store["licences"].distinct("policy", theirs)
        return {"workspace": reach.workspace, "id": {"$in": policies}}
    clients = await store["contracts"].distinct("client", {**theirs, "client": {"$ne": None}})
    return {"workspace": reach.workspace, "role": "client", "id": {"$in": clients}}

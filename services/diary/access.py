"""Who may do what to whose diary: one table of role, action and scope, and nothing is allowed that is not in it.

Pure: whoever asks has looked up the viewer and the person concerned (M-02, S-07, L-08). What licensing owns it judges
again by itself, finer than here: the table only keeps out who has no business there at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.wire.requests import Principal


class Scope(StrEnum):
    """How far an action reaches."""

    OWN = "own"
    TEAM = "team"
    CONTRACT = "contract"
    WORKSPACE = "workspace"


class Action(StrEnum):
    """What somebody may want to do."""

    READ_DIARY = "read diary"
    SEE_PICTURE = "see picture"
    READ_SCORES = "read scores"
    READ_TIMESHEET = "read timesheet"
    READ_SYNC = "read sync"
    READ_AUDIT = "read audit"
    OWN_ACCOUNT = "look after one's own account"
    READ = "read collection"
    CREATE = "create in collection"
    CHANGE = "change in collection"


_OWN, _TEAM, _CONTRACT, _ALL = Scope.OWN, Scope.TEAM, Scope.CONTRACT, Scope.WORKSPACE
_Scopes = Mapping[str, frozenset[Scope]]


def _roles(**scopes: set[Scope]) -> _Scopes:
    return {role: frozenset(given) for role, given in scopes.items()}


TABLE: Mapping[Action, _Scopes] = {
    Action.READ_DIARY: _roles(owner={_ALL}, admin={_ALL}, manager={_OWN, _TEAM}, employee={_OWN}, client={_CONTRACT}),
    Action.SEE_PICTURE: _roles(owner={_ALL}, admin={_ALL}, manager={_OWN, _TEAM}, employee={_OWN}, client={_CONTRACT}),
    Action.READ_SCORES: _roles(owner={_ALL}, admin={_ALL}, manager={_OWN, _TEAM}, employee={_OWN}),
    Action.READ_TIMESHEET: _roles(
        owner={_ALL}, admin={_ALL}, manager={_OWN, _TEAM}, employee={_OWN}, client={_CONTRACT}
    ),
    Action.READ_SYNC: _roles(owner={_ALL}, admin={_ALL}, manager={_OWN, _TEAM}, employee={_OWN}),
    Action.OWN_ACCOUNT: _roles(owner={_OWN}, admin={_OWN}, manager={_OWN}, employee={_OWN}, client={_OWN}),
    Action.READ_AUDIT: _roles(owner={_ALL}, admin={_ALL}, manager={_OWN}, employee={_OWN}),
}

_EVERYBODY = frozenset({"owner", "admin", "manager", "employee", "client"})
_STAFF = _EVERYBODY - {"client"}
_ADMINS = frozenset({"owner", "admin"})

#: Collections that licensing owns, and which roles may ask it at all.
COLLECTIONS: Mapping[str, Mapping[Action, frozenset[str]]] = {
    "workspaces": {Action.READ: _EVERYBODY, Action.CREATE: _EVERYBODY, Action.CHANGE: _ADMINS},
    "members": {Action.READ: _EVERYBODY, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
    "teams": {Action.READ: _STAFF, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
    "clients": {Action.READ: _EVERYBODY, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
    "contracts": {Action.READ: _EVERYBODY, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS | {"client"}},
    "licences": {Action.READ: _STAFF, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
    "policies": {Action.READ: _STAFF, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
    "devices": {Action.READ: _STAFF, Action.CHANGE: _ADMINS},
    "tokens": dict.fromkeys((Action.READ, Action.CREATE, Action.CHANGE), _EVERYBODY),
    "imports": {Action.READ: _ADMINS, Action.CREATE: _ADMINS},
    "notices": {Action.READ: _STAFF, Action.CHANGE: _STAFF},
    "mails": {Action.READ: _ADMINS, Action.CREATE: _ADMINS, Action.CHANGE: _ADMINS},
}


@dataclass(frozen=True)
class Viewer:
    """Who looks: the verified principal, the teams they manage and, of a client, the contracts that are theirs."""

    principal: Principal
    manages: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()

    @property
    def workspace(self) -> str:
        """The one tenant this viewer can reach."""
        return self.principal.workspace

    @property
    def member(self) -> str:
        """The viewer's own id."""
        return self.principal.member

    @property
    def role(self) -> str:
        """The viewer's role in this workspace."""
        return self.principal.role


@dataclass(frozen=True)
class Sight:
    """What is in sight of a member's diary: all contracts (None), or these only."""

    contracts: frozenset[str] | None = None

    def shows(self, contract: str) -> bool:
        """True where time on this contract may be seen."""
        return self.contracts is None or contract in self.contracts


def sight(viewer: Viewer, action: Action, member: str, team: str | None) -> Sight | None:
    """What ``viewer`` may see of ``member`` (of ``team``, None: of none) by this action; None: nothing."""
    scopes = TABLE.get(action, {}).get(viewer.role, frozenset())
    if Scope.WORKSPACE in scopes:
        return Sight()
    if Scope.OWN in scopes and member == viewer.member:
        return Sight()
    if Scope.TEAM in scopes and team is not None and team in viewer.manages:
        return Sight()
    if Scope.CONTRACT in scopes and viewer.contracts:
        return Sight(viewer.contracts)
    return None


def may_ask(viewer: Viewer, action: Action, collection: str) -> bool:
    """True where the role may ask licensing this of a collection; what it gets, licensing decides."""
    return viewer.role in COLLECTIONS.get(collection, {}).get(action, frozenset())

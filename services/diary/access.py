"""What a viewer has in sight of whose diary, by the one table of actions, roles and scopes (kit/access.py).

Pure: whoever asks has looked up the viewer and the person concerned (M-02, S-07, L-08). What licensing owns it judges
again by itself, by the same table.
"""

from dataclasses import dataclass

from services.kit.access import Action, Scope, Scopes, Verb, of_collection
from services.wire.requests import Principal

__all__ = ["Action", "Scope", "Sight", "Verb", "Viewer", "can", "may_ask", "of_collection", "sight"]


@dataclass(frozen=True)
class Viewer:
    """Who looks: the verified principal, the teams they manage and, of a client, the contracts that are theirs.

    ``address``: from where, for the audit log (G-02).
    """

    principal: Principal
    manages: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    address: str = ""

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
    """What is in sight of a member's diary: all contracts (None), or these only; and ``scores``, or the time alone.

    Whatever a day contains is decided by this: the API's answer, the pages, their live rows, weeks and statements.
    """

    contracts: frozenset[str] | None = None
    scores: bool = False

    def shows(self, contract: str) -> bool:
        """True where time on this contract may be seen."""
        return self.contracts is None or contract in self.contracts


def sight(viewer: Viewer, action: Action, member: str, team: str | None) -> Sight | None:
    """What ``viewer`` may see of ``member`` (of ``team``, None: of none) by this action; None: nothing."""
    if _reaches(viewer, action.scopes(viewer.role), member, team):
        return Sight(scores=_reaches(viewer, Action.READ_SCORES.scopes(viewer.role), member, team))
    if Scope.CONTRACT in action.scopes(viewer.role) and viewer.contracts:
        return Sight(viewer.contracts)
    return None


def _reaches(viewer: Viewer, scopes: Scopes, member: str, team: str | None) -> bool:
    """Whether scopes reach a member with all of theirs."""
    if Scope.WORKSPACE in scopes or (Scope.OWN in scopes and member == viewer.member):
        return True
    return Scope.TEAM in scopes and team is not None and team in viewer.manages


def may_write(viewer: Viewer, member: str, *, monitored: bool) -> bool:
    """Whether somebody may change memos and labels, or delete, on a contract of ``member`` (T-02).

    Whose computer is ``monitored`` reads their own diary, and writes and deletes nothing in it; an admin may.
    """
    return not monitored or member != viewer.member or viewer.role in ("owner", "admin")


def can(viewer: Viewer, action: Action) -> bool:
    """Whether the role has business there at all: which buttons and which parts of the menu it gets."""
    return bool(action.scopes(viewer.role))


def may_ask(viewer: Viewer, verb: str, collection: str) -> bool:
    """Whether the role may ask licensing this of a collection; what it gets, licensing decides."""
    action = of_collection(collection, verb)
    return action is not None and can(viewer, action)

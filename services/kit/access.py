"""Who may do what, in one table: action × role → how far it reaches. Pure; what is not in it is denied.

The web's routes, the pages' buttons and menus, API tokens, licensing's own judgement and the matrix of tests are all
derived from it. **A new action** takes two lines: a row here, and ``dependencies=[gate(Action.…)]``
(``services.diary.edge``) at its route, page or API alike; a test fails on a route that names none. What a collection of
licensing is asked goes by ``of_collection``, so a new collection takes its rows ``<collection>.read|create|change``.

A row says who has business there at all, and whose things (scopes); what further depends on the thing itself (a locked
week, an owner's role, a client's one field) its handler decides. Whoever has no row of their own in a role gets 403;
what lies out of reach is 404, except whose diary it is within one's own workspace (403).
"""

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import Literal


class Scope(StrEnum):
    """Whose things: one's own, those of the teams one manages, those of one's contracts as a client, or all."""

    OWN = "own"
    TEAM = "team"
    CONTRACT = "contract"
    WORKSPACE = "workspace"


Verb = Literal["read", "create", "change"]
Scopes = frozenset[Scope]
ROLES = ("owner", "admin", "manager", "employee", "client")

_ANY = "any"  # every API token, whatever its scopes
_N: Scopes = frozenset()
_O: Scopes = frozenset({Scope.OWN})
_T: Scopes = frozenset({Scope.TEAM})
_OT: Scopes = _O | _T
_C: Scopes = frozenset({Scope.CONTRACT})
_W: Scopes = frozenset({Scope.WORKSPACE})


class Action(Enum):
    """What somebody may want to do: its name, the scope that opens it to an API token, how far each role reaches, and
    the rule of product.md that it goes by, which refusals name.

    ``None`` as token scope: no token does it (W-08: what concerns the account itself). An action that is open to
    everybody has no row by role: it asks for another proof than a session (a password, a mail's link, a licence key).
    """

    # fmt: off
    #                    name                 token            owner admin manager employee client, the rule
    ENTER             = ("enter",             None,            "open", "W-01")
    OWN_ACCOUNT       = ("account.own",       None,            _O, _O, _O,  _O, _O, "W-01")  # W-02
    READ_ME           = ("account.read",      _ANY,            _O, _O, _O,  _O, _O, "W-01")

    READ_DIARY        = ("diary.read",        "diary:read",    _W, _W, _OT, _O, _C, "M-02")  # S-07
    CHANGE_MEMO       = ("diary.memo",        "diary:write",   _W, _W, _O,  _O, _N, "S-04")
    CHANGE_LABEL      = ("diary.label",       "diary:write",   _W, _W, _O,  _O, _C, "S-04")  # a client: this alone
    ADD_TIME          = ("diary.manual",      "diary:write",   _W, _W, _O,  _O, _N, "S-05")
    REMOVE_TIME       = ("diary.removal",     "diary:write",   _O, _O, _O,  _O, _N, "S-08")  # by the member alone
    SEE_PICTURE       = ("capture.see",       "diary:read",    _W, _W, _OT, _O, _C, "M-02")  # M-06
    REMOVE_PICTURE    = ("capture.remove",    "diary:write",   _W, _W, _O,  _O, _N, "M-03")  # their own: with its time
    BLUR_PICTURE      = ("capture.blur",      "diary:write",   _W, _W, _N,  _N, _N, "M-03")
    READ_TIMESHEET    = ("timesheet.read",    "diary:read",    _W, _W, _OT, _O, _C, "S-10")  # S-07
    SUBMIT_TIMESHEET  = ("timesheet.submit",  "diary:write",   _O, _O, _O,  _O, _N, "S-10")
    DECIDE_TIMESHEET  = ("timesheet.decide",  "diary:write",   _W, _W, _T,  _N, _N, "S-10")  # approve, reject
    EXPORT_STATEMENT  = ("statement.export",  "diary:read",    _W, _W, _OT, _O, _C, "S-07")  # B-01
    READ_SCORES       = ("scores.read",       "diary:read",    _W, _W, _OT, _O, _N, "K-05")
    READ_SYNC         = ("sync.read",         "devices:read",  _W, _W, _OT, _O, _N, "B-02")
    RELEASE_RECORDS   = ("sync.release",      "devices:write", _W, _W, _N,  _N, _N, "B-02")
    READ_AUDIT        = ("audit.read",        "people:read",   _W, _W, _O,  _O, _N, "G-02")  # one's own: B-03
    CHECK_AUDIT       = ("audit.check",       "people:read",   _W, _W, _N,  _N, _N, "G-02")

    READ_WORKSPACES   = ("workspaces.read",   "people:read",   _W, _W, _W,  _W, _W, "W-02")
    CREATE_WORKSPACES = ("workspaces.create", "people:write",  _O, _O, _O,  _O, _O, "W-02")
    CHANGE_WORKSPACES = ("workspaces.change", "people:write",  _W, _W, _N,  _N, _N, "W-06")
    EXPORT_WORKSPACE  = ("workspace.export",  None,            _W, _N, _N,  _N, _N, "W-02")  # G-02
    DELETE_WORKSPACE  = ("workspace.delete",  None,            _W, _N, _N,  _N, _N, "W-02")
    READ_MEMBERS      = ("members.read",      "people:read",   _W, _W, _OT, _O, _C, "W-03")
    CREATE_MEMBERS    = ("members.create",    "people:write",  _W, _W, _N,  _N, _N, "W-03")
    CHANGE_MEMBERS    = ("members.change",    "people:write",  _W, _W, _N,  _N, _N, "W-03")
    READ_TEAMS        = ("teams.read",        "people:read",   _W, _W, _OT, _O, _N, "W-04")
    CREATE_TEAMS      = ("teams.create",      "people:write",  _W, _W, _N,  _N, _N, "W-04")
    CHANGE_TEAMS      = ("teams.change",      "people:write",  _W, _W, _N,  _N, _N, "W-04")
    READ_CLIENTS      = ("clients.read",      "people:read",   _W, _W, _OT, _O, _C, "W-05")
    CREATE_CLIENTS    = ("clients.create",    "people:write",  _W, _W, _N,  _N, _N, "W-05")
    CHANGE_CLIENTS    = ("clients.change",    "people:write",  _W, _W, _N,  _N, _N, "W-05")
    READ_CONTRACTS    = ("contracts.read",    "diary:read",    _W, _W, _OT, _O, _C, "S-07")
    CREATE_CONTRACTS  = ("contracts.create",  "diary:write",   _W, _W, _N,  _N, _N, "S-03")
    CHANGE_CONTRACTS  = ("contracts.change",  "diary:write",   _W, _W, _N,  _N, _C, "S-07")  # a client: the label list
    READ_IMPORTS      = ("imports.read",      "people:read",   _W, _W, _N,  _N, _N, "W-03")
    CREATE_IMPORTS    = ("imports.create",    "people:write",  _W, _W, _N,  _N, _N, "W-03")
    READ_MAILS        = ("mails.read",        "people:read",   _W, _W, _N,  _N, _N, "W-07")
    CREATE_MAILS      = ("mails.create",      "people:write",  _W, _W, _N,  _N, _N, "W-07")
    CHANGE_MAILS      = ("mails.change",      "people:write",  _W, _W, _N,  _N, _N, "W-07")
    READ_LICENCES     = ("licences.read",     "devices:read",  _W, _W, _OT, _O, _N, "L-02")
    CREATE_LICENCES   = ("licences.create",   "devices:write", _W, _W, _N,  _N, _N, "L-02")
    CHANGE_LICENCES   = ("licences.change",   "devices:write", _W, _W, _N,  _N, _N, "L-04")
    READ_POLICIES     = ("policies.read",     "devices:read",  _W, _W, _W,  _O, _N, "B-05")
    CREATE_POLICIES   = ("policies.create",   "devices:write", _W, _W, _N,  _N, _N, "T-05")
    CHANGE_POLICIES   = ("policies.change",   "devices:write", _W, _W, _N,  _N, _N, "T-05")
    READ_PROFILES     = ("profiles.read",     "devices:read",  _W, _W, _OT, _O, _N, "L-07")
    CREATE_PROFILES   = ("profiles.create",   "devices:write", _W, _W, _N,  _N, _N, "L-07")
    CHANGE_PROFILES   = ("profiles.change",   "devices:write", _W, _W, _N,  _N, _N, "L-07")
    READ_DEVICES      = ("devices.read",      "devices:read",  _W, _W, _OT, _O, _N, "L-05")
    CHANGE_DEVICES    = ("devices.change",    "devices:write", _W, _W, _N,  _N, _N, "L-04")
    READ_NOTICES      = ("notices.read",      "diary:read",    _W, _W, _OT, _O, _N, "G-01")
    CHANGE_NOTICES    = ("notices.change",    "diary:write",   _O, _O, _O,  _O, _N, "G-01")  # one's own, to acknowledge
    READ_TOKENS       = ("tokens.read",       None,            _O, _O, _O,  _O, _O, "W-08")
    CREATE_TOKENS     = ("tokens.create",     None,            _O, _O, _O,  _O, _O, "W-08")
    CHANGE_TOKENS     = ("tokens.change",     None,            _O, _O, _O,  _O, _O, "W-08")
    # fmt: on

    def __init__(self, title: str, token: str | None, *row: Scopes | str) -> None:
        *reach, rule = row
        self.title, self.token, self.rule = title, token, str(rule)
        self.open = reach == ["open"]
        self._reach = {} if self.open else dict(zip(ROLES, reach, strict=True))

    def scopes(self, role: str) -> Scopes:
        """How far a role reaches by this action; empty: it may not do it at all."""
        scopes = self._reach.get(role, _N)
        assert isinstance(scopes, frozenset)
        return scopes

    def opened_by(self, scopes: Collection[str]) -> bool:
        """Whether an API token of these scopes does it; ``read`` and ``write`` stand for every area's (W-08)."""
        if self.token is None:
            return False
        return self.token == _ANY or not {self.token, self.token.partition(":")[2]}.isdisjoint(scopes)


_BY_TITLE = {action.title: action for action in Action}


def of_collection(collection: str, verb: str) -> Action | None:
    """The action of asking licensing this of a collection; None: nobody may."""
    return _BY_TITLE.get(f"{collection}.{verb}")

"""The one table of who may do what: what holds of every row, and that whoever asks wrongly is denied (L-08)."""

import re
from typing import get_args

import pytest

from services.kit.access import ROLES, Action, Scope, of_collection
from services.wire.requests import Role, TokenScope


@pytest.mark.parametrize("action", Action, ids=lambda action: action.title)
def test_a_row_is_sound(action: Action) -> None:
    """An admin reaches as far as an owner, but for what ends the workspace (W-02); an employee and a client no further
    than their own, none of them all.
    """
    assert action.token is None or action.token == "any" or action.token in get_args(TokenScope)
    assert re.fullmatch(r"[A-Z]-\d\d", action.rule)
    if action.open:
        assert not any(action.scopes(role) for role in ROLES)
        return
    of_owners = action in (Action.EXPORT_WORKSPACE, Action.DELETE_WORKSPACE)
    assert action.scopes("admin") == (frozenset() if of_owners else action.scopes("owner"))
    assert action.scopes("owner") in ({Scope.WORKSPACE}, {Scope.OWN})
    assert Scope.TEAM not in action.scopes("employee") | action.scopes("client")
    if action not in (Action.READ_WORKSPACES, Action.READ_POLICIES):  # settings, not anybody's things
        assert Scope.WORKSPACE not in action.scopes("manager") | action.scopes("employee") | action.scopes("client")
    assert not action.scopes("janitor")


def test_roles_are_those_of_the_wire() -> None:
    assert set(ROLES) == set(get_args(Role))
    assert len({action.title for action in Action}) == len(Action)


def test_what_has_no_row_is_denied() -> None:
    assert of_collection("outbox", "read") is None
    assert of_collection("devices", "create") is None
    assert of_collection("members", "create") is Action.CREATE_MEMBERS

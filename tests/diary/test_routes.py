"""What every route of the web declares, so that nothing can be asked that the table does not name."""

from tests.support.routes import doors


def test_every_route_names_its_action() -> None:
    """A new route declares ``dependencies=[gate(Action.…)]``: services/kit/access.py says how."""
    found = list(doors())
    assert len(found) > 50
    assert [f"{one.method} {one.path}" for one in found if one.action is None] == []


def test_what_changes_something_is_not_done_by_an_action_that_reads() -> None:
    for one in doors():
        if one.action and one.in_schema and not one.action.open and one.action.token:
            reads = one.action.token in ("any",) or one.action.token.endswith(":read")
            assert not reads or one.method in ("GET", "HEAD"), one

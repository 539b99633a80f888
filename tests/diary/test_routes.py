"""What every route of the web declares, so that nothing can be asked that the table does not name."""

from services.diary import app
from services.diary.settings import DiarySettings
from tests.support.routes import doors


def _app() -> object:
    nowhere = {"nats_url": "nats://127.0.0.1:9", "mongo_url": "mongodb://127.0.0.1:9", "bus_seed": "unused"}
    return app.build(DiarySettings(session_public="", **nowhere))  # type: ignore[arg-type]


def test_every_route_names_its_action() -> None:
    """A new route declares ``dependencies=[gate(Action.…)]``: services/kit/access.py says how."""
    found = list(doors(_app()))
    assert len(found) > 50
    assert [f"{one.method} {one.path}" for one in found if one.action is None] == []


def test_what_changes_something_is_not_done_by_an_action_that_reads() -> None:
    for one in doors(_app()):
        if one.action and one.in_schema and not one.action.open and one.action.token:
            reads = one.action.token in ("any",) or one.action.token.endswith(":read")
            assert reads == (one.method in ("GET", "HEAD")), one

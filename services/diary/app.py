"""The one web origin: pages and ``/api/v1`` (architecture.md, *The edge*). ``python -m services.diary.app`` runs it."""

from fastapi import FastAPI

from services.diary.edge import Edge, Sessions
from services.diary.people import People
from services.diary.settings import DiarySettings
from services.diary.store import ensure_indexes, open_store
from services.diary.web import web
from services.kit import mongo
from services.kit.bus import Bus
from services.kit.service import Service, run


def build(settings: DiarySettings) -> FastAPI:
    """A web replica; its ``state.service`` starts and stops with it."""
    db, bus = open_store(settings), Bus("diary", settings)
    edge = Edge(settings, db, bus, People(db), Sessions(settings.session_key, bus))
    edge.live.attach(bus)
    edge.people.attach(bus)
    service = Service(
        "diary",
        settings,
        bus,
        checks={"store": lambda: mongo.ping(db)},
        before=(lambda: ensure_indexes(db),),
    )
    return web(edge, service)


if __name__ == "__main__":
    app = build(DiarySettings())
    run(app.state.service, app)

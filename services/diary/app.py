"""The one web origin: pages and ``/api/v1`` (architecture.md, *The edge*). ``python -m services.diary.app`` runs it."""

from functools import partial

from fastapi import FastAPI

from services.diary import replaying
from services.diary.edge import Edge, Sessions
from services.diary.editing import Editor
from services.diary.people import People
from services.diary.sealing import Sealer
from services.diary.settings import DiarySettings
from services.diary.store import ensure_indexes, open_store
from services.diary.summaries import Summaries
from services.diary.web import web
from services.kit import mongo
from services.kit.bus import Bus
from services.kit.outbox import Outbox
from services.kit.service import Service, run
from services.wire.requests import Replay


def build(settings: DiarySettings) -> FastAPI:
    """A web replica; its ``state.service`` starts and stops with it."""
    db, bus = open_store(settings), Bus("diary", settings)
    outbox = Outbox(db, bus)
    editor = Editor(db, bus, settings.seal_key, outbox)
    sealer = Sealer(db, bus, settings.seal_key, outbox, grace=settings.seal_grace_seconds)
    edge = Edge(settings, db, bus, People(db), Sessions(settings.session_key, bus), editor, sealer)
    edge.live.attach(bus)
    edge.people.attach(bus)
    edge.sessions.changes.attach()
    bus.serve("replay", Replay, partial(replaying.replay, db, bus))
    summaries = Summaries(db, bus)

    async def begin() -> None:
        await ensure_indexes(db)
        outbox.start()
        summaries.start()

    service = Service(
        "diary",
        settings,
        bus,
        checks={"store": lambda: mongo.ping(db)},
        before=(begin,),
        after=(edge.lines.stop, summaries.stop, outbox.stop, edge.operations.stop),
    )
    return web(edge, service)


if __name__ == "__main__":
    app = build(DiarySettings())
    run(app.state.service, app)

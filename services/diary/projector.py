"""The worker that folds JOURNAL into the diary: ``python -m services.diary.projector``. Replicas share one durable."""

from services.diary.handlers import Projector
from services.diary.settings import DiarySettings
from services.diary.store import ensure_indexes, open_store
from services.kit import mongo
from services.kit.bus import Bus
from services.kit.service import Service, run
from services.wire.subjects import STREAMS

DURABLE = next(one for stream in STREAMS for one in stream.durables if one.name == "projector")


def build(settings: DiarySettings) -> Service:
    """One projector; any number may run."""
    db, bus = open_store(settings), Bus("projector", settings)
    bus.work(DURABLE, Projector(db, bus, settings.seal_public).take)
    return Service(
        "projector",
        settings,
        bus,
        checks={"store": lambda: mongo.ping(db)},
        before=(lambda: ensure_indexes(db),),
    )


if __name__ == "__main__":
    run(build(DiarySettings()))

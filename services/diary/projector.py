"""The worker that folds JOURNAL into the diary: ``python -m services.diary.projector``. It seals weeks that are locked
and chains the audit log, too.

Replicas share one durable.
"""

from services.diary.chaining import Chaining
from services.diary.handlers import Projector
from services.diary.sealing import Sealer, Watch
from services.diary.settings import DiarySettings
from services.diary.store import ensure_indexes, open_store
from services.kit import mongo
from services.kit.bus import Bus
from services.kit.deletions import Deletions, of_documents
from services.kit.outbox import Outbox
from services.kit.service import Service, run
from services.wire.subjects import STREAMS

DURABLE = next(one for stream in STREAMS for one in stream.durables if one.name == "projector")


def build(settings: DiarySettings) -> Service:
    """One projector; any number may run."""
    db, bus = open_store(settings), Bus("projector", settings)
    deletions = Deletions(db, of_documents(db))
    deletions.attach(bus)
    projector = Projector(db, bus, settings.seal_public, deletions)
    bus.work(DURABLE, projector.take)
    outbox = Outbox(db, bus)
    key, grace, quiet = settings.seal_key, settings.seal_grace_seconds, settings.seal_quiet_seconds
    sealer = Sealer(db, bus, key, outbox, grace=grace, quiet=quiet)
    watch, chaining = Watch(sealer, settings.seal_every_seconds), Chaining(db)

    async def begin() -> None:
        await ensure_indexes(db)
        await deletions.begin()
        await projector.retry()
        outbox.start()
        watch.start()
        chaining.start()

    async def end() -> None:
        await chaining.stop()
        await watch.stop()
        await outbox.stop()
        await deletions.stop()

    return Service(
        "projector",
        settings,
        bus,
        checks={"store": lambda: mongo.ping(db)},
        before=(begin,),
        after=(end,),
    )


if __name__ == "__main__":
    run(build(DiarySettings()))

"""Scoring's wiring: ``python -m services.scoring.app``."""

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.deletions import Deletions, of_documents
from services.kit.service import Service, run
from services.kit.settings import Settings
from services.scoring.classes import starting_catalogue
from services.scoring.handlers import Handlers
from services.scoring.store import Store


def build(settings: Settings) -> Service:
    """A scoring service that is ready to run."""
    bus = Bus("scoring", settings)
    db = mongo.database(settings, "scoring")
    deletions = Deletions(db, of_documents(db))
    deletions.attach(bus)
    Handlers(bus, Store(db), starting_catalogue(), deletions).register()

    async def stop() -> None:
        await deletions.stop()
        db.client.close()

    return Service("scoring", settings, bus, {"mongo": lambda: mongo.ping(db)}, before=[deletions.begin], after=[stop])


if __name__ == "__main__":
    run(build(Settings()))

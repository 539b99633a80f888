"""Media's wiring: ``python -m services.media.app``."""

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.deletions import Deletions
from services.kit.objects import Objects, ObjectSettings
from services.kit.service import Check, Service, run
from services.media.encoder import Encoder
from services.media.grants import Grants
from services.media.handlers import Handlers
from services.media.pictures import Pictures
from services.media.retention import Retention


class MediaSettings(ObjectSettings):
    """``DAYBOOK_ENCODERS``: how many pictures are decoded at a time; each may take ``DAYBOOK_ENCODER_MEMORY`` bytes."""

    encoders: int = 2
    encoder_memory: int = 512_000_000


def build(settings: MediaSettings) -> Service:
    """A media service that is ready to run."""
    bus = Bus("media", settings)
    db = mongo.database(settings, "media")
    objects = Objects(settings)
    pictures = Pictures(db, objects)
    encoder = Encoder(settings.encoders, settings.encoder_memory)
    deletions = Deletions(db, pictures.erase)
    deletions.attach(bus)
    grants = Grants(bus)
    retention = Retention(db, bus, pictures, grants)
    Handlers(bus, pictures, grants, encoder, deletions, retention).register()

    async def stop() -> None:
        await retention.stop()
        await deletions.stop()
        await encoder.close()
        objects.close()
        db.client.close()

    checks: dict[str, Check] = {"mongo": lambda: mongo.ping(db), "objects": objects.ping}
    return Service(
        "media", settings, bus, checks, before=[pictures.prepare, retention.begin, deletions.begin], after=[stop]
    )


if __name__ == "__main__":
    run(build(MediaSettings()))

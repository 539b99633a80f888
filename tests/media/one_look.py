"""``python -m tests.media.one_look <instant>``: retention looks once, by a clock that stands, to be killed."""

import asyncio
import sys

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.objects import Objects
from services.media.app import MediaSettings
from services.media.grants import Grants
from services.media.pictures import Pictures
from services.media.retention import Retention
from services.wire.slots import parse_instant


async def look(instant: str) -> None:
    """With a bus, a database and an object store of its own."""
    settings = MediaSettings()
    bus, db, now = Bus("media", settings), mongo.database(settings, "media"), parse_instant(instant)
    await bus.start()
    await Retention(db, bus, Pictures(db, Objects(settings)), Grants(bus), lambda: now).look()


if __name__ == "__main__":
    asyncio.run(look(sys.argv[1]))

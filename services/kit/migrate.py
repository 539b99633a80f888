"""``python -m services.kit.migrate`` makes the streams and durables of ``services.wire.subjects`` on the bus.

Safe to run again at any time; what exists with another configuration is updated.
"""

import asyncio
import time

import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from services.kit.settings import Settings
from services.kit.streams import consumer_config, stream_config
from services.wire.subjects import STREAMS, Stream

_WAIT_SECONDS = 30.0


async def migrate(settings: Settings, replicas: int = 1) -> None:
    """Brings the bus to the present layout; waits for JetStream for up to half a minute."""
    client = await nats.connect(
        settings.nats_urls,
        name="migrate",
        nkeys_seed_str=settings.bus_seed.get_secret_value(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.3,
    )
    try:
        js = client.jetstream()
        await _ready(js)
        for stream in STREAMS:
            await _ensure(js, stream, replicas)
    finally:
        await client.close()


async def _ready(js: JetStreamContext) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            await js.account_info()
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _ensure(js: JetStreamContext, stream: Stream, replicas: int) -> None:
    config = stream_config(stream, replicas)
    try:
        await js.stream_info(stream.name)
        await js.update_stream(config)
    except NotFoundError:
        await js.add_stream(config)
    for durable in stream.durables:
        await js.add_consumer(stream.name, consumer_config(durable))


class MigrateSettings(Settings):
    """``DAYBOOK_BUS_REPLICAS``: 1 on one machine, 3 on a cluster."""

    bus_replicas: int = 1


def main() -> None:
    """The command."""
    settings = MigrateSettings()
    asyncio.run(migrate(settings, settings.bus_replicas))


if __name__ == "__main__":
    main()

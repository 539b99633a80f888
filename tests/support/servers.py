"""Real servers for tests: what conftest.py's fixtures hand out."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import nats
import nkeys
import pymongo
from nats.aio.client import Client

from deploy.local import bus_config
from deploy.local.keys import Keys, Places
from deploy.local.servers import Mongo, Nats, ObjectStore, object_store
from services.kit.migrate import migrate
from services.kit.settings import Settings

ROOT = Path(__file__).parents[2]


@contextmanager
def mongo(folder: Path) -> Iterator[Mongo | str]:
    """A MongoDB of its own while the context lasts, or the URL that DAYBOOK_MONGO_URL names."""
    if given := os.environ.get("DAYBOOK_MONGO_URL"):
        yield given
        return
    server = Mongo(folder).start()
    try:
        yield server.wait_ready()
    finally:
        server.kill()


class Installation:
    """Keys, a bus with accounts and permissions, MongoDB, and an object store when one is asked for.

    No service runs in it. Beyond the services' users the bus knows ``operator_seed``, who may do everything.
    """

    def __init__(self, folder: Path, mongo_url: str) -> None:
        self.folder = folder
        self.mongo_url = mongo_url
        self.keys = Keys.open(folder)
        self.operator_seed = bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()
        operator = bytes(nkeys.from_seed(self.operator_seed.encode()).public_key).decode()
        self._operators = {operator: bus_config.EVERYTHING}
        self.nats = Nats(folder / "nats", configure=self._configure).start()
        self.nats.wait_ready()

    def _configure(self, port: int, monitor_port: int, server_name: str, store: Path) -> str:
        return bus_config.render(self.keys, store, port, monitor_port, server_name, self._operators)

    @cached_property
    def s3(self) -> ObjectStore:
        """The object store, started when first asked for (3-7 s)."""
        keys = self.keys
        return object_store(self.folder / "s3", 0, keys.s3_access, keys.s3_secret).start().wait_ready()

    def environment(
        self, service: str, *, mongo_prefix: str, http_port: int = 0, s3: bool = False, **more: str
    ) -> dict[str, str]:
        """The variables of a service as ``make run`` sets them (``s3=True`` starts the object store)."""
        places = Places(
            nats=self.nats.url,
            mongo=self.mongo_url,
            s3=self.s3.url if s3 else "http://127.0.0.1:9",
            http_ports={service: http_port},
            mongo_prefix=mongo_prefix,
        )
        return self.keys.environment(service, places) | more

    def migrate(self, mongo_prefix: str) -> None:
        """Make the streams and durables, as the migration step of a deployment does."""
        fields = self.environment("migrate", mongo_prefix=mongo_prefix).items()
        settings = Settings(**{name.removeprefix("DAYBOOK_").lower(): value for name, value in fields})  # type: ignore[arg-type]
        with ThreadPoolExecutor(1) as thread:  # whoever asks may have an event loop running in their own
            thread.submit(asyncio.run, migrate(settings)).result(60)

    def reset_bus(self) -> None:
        """Stop the bus, forget all streams, start it on the same port (about 0.1 s)."""
        self.nats.kill()
        self.nats.wipe()
        self.nats.start().wait_ready()

    async def connect(self, user: str = "operator", **options: Any) -> Client:
        """A bus connection as one of BUS_USERS, or as the operator, who may do everything."""
        seed = self.operator_seed if user == "operator" else self.keys.bus_seed(user)
        return await nats.connect(self.nats.url, nkeys_seed_str=seed, **options)

    def stop(self) -> None:
        """End all that it started."""
        self.nats.kill()
        if "s3" in self.__dict__:
            self.s3.kill()


def new_id(kind: str) -> str:
    """An id that no other test has, as licensing would mint it."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def drop_databases(mongo_url: str, prefix: str) -> None:
    """Drop every database of one prefix."""
    with pymongo.MongoClient(mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        for name in client.list_database_names():
            if name.startswith(f"{prefix}_"):
                client.drop_database(name)

"""Mongo, the outbox and the object store."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from minio import Minio
from minio.credentials.credentials import Credentials
from nats.aio.client import Client
from pymongo.errors import PyMongoError

from deploy.local.servers import ObjectStore
from services.kit.bus import Bus
from services.kit.migrate import migrate
from services.kit.mongo import Database, Session, prefix_range, transaction
from services.kit.object_line import ObjectLine
from services.kit.objects import Objects, ObjectSettings
from services.kit.outbox import Outbox
from services.kit.problems import Problem
from services.kit.settings import Settings
from services.wire import events
from services.wire.subjects import JOURNAL, STREAMS
from tests.support.servers import Installation
from tests.support.stack import until


def fact(workspace: str, revision: int) -> tuple[str, events.Fact]:
    licence = events.LicenceChanged(
        workspace=workspace,
        member="mem",
        revision=revision,
        licence="lic",
        device=None,
        device_name=None,
        state="issued",
    )
    return "licence.changed", licence


async def test_a_transaction_holds_wholly_or_not_at_all(db: Database) -> None:
    async def work(session: Session) -> None:
        await db["a"].insert_one({"_id": "ws|1"}, session=session)
        await db["b"].insert_one({"_id": "ws|1"}, session=session)
        raise LookupError

    with pytest.raises(LookupError):
        await transaction(db, work)
    assert await db["a"].count_documents({}) == await db["b"].count_documents({}) == 0

    async def rest(session: Session) -> str:
        await db["a"].insert_one({"_id": "ws|1"}, session=session)
        return "done"

    assert await transaction(db, rest) == "done"
    assert await db["a"].count_documents({}) == 1


async def test_two_transactions_on_one_document_both_count(db: Database) -> None:
    """The loser of a write conflict is run again."""
    await db["a"].insert_one({"_id": "ws|n", "n": 0})

    async def add(session: Session) -> None:
        found = await db["a"].find_one({"_id": "ws|n"}, session=session)
        assert found
        await db["a"].update_one({"_id": "ws|n"}, {"$set": {"n": found["n"] + 1}}, session=session)

    await asyncio.gather(*(transaction(db, add) for _ in range(5)))
    assert (await db["a"].find_one({"_id": "ws|n"}) or {})["n"] == 5


async def test_a_prefix_takes_its_own_and_no_neighbours(db: Database) -> None:
    ids = ["ws|a|1", "ws|a|2", "ws|a-b|1", "ws|a", "ws|b|1", "ws2|a|1", "ws|aa|1"]
    await db["a"].insert_many([{"_id": one} for one in ids])
    found = [row["_id"] async for row in db["a"].find({"_id": prefix_range("ws", "a")}).sort("_id", 1)]
    assert found == ["ws|a|1", "ws|a|2"]
    assert await db["a"].count_documents({"_id": prefix_range("ws")}) == 6


@pytest.fixture
async def journal(migrator: Settings, client: Client, workspace_id: str) -> AsyncIterator[None]:
    """The streams as the migration makes them; nothing of this test is left in them."""
    await migrate(migrator)
    yield
    await migrate(migrator)
    await client.jetstream().purge_stream(JOURNAL, subject=f"licence.changed.{workspace_id}.*")


@pytest.fixture
def migrator(installation: Installation) -> Settings:
    """The user that makes streams and durables."""
    return Settings(nats_url=installation.nats.url, bus_seed=installation.keys.bus_seed("migrate"))


async def revisions(client: Client, workspace: str) -> list[int]:
    subscription = await client.jetstream().pull_subscribe(f"licence.changed.{workspace}.*", stream=JOURNAL)
    pending = (await subscription.consumer_info()).num_pending
    found = await subscription.fetch(pending, timeout=10) if pending else []
    await subscription.unsubscribe()
    return [events.read(events.LicenceChanged, one.data).revision for one in found]


async def nothing_staged(db: Database) -> bool:
    return await db["outbox"].count_documents({}) == 0


async def test_the_outbox_repairs_a_crash_between_write_and_publish(
    bus: Bus, db: Database, client: Client, journal: None, workspace_id: str
) -> None:
    """What was staged in a transaction is said, also when the process that staged it is gone."""
    await bus.start()
    gone = Outbox(db, bus)

    async def work(session: Session) -> None:
        await db["a"].insert_one({"_id": f"{workspace_id}|1"}, session=session)
        await gone.stage([fact(workspace_id, 1), fact(workspace_id, 2)], session)

    await transaction(db, work)
    assert await revisions(client, workspace_id) == []
    other = Outbox(db, bus)  # of a replica, or of the process started again
    other.start()
    await until(lambda: nothing_staged(db))
    await other.stop()
    assert await revisions(client, workspace_id) == [1, 2]


async def test_what_is_rolled_back_is_never_said(
    bus: Bus, db: Database, client: Client, journal: None, workspace_id: str
) -> None:
    await bus.start()
    outbox = Outbox(db, bus)

    async def work(session: Session) -> None:
        await outbox.stage([fact(workspace_id, 1)], session)
        raise LookupError

    with pytest.raises(LookupError):
        await transaction(db, work)
    assert await outbox.flush() == 0
    assert await revisions(client, workspace_id) == []


async def test_very_many_facts_are_staged_in_packs_and_said_each(
    bus: Bus, db: Database, client: Client, journal: None, workspace_id: str
) -> None:
    """A transaction's own are published without reading them; who died before that leaves whole packs to the sweep."""
    await bus.start()
    outbox, numbers, ran = Outbox(db, bus), [range(250), range(1000, 1250)], list[Session]()

    async def work(session: Session) -> None:
        outbox.begin(session)
        await outbox.stage([fact(workspace_id, number) for number in numbers.pop()], session)
        if numbers:
            conflict = PyMongoError("begin again")
            conflict._add_error_label("TransientTransactionError")
            raise conflict
        ran.append(session)

    await outbox.stage([fact(workspace_id, 2000)])  # somebody else's
    await transaction(db, work)
    assert await db["outbox"].count_documents({"facts": {"$exists": True}}) == 3
    await outbox.publish(*ran)
    assert await revisions(client, workspace_id) == list(range(250))
    assert await db["outbox"].count_documents({}) == 1, "nobody else's is published, and all of its own is forgotten"
    await outbox.stage([fact(workspace_id, number) for number in range(2001, 2031)])
    assert await Outbox(db, bus).flush() == 31
    assert await revisions(client, workspace_id) == [*range(250), *range(2000, 2031)]
    assert await nothing_staged(db)


async def test_a_fact_that_the_bus_did_not_take_stays_staged(
    bus: Bus, db: Database, client: Client, journal: None, workspace_id: str
) -> None:
    await bus.start()
    outbox = Outbox(db, bus)
    await outbox.stage([fact(workspace_id, number) for number in range(3)])
    await client.jetstream().delete_stream(JOURNAL)
    with pytest.raises(Exception, match=r"(?i)no ?stream|no response"):
        await outbox.flush()
    assert await db["outbox"].count_documents({}) == 3
    assert await outbox.flush(older_than=timedelta(hours=1)) == 0


async def test_the_migration_may_be_run_again_at_any_time(
    migrator: Settings, client: Client, journal: None, workspace_id: str
) -> None:
    """A second run changes nothing and loses nothing; what was altered is brought back."""
    js = client.jetstream()
    await js.publish(f"licence.changed.{workspace_id}.mem", b"kept")
    before = {stream.name: (await js.stream_info(stream.name)) for stream in STREAMS}
    altered = before[JOURNAL].config
    altered.max_bytes = 1024**3
    await js.update_stream(altered)
    await migrate(migrator)
    await migrate(migrator)
    for stream in STREAMS:
        info = await js.stream_info(stream.name)
        assert (info.config.max_bytes, info.state.messages) == (stream.max_bytes, before[stream.name].state.messages)
        names = {one.name for one in await js.consumers_info(stream.name)}
        assert {durable.name for durable in stream.durables} <= names
        for durable in stream.durables:
            config = (await js.consumer_info(stream.name, durable.name)).config
            assert (config.ack_policy, config.max_deliver) == ("explicit", -1)


async def test_two_migrations_at_once_bring_an_empty_bus_to_what_one_does(
    installation: Installation, migrator: Settings
) -> None:
    """A job that is started again while the first still runs: neither fails, and nothing is made twice."""
    made = []
    for times in (1, 2, 2, 2):
        installation.reset_bus()
        await asyncio.gather(*(migrate(migrator) for _ in range(times)))
        made.append(await layout(installation))
    one, *two = made
    durables = {f"{durable.stream} {durable.name}" for stream in STREAMS for durable in stream.durables}
    assert set(one) == {stream.name for stream in STREAMS} | durables
    assert two == [one] * 3


async def layout(installation: Installation) -> dict[str, Any]:
    """The configurations of streams and durables as they are on the bus."""
    client = await installation.connect()
    try:
        js = client.jetstream()
        found: dict[str, Any] = {}
        for stream in await js.streams_info():
            found[str(stream.config.name)] = stream.config
            for durable in await js.consumers_info(str(stream.config.name)):
                found[f"{stream.config.name} {durable.name}"] = durable.config
        return found
    finally:
        await client.close()


async def test_objects_go_and_come_back(settings: Settings, s3_server: ObjectStore, bucket: str) -> None:
    objects = Objects(
        ObjectSettings(
            **settings.model_dump(),
            s3_url=s3_server.url,
            s3_access_key=s3_server.access_key,
            s3_secret_key=s3_server.secret_key,
            s3_bucket=bucket,
        )
    )
    await objects.ping()
    await objects.ensure_bucket()
    body = bytes(range(256)) * 1000
    await objects.put("ws|1/a b.webp", body, "image/webp")
    assert await objects.get("ws|1/a b.webp") == body
    await objects.put("ws|1/a b.webp", b"new", "image/webp")
    assert await objects.get("ws|1/a b.webp") == b"new"
    for _ in range(2):
        await objects.remove("ws|1/a b.webp")
    with pytest.raises(KeyError):
        await objects.get("ws|1/a b.webp")
    objects.close()


async def test_objects_go_the_short_way_where_it_leads_to_an_answer(s3_server: ObjectStore, bucket: str) -> None:
    keys = Credentials(s3_server.access_key, s3_server.secret_key)
    place = urlsplit(s3_server.url)
    client = Minio(place.netloc, keys.access_key, keys.secret_key, secure=False, region="us-east-1")
    line = ObjectLine(client, keys, bucket, "us-east-1")
    body = bytes(range(256)) * 1000
    assert line.ask("PUT", "ws|1/ä b~c.webp", body, "image/webp") == b""
    there = client.stat_object(bucket_name=bucket, object_name="ws|1/ä b~c.webp")
    assert (there.size, there.content_type) == (len(body), "image/webp")
    assert line.ask("GET", "ws|1/ä b~c.webp") == body
    assert line.ask("GET", "ws|1/none") is None
    kept = line._connection.sock
    assert line.ask("GET", "ws|1/ä b~c.webp") == body
    assert line._connection.sock is kept
    kept.shutdown(socket.SHUT_RDWR)
    assert line.ask("GET", "ws|1/ä b~c.webp") is None
    assert line.ask("GET", "ws|1/ä b~c.webp") == body
    forged = ObjectLine(client, Credentials(keys.access_key, "another"), bucket, "us-east-1")
    assert forged.ask("PUT", "ws|1/ä b~c.webp", b"other", "image/webp") is None
    assert line.ask("GET", "ws|1/ä b~c.webp") == body


async def test_a_missing_bucket_is_not_ready(settings: Settings, s3_server: ObjectStore) -> None:
    objects = Objects(
        ObjectSettings(
            **settings.model_dump(),
            s3_url=s3_server.url,
            s3_access_key=s3_server.access_key,
            s3_secret_key=s3_server.secret_key,
            s3_bucket="no-such-bucket",
        )
    )
    with pytest.raises(RuntimeError):
        await objects.ping()
    objects.close()


async def test_a_store_that_is_away_is_a_503_and_not_our_failure(settings: Settings) -> None:
    objects = Objects(
        ObjectSettings(
            **settings.model_dump(), s3_url="http://127.0.0.1:9", s3_access_key="a", s3_secret_key="b", s3_bucket="none"
        )
    )
    with pytest.raises(Problem) as refused:
        await objects.get("ws|1/a.webp")
    assert (refused.value.status, refused.value.kind) == (503, "unavailable")
    objects.close()

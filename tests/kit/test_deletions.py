"""What every service does of a deleted workspace: all of it goes, once and for good, and nothing else (W-02)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client

from services.kit import deletions
from services.kit.bus import Bus, Delivery
from services.kit.deletions import TOMBSTONES, Deletions, of_documents
from services.kit.mongo import Database
from services.kit.settings import Settings
from services.wire import subjects
from services.wire.events import WorkspaceDeleted
from tests.kit.conftest import Queue
from tests.support.servers import new_id

AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


async def until(fact: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await fact():  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.02)


async def fill(db: Database, workspace: str) -> None:
    await db["ledger"].insert_many({"_id": f"{workspace}|dev|{number}"} for number in range(20))
    await db["rules"].insert_one({"_id": f"{workspace}|"})
    said = [f"segment.recorded.{workspace}.mem", f"workspace.deleted.{workspace}.-"]
    await db["outbox"].insert_many([{"subject": one, "body": b"", "at": AT} for one in said])
    facts = [[f"licence.changed.{workspace}.{number}", b""] for number in range(3)]
    await db["outbox"].insert_one({"subject": facts[0][0], "facts": facts, "at": AT})


async def kept(db: Database, workspace: str) -> dict[str, int]:
    found = {}
    for name in await db.list_collection_names():
        rows = [doc async for doc in db[name].find() if f"'{workspace}|" in repr(doc) or f".{workspace}." in repr(doc)]
        if rows:
            found[name] = len(rows)
    return found


@contextlib.asynccontextmanager
async def begun(one: Deletions) -> AsyncIterator[Deletions]:
    await one.begin()
    try:
        yield one
    finally:
        await one.stop()


class Said:
    """A message as a durable gives it."""

    def __init__(self, subject: str, body: bytes = b"{}") -> None:
        self.subject, self.data, self.headers = subject, body, None


def said(workspace: str) -> Delivery:
    fact = WorkspaceDeleted(workspace=workspace, member="-", deleted_at="2026-11-22T10:15:00Z")
    message: Any = Said(subjects.fact("workspace.deleted", workspace, "-"), fact.model_dump_json().encode())
    return Delivery(message)


def other(subject: str) -> Delivery:
    message: Any = Said(subject)
    return Delivery(message)


async def test_all_of_it_goes_and_nothing_else(db: Database) -> None:
    """A name that begins alike is another's; the word itself is still to be said, and a tombstone stays."""
    gone = new_id("ws")
    others = (f"{gone}-2", f"{gone}2", gone[:-1])
    for one in (gone, *others):
        await fill(db, one)
    before = {one: await kept(db, one) for one in others}
    async with begun(Deletions(db, of_documents(db))) as service:
        rest = await service.sift([said(gone), other(f"segment.recorded.{gone}.mem"), other("a.b.others.mem")])
        assert [one.subject for one in rest] == ["a.b.others.mem"]

        async def alone() -> bool:
            return await kept(db, gone) == {TOMBSTONES: 1, "outbox": 1}

        await until(alone)
        assert {one: await kept(db, one) for one in others} == before
        [left] = await db["outbox"].find({"subject": {"$regex": f"[.]{gone}[.]"}}).to_list(None)
        assert left["subject"].startswith("workspace.deleted.")


async def test_what_comes_again_or_late_is_passed_over(db: Database) -> None:
    gone = new_id("ws")
    async with begun(Deletions(db, of_documents(db))) as service:
        await service.sift([said(gone)])
        again = [said(gone), other(f"segments.closed.{gone}.dev"), other(f"diary.edited.{gone}.mem")]
        assert await service.sift(again) == []
        [row] = await db[TOMBSTONES].find({"workspace": gone}).to_list(None)
        assert row["at"] == AT, "said again it is the same deletion"
    async with begun(Deletions(db, of_documents(db))) as restarted:
        assert restarted.gone(gone)
        assert not restarted.gone(f"{gone}-2")


class Died(BaseException):
    """The process is no more."""


async def test_half_done_it_is_taken_up_again(db: Database, monkeypatch: Any) -> None:
    """A process that dies in the middle, then a store that fails: whoever looks next goes on."""
    monkeypatch.setattr(deletions, "_SOON", timedelta(0))
    gone, tries = new_id("ws"), list[str]()
    await fill(db, gone)

    async def erase(workspace: str) -> bool:
        tries.append(workspace)
        if len(tries) < 3:
            await db["ledger"].delete_one({"_id": f"{workspace}|dev|{len(tries)}"})
            raise Died if len(tries) == 1 else OSError("the store is away")
        return await of_documents(db)(workspace)

    service = Deletions(db, erase)
    await service.bury(gone, AT)
    with pytest.raises(Died):
        await service.once()
    assert (await kept(db, gone))["ledger"] == 19
    await Deletions(db, erase).once()
    assert len(tries) == 1, "another's claim is respected as long as it holds"
    await db[TOMBSTONES].update_one({"workspace": gone}, {"$set": {"due": AT}})  # the claim is over
    await Deletions(db, erase).once()
    assert await kept(db, gone) == {TOMBSTONES: 1, "outbox": 1}


async def test_what_was_in_hand_goes_with_the_next_look(db: Database, monkeypatch: Any) -> None:
    """A write that began before the deletion and ends after it; the looks end some day."""
    monkeypatch.setattr(deletions, "_AGAIN", (timedelta(0),) * 2)
    gone = new_id("ws")
    late = 0

    async def erase(workspace: str) -> bool:
        nonlocal late
        done = await of_documents(db)(workspace)
        late += 1
        if late == 1:
            await fill(db, workspace)
        return done

    service = Deletions(db, erase)
    await service.bury(gone, AT)
    await service.once()
    assert await kept(db, gone) == {TOMBSTONES: 1, "outbox": 1}
    row = await db[TOMBSTONES].find_one({"workspace": gone})
    assert row is not None
    assert (row["due"], late) == (None, 3)


async def test_a_replica_that_only_hears_of_it_knows_it_too(
    settings: Settings, db: Database, client: Client, queue: Queue
) -> None:
    """The durable gives it to one replica; the others hear the word as it is said."""
    gone, bus = new_id("ws"), Bus(new_id("svc"), settings)
    service = Deletions(db, of_documents(db))
    service.attach(bus)
    await bus.start()
    try:
        await client.publish(f"workspace.deleted.{gone}.-", said(gone).body)

        async def known() -> bool:
            return service.gone(gone)

        await until(known)
    finally:
        await bus.stop()

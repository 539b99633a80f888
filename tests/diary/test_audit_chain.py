"""The diary's audit log: who, what, when and from where, and a chain in which every tampering shows (G-02)."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.diary import audit
from services.diary.access import Viewer
from services.diary.audit import INSTANT
from services.diary.chaining import chain_all, check
from services.diary.store import ensure_indexes, open_store
from services.kit.mongo import Database
from services.wire.requests import Principal
from tests.diary.running import Diary, until
from tests.support.servers import Installation, drop_databases, new_id

here = pytest.mark.asyncio(loop_scope="module")
COUNT = 6
Tampering = Callable[[Database, str], Awaitable[Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def db(installation: Installation, mongo_url: str) -> AsyncIterator[Database]:
    """A store without any process that chains; each test has a workspace of its own."""
    prefix = new_id("t").replace("-", "")
    opened = open_store(Diary(installation, prefix, "-").settings("diary"))
    await ensure_indexes(opened)
    yield opened
    drop_databases(mongo_url, prefix)


def _viewer(workspace: str) -> Viewer:
    who = {"workspace": workspace, "member": "boss", "role": "admin", "name": "Boss", "person": "per"}
    principal = Principal(**who, session="ses", issued=0, expires=9_999_999_999)  # type: ignore[arg-type]
    return Viewer(principal, address="203.0.113.9")


async def _write(db: Database, workspace: str, count: int) -> None:
    for number in range(count):
        await audit.note(db, _viewer(workspace), "capture.viewed", "mira", capture=f"shot-{number}")


@here
async def test_entries_get_their_places_and_the_chain_holds(db: Database, workspace_id: str) -> None:
    other = new_id("ws")
    assert await check(db, workspace_id) == {"entries": 0, "head": "0" * 64, "broken": [], "unchained": []}
    for workspace in (workspace_id, other):
        await _write(db, workspace, COUNT)
    found = await check(db, workspace_id)
    assert (found["entries"], found["unchained"]) == (0, []), "of this minute: they wait for their place"
    assert await chain_all(db) == 2 * COUNT
    first = await check(db, workspace_id)
    assert (first["entries"], first["broken"], first["unchained"]) == (COUNT, [], [])
    await _write(db, workspace_id, 1)
    assert [await chain_all(db), await chain_all(db)] == [1, 0]
    then = await check(db, workspace_id)
    assert (then["entries"], then["broken"]) == (COUNT + 1, [])
    assert then["head"] != first["head"]
    assert (await check(db, other))["head"] not in (then["head"], first["head"]), "a chain for each workspace"
    left = await db["audit"].count_documents({"unchained": True})
    assert left == 0


@here
async def test_chainers_that_race_make_one_chain(db: Database, workspace_id: str) -> None:
    """Replicas chain at once while entries are written: each entry has one place, and none is left out."""
    for _ in range(4):
        await asyncio.gather(_write(db, workspace_id, COUNT), *(chain_all(db) for _ in range(4)))
    await chain_all(db)
    found = await check(db, workspace_id)
    assert (found["entries"], found["broken"], found["unchained"]) == (4 * COUNT, [], [])


@here
async def test_an_entry_that_comes_late_is_chained_behind(db: Database, workspace_id: str) -> None:
    """A transaction that takes its time commits an entry of before the last one."""
    await _write(db, workspace_id, 2)
    late = await db["audit"].find_one_and_delete({"workspace": workspace_id, "capture": "shot-0"})
    await chain_all(db)
    await db["audit"].insert_one(late)
    assert await chain_all(db) == 1
    assert (await check(db, workspace_id))["broken"] == []


def _set(**values: Any) -> Tampering:
    async def tamper(db: Database, workspace: str) -> None:
        await db["audit"].update_one({"workspace": workspace, "seq": 3}, {"$set": values})

    return tamper


async def _take_out(db: Database, workspace: str) -> None:
    await db["audit"].delete_one({"workspace": workspace, "seq": 3})


async def _cut_off(db: Database, workspace: str) -> None:
    await db["audit"].delete_one({"workspace": workspace, "seq": COUNT})


async def _cut_all(db: Database, workspace: str) -> None:
    await db["audit"].delete_many({"workspace": workspace})


async def _put_in(db: Database, workspace: str) -> None:
    one = await db["audit"].find_one({"workspace": workspace, "seq": 3})
    assert one is not None
    await db["audit"].insert_one({**one, "_id": f"{one['_id']}0", "actor": "mira"})


async def _swap(db: Database, workspace: str) -> None:
    for seq, other in ((3, 0), (4, 3), (0, 4)):
        await db["audit"].update_one({"workspace": workspace, "seq": seq}, {"$set": {"seq": other}})


async def _forget_the_head(db: Database, workspace: str) -> None:
    await db["audit_heads"].delete_one({"_id": f"{workspace}|"})


@pytest.mark.parametrize(
    ("tamper", "at"),
    [
        *((_set(**{name: "another"}), 3) for name in ("actor", "actor_name", "actor_role", "address", "action")),
        *((_set(**{name: "another"}), 3) for name in ("member", "capture", "detail", "segments", "hash", "prev")),
        (_set(seq=2), 2),
        (_take_out, 4),
        (_cut_off, COUNT),
        (_cut_all, COUNT),
        (_put_in, 3),
        (_swap, 3),
        (_forget_the_head, COUNT),
    ],
)
@here
async def test_every_tampering_shows(db: Database, workspace_id: str, tamper: Tampering, at: int) -> None:
    await _write(db, workspace_id, COUNT)
    await chain_all(db)
    await tamper(db, workspace_id)
    found = await check(db, workspace_id)
    assert at in found["broken"]
    assert not found["unchained"]


@pytest.mark.parametrize("minutes", [-2, 2])
@here
async def test_an_entry_past_the_services_is_in_no_chain(db: Database, workspace_id: str, minutes: int) -> None:
    await _write(db, workspace_id, 2)
    await chain_all(db)
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime(INSTANT)
    await db["audit"].insert_one({"_id": f"{workspace_id}|{at}|abc", "workspace": workspace_id, "action": "x"})
    await chain_all(db)
    found = await check(db, workspace_id)
    assert (found["broken"], found["unchained"]) == ([], [f"{at}|abc"])


async def test_what_people_do_is_chained_with_its_address(diary: Diary) -> None:
    """From the request to the answer, the file and the check; a projector chains by itself."""
    await diary.answer("licensing", "audit", lambda body: {"items": []})
    held = {"entries": 0, "head": "0" * 64, "broken": []}
    await diary.answer("licensing", "audit_check", lambda body: held)
    await diary.tell(diary.teller.member("boss", "admin"))
    async with diary.browse("boss", "admin") as http:
        for address in ("203.0.113.7", "198.51.100.2"):
            http.headers["X-Forwarded-For"] = address
            assert (await http.get("/api/v1/audit.csv")).status_code == 200

        async def chained() -> Any:
            items = (await http.get("/api/v1/audit")).json()["items"]
            return items if len(items) == 2 and all(one["seq"] for one in items) else None

        newest, first = await until(chained)
        assert [(one["address"], one["seq"]) for one in (first, newest)] == [("203.0.113.7", 1), ("198.51.100.2", 2)]
        found = (await http.get("/api/v1/audit/check")).json()
        assert found == {
            "holds": True,
            "licensing": held,
            "diary": {"entries": 2, "head": newest["hash"], "broken": [], "unchained": []},
        }
        file = (await http.get("/api/v1/audit.csv", params={"to": "2099-01-01"})).content
        rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
        assert [(row["address"], row["seq"]) for row in rows[1:]] == [("198.51.100.2", "2"), ("203.0.113.7", "1")]
        await diary.db["audit"].update_one({"seq": 1}, {"$set": {"address": "192.0.2.1"}})
        found = (await http.get("/api/v1/audit/check")).json()
        assert (found["holds"], found["diary"]["broken"]) == (False, [1])

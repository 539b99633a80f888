"""The short way to MongoDB: what it gives, and that whatever goes wrong on it is asked of Motor anew."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from services.kit import mongo_line
from services.kit.mongo import Database, prefix_range
from services.kit.mongo_line import Lines
from tests.support.stack import until

ROWS = [{"_id": f"ws|{number:03}", "at": datetime(2026, 11, 21, tzinfo=UTC)} for number in range(50)]
ALL: list[dict[str, Any]] = [{"$match": {"_id": prefix_range("ws")}}, {"$sort": {"_id": 1}}]
_SLEEPS = {"body": "function() {sleep(20); return true}", "args": [], "lang": "js"}
SLOW: list[dict[str, Any]] = [*ALL, {"$match": {"$expr": {"$function": _SLEEPS}}}]


class Motor:
    """The database as ``Lines`` see it, counting what is asked of Motor."""

    def __init__(self, db: Database) -> None:
        self._db, self.asked = db, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def __getitem__(self, name: str) -> Any:
        self.asked += 1
        return self._db[name]


@pytest.fixture
async def motor(db: Database) -> Motor:
    await db["rows"].insert_many(ROWS)
    return Motor(db)


@pytest.fixture
async def lines(motor: Motor) -> AsyncIterator[Lines]:
    one = Lines(motor)  # type: ignore[arg-type]
    yield one
    await one.stop()


async def test_an_answer_is_what_motor_gives_and_asks_nothing_of_it(lines: Lines, motor: Motor) -> None:
    for _ in range(3):
        assert await lines.aggregate("rows", ALL) == ROWS
    assert await lines.aggregate("nothing", ALL) == []
    assert motor.asked == 0
    assert len(lines._idle) == 1, "one after the other goes over one connection"


async def test_what_is_too_much_for_one_batch_comes_whole(
    lines: Lines, motor: Motor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_line, "_ONE_BATCH", 2)
    assert await lines.aggregate("rows", ALL) == ROWS
    assert motor.asked == 1


async def test_an_answer_of_many_pieces_comes_whole(lines: Lines, motor: Motor) -> None:
    large = [{"_id": f"large|{number}", "text": "x" * 1_000_000} for number in range(5)]
    await motor["large"].insert_many(large)
    before = motor.asked
    assert await lines.aggregate("large", [{"$sort": {"_id": 1}}]) == large
    assert motor.asked == before


async def test_many_at_once_get_each_their_own(lines: Lines) -> None:
    """More than there are connections: the others go to Motor."""

    async def one(row: dict[str, Any]) -> None:
        assert await lines.aggregate("rows", [{"$match": {"_id": row["_id"]}}]) == [row]

    await asyncio.gather(*(one(row) for row in ROWS))
    assert len(lines._idle) == lines._open <= mongo_line._MOST


async def test_a_connection_that_ended_is_replaced(lines: Lines, motor: Motor) -> None:
    assert await lines.aggregate("rows", ALL) == ROWS
    (line,) = lines._idle
    line._socket.shutdown(2)  # as when the store goes away: the loop hears it, or the next question does
    assert await lines.aggregate("rows", ALL) == ROWS
    assert await lines.aggregate("rows", ALL) == ROWS
    assert motor.asked <= 1
    assert line not in lines._idle


async def test_a_refusal_is_motors_to_explain(lines: Lines) -> None:
    for _ in range(2):
        with pytest.raises(OperationFailure, match="pipeline stage"):
            await lines.aggregate("rows", [{"$nonsense": {}}])
    assert await lines.aggregate("rows", ALL) == ROWS


async def test_nobody_gets_the_answer_to_a_question_that_was_given_up(lines: Lines) -> None:
    await lines.aggregate("rows", ALL)
    asking = asyncio.create_task(lines.aggregate("rows", SLOW))
    await until(lambda: not lines._idle)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert lines._open == 0, "its connection went with it"
    assert await lines.aggregate("rows", [*ALL, {"$limit": 1}]) == ROWS[:1]


async def test_a_store_that_does_not_answer_is_asked_by_motor(
    lines: Lines, motor: Motor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_line, "_ANSWER_SECONDS", 0.05)
    assert await lines.aggregate("rows", SLOW) == ROWS
    assert (motor.asked, lines._open) == (1, 0)

"""Open pages hear of changes to the diaries they may see, and of no others (SSE)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import orjson

from tests.diary.facts import slots_from
from tests.diary.running import Diary, until

SLOTS = slots_from("2026-11-17T09:00:00Z", 3)


@contextlib.asynccontextmanager
async def _page(diary: Diary, member: str, role: str) -> AsyncIterator[list[dict[str, object]]]:
    """What one open page has heard so far; the stream is open when this begins."""
    heard: list[dict[str, object]] = []
    opened = asyncio.Event()

    async def listen() -> None:
        async with diary.browse(member, role) as http, http.stream("GET", "/api/v1/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                opened.set()
                if line.startswith("data: "):
                    heard.append(orjson.loads(line[6:]))

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(opened.wait(), 10)
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_pages_hear_what_they_may_see(diary: Diary) -> None:
    tell = diary.teller
    await diary.tell(
        tell.settings(),
        tell.member("mira", team="sea"),
        tell.member("colleague", team="sea"),
        tell.member("boss", "manager", manages=["sea"]),
        tell.member("client", "client"),
        tell.contract("con", "mira", client="client"),
    )
    async with (
        _page(diary, "mira", "employee") as mira,
        _page(diary, "colleague", "employee") as colleague,
        _page(diary, "boss", "manager") as boss,
        _page(diary, "client", "client") as client,
    ):
        await diary.tell(tell.segment("mira", SLOTS[0]))
        await diary.tell(tell.segment("mira", SLOTS[1], contract="side"))
        await diary.tell(tell.segment("colleague", SLOTS[2], contract="third", device="other"))
        first, second, third = (
            {"member": member, "slots": [slot]}
            for member, slot in (("mira", SLOTS[0]), ("mira", SLOTS[1]), ("colleague", SLOTS[2]))
        )
        await until(lambda: third in colleague and third in boss)
        assert mira == [first, second]
        assert colleague == [third]
        assert boss == [first, second, third]
        assert client == [first], "time on others' contracts is nothing a client may even hear of"


async def test_an_open_page_does_not_hold_up_the_end(diary: Diary) -> None:
    """The stream ends when the process is told to stop, not when the page leaves."""
    ended = asyncio.Event()

    async def listen() -> None:
        async with diary.browse("mira") as http, http.stream("GET", "/api/v1/events") as answer:
            async for _ in answer.aiter_bytes():
                opened.set()
        ended.set()

    opened = asyncio.Event()
    task = asyncio.create_task(listen())
    await asyncio.wait_for(opened.wait(), 10)
    started = time.monotonic()
    diary.edge.live.close()
    await asyncio.wait_for(ended.wait(), 5)
    await task
    assert time.monotonic() - started < 5

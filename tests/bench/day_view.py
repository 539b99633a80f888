"""A day read over HTTP: CPU of the real web process for each, and how it stands the growth of the store.

One full day of 48 segments with captures and scores is folded by the projector's own code, then laid out for as many
members as the store is to hold. Rounds alternate between random members of a small part of the store and of a large
one, so both are read from the same process; a request at a time, over one connection.
"""

import asyncio
import random
import time
from collections.abc import Iterator

import bson
import pymongo
from bson.raw_bson import RawBSONDocument

from services.diary.folding import Folder
from services.diary.resettling import Resettler
from services.diary.store import open_store
from services.kit.mongo import prefix_range
from tests.bench.harness import Bench, Figure, Service, median, percentile
from tests.diary.facts import Teller, capture, slots_from
from tests.diary.running import Diary

DAY, SEGMENTS = "2026-11-17", 48
_FIRST = "member-small-000000"
_CONTRACT = f"con-{_FIRST}"
_CHUNK = 100


async def measure(bench: Bench) -> list[Figure]:
    """CPU of a view, and p99 of the large part of the store by p99 of the small one."""
    members = {
        name: [f"member-{name}-{number:06}" for number in range(count // SEGMENTS)]
        for name, count in (("small", bench.of(100_000, 960)), ("large", bench.of(1_000_000, 1920)))
    }
    views = bench.of(800, 50)
    diary = Diary(bench.installation, "bench", "day-view")
    async with bench.client() as diary.client:
        await diary.answer("licensing", "session", lambda body: {"holds": True})
        await _fill(diary, members["small"] + members["large"])
        (web,) = await bench.start("diary")
        cpu: dict[str, list[float]] = {name: [] for name in members}
        times: dict[str, list[float]] = {name: [] for name in members}
        for name in members:
            await _round(diary, web, members[name], views)  # warms both
        for _ in range(bench.rounds):
            for name in members:
                spent, took = await _round(diary, web, members[name], views)
                cpu[name].append(spent)
                times[name] += took
    p99 = {name: percentile(each, 0.99) for name, each in times.items()}
    sizes = " and ".join(f"{len(each) * SEGMENTS / 1e6:.2g} M" for each in members.values())
    return [
        median("a day over HTTP, large store", "ms CPU", cpu["large"], target=1.2, note=f"{SEGMENTS} segments"),
        median("a day over HTTP, small store", "ms CPU", cpu["small"], target=1.2),
        Figure("p99 of a day, large ÷ small store", p99["large"] / p99["small"], "×", 1.2,
               note=f"{sizes} segments; indicative: {p99['large'] * 1e3:.1f} and {p99['small'] * 1e3:.1f} ms"),
    ]  # fmt: skip


async def _fill(diary: Diary, members: list[str]) -> None:
    """The first member's day by the projector's own code, laid out for all."""
    db, tell = open_store(diary.settings("projector")), Teller(diary.workspace)
    folder = Folder(db)
    slots = slots_from(f"{DAY}T08:00:00Z", SEGMENTS)
    recorded = [
        tell.segment(_FIRST, slot, contract=_CONTRACT, captures=[capture(f"c{number}", slot)])
        for number, slot in enumerate(slots)
    ]
    await Resettler(db, folder).tell([tell.settings(), tell.contract(_CONTRACT, _FIRST, weekly_limit_minutes=2400)])
    await folder.fold(recorded, [])
    await folder.score([tell.score(one) for one in recorded])
    with pymongo.MongoClient(diary.installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        plain = client["bench_diary"]
        for name in ("segments", "weeks", "contracts"):
            # the same bytes with another name of the same length: what is laid out is not encoded anew
            pattern = [bson.encode(one) for one in plain[name].find({"_id": prefix_range(diary.workspace)})]
            others = [one for one in members if one != _FIRST]
            for start in range(0, len(others), _CHUNK):
                plain[name].insert_many(list(_for(others[start : start + _CHUNK], pattern)), ordered=False)
        plain["members"].insert_many(
            [{**tell.member(one).model_dump(), "_id": f"{diary.workspace}|{one}"} for one in members]
        )


def _for(members: list[str], pattern: list[bytes]) -> Iterator[RawBSONDocument]:
    for member in members:
        for one in pattern:
            copied = one.replace(_FIRST.encode(), member.encode())
            yield RawBSONDocument(copied)


async def _round(diary: Diary, web: Service, members: list[str], views: int) -> tuple[float, list[float]]:
    """CPU milliseconds of a view, and the seconds each took."""
    token = diary.token("boss", "admin")
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    times, before = [], web.cpu()
    for member in random.choices(members, k=views):
        started = time.perf_counter()
        asked = f"GET /api/v1/diary/{member}/days/{DAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(asked.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        times.append(time.perf_counter() - started)
        assert body.count(b'"segment_id"') == SEGMENTS, body[:200]
    writer.close()
    return (web.cpu() - before) / views * 1e3, times

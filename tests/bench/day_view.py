"""What a day costs to read over HTTP: CPU of the real web process per view, and how it stands the growth of the store.

``python -m tests.bench.day_view [--rounds 5] [--views 1500] [--small 100000] [--large 1000000]``. Own servers; one full
day of 48 segments with captures and scores is folded by the projector's own code, then laid out for as many members as
the corpus asks for. Rounds alternate between random members of the small corpus and of the large one (the same process,
the same store). p99 is of the answer's time at one request at a time.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import pymongo

from deploy.local.ports import free_ports
from services.diary.folding import Folder
from services.diary.resettling import Resettler
from services.diary.store import open_store
from services.wire.events import SegmentRecorded
from tests.bench.processes import Service, cpu_seconds
from tests.diary.facts import Teller, capture, slots_from
from tests.diary.running import Diary
from tests.support.servers import Installation, mongo

DAY = "2026-11-17"
SEGMENTS = 48


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--views", type=int, default=1500)
    options.add_argument("--small", type=int, default=100_000)
    options.add_argument("--large", type=int, default=1_000_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as server:
        url = server if isinstance(server, str) else server.url
        installation = Installation(Path(folder) / "installation", url)
        try:
            asyncio.run(_run(installation, Path(folder), given))
        finally:
            installation.stop()


async def _run(installation: Installation, folder: Path, given: argparse.Namespace) -> None:
    diary = Diary(installation, "bench", "ws-bench")
    diary.client = await installation.connect()
    await diary.answer("licensing", "session", lambda body: {"holds": True})
    members = {
        name: _members(name, count // SEGMENTS) for name, count in (("small", given.small), ("large", given.large))
    }
    await _fill(diary, members["small"] + members["large"])
    port = free_ports(1)[0]
    web = Service("services.diary.app", installation.environment("diary", mongo_prefix="bench", http_port=port), folder)
    await web.ready(port)
    try:
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in members}
        for name in members:
            await _round(diary, web.pid, port, members[name], given.views)  # warm
        for _ in range(given.rounds):
            for name in members:
                figures[name].append(await _round(diary, web.pid, port, members[name], given.views))
    finally:
        web.kill()
    slow = {}
    for name, measured in figures.items():
        cpu, slow[name] = (statistics.median(column) for column in zip(*measured, strict=True))
        spread = "–".join(f"{edge * 1e3:.2f}" for edge in (min(c for c, _ in measured), max(c for c, _ in measured)))
        print(
            f"{name:6} {len(members[name]) * SEGMENTS:9} segments  {cpu * 1e3:.2f} ms CPU a view (rounds {spread}); "
            f"indicative p99 {slow[name] * 1e3:.1f} ms"
        )
    print(f"p99 large : small = {slow['large'] / slow['small']:.2f}")
    await diary.client.close()


def _members(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


async def _fill(diary: Diary, members: list[str]) -> None:
    """One member's day by the projector's own code, laid out for all."""
    db, tell = open_store(diary.settings("projector")), Teller(diary.workspace)
    folder = Folder(db)
    slots = slots_from(f"{DAY}T08:00:00Z", SEGMENTS)
    recorded: list[SegmentRecorded] = [
        tell.segment("first", slot, captures=[capture(f"c{number}", slot)]) for number, slot in enumerate(slots)
    ]
    await Resettler(db, folder).tell([tell.settings(), tell.contract("con", "first", weekly_limit_minutes=2400)])
    await folder.fold(recorded, [])
    await folder.score([tell.score(one) for one in recorded])
    day = [one async for one in db["segments"].find({})]
    week = await db["weeks"].find_one({})
    assert week is not None
    plain = pymongo.MongoClient(diary.installation.mongo_url)["bench_diary"]
    for start in range(0, len(members), 200):
        chunk = members[start : start + 200]
        plain["segments"].insert_many(
            [{**one, "_id": one["_id"].replace("|first|", f"|{member}|")} for member in chunk for one in day],
            ordered=False,
        )
        plain["weeks"].insert_many(
            [{**week, "_id": f"{diary.workspace}|con-{member}|2026-11-16", "member": member} for member in chunk]
        )
        plain["members"].insert_many(
            [{**tell.member(member).model_dump(), "_id": f"{diary.workspace}|{member}"} for member in chunk]
        )


async def _round(diary: Diary, pid: int, port: int, members: list[str], views: int) -> tuple[float, float]:
    """CPU seconds a view and the p99 of its time, over one connection."""
    token = diary.token("boss", "admin")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    before = cpu_seconds(pid)
    for member in random.choices(members, k=views):
        started = time.perf_counter()
        writer.write(
            f"GET /api/v1/diary/{member}/days/{DAY} HTTP/1.1\r\nHost: x\r\n".encode()
            + f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        times.append(time.perf_counter() - started)
        assert length > 10_000, body[:200]
    spent = cpu_seconds(pid) - before
    writer.close()
    return spent / views, sorted(times)[int(views * 0.99)]


if __name__ == "__main__":
    main()

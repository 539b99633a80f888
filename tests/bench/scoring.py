"""``python -m tests.bench.scoring``: CPU of scoring per segment, from its record on the bus to its score on the bus.

Real bus and MongoDB; scoring runs in a process of its own, whose CPU is read from /proc. 500 members, one slot after
the other through a working day, so that every record of a batch belongs to another member's day and the days fill up.
Then the last round again, as a redelivery. Target: 100 µs.
"""

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
from nats.aio.client import Client
from pydantic import SecretStr

from services.kit.mongo import database
from services.kit.settings import Settings
from services.wire import subjects
from tests.bench.pictures import cpu_seconds
from tests.scoring.records import message, segment
from tests.support.servers import ROOT, Installation, mongo

MEMBERS, ROUNDS, SLOTS_A_ROUND = 500, 5, 8
APPS = [(name, f"window {name}", None, 120) for name in ("code", "terminal", "slack", "nautilus")]


def records(round_: int) -> list[tuple[str, bytes]]:
    """Subjects and bodies of one round: the usual record of about 2 KB, ten minutes, six applications."""
    draw = random.Random(round_)
    bodies = []
    for number in range(round_ * SLOTS_A_ROUND, (round_ + 1) * SLOTS_A_ROUND):
        slot = f"2026-11-21T{8 + number // 6:02}:{number % 6}0:00Z"
        for member in range(MEMBERS):
            minutes = [[draw.randrange(60), draw.randrange(9), 0, 20, "work", draw.randrange(6)] for _ in range(10)]
            apps = [*APPS, ("firefox", "video", "youtube.com", 60), ("firefox", "code", "github.com", 60)]
            named = {"member": f"m-{member}", "device": f"d-{member}", "slot": slot, "seq": number + 1}
            bodies.append(message(segment("ws", minutes=minutes, apps=apps, **named)))  # type: ignore[arg-type]
    return bodies


async def publish(client: Client, messages: list[tuple[str, bytes]]) -> None:
    jetstream = client.jetstream(publish_async_max_pending=1000)
    for start in range(0, len(messages), 500):
        acks = [await jetstream.publish_async(subject, body) for subject, body in messages[start : start + 500]]
        await asyncio.gather(*acks)


async def bare(installation: Installation, client: Client, messages: list[tuple[str, bytes]]) -> float:
    """The reference, in this process: fetch 500, parse, insert (majority, journalled), ack. CPU microseconds each."""
    jetstream = client.jetstream()
    settings = Settings(bus_seed=SecretStr(""), mongo_url=installation.mongo_url, mongo_prefix="bare")
    kept = database(settings, "bench")["records"]
    await jetstream.add_stream(name="BARE", subjects=["bare"])
    pull = await jetstream.pull_subscribe("bare", durable="bare", stream="BARE")
    await publish(client, [("bare", body) for _, body in messages])
    before, left = time.process_time(), len(messages)
    while left:
        batch = await pull.fetch(500, timeout=5)
        await kept.insert_many([orjson.loads(one.data) for one in batch], ordered=False)
        for one in batch:
            await one.ack()
        left -= len(batch)
    spent = time.process_time() - before
    await jetstream.delete_stream("BARE")
    return spent * 1e6 / len(messages)


async def settle(client: Client) -> None:
    jetstream = client.jetstream()
    while True:
        info = await jetstream.consumer_info(subjects.JOURNAL, "scoring")
        if not info.num_pending and not info.num_ack_pending:
            return
        await asyncio.sleep(0.1)


async def timed(client: Client, pid: int, messages: list[tuple[str, bytes]]) -> float:
    """CPU microseconds per record."""
    os.kill(pid, signal.SIGSTOP)  # so the batches are full, as in a backlog
    await publish(client, messages)
    before = cpu_seconds(pid)
    os.kill(pid, signal.SIGCONT)
    await settle(client)
    return (cpu_seconds(pid) - before) * 1e6 / len(messages)


async def measure(installation: Installation, pid: int) -> None:
    client = await installation.connect()
    await publish(client, [message(segment("warm", member=f"m-{one}", seq=one + 1)) for one in range(500)])
    await settle(client)
    corpus = [records(round_) for round_ in range(ROUNDS)]
    fresh, loops = [], []
    for messages in corpus:
        loops.append(await bare(installation, client, messages))
        fresh.append(await timed(client, pid, messages))
    again = await timed(client, pid, corpus[-1])
    size = statistics.mean(len(body) for _, body in corpus[0])
    print(f"{len(corpus[0])} records a round, {size / 1000:.1f} KB each")
    print(
        f"fresh       {statistics.median(fresh):6.1f} µs CPU a segment (rounds {', '.join(f'{x:.0f}' for x in fresh)})"
    )
    print(f"bare loop   {statistics.median(loops):6.1f} µs CPU a segment (fetch, parse, insert, ack, in the same run)")
    print(f"ratio       {statistics.median(fresh) / statistics.median(loops):6.2f}")
    print(f"redelivered {again:6.1f} µs CPU a segment")
    await client.close()


def main() -> None:
    """The measurement."""
    with tempfile.TemporaryDirectory() as name, mongo(Path(name) / "mongo") as found:
        installation = Installation(Path(name) / "installation", found if isinstance(found, str) else found.url)
        try:
            installation.migrate("bench")
            environment = {"PATH": os.environ["PATH"], "DAYBOOK_LOG_LEVEL": "WARNING"}
            environment |= installation.environment("scoring", mongo_prefix="bench")
            service = subprocess.Popen([sys.executable, "-m", "services.scoring.app"], cwd=ROOT, env=environment)
            try:
                asyncio.run(measure(installation, service.pid))
            finally:
                service.terminate()
                service.wait()
        finally:
            installation.stop()


if __name__ == "__main__":
    main()

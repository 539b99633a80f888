"""``python -m tests.bench.pictures``: CPU of media per picture arriving, looked at first, and looked at again.

Real bus, MongoDB and object store; media runs in a process of its own, whose CPU (with that of its encoders) is read
from /proc. 1280 × 720 WebP of about 76 KB, each another picture, made off the clock. Targets: quality.md.
"""

import asyncio
import hashlib
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from PIL import Image, ImageDraw

from services.kit.mongo import database
from services.kit.objects import Objects, ObjectSettings
from tests.media.conftest import Licensing, grant
from tests.support.servers import ROOT, Installation, mongo

ROUNDS, PICTURES, AT_ONCE = 5, 40, 4
TICK = os.sysconf("SC_CLK_TCK")
LETTERS = "abcdefghijklmnopqrstuvwxyz(){}=._"


def screen(seed: int) -> bytes:
    """A screen full of text, as heavy as a usual capture."""
    draw_from = random.Random(seed)
    image = Image.new("RGB", (1280, 720), (250, 250, 250))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 220, 720), fill=(236, 238, 242))
    for y in range(8, 700, 17):
        x = 20
        while x < 300 + draw_from.randrange(100, 800):
            word = "".join(draw_from.choices(LETTERS, k=draw_from.randrange(3, 12)))
            draw.text((x, y), word, fill=tuple(draw_from.randrange(160) for _ in range(3)))
            x += len(word) * 7 + 8
    return encoded(image)


def encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=60, method=4)
    return out.getvalue()


def cpu_seconds(pid: int) -> float:
    """CPU of a process and all that it started."""
    family, found = {pid}, 0.0
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        stats[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICK)
    for child, (parent, _) in sorted(stats.items()):
        if parent in family:
            family.add(child)
    for one in family & stats.keys():
        found += stats[one][1]
    return found


async def send(client: Client, number: int, picture: bytes, thumbnail: bytes) -> None:
    capture = {
        "capture_id": f"capture-{number}",
        "kind": "screen",
        "at": "2026-11-21T10:12:30Z",
        "sha256": hashlib.sha256(picture).hexdigest(),
        "bytes": len(picture),
        "width": 1280,
        "height": 720,
        "monitor": 0,
        "blurred": False,
        "app": 0,
        "thumbnail_bytes": len(thumbnail),
    }
    headers = {"Daybook-Capture": json.dumps(capture)}
    answer = await client.request("rpc.device.ws.dev.picture", picture + thumbnail, timeout=30, headers=headers)
    assert json.loads(answer.data) == {"state": "stored"}, answer.data


async def look(client: Client, number: int, size: str) -> None:
    wanted = {"workspace": "ws", "device": "dev", "capture_id": f"capture-{number}", "size": size}
    answer = await client.request("rpc.media.picture", json.dumps(wanted).encode(), timeout=60)
    assert (answer.headers or {}).get("Content-Type") == "image/webp", answer.data


async def timed(pid: int, jobs: list[Any]) -> float:
    """CPU milliseconds per job, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Any) -> None:
        async with gate:
            await job

    before = cpu_seconds(pid)
    await asyncio.gather(*(one(job) for job in jobs))
    return (cpu_seconds(pid) - before) * 1000 / len(jobs)


async def measure(installation: Installation, pid: int) -> None:
    operator, licensing = await installation.connect(), Licensing(await installation.connect("licensing"))
    licensing.grants["ws", "dev"] = grant("ws", "dev")
    await licensing.client.subscribe("rpc.licensing.grant", cb=licensing.answer)
    device = await installation.connect(inbox_prefix=b"_INBOX.dev")
    corpus = [screen(seed) for seed in range(ROUNDS * PICTURES + AT_ONCE)]
    with Image.open(io.BytesIO(corpus[0])) as first:
        thumbnail = encoded(first.convert("RGB").resize((320, 180)))
    await until_it_answers(operator)
    for number in range(ROUNDS * PICTURES, len(corpus)):  # warms up both encoders
        await send(device, number, corpus[number], thumbnail)
    await asyncio.gather(*(look(operator, number, "picture") for number in range(ROUNDS * PICTURES, len(corpus))))
    figures: dict[str, list[float]] = {
        "bare put, insert": [],
        "arriving": [],
        "first look": [],
        "later look": [],
        "later thumbnail": [],
    }
    for start in range(0, ROUNDS * PICTURES, PICTURES):
        numbers = range(start, start + PICTURES)
        figures["bare put, insert"].append(await bare(installation, corpus[start : start + PICTURES]))
        figures["arriving"].append(await timed(pid, [send(device, n, corpus[n], thumbnail) for n in numbers]))
        figures["first look"].append(await timed(pid, [look(operator, n, "picture") for n in numbers]))
        figures["later look"].append(await timed(pid, [look(operator, n, "picture") for n in numbers]))
        figures["later thumbnail"].append(await timed(pid, [look(operator, n, "thumbnail") for n in numbers]))
    print(f"{statistics.mean(map(len, corpus)) / 1000:.0f} KB a picture, {len(thumbnail) / 1000:.1f} KB a thumbnail")
    for name, values in figures.items():
        print(f"{name:16} {statistics.median(values):6.2f} ms CPU (rounds {min(values):.2f} to {max(values):.2f})")
    for client in (device, operator, licensing.client):
        await client.close()


async def bare(installation: Installation, corpus: list[bytes]) -> float:
    """The reference, in this process: the one object and the one document of a picture. CPU milliseconds each."""
    values = {key.removeprefix("DAYBOOK_").lower(): one for key, one in environment_of(installation).items()}
    settings = ObjectSettings(**{**values, "s3_bucket": "bare", "mongo_prefix": "bare"})
    objects, kept = Objects(settings), database(settings, "bench")["pictures"]
    await objects.ensure_bucket()
    before = time.process_time()
    for number, body in enumerate(corpus):
        await objects.put(f"key-{number}", body, "image/webp")
        await kept.insert_one({"number": number})
    spent = time.process_time() - before
    objects.close()
    return spent * 1000 / len(corpus)


def environment_of(installation: Installation) -> dict[str, str]:
    return installation.environment("media", mongo_prefix="bench", s3=True)


async def until_it_answers(client: Client) -> None:
    nobody = json.dumps({"workspace": "ws", "device": "dev", "capture_id": "none", "size": "picture"}).encode()
    while True:
        try:
            await client.request("rpc.media.picture", nobody, timeout=1)
        except Exception:
            await asyncio.sleep(0.2)
        else:
            return


def main() -> None:
    """The measurement."""
    with tempfile.TemporaryDirectory() as name, mongo(Path(name) / "mongo") as found:
        installation = Installation(Path(name) / "installation", found if isinstance(found, str) else found.url)
        try:
            installation.migrate("bench")
            environment = {"PATH": os.environ["PATH"], "DAYBOOK_LOG_LEVEL": "WARNING"}
            environment |= environment_of(installation)
            service = subprocess.Popen([sys.executable, "-m", "services.media.app"], cwd=ROOT, env=environment)
            try:
                asyncio.run(measure(installation, service.pid))
            finally:
                service.terminate()
                service.wait()
        finally:
            installation.stop()


if __name__ == "__main__":
    main()

"""Media: a picture arriving, looked at for the first time, and looked at again.

1280 × 720 WebP of about 76 KB, each another picture, made off the clock; CPU with that of the encoders that media
starts. Reference in the same run: putting the one object and the one document of a picture, by this process.
"""

import asyncio
import hashlib
import io
import json
import random
import statistics
import time
from collections.abc import Awaitable, Sequence

from nats.aio.client import Client
from PIL import Image, ImageDraw

from services.kit.mongo import database
from services.kit.objects import Objects, ObjectSettings
from tests.bench.harness import Bench, Figure, Service, median
from tests.media.conftest import Licensing, grant

AT_ONCE = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz(){}=._"


async def measure(bench: Bench) -> list[Figure]:
    """CPU of media for each picture, and for each look."""
    each = bench.of(40, 4)
    corpus = [screen(seed) for seed in range(bench.rounds * each + AT_ONCE)]
    with Image.open(io.BytesIO(corpus[0])) as first:
        thumbnail = _encoded(first.convert("RGB").resize((320, 180)))
    async with (
        bench.client() as operator,
        bench.client("licensing") as answering,
        bench.client(inbox_prefix=b"_INBOX.dev") as device,
    ):
        licensing = Licensing(answering)
        licensing.grants["ws", "dev"] = grant("ws", "dev")
        await answering.subscribe("rpc.licensing.grant", cb=licensing.answer)
        (media,) = await bench.start("media", s3=True)
        extra = range(bench.rounds * each, len(corpus))  # these warm up both encoders
        await asyncio.gather(*(_send(device, n, corpus[n], thumbnail) for n in extra))
        await asyncio.gather(*(_look(operator, n, "picture") for n in extra))
        rounds: dict[str, list[float]] = {"put": [], "arriving": [], "first": [], "later": []}
        for start in range(0, bench.rounds * each, each):
            numbers = range(start, start + each)
            rounds["put"].append(await _bare(bench, corpus[start : start + each]))
            rounds["arriving"].append(await _timed(media, [_send(device, n, corpus[n], thumbnail) for n in numbers]))
            rounds["first"].append(await _timed(media, [_look(operator, n, "picture") for n in numbers]))
            rounds["later"].append(await _timed(media, [_look(operator, n, "picture") for n in numbers]))
    size = f"{statistics.mean(map(len, corpus)) / 1000:.0f} KB"
    return [
        median("a picture arriving", "ms CPU", rounds["arriving"], target=3,
               note=f"{size}; one object and one document by themselves {statistics.median(rounds['put']):.1f}"),
        median("a picture looked at first", "ms CPU", rounds["first"], target=80),
        median("a picture looked at later", "ms CPU", rounds["later"], target=2),
    ]  # fmt: skip


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
    return _encoded(image)


def _encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=60, method=4)
    return out.getvalue()


async def _send(client: Client, number: int, picture: bytes, thumbnail: bytes) -> None:
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
    answer = await client.request("rpc.device.ws.dev.picture", picture + thumbnail, timeout=60, headers=headers)
    assert json.loads(answer.data) == {"state": "stored"}, answer.data


async def _look(client: Client, number: int, size: str) -> None:
    wanted = {"workspace": "ws", "device": "dev", "capture_id": f"capture-{number}", "size": size}
    answer = await client.request("rpc.media.picture", json.dumps(wanted).encode(), timeout=60)
    assert (answer.headers or {}).get("Content-Type") == "image/webp", answer.data


async def _timed(media: Service, jobs: Sequence[Awaitable[None]]) -> float:
    """CPU milliseconds of each, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Awaitable[None]) -> None:
        async with gate:
            await job

    before = media.cpu()
    await asyncio.gather(*(one(job) for job in jobs))
    return (media.cpu() - before) * 1000 / len(jobs)


async def _bare(bench: Bench, corpus: Sequence[bytes]) -> float:
    """CPU milliseconds of the one object and the one document of a picture."""
    env = bench.installation.environment("media", mongo_prefix="bare", s3=True)
    values = {key.removeprefix("DAYBOOK_").lower(): one for key, one in env.items()}
    settings = ObjectSettings(**{**values, "s3_bucket": "bare"})  # type: ignore[arg-type]
    objects, kept = Objects(settings), database(settings, "bench")["pictures"]
    await objects.ensure_bucket()
    before = time.process_time()
    for number, body in enumerate(corpus):
        await objects.put(f"key-{number}", body, "image/webp")
        await kept.insert_one({"number": number})
    spent = time.process_time() - before
    objects.close()
    return spent * 1000 / len(corpus)

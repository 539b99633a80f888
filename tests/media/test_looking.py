"""Pictures are looked at: decoded and encoded anew in a limited process, once; then from the store (M-06, M-09)."""

import asyncio
import contextlib
import io
import json
import os
import signal
import struct
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from services.kit import mongo
from services.media import encoder as encoders
from services.media.encoder import Encoder, EncoderAway, EncoderLost, Unreadable
from services.media.offers import MAX_PIXELS
from tests.media.conftest import TAKEN, Device, Media
from tests.support.pictures import webp

STORED = {"state": "stored"}
SECRET = b"a canary that the original carries"


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, *extra: bytes) -> bytes:
    """A PNG of one bit a pixel, its data already compressed."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros, compressed: a block of a million said again and again, for to compress them takes seconds."""
    million, rest = (zlib.compressobj(9, zlib.DEFLATED, -15) for _ in range(2))
    block = million.compress(bytes(1_000_000)) + million.flush(zlib.Z_FULL_FLUSH)
    end = rest.compress(bytes(count % 1_000_000)) + rest.flush()
    return b"\x78\xda" + block * (count // 1_000_000) + end + struct.pack(">I", count % 65_521 << 16 | 1)


def blank(width: int, height: int) -> bytes:
    return png(width, height, zeros(((width + 7) // 8 + 1) * height))


async def keep(device: Device, picture: bytes, width: int = 640, height: int = 400) -> str:
    assert await device.offer(picture, capture_id="capture-1", width=width, height=height) == STORED
    return "capture-1"


@pytest.mark.parametrize("form", ["WEBP", "JPEG", "PNG"])
async def test_a_look_gives_webp_made_here(media: Media, form: str) -> None:
    device = await media.device()
    await keep(device, webp(640, 400, form=form))
    for size, shown in (("picture", (640, 400)), ("thumbnail", (320, 200))):
        answer = await media.look(device, "capture-1", size)
        assert answer.headers is not None
        assert answer.headers["Content-Type"] == "image/webp"
        assert (opened(answer.data).format, opened(answer.data).size) == ("WEBP", shown)
        again = await media.look(device, "capture-1", size)
        assert (again.data, again.headers) == (answer.data, answer.headers)
    folder = f"{media.workspace}/{device.device}/capture-1/"
    objects = media.objects()
    assert {key.removeprefix(folder).partition("-")[0] for key in objects} == {
        *("original", "picture", "thumbnail", "blurred")
    }
    assert opened(objects[f"{folder}blurred"]).size == (320, 200)


async def test_the_blurred_twin_cannot_be_read(media: Media) -> None:
    """M-04: stripes of 2 pixels are gone, the picture's large parts are still there."""
    image = Image.new("RGB", (640, 400), "white")
    for x in range(0, 320, 4):
        image.paste("black", (x, 0, x + 2, 400))
    out = io.BytesIO()
    image.save(out, "PNG")
    device = await media.device()
    await keep(device, out.getvalue())
    await media.look(device, "capture-1")
    (body,) = (one for key, one in media.objects().items() if key.endswith("blurred"))
    blurred = opened(body).convert("L")
    left, right = blurred.crop((8, 8, 150, 190)).getextrema(), blurred.crop((170, 8, 310, 190)).getextrema()
    assert max(left) - min(left) < 60
    assert min(right) > 240


@pytest.mark.parametrize("form", ["WEBP", "JPEG", "PNG"])
async def test_nothing_but_pixels_passes(media: Media, form: str) -> None:
    """M-09: no EXIF, profile, comment or text of the original is in what is served."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    out = io.BytesIO()
    plain = opened(webp(640, 400)).convert("RGB")
    extra = {"comment": SECRET} if form == "JPEG" else {"xmp": SECRET} if form == "WEBP" else {}
    plain.save(out, form, exif=exif, icc_profile=SECRET * 3, **extra)
    original = out.getvalue()
    device = await media.device()
    await keep(device, original)
    for size in ("picture", "thumbnail"):
        body = (await media.look(device, "capture-1", size)).data
        assert SECRET not in body
        assert not {"exif", "icc_profile", "xmp", "comment"} & opened(body).info.keys()
        assert body[12:16] == b"VP8 "
    assert SECRET in original or form == "PNG"


async def test_many_who_look_at_once_cause_one_encoding(media: Media) -> None:
    device = await media.device()
    await keep(device, webp(640, 400))
    answers = await asyncio.gather(
        *(media.look(device, "capture-1", size) for size in ("picture", "thumbnail") for _ in range(10))
    )
    assert len({answer.data for answer in answers}) == 2


async def test_what_is_not_there_is_404(media: Media) -> None:
    """M-06: another tenant's and another device's capture are as unknown as one that never was."""
    device, other = await media.device(), await media.device()
    await keep(device, webp(640, 400))
    for workspace, name, capture in (
        (media.workspace, device.device, "capture-2"),
        (media.workspace, other.device, "capture-1"),
        ("ws-other", device.device, "capture-1"),
    ):
        wanted = {"workspace": workspace, "device": name, "capture_id": capture, "size": "picture"}
        answer = await media.operator.request("rpc.media.picture", json.dumps(wanted).encode(), timeout=10)
        assert json.loads(answer.data)["status"] == 404


async def test_what_cannot_be_decoded_is_422_and_remembered(media: Media) -> None:
    """M-09: an honest head, and damage behind it."""
    whole = webp(640, 400, form="PNG")
    damaged = whole[:60] + bytes(len(whole) - 100) + whole[-40:]
    device = await media.device()
    await keep(device, damaged)
    heard = await media.operator.subscribe(f"capture.removed.{media.workspace}.*")
    for _ in range(2):
        said = asyncio.ensure_future(heard.next_msg(10))
        problem = json.loads((await media.look(device, "capture-1")).data)
        assert (problem["status"], problem["type"]) == (422, "urn:daybook:problem:unreadable")
        told = json.loads((await said).data)
        assert (told["capture_id"], told["reason"]) == ("capture-1", "unreadable")
    kept = await mongo.database(media.settings, "media")["pictures"].find_one()
    assert kept
    assert kept["unreadable"]
    await keep_and_look_at_another(media)


async def keep_and_look_at_another(media: Media) -> None:
    device = await media.device()
    await keep(device, webp(640, 400))
    assert opened((await media.look(device, "capture-1")).data).size == (640, 400)


async def test_a_picture_that_the_store_has_lost_is_404(media: Media) -> None:
    device = await media.device()
    await keep(device, webp(640, 400))
    client, bucket = media.installation.s3.client(), media.settings.s3_bucket
    for name in media.objects():
        client.remove_object(bucket, name)
    assert json.loads((await media.look(device, "capture-1")).data)["status"] == 404


async def test_no_picture_is_judged_by_an_encoder_that_does_not_come_up(
    media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked for: else one bad rollout would make unreadable for ever what was looked at (M-06)."""
    device = await media.device()
    await keep(device, webp(640, 400))
    with monkeypatch.context() as broken:
        broken.setattr(encoders, "_ROOT", Path("/nowhere"))
        for _ in range(5):
            assert json.loads((await media.look(device, "capture-1")).data)["status"] == 503
    assert opened((await media.look(device, "capture-1")).data).size == (640, 400)


async def test_a_process_that_ends_before_it_is_ready_is_away() -> None:
    encoder = Encoder(processes=1)
    encoder._command = (sys.executable, "-c", "raise SystemExit(3)")
    try:
        with pytest.raises(EncoderAway):
            await encoder.render("WEBP", webp(64, 48))
    finally:
        await encoder.close()


async def test_a_replay_says_what_is_kept_of_a_span(media: Media) -> None:
    device = await media.device()
    for number, at in enumerate((TAKEN, "2026-11-21T10:12:30.500Z", "2026-11-21T11:00:00Z")):
        assert await device.offer(webp(640, 400), capture_id=f"capture-{number}", at=at) == STORED
    heard = await media.operator.subscribe(f"capture.stored.{media.workspace}.*")
    span = {"workspace": media.workspace, "from": "2026-11-21T10:10:00Z", "to": "2026-11-21T11:00:00Z"}
    answer = await media.operator.request("rpc.media.replay", json.dumps(span).encode(), timeout=10)
    assert json.loads(answer.data) == {"emitted": 2}
    said = {json.loads((await heard.next_msg(10)).data)["capture_id"] for _ in range(2)}
    assert said == {"capture-0", "capture-1"}


# the limited process alone ------------------------------------------------------------------------------------------


def bombs() -> dict[str, tuple[str, bytes]]:
    large = zeros(300_000_000)
    return {
        "30,000 pixels squared in a small file": ("PNG", blank(30_000, 30_000)),
        "dimensions at the limit, data far beyond": ("PNG", png(7_000, 7_000, large)),
        "a text that unpacks to 300 MB": ("PNG", png(8, 8, zlib.compress(bytes(16)), chunk(b"zTXt", b"k\0\0" + large))),
        "a profile that unpacks to 300 MB": ("PNG", png(8, 8, zlib.compress(b""), chunk(b"iCCP", b"k\0\0" + large))),
        "another format than was said": ("WEBP", webp(64, 64, form="PNG")),
        "noise": ("JPEG", bytes(range(256)) * 900),
    }


@pytest.mark.parametrize("name", bombs())
async def test_a_bomb_stays_within_its_process(name: str) -> None:
    """M-09: refused, or rendered within the limits; and the next picture is served as if nothing had been."""
    encoder = Encoder(processes=1, cpu_seconds=4)
    try:
        with contextlib.suppress(Unreadable):
            parts = await encoder.render(*bombs()[name])
            assert all(len(part) <= 900 * 1024 for part in parts.values())
        assert peak_megabytes(encoder) < 512
        assert opened((await encoder.render("WEBP", webp(640, 400)))["picture"]).size == (640, 400)
    finally:
        await encoder.close()


def pid_of(encoder: Encoder) -> int:
    """The pool's one process while it waits; 0 where it is gone."""
    process = encoder._idle.get_nowait()
    encoder._idle.put_nowait(process)
    return process._process.pid if process else 0


def peak_megabytes(encoder: Encoder) -> float:
    """The most memory that the pool's one process has ever had, by the kernel's own account; 0 where it is gone."""
    pid = pid_of(encoder)
    lines = Path(f"/proc/{pid}/status").read_text().splitlines() if pid else ["VmHWM: 0 kB"]
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.mark.parametrize(("form", "mode"), [("WEBP", "RGBA"), ("PNG", "RGBA"), ("JPEG", "CMYK")])
async def test_the_largest_picture_that_is_taken_can_be_shown(form: str, mode: str) -> None:
    """M-09: what is answered with ``stored`` protects a segment (S-09), so it must be possible to look at it."""
    side = int(MAX_PIXELS**0.5)
    out = io.BytesIO()
    Image.new(mode, (side, side), 7).save(out, form)
    encoder = Encoder(processes=1)
    try:
        assert (await encoder.render(form, out.getvalue()))["picture"]
    finally:
        await encoder.close()


async def test_a_picture_beyond_the_memory_is_unreadable_and_the_process_lives() -> None:
    side = int(MAX_PIXELS**0.5)
    out = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(out, "WEBP", method=0)
    encoder = Encoder(processes=1, memory=180 * 1024**2)
    try:
        with pytest.raises(Unreadable):
            await encoder.render("WEBP", out.getvalue())
        assert (await encoder.render("WEBP", webp(640, 400)))["picture"]
    finally:
        await encoder.close()


async def test_a_picture_beyond_its_cpu_time_is_unreadable() -> None:
    out = io.BytesIO()
    Image.effect_noise((4400, 4400), 80).convert("RGB").save(out, "JPEG", quality=30)
    encoder = Encoder(processes=1, cpu_seconds=1)
    try:
        with pytest.raises(Unreadable, match="SIGXCPU"):
            await encoder.render("JPEG", out.getvalue())
        assert (await encoder.render("WEBP", webp(640, 400)))["picture"]
    finally:
        await encoder.close()


async def test_a_process_that_is_killed_is_no_verdict_on_the_picture() -> None:
    """It may be tried again: an operator's kill must not make a picture unreadable for ever."""
    out = io.BytesIO()
    Image.effect_noise((3000, 3000), 80).convert("RGB").save(out, "JPEG")
    encoder = Encoder(processes=1)
    try:
        await encoder.render("WEBP", webp(64, 48))
        pid = pid_of(encoder)
        os.kill(pid, signal.SIGSTOP)  # so that it is killed with the picture in hand
        looking = asyncio.create_task(encoder.render("JPEG", out.getvalue()))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EncoderLost):
            await looking
        assert (await encoder.render("JPEG", out.getvalue()))["picture"]
    finally:
        await encoder.close()


async def test_large_screens_are_shown_within_an_answer() -> None:
    """Two 4K screens side by side, and a picture of noise: at most 900 KiB of WebP, whatever comes in."""
    wide = Image.new("RGB", (7_680, 2_160), "navy")
    noise = Image.effect_noise((2_500, 1_600), 90).convert("RGB")
    encoder = Encoder(processes=1)
    try:
        for image, form in ((wide, "WEBP"), (wide, "JPEG"), (noise, "JPEG")):
            out = io.BytesIO()
            image.save(out, form, quality=50)
            parts = await encoder.render(form, out.getvalue())
            assert max(map(len, parts.values())) <= 900 * 1024
            shown = opened(parts["picture"])
            assert shown.width / shown.height == pytest.approx(image.width / image.height, rel=0.01)
            assert max(opened(parts["thumbnail"]).size) == 320
    finally:
        await encoder.close()


async def test_the_process_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_S3_SECRET_KEY", "canary")
    encoder = Encoder(processes=1)
    try:
        await encoder.render("WEBP", webp(64, 48))
        environment = Path(f"/proc/{pid_of(encoder)}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"canary" not in environment
    finally:
        await encoder.close()

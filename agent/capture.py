"""The capture worker, a process of its own for each capture (T-05, T-06, T-08): grab, shrink, blur, hand back, end.

Reads a job as JSON from standard input; writes, for each monitor, a line of JSON (``entry``, and the lengths of
``picture`` and ``thumbnail``) and the bytes of both to standard output. So what Pillow and mss cost is gone when it
ends. A large monitor is grabbed and shrunk in strips: 4K at once would take 114 MB, in strips it takes 40.
"""

import hashlib
import io
import json
import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import mss
from PIL import Image, WebPImagePlugin  # noqa: F401 - the one codec; Image.init() would load all

MAX_PICTURE = 80_000
MAX_THUMBNAIL = 16 * 1024
THUMBNAIL = 320
_STRIP_PIXELS = 400_000
_BLUR = 12
_QUALITIES = (60, 50, 40, 30, 20)
_SUPPORT = 8


def main(source: BinaryIO, target: BinaryIO) -> int:
    """Does one job; 0 when at least one picture was taken, else a line on standard error says why."""
    if hasattr(os, "nice"):
        os.nice(10)
    job = json.loads(source.read())
    try:
        for entry, picture, thumbnail in capture(job):
            head = {"entry": entry, "picture": len(picture), "thumbnail": len(thumbnail)}
            target.write(json.dumps(head).encode() + b"\n" + picture + thumbnail)
    except mss.ScreenShotError as error:
        sys.stderr.write(f"the screen cannot be captured: {error}\n")
        return 1
    target.flush()
    return 0


def capture(job: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
    """The entry, picture and thumbnail of each monitor that the job asks for."""
    with mss.MSS() as screen:
        for number, monitor in _chosen(screen.monitors[1:], job["monitors"], job.get("pointer")):
            image = _shrunk(screen, monitor, job["width"])
            yield shot(image, number, job["at"], blur=job["blur"])


def _chosen(monitors: list[dict[str, Any]], which: str, pointer: list[int] | None) -> list[tuple[int, dict[str, Any]]]:
    numbered = list(enumerate(monitors))
    if which != "active":
        return numbered
    under = [one for one in numbered if pointer and _holds(one[1], *pointer)]
    return (under or numbered)[:1]


def _holds(monitor: dict[str, Any], x: int, y: int) -> bool:
    return bool(
        monitor["left"] <= x < monitor["left"] + monitor["width"]
        and monitor["top"] <= y < monitor["top"] + monitor["height"]
    )


def _shrunk(screen: Any, monitor: dict[str, Any], most: int) -> Image.Image:
    """The monitor's picture at most ``most`` pixels wide, grabbed strip by strip."""
    wide, high = monitor["width"], monitor["height"]
    width = min(most, wide)
    height = max(1, round(high * width / wide))
    image = Image.new("RGB", (width, height))
    rows = max(1, height * _STRIP_PIXELS // (wide * high))
    scale = high / height
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        # a margin on both sides, so that the strips meet without a seam
        first = max(0, int(top * scale) - _SUPPORT)
        last = min(high, int(bottom * scale) + 1 + _SUPPORT)
        area = {"left": monitor["left"], "top": monitor["top"] + first, "width": wide, "height": last - first}
        grabbed = screen.grab(area)
        strip = Image.frombuffer("RGB", grabbed.size, grabbed.bgra, "raw", "BGRX", 0, 1)
        box = (0, top * scale - first, wide, min(bottom * scale, high) - first)
        image.paste(strip.resize((width, bottom - top), Image.Resampling.BILINEAR, box), (0, top))
    return image


def shot(image: Image.Image, monitor: int, at: str, *, blur: bool) -> tuple[dict[str, Any], bytes, bytes]:
    """A picture, its thumbnail, and the capture's entry for the record, without ``app``."""
    if blur:
        image = pixelated(image)
    picture = _encoded(image, MAX_PICTURE)
    small = _fitted(image, THUMBNAIL)
    entry = {
        "capture_id": f"cap_{secrets.token_hex(12)}",
        "kind": "screen",
        "at": at,
        "sha256": hashlib.sha256(picture).hexdigest(),
        "bytes": len(picture),
        "width": image.width,
        "height": image.height,
        "monitor": monitor,
        "blurred": blur,
    }
    return entry, picture, _encoded(small, MAX_THUMBNAIL)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2)


def pixelated(image: Image.Image) -> Image.Image:
    """What was smaller than a dozen pixels is gone, and cannot be brought back (T-08)."""
    return image.reduce(_BLUR).resize(image.size, Image.Resampling.NEAREST)


def _encoded(image: Image.Image, most: int) -> bytes:
    """WebP of quality 60, or less where it would be larger than ``most`` bytes."""
    for quality in _QUALITIES:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=4)
        if file.tell() <= most:
            break
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))

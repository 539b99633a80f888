"""The limited process that decodes what strangers sent, and encodes it anew (M-09, architecture.md, *Pictures*).

``python -m services.media.worker <bytes of memory> <seconds of CPU per picture>`` reads pictures from standard input
and answers on standard output, one after the other; each is a line of JSON, then as many bytes as the line says.
It knows no secret and no network address; whatever a picture does to it, the service starts another.

    ← {"ready": true}                                            once, before anything is asked
    → {"format": "WEBP", "bytes": 76000}                         and the bytes
    ← {"parts": {"picture": 70000, "thumbnail": 5000, "blurred": 1000}}    and the parts
    ← {"unreadable": "UnidentifiedImageError"}
"""

import io
import json
import math
import resource
import sys
import warnings
from typing import BinaryIO

import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.WebPImagePlugin  # noqa: F401 - these three and no other format; Image.init() would load them all
from PIL import Image

MAX_PIXELS = 20_000_000
SHOWN_PIXELS = 12_000_000
SHOWN_SIDE = 8192
THUMBNAIL_SIDE = 320
MAX_ANSWER = 900 * 1024
BLUR_BLOCK = 12
_TRIES = ((75, 1), (40, 1), (40, 0.5), (20, 0.25))
_METHOD = 1  # a fifth more bytes than 4 at a fifth of its time; what is shown is kept once and read seldom


def render(kind: str, body: bytes) -> dict[str, bytes]:
    """``picture``, ``thumbnail`` and ``blurred`` as WebP, all from one decoding.

    Only pixels pass: no EXIF, colour profile, comment or trailing byte of the original does.
    """
    picture = _decode(kind, body)
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    # blocks of 12 pixels hold so little that the size of a thumbnail shows all of it, to both sizes alike
    blurred = picture.reduce(BLUR_BLOCK).resize(small.size, Image.Resampling.NEAREST)
    return {"picture": _encode(picture), "thumbnail": _encode(small), "blurred": _encode(blurred)}


def _decode(kind: str, body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body), formats=(kind,)) as image:
        image.draft("RGB", (SHOWN_SIDE, SHOWN_SIDE))
        image.load()
        shown = image if image.mode == "RGB" else _flat(image)
        scale = min(SHOWN_SIDE / max(shown.size), math.sqrt(SHOWN_PIXELS / (shown.width * shown.height)))
        if scale < 1:
            return shown.resize((max(1, int(shown.width * scale)), max(1, int(shown.height * scale))), reducing_gap=2.0)
        return shown.copy() if shown is image else shown


def _flat(image: Image.Image) -> Image.Image:
    """In RGB, what is transparent on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    see_through = image.convert("RGBA")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(see_through, mask=see_through.getchannel("A"))
    return ground


def _encode(image: Image.Image) -> bytes:
    """WebP that fits into an answer on the bus: rougher, and at last smaller, where it has to be."""
    image.info.clear()
    for quality, scale in _TRIES:
        width, height = (max(1, int(side * scale)) for side in image.size)
        out = io.BytesIO()
        (image if scale == 1 else image.resize((width, height))).save(out, "WEBP", quality=quality, method=_METHOD)
        if out.tell() <= MAX_ANSWER:
            return out.getvalue()
    raise ValueError("it does not become small enough")


def _answer(out: BinaryIO, line: dict[str, object], *blobs: bytes) -> None:
    out.write(json.dumps(line).encode() + b"\n")
    for blob in blobs:
        out.write(blob)
    out.flush()


def _allow_more_time(seconds: int) -> None:
    """The limit counts from the start of the process; this picture has ``seconds`` from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + seconds, hard))


def main() -> None:
    """Answers until standard input ends."""
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    _answer(out, {"ready": True})
    while line := source.readline():
        job = json.loads(line)
        body = source.read(job["bytes"])
        _allow_more_time(seconds)
        try:
            parts = render(job["format"], body)
        except Exception as error:  # a decoder may raise anything; the class alone is told, for it holds no content
            _answer(out, {"unreadable": type(error).__name__})
        else:
            _answer(out, {"parts": {name: len(blob) for name, blob in parts.items()}}, *parts.values())


if __name__ == "__main__":
    main()

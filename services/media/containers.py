"""What a picture's container says of itself, read from its first bytes: format, width, height.

Nothing is decoded. A body must be one whole picture and nothing else, so that what hides behind or before a picture
(polyglots) and what was cut off does not get in; what is inside is the encoder's to judge, in its limited process.
"""

from typing import NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_VP8X_ANIMATED = 0x02
_MAX_JPEG_SEGMENTS = 500
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


class Container(NamedTuple):
    """``format`` as Pillow names it: WEBP, JPEG or PNG; width and height in pixels."""

    format: str
    width: int
    height: int


def read_container(body: bytes) -> Container:
    """The container's own word; ValueError where it is none of the three, animated, cut off or followed by more."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return _webp(body)
    if body[:3] == b"\xff\xd8\xff":
        return _jpeg(body)
    if body[:8] == _PNG:
        return _png(body)
    raise ValueError("neither WebP nor JPEG nor PNG")


def _webp(body: bytes) -> Container:
    if int.from_bytes(body[4:8], "little") + 8 != len(body) or len(body) < 30:
        raise ValueError("a WebP file of another length than it says")
    kind = body[12:16]
    if kind == b"VP8 " and body[23:26] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif kind == b"VP8L" and body[20] == 0x2F:
        bits = int.from_bytes(body[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X" and not body[20] & _VP8X_ANIMATED:
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (24, 27))
    else:
        raise ValueError("not a still WebP picture")
    return Container("WEBP", width, height)


def _jpeg(body: bytes) -> Container:
    if body[-2:] != b"\xff\xd9":
        raise ValueError("a JPEG file without its end")
    at = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        if at + 9 > len(body) or body[at] != 0xFF:
            break
        marker = body[at + 1]
        if marker in _SOF:
            height, width = (int.from_bytes(body[at + step : at + step + 2], "big") for step in (5, 7))
            return Container("JPEG", width, height)
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    raise ValueError("a JPEG file without a frame")


def _png(body: bytes) -> Container:
    if body[8:16] != b"\x00\x00\x00\rIHDR" or not body.endswith(_PNG_END):
        raise ValueError("a PNG file without its head or its end")
    return Container("PNG", int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big"))

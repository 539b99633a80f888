"""Files that people bring along, sent over the bus to be taken row by row (W-03)."""

import base64
import zlib

from pydantic import Field

from services.wire.events import Strict
from services.wire.requests import Principal

MAX_BYTES = 4 * 1024 * 1024
_MAX_PACKED = 900_000


class ImportMembers(Strict):
    """``rpc.licensing.import_members`` → the import, as ``GET /api/v1/imports/{id}`` shows it; 403, 413, 422 problems.

    ``content`` is what ``pack`` makes of the file; ``invite``: whoever is new gets a mail.
    """

    principal: Principal
    name: str = Field(max_length=200)
    content: str = Field(max_length=_MAX_PACKED)
    invite: bool = True
    address: str = Field(default="", max_length=64)


def pack(content: bytes) -> str:
    """A file as text that fits into a message; ValueError where it is too large for one."""
    packed = base64.b64encode(zlib.compress(content)).decode()
    if len(content) > MAX_BYTES or len(packed) > _MAX_PACKED:
        raise ValueError("the file is too large")
    return packed


def unpack(text: str) -> bytes:
    """The file; ValueError where it is none, or grows beyond ``MAX_BYTES``."""
    try:
        opened = zlib.decompressobj()
        content = opened.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
    except (ValueError, zlib.error) as error:
        raise ValueError("not a packed file") from error
    if not opened.eof:
        raise ValueError("the file is too large")
    return content

"""The quick reader of records: it takes what is certainly a record, and leaves all else to the strict one.

It may say "not certain" of anything, and then ``services.wire.events`` decides; what it takes, that takes too, with the
same values (a property test holds both against each other). msgspec does not notice a key that stands twice. An
envelope that is written again must give the same bytes; of record and detail, which hold more numbers than texts, the
quotes are counted: without escapes every text in JSON has two, and a repeated key would bring more than were read.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from services.wire import slots
from services.wire.subjects import ID

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Long = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Text = Annotated[str, Meta(max_length=2000)]
_Minute = tuple[Count, Count, Count, Count, Literal["work", "idle", "break", "private", "locked"], Count | None]
_App = tuple[str, str | None, str | None, Annotated[int, Meta(ge=0, le=600)]]
_HASH = re.compile(r"[0-9a-f]{64}")
_SALT = re.compile(r"[0-9a-f]{32}")


class _Read(Struct, forbid_unknown_fields=True, gc=False):
    """Reads like the mapping it was in JSON."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class Envelope(_Read):
    """As ``events.Envelope``."""

    v: Annotated[int, Meta(ge=1, le=1)]
    record: str
    detail: str
    signature: str


class Record(_Read):
    """As ``events.Record``."""

    segment_id: Annotated[str, Meta(max_length=110)]
    workspace: str
    member: str
    device: str
    licence: str
    policy: Count
    contract: str
    session: str
    session_started: str
    slot: str
    zone: Annotated[str, Meta(max_length=64)]
    minutes: Annotated[list[_Minute | None], Meta(min_length=10, max_length=10)]
    seq: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    prev: str
    detail: str
    boot: Annotated[str, Meta(max_length=64)]
    uptime_ms: Annotated[list[_Long], Meta(min_length=2, max_length=2)]
    closed_at: str
    agent: Annotated[str, Meta(max_length=40)]


class Capture(_Read):
    """As ``events.Capture``."""

    capture_id: str
    kind: Literal["screen", "camera"]
    at: str
    sha256: str
    bytes: Count
    width: Count
    height: Count
    monitor: Count
    blurred: bool
    app: Count | None


class Detail(_Read):
    """As ``events.Detail``."""

    salt: str
    memo: _Text | None
    label: _Text | None
    apps: Annotated[list[_App], Meta(max_length=500)]
    captures: Annotated[list[Capture], Meta(max_length=60)]


_envelopes, _records = msgspec.json.Decoder(Envelope), msgspec.json.Decoder(Record)
_details = msgspec.json.Decoder(Detail)
_RECORD_TEXTS = len(Record.__struct_fields__) + 15  # its keys and, beside the minutes' states, its values that are text
_CAPTURE_TEXTS = len(Capture.__struct_fields__) + 4


def envelope(body: bytes) -> Envelope | None:
    """The envelope of a body, where that is certain."""
    try:
        found = _envelopes.decode(body)
    except msgspec.MsgspecError:
        return None
    return found if msgspec.json.encode(found) == body else None


def record(text: str) -> Record | None:
    """A record, where that is certain; whether ``detail`` is the hash of anything is for the caller to see."""
    if "\\" in text:
        return None
    try:
        found = _records.decode(text)
    except msgspec.MsgspecError:
        return None
    ids = (found.workspace, found.member, found.device, found.licence, found.contract, found.session)
    states = 10 - found.minutes.count(None)
    if text.count('"') != 2 * (_RECORD_TEXTS + states) or not all(map(_is_id, ids)):
        return None
    instants = instant(found.session_started), slot(found.slot), instant(found.closed_at)
    if None in instants or not _HASH.fullmatch(found.prev) or not _HASH.fullmatch(found.detail):
        return None
    return found


def detail(text: str) -> Detail | None:
    """A detail, where that is certain."""
    if "\\" in text:
        return None
    try:
        found = _details.decode(text)
    except msgspec.MsgspecError:
        return None
    texts = len(Detail.__struct_fields__) + 1 + (found.memo is not None) + (found.label is not None)
    texts += sum(3 - app.count(None) for app in found.apps) + _CAPTURE_TEXTS * len(found.captures)
    if text.count('"') != 2 * texts or not _SALT.fullmatch(found.salt):
        return None
    return found if all(map(_holds, found.captures)) else None


def _holds(capture: Capture) -> bool:
    return _is_id(capture.capture_id) and instant(capture.at) is not None and bool(_HASH.fullmatch(capture.sha256))


@lru_cache(50_000)
def _is_id(text: str) -> bool:
    return bool(ID.fullmatch(text))


def instant(text: str) -> datetime | None:
    """An instant on the wire; None where it is none."""
    try:
        return slots.parse_instant(text)
    except ValueError:
        return None


def slot(text: str) -> datetime | None:
    """A slot's start on the wire; None where it is none."""
    try:
        return slots.parse_slot(text)
    except ValueError:
        return None

"""What a body on ``segments.closed`` proves about itself: read strictly, signed by the device, bound to its detail.

Pure. Identity is the subject's, never the body's. What nearly all devices send is read by ``quick``; whatever that
is not certain of is read by the strict and slower reader of services.wire.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel

from services.ingest import quick
from services.ingest.admission import Fields, Reason
from services.wire import proof
from services.wire.events import Detail, Envelope, Record, check, read_json

_HIGHEST_SEQ: Final = 2**53


class Arrival(NamedTuple):
    """A body as it came. Workspace and device are its subject's; ``traceparent`` is what the agent put with it."""

    workspace: str
    device: str
    body: bytes
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a body is not a record; the message never quotes its content."""

    reason: Reason
    message: str


class Proved(NamedTuple):
    """A record that is signed by the device and well formed: texts as they were sent, and what they say."""

    record_text: str
    detail_text: str
    signature: str
    hash: str
    record: Fields
    detail: Fields
    seq: int
    slot: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A body that cannot be a record. ``seq`` is None where nothing is proved: then it takes no place in the chain."""

    fault: Fault
    seq: int | None = None
    hash: str | None = None
    prev: str | None = None


def read(arrival: Arrival, public_key: bytes) -> Proved | Refused:
    """Reads one body against the device's key. Never raises, whatever the body is."""
    try:
        envelope: Fields = quick.envelope(arrival.body) or _parse(Envelope, arrival.body)
    except ValueError as error:
        return Refused(Fault("invalid", f"the envelope: {error}"))
    text, detail_text, signature = envelope["record"], envelope["detail"], envelope["signature"]
    signed = text.encode()
    try:
        proof.check(public_key, proof.SEGMENT_DOMAIN, signed, signature)
    except proof.ProofError as error:
        return Refused(Fault("bad_signature", str(error)))
    digest = hashlib.sha256(signed).hexdigest()
    try:
        if len(arrival.body) > proof.MAX_BODY:
            raise ValueError(f"larger than {proof.MAX_BODY} bytes")
        record: Fields = quick.record(text) or _parse(Record, text)
        _agree(record, arrival)
        if record["detail"] != proof.digest(detail_text):
            raise ValueError("the detail is not the one the record was signed with")
        detail: Fields = quick.detail(detail_text) or _parse(Detail, detail_text)
    except ValueError as error:
        return _refused(Fault("invalid", str(error)), text, digest)
    slot, closed_at = quick.slot(record["slot"]), quick.instant(record["closed_at"])
    assert slot is not None
    assert closed_at is not None
    return Proved(text, detail_text, signature, digest, record, detail, record["seq"], slot, closed_at)


def _parse(model: type[BaseModel], text: str | bytes) -> dict[str, Any]:
    # orjson gives the very same bytes back only where no key stood twice
    try:
        value = orjson.loads(text)
        same = orjson.dumps(value) == (text.encode() if isinstance(text, str) else text)
    except orjson.JSONEncodeError as error:  # nested deeper than it writes
        raise ValueError("nested too deeply") from error
    if not same:
        value = read_json(text)
    check(model, value)
    parsed: dict[str, Any] = value
    return parsed


def _agree(record: Fields, arrival: Arrival) -> None:
    if (record["workspace"], record["device"]) != (arrival.workspace, arrival.device):
        raise ValueError("it is another device's or workspace's than its subject's")
    if record["segment_id"] != f"{record['contract']}:{record['device']}:{record['slot']}":
        raise ValueError("segment_id is not contract:device:slot")


def _refused(fault: Fault, text: str, digest: str) -> Refused:
    """A signed text that is no record still takes its seq, where it says one beyond doubt: else it would come for ever.

    The key is one device's over all workspaces, so the seq is this device's, whatever else the text says.
    """
    try:
        pairs = json.loads(text, object_pairs_hook=list)
        said = {name: {value for key, value in pairs if key == name} for name in ("seq", "prev")}
    except (ValueError, TypeError, RecursionError):
        return Refused(fault)
    if len(said["seq"]) != 1:
        return Refused(fault)
    seq = said["seq"].pop()
    if type(seq) is not int or not 1 <= seq < _HIGHEST_SEQ:
        return Refused(fault)
    prev = said["prev"].pop() if len(said["prev"]) == 1 else None
    return Refused(fault, seq, digest, prev[:64] if type(prev) is str else None)

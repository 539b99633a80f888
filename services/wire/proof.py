"""What makes a record provable: hashes, the chain, signatures (architecture.md, *The record on the wire*).

Signed are bytes as they are sent, so no canonical form is needed. Every kind of message has a domain of its own in
front of what is signed, so that a signature for one can never pass for another.
"""

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

GENESIS = "0" * 64
"""``prev`` of a device's first record."""

SEGMENT_DOMAIN = b"daybook/segment/v1\0"
NOTICE_DOMAIN = b"daybook/notice/v1\0"
ACTIVATION_DOMAIN = b"daybook/activate/v1\0"
LICENCE_DOMAIN = b"daybook/licence/v1\0"
SESSION_DOMAIN = b"daybook/session/v1\0"
EDIT_DOMAIN = b"daybook/edit/v1\0"
SEAL_DOMAIN = b"daybook/seal/v1\0"

MAX_BODY = 64 * 1024
_NONCE = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_NKEY_USER = 20 << 3


Encode = Callable[[Any], bytes]
"""How a message becomes JSON; any way will do, for what is signed is the text that came of it."""


def as_json(value: Any) -> bytes:
    """By the standard library; services hand in theirs, which is ten times as fast."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class ProofError(ValueError):
    """A signature, key or envelope that does not hold; the text says which."""


def digest(text: str) -> str:
    """Lower-case hex SHA-256 of the UTF-8 bytes of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign(key: SigningKey, domain: bytes, payload: bytes) -> str:
    """Base64 of the Ed25519 signature of domain + payload."""
    return base64.b64encode(key.sign(domain + payload).signature).decode()


def check(public: bytes, domain: bytes, payload: bytes, signature: str) -> None:
    """Raises ProofError unless the signature (base64) of domain + payload is by that 32-byte public key.

    Base64 has bits to spare before its last ``=``: a signature that differs in those is another text, and refused.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            raise ProofError("the signature does not hold")
        VerifyKey(public).verify(domain + payload, raw)
    except (BadSignatureError, binascii.Error, ValueError, TypeError) as error:
        raise ProofError("the signature does not hold") from error


# the record ---------------------------------------------------------------------------------------------------------


def seal_record(key: SigningKey, record: str, detail: str) -> bytes:
    """The body of ``segments.closed``: record and detail verbatim, and the signature of the record."""
    signature = sign(key, SEGMENT_DOMAIN, record.encode())
    return json.dumps(
        {"v": 1, "record": record, "detail": detail, "signature": signature}, ensure_ascii=False, separators=(",", ":")
    ).encode()


@dataclass(frozen=True, slots=True)
class Link:
    """One record's place in a device's chain: its seq, its own hash and the hash it names as the one before."""

    seq: int
    hash: str
    prev: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a set of links says: how many there are, which ranges of seq are missing, at which seq a link is broken."""

    records: int
    through: int
    missing: tuple[tuple[int, int], ...]
    broken: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """True where nothing is missing and every link holds."""
        return not self.missing and not self.broken


def examine(links: Iterable[Link]) -> Chain:
    """Looks at a device's links in any order; seq starts at 1 and has no holes (B-01, B-02).

    A link is broken where ``prev`` is not the hash of the record before it, or a seq stands twice with other hashes.
    """
    missing: list[tuple[int, int]] = []
    broken: list[int] = []
    count, last, last_hash = 0, 0, GENESIS
    for link in sorted(set(links), key=lambda one: (one.seq, one.hash)):
        if link.seq == last:
            broken.append(link.seq)
            continue
        if link.seq > last + 1:
            missing.append((last + 1, link.seq - 1))
        elif link.prev != last_hash:
            broken.append(link.seq)
        count, last, last_hash = count + 1, link.seq, link.hash
    return Chain(count, last, tuple(missing), tuple(dict.fromkeys(broken)))


# notices: receipts, commands, entitlements --------------------------------------------------------------------------


def seal_notice(key: SigningKey, message: dict[str, Any], encode: Encode = as_json) -> bytes:
    """A signed message of the services to a device; it must name workspace and device."""
    text = encode(message)
    return encode({"message": text.decode(), "signature": sign(key, NOTICE_DOMAIN, text)})


def seal_command(key: SigningKey, command: str, message: dict[str, Any], encode: Encode = as_json) -> bytes:
    """A signed command; by its ``id`` and ``at`` a device ignores one that comes again, or late (agent/evidence.py)."""
    at = datetime.now(UTC).isoformat()[:19] + "Z"
    return seal_notice(key, {**message, "command": command, "id": secrets.token_hex(10), "at": at}, encode)


def open_notice(notice_key: bytes, body: bytes, workspace: str, device: str) -> dict[str, Any]:
    """The message of a signed notice; ProofError where it is not the services' or not for this device."""
    try:
        envelope = json.loads(body)
        text, signature = envelope["message"], envelope["signature"]
        check(notice_key, NOTICE_DOMAIN, text.encode(), signature)
        message = json.loads(text)
    except ProofError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofError("not a signed notice") from error
    if not isinstance(message, dict) or (message.get("workspace"), message.get("device")) != (workspace, device):
        raise ProofError("a notice for another device")
    return message


# keys and signing in ------------------------------------------------------------------------------------------------


def user_nkey(public: bytes) -> str:
    """The NATS user nkey (``U…``) of a 32-byte Ed25519 public key."""
    raw = bytes([_NKEY_USER]) + public
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def read_public_key(text: str) -> bytes:
    """The 32 bytes of a public key written as a user nkey (``U…``) or as base64; ProofError where it is neither."""
    try:
        if len(text) == 56:
            raw = base64.b32decode(text)
            if raw[0] == _NKEY_USER and binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]:
                return raw[1:33]
        public = base64.b64decode(text, validate=True)
        VerifyKey(public)
    except (ValueError, TypeError, binascii.Error) as error:
        raise ProofError("not an Ed25519 public key") from error
    return public


def prove_possession(key: SigningKey, public_key: str) -> str:
    """The ``proof`` of an activation: the key signs its own public key as it is written in the request (L-03)."""
    return sign(key, ACTIVATION_DOMAIN, public_key.encode())


def sign_nonce(key: SigningKey, nonce: bytes) -> bytes:
    """Signs the bus's challenge; base64, as nats-py's ``signature_cb`` is to answer.

    Only what looks like a nonce is signed: the bus must not be able to make a device sign a record.
    """
    if not _NONCE.fullmatch(nonce):
        raise ProofError("the bus asked to sign something that is no nonce")
    return base64.b64encode(key.sign(nonce).signature)

"""The signed licence document, verified offline by the agent and by every service (L-02). Stdlib and PyNaCl only.

A **file** is a document that names no device: whoever has it can activate it, as with a licence key. What a device was
given names that device, and is worth nothing elsewhere. ``python -m services.wire.licence FILE --key BASE64`` checks a
file.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from nacl.signing import SigningKey

from services.wire import proof, slots
from services.wire.language import N_, _, again

Reason = Literal["unreadable", "forged", "edited", "other_device", "not_yet_valid", "expired"]
MAX_CHARS = 16 * 1024
_WORDS: Mapping[Reason, str] = {
    "unreadable": N_("this is no licence file"),
    "forged": N_("this licence was not signed by this installation"),
    "edited": N_("this licence was altered after it was signed"),
    "other_device": N_("this licence was given to another computer"),
    "not_yet_valid": N_("this licence has not begun"),
    "expired": N_("this licence is over"),
}


class LicenceError(ValueError):
    """Why a licence does not hold; ``reason`` is one word of ``Reason``."""

    def __init__(self, reason: Reason, more: str = "") -> None:
        why = again(_WORDS[reason])
        super().__init__(_("{why}: {more}", why=why, more=more) if more else why)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Licence:
    """What a document says; ``device`` is None in a file."""

    licence: str
    workspace: str
    member: str
    computer: str | None
    device: str | None
    mode: str
    seats: int
    policy: Mapping[str, Any]
    not_before: datetime | None
    expires: datetime | None
    issued_at: datetime

    def check_time(self, now: datetime) -> None:
        """LicenceError where it does not hold at that instant."""
        if self.not_before is not None and now < self.not_before:
            raise LicenceError("not_yet_valid", _("it begins {begin}", begin=slots.format_instant(self.not_before)))
        if self.expires is not None and now >= self.expires:
            raise LicenceError("expired", _("it ended {end}", end=slots.format_instant(self.expires)))


@lru_cache(8)
def key_id(public: bytes) -> str:
    """The short name of a licence key, which tells a foreign document from one that was altered."""
    return hashlib.sha256(public).hexdigest()[:16]


def seal(key: SigningKey, document: Mapping[str, Any], encode: proof.Encode = proof.as_json) -> dict[str, str]:
    """``{"document": <JSON text>, "signature": …, "key": …}``, whose text is signed as it stands."""
    text = encode({"v": 1, **document})
    signature = proof.sign(key, proof.LICENCE_DOMAIN, text)
    return {"document": text.decode(), "signature": signature, "key": key_id(bytes(key.verify_key))}


def read_file(text: str) -> dict[str, str]:
    """The envelope in a file's text; LicenceError where there is none."""
    if len(text) > MAX_CHARS:
        raise LicenceError("unreadable")
    try:
        found = json.loads(text)
        return {name: str(found[name]) for name in ("document", "signature", "key")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LicenceError("unreadable") from error


def verify(public: bytes, envelope: Mapping[str, Any], device: str | None = None) -> Licence:
    """What a document says, proved to be signed by that key (32 bytes) and meant for that device, or to be a file.

    Its time is another question: ``Licence.check_time``. LicenceError says what does not hold.
    """
    if envelope.get("key") != key_id(public):
        raise LicenceError("forged")
    text, signature = str(envelope.get("document")), str(envelope.get("signature"))
    try:
        proof.check(public, proof.LICENCE_DOMAIN, text.encode(), signature)
    except (proof.ProofError, UnicodeEncodeError) as error:
        raise LicenceError("edited") from error
    licence = _read(text)
    if licence.device is not None and licence.device != device:
        raise LicenceError("other_device")
    return licence


def _read(text: str) -> Licence:
    try:
        found = json.loads(text)
        if found["v"] != 1:
            raise ValueError("another version")
        names = ("licence", "workspace", "member", "computer", "device", "mode", "seats", "policy")
        return Licence(
            **{name: found[name] for name in names},
            not_before=slots.parse_instant(found["not_before"]) if found["not_before"] else None,
            expires=slots.parse_instant(found["expires"]) if found["expires"] else None,
            issued_at=slots.parse_instant(found["issued_at"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LicenceError("unreadable") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """0 and what the licence says where it holds now; 1 and why where it does not."""
    parser = argparse.ArgumentParser(prog="services.wire.licence", description="Checks a licence file offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", required=True, help="the installation's public licence key, base64")
    asked = parser.parse_args(arguments)
    try:
        licence = verify(base64.b64decode(asked.key), read_file(asked.file.read_text()))
        licence.check_time(datetime.now(UTC))
    except (LicenceError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    until = slots.format_instant(licence.expires) if licence.expires else "without an end"
    sys.stdout.write(f"{licence.licence}: {licence.mode} of workspace {licence.workspace}, {until}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

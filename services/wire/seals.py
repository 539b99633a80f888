"""The seal of a locked contract-week: what was in it and came of it, signed, tied to the seal before (B-01, S-06).

A seal is a text, signed as it is. It holds the Merkle root over all records and edits that the bill is made of, the
terms and totals they came to, the public keys that signed the records, and the hash of the contract's seal before.
What is personal in it (names) is bound by a salted hash, as a record is to its detail. Pure: stdlib and PyNaCl.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from nacl.signing import SigningKey

from services.wire import merkle
from services.wire.billing import BillingUnit, Term
from services.wire.proof import SEAL_DOMAIN, ProofError, check, digest, read_public_key, sign
from services.wire.slots import SLOT_MINUTES, parse_instant, parse_slot
from services.wire.strict_json import read_json

RULES = 2
"""The version of the rules of billing that a seal's totals follow; another arithmetic is another number.

1: a contract's term was not looked at. Such seals have none, and come to the same figures by 2.
"""


class Terms(NamedTuple):
    """What a week was billed by. ``limit_minutes`` None: no limit; ``rate_minor`` an hour, None: not hourly (S-03).

    ``runs_from`` and ``runs_until``: the contract's term as instants, so that no zones are needed to check it.
    """

    billing_unit: BillingUnit
    limit_minutes: int | None
    movement_counts: bool
    currency: str
    rate_minor: int | None
    runs_from: str | None = None
    runs_until: str | None = None

    @property
    def term(self) -> Term:
        """When the contract runs."""
        return Term(self.runs_from, self.runs_until)


class Totals(NamedTuple):
    """What a week came to: integer minutes, and minor units of the currency."""

    billable_minutes: int
    automatic_minutes: int
    manual_minutes: int
    over_limit_minutes: int
    tracked_minutes: int
    active_minutes: int
    amount_minor: int


class Device(NamedTuple):
    """A device whose records are in the week: its public key as base64, and what decides in T-14."""

    key: str
    kind: Literal["desktop", "mobile"]


class Seal(NamedTuple):
    """A seal, read.

    ``version`` is that of the contract-week it was computed from; ``elsewhere`` names minutes that count on another
    contract of the member (T-14), as {slot: [minutes]}, ``billed_before`` [slot, minutes] that an earlier seal bills:
    they are the diary's word, and can only take time off a bill, whose limit then has room for later time.
    ``records`` and ``edits`` are how many leaves the root stands for, ``number`` the place in the contract's seals.
    """

    workspace: str
    contract: str
    member: str
    week: str
    zone: str
    locks_at: str
    sealed_at: str
    version: int
    rules: int
    terms: Terms
    devices: dict[str, Device]
    elsewhere: dict[str, list[int]]
    billed_before: list[tuple[str, int]]
    records: int
    edits: int
    root: str
    totals: Totals
    about: str
    number: int
    previous: str

    @property
    def leaves(self) -> int:
        """How many leaves are under the root."""
        return self.records + self.edits


class About(NamedTuple):
    """The names a statement shows; kept beside the seal and bound to it, so that they may be forgotten (G-03)."""

    workspace: str
    member: str
    client: str | None
    project: str


def write_about(about: About) -> str:
    """The names as a salted text, whose hash a seal carries."""
    return _dump({"salt": secrets.token_hex(16), **about._asdict()})


def read_about(text: str, expected: str) -> About:
    """The names of a text that a seal is bound to; ProofError where it is another."""
    if digest(text) != expected:
        raise ProofError("the names are others than the seal was made with")
    try:
        body = read_json(text)
        del body["salt"]
        about = About(**body)
        if any(type(one) is not str for one in about._replace(client=about.client or "")):
            raise ValueError("names are text")
    except (ValueError, TypeError, KeyError) as error:
        raise ProofError("not the names of a seal") from error
    return about


def root_of(records: Iterable[str], edits: Iterable[str]) -> str:
    """The root over hashes of records and of edits' texts (hex each), in hex; their order does not matter."""
    leaves = sorted([*(f"record:{one}" for one in records), *(f"edit:{one}" for one in edits)])
    return merkle.root([leaf.encode() for leaf in leaves]).hex()


def write_seal(key: SigningKey, seal: Seal) -> tuple[str, str]:
    """The text of a seal and its signature."""
    nested = {
        "terms": seal.terms._asdict(),
        "totals": seal.totals._asdict(),
        "devices": {name: device._asdict() for name, device in sorted(seal.devices.items())},
        "elsewhere": dict(sorted(seal.elsewhere.items())),
    }
    text = _dump({"v": 1, **seal._asdict(), **nested})
    return text, sign(key, SEAL_DOMAIN, text.encode())


def read_seal(public: bytes, text: str, signature: str) -> Seal:
    """The seal of a signed text; ProofError where signature or shape does not hold."""
    check(public, SEAL_DOMAIN, text.encode(), signature)
    try:
        body = read_json(text)
        if not isinstance(body, dict) or body.pop("v") != 1:
            raise ValueError("not version 1")
        body["terms"] = _terms(body["terms"])
        body["totals"] = _integers(Totals(**body["totals"]))
        body["devices"] = {name: _device(one) for name, one in body["devices"].items()}
        body["billed_before"] = [(slot, minutes) for slot, minutes in body["billed_before"]]
        _check_elsewhere(body["elsewhere"], dict(body["billed_before"]))
        seal = Seal(**body)
        _check_shape(seal)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProofError(f"not a seal of version 1: {error}") from error
    return seal


def seal_hash(text: str) -> str:
    """What the next seal of the contract names as ``previous``."""
    return digest(text)


def pattern(root: str) -> list[str]:
    """The root's 256 bits, 32 in a row, ``█`` for one and ``·`` for nought: for comparing by eye."""
    bits = f"{int(root, 16):0256b}"
    return [bits[row : row + 32].translate({48: "·", 49: "█"}) for row in range(0, 256, 32)]


def _terms(body: Mapping[str, Any]) -> Terms:
    terms = Terms(**body)
    minutes, rate = terms.limit_minutes, terms.rate_minor
    if terms.billing_unit not in ("segment", "minute") or type(terms.movement_counts) is not bool:
        raise ValueError("terms")
    if any(one is not None and type(one) is not int for one in (minutes, rate)) or type(terms.currency) is not str:
        raise ValueError("terms")
    for instant in filter(None, terms.term):
        parse_instant(instant)
    return terms


def _integers(totals: Totals) -> Totals:
    if any(type(one) is not int or one < 0 for one in totals):
        raise ValueError("totals")
    return totals


def _device(body: Mapping[str, Any]) -> Device:
    device = Device(**body)
    read_public_key(device.key)
    if device.kind not in ("desktop", "mobile"):
        raise ValueError("devices")
    return device


def _check_elsewhere(elsewhere: Mapping[str, Any], billed_before: Mapping[str, Any]) -> None:
    for slot in (*elsewhere, *billed_before):
        parse_slot(slot)
    for minutes in elsewhere.values():
        if any(type(one) is not int or not 0 <= one < SLOT_MINUTES for one in minutes):
            raise ValueError("elsewhere")
    if any(type(one) is not int or not 0 < one <= SLOT_MINUTES for one in billed_before.values()):
        raise ValueError("billed_before")


def _check_shape(seal: Seal) -> None:
    counts = (seal.version, seal.rules, seal.records, seal.edits, seal.number)
    texts = (seal.workspace, seal.contract, seal.member, seal.week, seal.zone, seal.root, seal.about, seal.previous)
    if any(type(one) is not int or one < 0 for one in counts) or any(type(one) is not str for one in texts):
        raise ValueError("a field of another kind")
    parse_instant(seal.locks_at), parse_instant(seal.sealed_at)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""Whether a proved record is admitted: a pure function of the record, what licensing says and what the ledger holds.

The reasons are those of fine-print.md, *Records*. The chain never decides admission (architecture.md, *The ledger*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from services.wire.slots import SLOT

Reason = Literal[
    "invalid",
    "bad_signature",
    "unknown_contract",
    "outside_licence",
    "clock_ahead",
    "too_old",
    "conflict",
    "revoked",
]
Outcome = Literal["recorded", "duplicate", "postponed"] | Reason

MAX_AHEAD = timedelta(minutes=15)
MAX_AGE = timedelta(days=180)


class Fields(Protocol):
    """A record's or a detail's fields by name."""

    def __getitem__(self, name: str, /) -> Any:
        """One of them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a device's grant says about its records; ``contracts`` gives each contract's activity labels."""

    public_key: bytes
    member: str
    device_kind: str
    licence: str
    state: str
    not_before: datetime | None
    expires: datetime | None
    revoked_at: datetime | None
    contracts: Mapping[str, frozenset[str]]


class Decision(NamedTuple):
    """What becomes of a record, why, and the marks it carries when it is admitted."""

    outcome: Outcome
    message: str = ""
    arrived_after_revocation: bool = False
    label_unlisted: bool = False


POSTPONED = Decision("postponed", "licensing cannot be asked just now")


def decide(
    record: Fields,
    label: str | None,
    slot: datetime,
    closed_at: datetime,
    terms: Terms,
    now: datetime,
    *,
    certain: bool,
    hash: str,
    known: str | None,
) -> Decision:
    """Decides on a record whose signature, form and subject hold.

    ``hash`` is the record's, ``known`` that of the record the ledger holds at this seq. ``certain``: licensing was
    asked after the record arrived; where it was not, what the terms refuse is postponed and nobody is refused by an
    old snapshot. A record the ledger holds already stays admitted, whatever changed since (S-11).
    """
    if known is not None:
        return Decision("duplicate") if known == hash else Decision("conflict", "the ledger holds other bytes here")
    if refused := _refused_by_clock(slot, closed_at, now):
        return refused
    if refused := _refused_by_terms(record, slot, closed_at, terms):
        return refused if certain else POSTPONED
    return Decision(
        "recorded",
        arrived_after_revocation=terms.revoked_at is not None,
        label_unlisted=label is not None and label not in terms.contracts[record["contract"]],
    )


def _refused_by_clock(slot: datetime, closed_at: datetime, now: datetime) -> Decision | None:
    if max(slot, closed_at) > now + MAX_AHEAD:
        return Decision("clock_ahead", "its clock is more than 15 minutes ahead of the server's")
    if slot < now - MAX_AGE:
        return Decision("too_old", "its slot is more than 180 days ago")
    return None


def _refused_by_terms(record: Fields, slot: datetime, closed_at: datetime, terms: Terms) -> Decision | None:
    if record["member"] != terms.member:
        return Decision("invalid", "the member is not the device's")
    if record["licence"] != terms.licence:
        return Decision("outside_licence", "the licence is not the device's")
    if record["contract"] not in terms.contracts:
        return Decision("unknown_contract", "the device's licence names no such contract")
    if terms.not_before is not None and slot + SLOT <= terms.not_before:
        return Decision("outside_licence", "the slot is before the licence begins")
    if terms.expires is not None and slot >= terms.expires:
        return Decision("outside_licence", "the slot is after the licence ends")
    # what begins after it was not signed before it, whatever the device says of when it closed
    if terms.revoked_at is not None and max(slot, closed_at) > terms.revoked_at:
        return Decision("revoked", "closed after the licence was revoked")
    if terms.revoked_at is None and terms.state == "revoked":
        return Decision("revoked", "the licence is revoked")
    return None

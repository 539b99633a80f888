"""Admission is arithmetic: every reason of fine-print.md, *Records*, at its edge."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.admission import POSTPONED, Decision, Terms, decide
from services.wire.slots import SLOT, slot_of

NOW = datetime(2026, 11, 21, 10, 25, 30, tzinfo=UTC)
SLOT_BEFORE = slot_of(NOW) - SLOT
SECOND = timedelta(seconds=1)


def terms(**changes: Any) -> Terms:
    known: dict[str, Any] = {
        "public_key": b"k" * 32,
        "member": "mem",
        "device_kind": "desktop",
        "licence": "lic",
        "state": "active",
        "not_before": None,
        "expires": None,
        "revoked_at": None,
        "contracts": {"con": frozenset({"development"})},
    }
    return Terms(**known | changes)


def decided(
    own: Terms | None = None,
    *,
    label: str | None = None,
    slot: datetime = SLOT_BEFORE,
    closed_at: datetime | None = None,
    certain: bool = True,
    known: str | None = None,
    **changes: Any,
) -> Decision:
    record = {"member": "mem", "licence": "lic", "contract": "con"} | changes
    closed = closed_at or min(slot + SLOT, NOW)
    return decide(record, label, slot, closed, own or terms(), NOW, certain=certain, hash="h", known=known)


def test_an_ordinary_record_is_recorded_without_marks() -> None:
    assert decided() == Decision("recorded")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"contract": "other"}, "unknown_contract"),
        ({"member": "other"}, "invalid"),
        ({"licence": "other"}, "outside_licence"),
    ],
)
def test_what_the_grant_does_not_say_is_refused(changes: dict[str, str], outcome: str) -> None:
    assert decided(**changes).outcome == outcome


def test_nobody_is_refused_by_an_old_snapshot() -> None:
    """An unknown contract or licence is asked of licensing first; until then the record waits."""
    assert decided(contract="other", certain=False) == POSTPONED
    assert decided(certain=False).outcome == "recorded"


def test_fifteen_minutes_ahead_is_the_most() -> None:
    edge = NOW + timedelta(minutes=15)
    assert decided(closed_at=edge).outcome == "recorded"
    assert decided(closed_at=edge + SECOND).outcome == "clock_ahead"
    assert decided(slot=slot_of(edge) + SLOT, closed_at=NOW).outcome == "clock_ahead"


def test_a_hundred_and_eighty_days_is_the_oldest() -> None:
    edge = slot_of(NOW - timedelta(days=180))
    assert decided(slot=edge + SLOT).outcome == "recorded"
    assert decided(slot=edge).outcome == "too_old"


def test_a_licence_bounds_the_slots_it_touches() -> None:
    """A slot that a licence begins or ends within is inside it."""
    within = SLOT_BEFORE + timedelta(minutes=4)
    assert decided(terms(not_before=within)).outcome == "recorded"
    assert decided(terms(not_before=SLOT_BEFORE + SLOT)).outcome == "outside_licence"
    assert decided(terms(expires=within)).outcome == "recorded"
    assert decided(terms(expires=SLOT_BEFORE)).outcome == "outside_licence"


def test_revocation_counts_from_closing() -> None:
    """Closed before: admitted and marked; closed after: revoked. Work signed before it is never destroyed."""
    closed = SLOT_BEFORE + SLOT
    revoked = terms(state="revoked", revoked_at=closed)
    assert decided(revoked, closed_at=closed) == Decision("recorded", arrived_after_revocation=True)
    assert decided(revoked, closed_at=closed + SECOND).outcome == "revoked"
    later = closed + SLOT
    assert decided(revoked, slot=later, closed_at=closed).outcome == "revoked", "it begins after the revocation"
    assert decided(revoked, slot=later, closed_at=closed - SLOT, certain=False).outcome == "postponed"
    assert decided(terms(state="revoked", revoked_at=later), slot=later, closed_at=closed).outcome == "recorded"
    assert decided(terms(state="revoked")).outcome == "revoked"


def test_an_unlisted_label_is_kept_and_flagged() -> None:
    assert decided(label="development") == Decision("recorded")
    assert decided(label=None) == Decision("recorded")
    assert decided(label="gardening") == Decision("recorded", label_unlisted=True)


@given(
    st.sampled_from([{}, {"contract": "other"}, {"member": "other"}]),
    st.sampled_from([terms(), terms(revoked_at=NOW - timedelta(days=400)), terms(expires=NOW - timedelta(days=400))]),
    st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)),
    st.booleans(),
)
def test_what_the_ledger_holds_stays_admitted_whatever_changed(
    changes: dict[str, str], own: Terms, age: timedelta, certain: bool
) -> None:
    """S-11: sent again it is a duplicate, for ever; other bytes under the same seq are a conflict, for ever."""
    slot = slot_of(NOW - age)
    assert decided(own, slot=slot, certain=certain, known="h", **changes).outcome == "duplicate"
    assert decided(own, slot=slot, certain=certain, known="x", **changes).outcome == "conflict"

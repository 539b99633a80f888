"""A seal says what a locked week was, and nobody can say it otherwise (B-01, S-06)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from services.wire import seals
from services.wire.proof import GENESIS, SEAL_DOMAIN, ProofError, digest, sign
from services.wire.seals import About, Device, Seal, Terms, Totals

KEY = SigningKey(b"s" * 32)
PUBLIC = bytes(KEY.verify_key)
NAMES = seals.write_about(About("Harbour Studio", "Mira Solberg", None, "Portal"))
DEVICES = {"dev": Device("gAQcLqK77wAQBJWn/C4MBj+sauynCPRuCP4zwdSdjRM=", "desktop")}
WEEK = Seal(
    *("ws", "con", "mira", "2026-11-16", "UTC", "2026-11-23T12:00:00Z", "2026-11-23T12:01:00Z", 4, seals.RULES),
    *(Terms("segment", 2400, False, "EUR", 6000), DEVICES, {"2026-11-17T09:00:00Z": [3, 4]}, [], 2, 1),
    *("a" * 64, Totals(20, 20, 0, 0, 18, 15, 2000), digest(NAMES), 1, GENESIS),
)


def test_a_seal_comes_back_as_it_was_written() -> None:
    text, signature = seals.write_seal(KEY, WEEK)
    assert seals.read_seal(PUBLIC, text, signature) == WEEK
    assert WEEK.leaves == 3


@pytest.mark.parametrize("place", [0, 1])
def test_every_altered_byte_is_found(place: int) -> None:
    signed = seals.write_seal(KEY, WEEK)
    for index in range(len(signed[place])):
        for mask in (1, 4, 32):
            altered = [*signed]
            whole = signed[place]
            altered[place] = whole[:index] + chr(ord(whole[index]) ^ mask) + whole[index + 1 :]
            with pytest.raises(ProofError):
                seals.read_seal(PUBLIC, *altered)


@pytest.mark.parametrize(
    "other",
    [
        {"more": 1},
        {"v": 2},
        {"version": "4"},
        {"leaves": None},
        {"totals": {}},
        {"totals": Totals(20, 20, 0, 0, 18, 15, -1)._asdict()},
        {"terms": Terms("hour", None, False, "EUR", 1)._asdict()},  # type: ignore[arg-type]
        {"terms": Terms("segment", None, False, "EUR", 1, "Tuesday")._asdict()},
        {"devices": {"dev": {"key": "none", "kind": "desktop"}}},
        {"elsewhere": {"2026-11-17T09:00:00Z": [10]}},
        {"locks_at": "soon"},
    ],
)
def test_another_shape_is_refused_though_signed(other: dict[str, object]) -> None:
    text = json.dumps(json.loads(seals.write_seal(KEY, WEEK)[0]) | other)
    with pytest.raises(ProofError):
        seals.read_seal(PUBLIC, text, sign(KEY, SEAL_DOMAIN, text.encode()))


def test_names_are_bound_to_the_seal_and_can_be_forgotten() -> None:
    """G-03: without them the seal holds as before."""
    assert seals.read_about(NAMES, WEEK.about).member == "Mira Solberg"
    with pytest.raises(ProofError):
        seals.read_about(NAMES.replace("Mira", "Mora"), WEEK.about)
    with pytest.raises(ProofError):
        seals.read_about(seals.write_about(About("Harbour Studio", "Mira Solberg", None, "Portal")), WEEK.about)


@given(st.lists(st.integers(0, 99), unique=True, max_size=30), st.integers(0, 30), st.randoms())
def test_the_root_stands_for_a_set_of_records_and_edits(numbers: list[int], split: int, dice: object) -> None:
    hashes = [digest(str(one)) for one in numbers]
    records, edits = hashes[:split], hashes[split:]
    root = seals.root_of(records, edits)
    assert seals.root_of(reversed(records), reversed(edits)) == root
    if records:
        assert seals.root_of(records[1:], edits) != root
        assert seals.root_of(records[1:], [*edits, records[0]]) != root, "a record never passes for an edit"


def test_the_pattern_draws_all_bits() -> None:
    drawn = seals.pattern("80" + "00" * 30 + "01")
    assert [len(row) for row in drawn] == [32] * 8
    assert (drawn[0][0], drawn[7][31], "".join(drawn).count("█")) == ("█", "█", 2)

"""Edits are signed and bound to their personal part (S-04, S-08, G-03)."""

import json

import pytest
from nacl.signing import SigningKey

from services.wire.edits import Edit, Signed, entered_by, read_edit, removed_by, write_edit
from services.wire.proof import EDIT_DOMAIN, ProofError, sign

KEY = SigningKey(b"s" * 32)
PUBLIC = bytes(KEY.verify_key)
NOTE = Edit(
    *("e1", "c1", "w", "m", "con", "2026-11-16", "2026-11-17T09:00:00Z", "m", "employee", "note"),
    {"segments": ["con:dev:2026-11-17T08:00:00Z"]},
    {"memo": "Später", "label": None},
)


def test_an_edit_comes_back_as_it_was_written() -> None:
    assert read_edit(PUBLIC, write_edit(KEY, NOTE)) == NOTE


def test_an_erased_personal_part_leaves_the_proof_whole() -> None:
    signed = write_edit(KEY, NOTE)
    assert read_edit(PUBLIC, signed._replace(detail=None)) == NOTE._replace(personal=None)


@pytest.mark.parametrize("place", ["text", "detail", "signature"])
def test_every_altered_byte_is_found(place: str) -> None:
    signed = write_edit(KEY, NOTE)
    whole = getattr(signed, place)
    for index in range(len(whole)):
        other = chr(ord(whole[index]) ^ 1)
        altered = signed._replace(**{place: whole[:index] + other + whole[index + 1 :]})
        with pytest.raises(ProofError):
            read_edit(PUBLIC, altered)


def test_another_shape_is_refused_though_signed() -> None:
    body = json.loads(write_edit(KEY, NOTE).text) | {"more": 1}
    text = json.dumps(body)
    with pytest.raises(ProofError):
        read_edit(PUBLIC, Signed(text, None, sign(KEY, EDIT_DOMAIN, text.encode())))


def test_a_removal_takes_named_minutes_up_to_a_seq() -> None:
    """S-08: united in any order, and twice, the same."""
    edit = NOTE._replace(
        kind="removal", about={"removed": [["s", [0, 3], 5], ["s", [3], 7], ["t", [9], 1]], "captures": []}
    )
    gone = removed_by(edit)
    assert gone["s"] == [5, -1, -1, 7, -1, -1, -1, -1, -1, -1]
    assert gone["t"] == [-1] * 9 + [1]
    assert removed_by(NOTE) == {}


def test_a_manual_entry_becomes_segments_of_its_minutes() -> None:
    """S-05."""
    about = {"entry": "e", "manual_kind": "work", "start": "2026-11-17T08:57:00Z", "end": "2026-11-17T09:11:00Z"}
    entered = entered_by(NOTE._replace(kind="manual", about=about, personal={"memo": "call"}))
    assert list(entered) == [f"con:e:2026-11-17T{at}:00Z" for at in ("08:50", "09:00", "09:10")]
    minutes = [[minute is not None for minute in part.minutes] for _, part in entered.values()]
    assert minutes == [[False] * 7 + [True] * 3, [True] * 10, [True] + [False] * 9]
    assert {(part.seq, part.memo, part.label) for _, part in entered.values()} == {(0, "call", None)}

"""Edits are signed and bound to their personal part (S-04, S-08, G-03)."""

import json

import pytest
from nacl.signing import SigningKey

from services.wire.edits import Edit, Signed, read_edit, write_edit
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

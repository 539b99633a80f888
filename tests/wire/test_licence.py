"""The signed licence document, verified offline: each way in which it does not hold has its reason (L-02)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from services.wire import licence, proof, slots
from services.wire.licence import LicenceError

KEY, STRANGER = SigningKey(b"\1" * 32), SigningKey(b"\2" * 32)
PUBLIC = bytes(KEY.verify_key)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def document(**more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "licence": "lic-1",
        "workspace": "ws-1",
        "member": "mem-1",
        "computer": None,
        "device": None,
    }
    said |= {"mode": "worklog", "seats": 2, "policy": {"version": 3}, "issued_at": "2026-11-01T00:00:00Z"}
    return said | {"not_before": "2026-11-01T00:00:00Z", "expires": "2026-12-01T00:00:00Z"} | more


def reason(envelope: dict[str, Any], device: str | None = None, now: datetime = NOW) -> str:
    with pytest.raises(LicenceError) as error:
        licence.verify(PUBLIC, envelope, device).check_time(now)
    return error.value.reason


def test_a_file_says_what_was_signed() -> None:
    found = licence.verify(PUBLIC, licence.read_file(json.dumps(licence.seal(KEY, document()))))
    found.check_time(NOW)
    assert (found.licence, found.mode, found.seats, found.policy) == ("lic-1", "worklog", 2, {"version": 3})
    assert found.expires == datetime(2026, 12, 1, tzinfo=UTC)


def test_each_way_in_which_it_does_not_hold() -> None:
    sound = licence.seal(KEY, document())
    assert reason(licence.seal(STRANGER, document())) == "forged"
    assert reason(licence.seal(STRANGER, document()) | {"key": sound["key"]}) == "edited"
    assert reason(sound | {"document": sound["document"].replace('"seats":2', '"seats":200')}) == "edited"
    assert reason(sound, now=NOW + timedelta(days=10)) == "expired"
    assert reason(sound, now=NOW - timedelta(days=21)) == "not_yet_valid"
    bound = licence.seal(KEY, document(device="dev-1"))
    assert licence.verify(PUBLIC, bound, "dev-1").device == "dev-1"
    assert (reason(bound), reason(bound, "dev-2")) == ("other_device", "other_device")
    assert reason(licence.seal(KEY, {"v": 1})) == "unreadable"
    assert reason(licence.seal(KEY, document(v=2))) == "unreadable"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"document": "{}"}', "[" * 20_000, "x" * 20_000])
def test_what_is_no_file_says_so(text: str) -> None:
    with pytest.raises(LicenceError) as error:
        licence.read_file(text)
    assert error.value.reason == "unreadable"


def test_a_signature_for_something_else_is_none() -> None:
    """Every kind of message is signed in a domain of its own."""
    sealed = licence.seal(KEY, document())
    sealed["signature"] = proof.sign(KEY, proof.NOTICE_DOMAIN, sealed["document"].encode())
    assert reason(sealed) == "edited"


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_altered_byte_passes(place: int, byte: int) -> None:
    sealed = licence.seal(KEY, document())
    text = sealed["document"].encode()
    place %= len(text)
    altered = text[:place] + bytes([byte]) + text[place + 1 :]
    if altered == text:
        return
    with pytest.raises(LicenceError):
        licence.verify(PUBLIC, sealed | {"document": altered.decode("utf-8", "replace")})


@given(st.integers(-100, 100))
def test_it_holds_from_its_beginning_until_before_its_end(hours: int) -> None:
    start, end = NOW, NOW + timedelta(hours=24)
    spans = {"not_before": slots.format_instant(start), "expires": slots.format_instant(end)}
    found = licence.verify(PUBLIC, licence.seal(KEY, document(**spans)))
    now = NOW + timedelta(hours=hours)
    if start <= now < end:
        found.check_time(now)
    else:
        with pytest.raises(LicenceError):
            found.check_time(now)


def test_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, key = tmp_path / "a.daybook-licence", base64.b64encode(PUBLIC).decode()
    file.write_text(json.dumps(licence.seal(KEY, document(not_before=None, expires=None))))
    assert licence.main([str(file), "--key", key]) == 0
    assert "lic-1: worklog of workspace ws-1, without an end" in capsys.readouterr().out
    file.write_text(json.dumps(licence.seal(KEY, document(expires="2026-11-02T00:00:00Z"))))
    assert licence.main([str(file), "--key", key]) == 1
    assert "this licence is over" in capsys.readouterr().err

"""Whatever a file has in it, the checker of statements says what is wrong, and never with a traceback (B-01)."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.wire import proof, verify
from services.wire.edits import Signed
from services.wire.statements import Bundle, write_bundle
from tests.wire.bundles import DEVICE_KEY, SEAL_KEY, Chain, bundle, edit, slot_at, small

DEEP = "[" * 200_000


def _said(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the one line that says why; an exception would be the test's."""
    code = verify.main([str(path)])
    said = capsys.readouterr()
    assert (said.out == "") is (code != 0)
    assert "Traceback" not in said.err
    return code, said.err.strip().removeprefix(f"{path}: ")


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "statement.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def _body(**more: Any) -> str:
    return json.dumps({**json.loads(write_bundle(small())), **more})


def test_what_says_the_same_in_other_letters_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The order of keys, spaces and escapes of the file are nobody's business: what is signed are the texts in it."""
    body = json.loads(write_bundle(small()))
    for text in (
        json.dumps(dict(reversed(body.items())), ensure_ascii=True, indent=3),
        "\ufeff" + json.dumps(body),
        json.dumps(body).replace("mira", "\\u006dira"),
    ):
        assert _said(_write(tmp_path, text), capsys)[0] == 0, text[:60]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("null", "not a statement of the format"),
        (DEEP, "nested too deeply"),
        ('{"format":NaN}', "numbers are integers here"),
        (f'{{"format":{"9" * 5000}}}', "digits"),
        (_body()[:-1] + ',"seal":"x"}', "a key stands twice"),
        (_body(more=1), "not a statement of the format"),
        (_body(seal=None), "seal, signature and key are text"),
        (_body(about=1), "about is text"),
        (_body(records=7), "records is a list"),
        (_body(edits={"a": 1}), "edits is a list"),
        (_body(records=[["text", 1, "signature"]]), "a detail is text or null"),
        (_body(records=[[]]), "a record or edit is a text"),
        (json.dumps({key: one for key, one in json.loads(_body()).items() if key != "about"}), "not a statement"),
    ],
)
def test_what_is_no_statement_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str) -> None:
    code, said = _said(_write(tmp_path, text), capsys)
    assert (code, why in said) == (2, True), said


def test_what_cannot_be_opened_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    torn = tmp_path / "torn.zip"
    with zipfile.ZipFile(torn, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("statement.json", write_bundle(small()))
    content = bytearray(torn.read_bytes())
    content[60:90] = b"\xff" * 30  # within what is packed: zlib stumbles, not zipfile
    torn.write_bytes(content)
    for path, why in (
        (large, "larger than 64 MiB"),
        (torn, "it cannot be opened"),
        (tmp_path, "it cannot be opened"),
        (tmp_path / "nowhere", "it cannot be opened"),
    ):
        code, said = _said(path, capsys)
        assert (code, why in said) == (2, True), said
    if os.geteuid():
        torn.chmod(0)
        assert _said(torn, capsys)[0] == 2


def _resealed(change: Callable[[dict[str, Any]], Any]) -> Bundle:
    """A statement whose seal says something else, signed all the same."""
    made = small()
    body = json.loads(made.seal)
    said = change(body)
    text = said if isinstance(said, str) else json.dumps(body)
    return made._replace(seal=text, signature=proof.sign(SEAL_KEY, proof.SEAL_DOMAIN, text.encode()))


_SEALS: list[Callable[[dict[str, Any]], Any]] = [
    lambda body: "{",
    lambda body: DEEP,
    lambda body: "[]",
    lambda body: body.pop("terms") and None,
    lambda body: body.update(terms=[]),
    lambda body: body["terms"].update(runs_from=7),
    lambda body: body["terms"].update(limit_minutes=-(10**4000)),
    lambda body: body["terms"].update(rate_minor=10**4200),
    lambda body: body["totals"].update(amount_minor=True),
    lambda body: body.update(totals={}),
    lambda body: body.update(devices=[]),
    lambda body: body.update(devices={"dev": {"key": "", "kind": "desktop"}}),
    lambda body: body.update(elsewhere=["2026-11-17T09:00:00Z"]),
    lambda body: body.update(elsewhere={"2026-11-17T09:00:00Z": 3}),
    lambda body: body.update(billed_before=[[["x"], 3]]),
    lambda body: body.update(records=10**4000),
    lambda body: body.update(rules=99),
    lambda body: body.update(root="z" * 64),
    lambda body: body.update(member=None),
    lambda body: body.update(locks_at="soon"),
    lambda body: body.update(more=1),
]


@pytest.mark.parametrize("number", range(len(_SEALS)))
def test_a_signed_seal_of_nonsense_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    code, said = _said(_write(tmp_path, write_bundle(_resealed(_SEALS[number]))), capsys)
    assert (code, said.startswith("DOES NOT HOLD: ")) == (1, True), said
    assert "something in it" not in said, said


@pytest.mark.parametrize(
    ("week", "zone"), [("0001-01-01", "Asia/Tokyo"), ("9999-12-27", "UTC"), ("x", "/etc"), ("2026-11-16", "\0")]
)
def test_a_week_of_no_calendar_is_reported_without_its_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], week: str, zone: str
) -> None:
    """It is the issuer's word, and nothing of the bill goes by it."""
    made = bundle([Chain().close(slot_at(0))], week=week, zone=zone)
    assert _said(_write(tmp_path, write_bundle(made)), capsys)[0] == 0


_MANUAL = {"entry": "man", "manual_kind": "work", "start": "2026-11-17T08:05:00Z", "end": "2026-11-17T08:15:00Z"}
_EDITS: list[Signed] = [
    edit("manual", 1, {**_MANUAL, "end": "9999-12-31T23:59:00Z"}, {}),
    edit("manual", 1, {**_MANUAL, "end": "2026-11-17T08:00:00Z"}, {}),
    edit("manual", 1, {**_MANUAL, "start": 5}, {}),
    edit("manual", 1, {**_MANUAL, "manual_kind": []}, {}),
    edit("removal", 1, {"removed": 5, "captures": []}, {}),
    edit("removal", 1, {"removed": [["con:dev:x", 5, 1]], "captures": []}, {}),
    edit("removal", 1, {"removed": [["con:dev:x", [1], "1"]], "captures": []}, {}),
    edit("removal", 1, {"removed": [[[], [1], 1]], "captures": []}, {}),
    edit("note", 1, {"segments": []}, {}, id=5),
]


def _signed(text: str, detail: str | None = None) -> Signed:
    return Signed(text, detail, proof.sign(SEAL_KEY, proof.EDIT_DOMAIN, text.encode()))


def _with_detail(detail: str) -> Signed:
    body = json.loads(_EDITS[4].text) | {"kind": "note", "segments": [], "detail": proof.digest(detail)}
    for name in ("removed", "captures"):
        del body[name]
    return _signed(json.dumps(body), detail)


@pytest.mark.parametrize(
    "signed",
    [
        *_EDITS,
        _signed(DEEP),
        _signed("[]"),
        _signed('{"kind":[]}'),
        _with_detail(DEEP),
        _with_detail("[]"),
        _with_detail('"x"'),
    ],
)
def test_a_signed_edit_of_nonsense_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], signed: Signed
) -> None:
    made = small()._replace(edits=[signed])
    code, said = _said(_write(tmp_path, write_bundle(made)), capsys)
    assert (code, said.startswith("DOES NOT HOLD: an edit: ")) == (1, True), said


@pytest.mark.parametrize(
    "more",
    [
        {"minutes": {}},
        {"minutes": [None] * 9 + [[1, 1, 1, 1, "work", "x"]]},
        {"minutes": [None] * 9 + [[1, 1, 1, 1, ["work"], None]]},
        {"minutes": [None] * 9 + [{"a": 1}]},
        {"minutes": "0123456789"},
        {"seq": True},
        {"seq": -1},
        {"prev": None},
        {"session_started": 7},
        {"slot": "2026-11-17T09:05:00Z"},
        {"slot": 7},
    ],
)
def test_a_signed_record_of_nonsense_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    made = small()
    text = json.dumps(json.loads(made.records[0].text) | more)
    one = Signed(text, None, proof.sign(DEVICE_KEY, proof.SEGMENT_DOMAIN, text.encode()))
    code, said = _said(_write(tmp_path, write_bundle(made._replace(records=[one]))), capsys)
    assert (code, said.startswith("DOES NOT HOLD: ")) == (1, True), said
    assert "something in it" not in said, said


def test_half_a_letter_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON can say halves of surrogate pairs, which no signature can be of."""
    for name in ("seal", "about"):
        assert _said(_write(tmp_path, _body(**{name: "\ud800"})), capsys)[0] == 1
    for name in ("records", "edits"):
        assert _said(_write(tmp_path, _body(**{name: [["\ud800", None, "x"]]})), capsys)[0] == 1

"""A statement proves its bill, and nothing else passes for it (B-01, G-04)."""

import base64
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from services.wire import pack, verify
from services.wire.edits import Signed
from services.wire.proof import ProofError
from services.wire.reckoning import Around
from services.wire.seals import Terms, Totals
from services.wire.statements import Bundle, check_bundle, check_chain, read_bundle, write_bundle
from tests.support.servers import ROOT
from tests.wire.bundles import SEAL_KEY, TERMS, Chain, bundle, edit, slot_at, small
from tests.wire.flips import undetected

PUBLIC = bytes(SEAL_KEY.verify_key)


def written(made: Bundle, folder: Path, name: str = "statement.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("statement.json", write_bundle(made))
        packed.writestr("README.txt", "how to check")
    return path


def test_a_true_statement_holds() -> None:
    checked = check_bundle(read_bundle(write_bundle(small())), PUBLIC)
    assert checked.seal.totals == Totals(30, 20, 10, 10, 30, 24, 3050)
    assert [(one.slot[11:16], one.status, one.minutes, one.over_minutes) for one in checked.reckoned.lines] == [
        *(("08:00", "manual", 5, 0), ("08:10", "manual", 5, 0)),
        *(("09:00", "automatic", 10, 0), ("09:10", "automatic", 10, 0), ("09:10", "unbilled", 0, 0)),
        ("09:40", "over_limit", 0, 10),
    ]
    assert [(one.device, one.first, one.last) for one in checked.stretches] == [
        *(("dev", 1, 4), ("dev", 6, 6), ("tab", 1, 1)),
    ]
    assert checked.about is not None
    assert checked.about.project == "Portal"


def test_it_holds_without_what_is_personal() -> None:
    """G-03, S-07: details and names may be withheld or erased, and the totals stand."""
    made = small()
    bare = made._replace(
        about=None,
        records=[one._replace(detail=None) for one in made.records],
        edits=[one._replace(detail=None) for one in made.edits],
    )
    assert check_bundle(bare, PUBLIC).seal.totals == check_bundle(made, PUBLIC).seal.totals


@pytest.mark.parametrize("seed", range(4))
def test_no_single_byte_can_be_changed_unseen(seed: int) -> None:
    """Some hundreds of places; ``python -m tests.wire.flips`` tries all of them."""
    text = write_bundle(small()).encode()
    places = random.Random(seed).sample(range(len(text)), 60)
    assert list(undetected(text, places)) == []


def _without(made: Bundle, name: str, index: int) -> Bundle:
    group = list(getattr(made, name))
    del group[index]
    return made._replace(**{name: group})


def _swapped(made: Bundle, name: str) -> Bundle:
    first, second, *rest = getattr(made, name)
    return made._replace(**{name: [second, first, *rest]})


def _added(made: Bundle) -> Bundle:
    return made._replace(records=[*made.records, Chain("tab").close(slot_at(9))])


def _taller(made: Bundle) -> Bundle:
    seal = json.loads(made.seal)
    seal["totals"]["amount_minor"] += 1
    return made._replace(seal=json.dumps(seal))


@pytest.mark.parametrize(
    "tamper",
    [
        *(lambda made, index=index: _without(made, "records", index) for index in range(6)),
        *(lambda made, index=index: _without(made, "edits", index) for index in range(3)),
        lambda made: _swapped(made, "records"),
        lambda made: _swapped(made, "edits"),
        lambda made: made._replace(records=[*made.records, made.records[-1]]),
        lambda made: made._replace(edits=[*made.edits, edit("note", 9, {"segments": []}, {})]),
        _added,
        _taller,
        lambda made: made._replace(signature=small().edits[0].signature),
        lambda made: made._replace(about=small().about),
        lambda made: made._replace(
            records=[made.records[1]._replace(detail=made.records[0].detail), *made.records[1:]]
        ),
        lambda made: made._replace(key=base64.b64encode(bytes(SigningKey(b"x" * 32).verify_key)).decode()),
    ],
)
def test_what_was_changed_is_found(tamper: Any) -> None:
    with pytest.raises(ProofError):
        check_bundle(tamper(small()))


def test_another_key_does_not_pass_for_the_workspaces() -> None:
    stranger = SigningKey(b"x" * 32)
    forged = bundle([Chain().close(slot_at(0))], key=stranger)
    assert check_bundle(forged).seal.totals.billable_minutes == 10, "it agrees with itself"
    with pytest.raises(ProofError, match="another key"):
        check_bundle(forged, PUBLIC)


def test_totals_must_follow_from_the_records_though_signed() -> None:
    """Not even who holds the seal's key can seal another sum."""
    records = [Chain().close(slot_at(0))]
    with pytest.raises(ProofError, match="billable_minutes"):
        check_bundle(bundle(records, totals=Totals(20, 20, 0, 0, 10, 10, 2033)))
    with pytest.raises(ProofError, match="amount_minor"):
        check_bundle(bundle(records, totals=Totals(10, 10, 0, 0, 10, 10, 1018)))


@pytest.mark.parametrize("more", [{"contract": "x"}, {"member": "x"}, {"workspace": "x"}, {"detail": "0" * 64}])
def test_a_record_of_others_is_refused_though_signed(more: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        check_bundle(bundle([Chain().close(slot_at(0), **more)]))


def test_a_broken_link_is_found() -> None:
    chain = Chain()
    first = chain.close(slot_at(0))
    chain.last = "a" * 64
    with pytest.raises(ProofError, match="does not follow"):
        check_bundle(bundle([first, chain.close(slot_at(1))]))


def test_time_later_than_the_lock_is_refused() -> None:
    with pytest.raises(ProofError, match="later than the lock"):
        check_bundle(bundle([Chain().close("2026-11-23T12:00:00Z")]))


def test_what_counts_elsewhere_lessens_the_bill() -> None:
    """T-14: minutes of another contract, and slots that an earlier seal bills."""
    records = [Chain().close(slot_at(0))]
    exact = Terms("minute", None, False, "EUR", 6000)
    some = bundle(records, terms=exact, around=Around({slot_at(0): [0, 1, 2]}))
    assert check_bundle(some).seal.totals.billable_minutes == 7
    billed = bundle(records, around=Around({}, {slot_at(0): 10}))
    assert check_bundle(billed).seal.totals.billable_minutes == 0


def test_of_a_contract_that_is_not_hourly_nothing_is_billed() -> None:
    made = bundle([Chain().close(slot_at(0))], terms=Terms("segment", None, False, "EUR", None))
    assert check_bundle(made).seal.totals == Totals(0, 0, 0, 0, 10, 10, 0)


def test_outside_the_contracts_term_nothing_is_billed() -> None:
    """S-03: by the term that the seal says, in instants."""
    chain = Chain()
    records = [chain.close(slot_at(number)) for number in range(4)]
    made = bundle(records, terms=TERMS._replace(limit_minutes=None, runs_from=slot_at(1), runs_until=slot_at(3)))
    checked = check_bundle(made)
    assert [line.minutes for line in checked.reckoned.lines] == [0, 10, 10, 0]
    assert (checked.seal.totals.billable_minutes, checked.seal.totals.tracked_minutes) == (20, 40)
    with pytest.raises(ProofError, match="billable_minutes"):
        check_bundle(bundle(records, terms=made_terms(made), totals=checked.seal.totals._replace(billable_minutes=40)))


def made_terms(made: Bundle) -> Terms:
    return Terms(**json.loads(made.seal)["terms"])


def test_statements_of_a_contract_follow_one_another() -> None:
    chain = Chain()
    first = check_bundle(bundle([chain.close(slot_at(0))]))
    record = chain.close(slot_at(1))
    second = check_bundle(bundle([record], number=2, previous=first.seal_hash))
    check_chain([second, first])
    with pytest.raises(ProofError, match="follows another"):
        check_chain([first, check_bundle(bundle([record], number=2, previous="a" * 64))])
    with pytest.raises(ProofError, match="number 1"):
        check_chain([first, check_bundle(bundle([record]))])
    twice = check_bundle(bundle([Chain().close(slot_at(0))], number=2, previous=first.seal_hash))
    with pytest.raises(ProofError, match="in two statements"):
        check_chain([first, twice])


# the command --------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "services.wire.verify", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_what_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(str(written(small(), tmp_path)), "--key", base64.b64encode(PUBLIC).decode())
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("holds", "3050 EUR", "billable   0:30", "6 records", "seq 1 to 4", "other work", "does not show", "█"):
        assert said in done.stdout
    plain = tmp_path / "statement.json"
    plain.write_text(write_bundle(small()))
    assert verify.main([str(plain), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["amount_minor"] == 3050


@pytest.mark.parametrize(
    "said", ["x\n  amount     1 EUR", "x\r  amount     1 EUR", "\x1b[2J\x1b[H", "\u202e", "\x9b2J"]
)
def test_what_a_statement_says_cannot_draw_over_the_report(said: str) -> None:
    """Names are the issuer's: they must not move a terminal's cursor or add a line."""
    checked = check_bundle(small(), PUBLIC)
    assert checked.about is not None
    plain = verify.report(checked, known_key=True)
    shown = verify.report(checked._replace(about=checked.about._replace(project=said)), known_key=True)
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert all(line.isprintable() for line in shown.split("\n"))


def test_one_file_checks_a_statement_without_the_repository(tmp_path: Path) -> None:
    """All that it imports is in it, and the same sources make the same bytes."""
    path = tmp_path / "verify.pyz"
    path.write_bytes(pack.pack())
    command = [sys.executable, str(path), str(written(small(), tmp_path))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3050 EUR" in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "services.wire.pack", str(tmp_path / "again")], cwd=ROOT, timeout=60, check=True
    )
    assert (again.returncode, (tmp_path / "again").read_bytes()) == (0, pack.pack())


def test_the_checker_runs_as_a_file_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "services/wire/verify.py"), str(written(small(), tmp_path))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3050 EUR" in done.stdout


def test_the_command_says_what_does_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([str(written(_taller(small()), tmp_path))]) == 1
    assert verify.main([str(written(small(), tmp_path)), "--key", base64.b64encode(b"k" * 32).decode()]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().err


@pytest.mark.parametrize(("made", "code"), [(small(), 0), (_taller(small()), 1)], ids=["holds", "does not"])
def test_where_nobody_reads_the_exit_code_says_it_all_the_same(tmp_path: Path, made: Bundle, code: int) -> None:
    """As in ``verify … | head -1``, whose reader goes before it has heard everything."""
    gone, closed = os.pipe()
    os.close(gone)
    try:
        command = [sys.executable, "-m", "services.wire.verify", str(written(made, tmp_path))]
        heard = {"stderr": closed, "stdout": subprocess.PIPE} if code else {"stdout": closed, "stderr": subprocess.PIPE}
        done = subprocess.run(command, cwd=ROOT, text=True, timeout=60, check=False, **heard)
    finally:
        os.close(closed)
    assert (done.returncode, done.stdout or "", done.stderr or "") == (code, "", "")


def _odd(folder: Path, *names: str, content: bytes = b"{}") -> Path:
    path = folder / "odd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [
        (),
        ("other.json",),
        ("statement.json", "statement.json"),
        ("statement.json", "../x"),
        ("statement.json", "/etc/passwd"),
        ("statement.json", "a\\b"),
        ("statement.json", *(f"f{number}" for number in range(60))),
        ("statement.json",),
    ],
)
def test_what_is_no_statement_is_unreadable(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert verify.main([str(_odd(tmp_path, *names))]) == 2


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MOST_BYTES", 1_000_000)
    assert verify.main([str(_odd(tmp_path, "statement.json", content=b" " * 50_000_000))]) == 2
    plain = tmp_path / "large.json"
    plain.write_bytes(b" " * 1_000_001)
    assert verify.main([str(plain)]) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"format":"x"}', b"1e9"])
def test_garbage_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(content)
    assert verify.main([str(path)]) == 2
    assert verify.main([str(tmp_path / "nowhere")]) == 2
    assert verify.main([str(path), "--key", "short"]) == 2


@pytest.mark.parametrize("place", ["records", "edits"])
def test_signed_nonsense_never_crashes_it(place: str) -> None:
    made = small()
    for text in ("", "null", "[]", "{}", '{"device":[],"seq":1}', '{"device":"dev","seq":1}'):
        with pytest.raises(ProofError):
            check_bundle(made._replace(**{place: [Signed(text, None, "x")]}))

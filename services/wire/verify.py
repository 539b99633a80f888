"""``python -m services.wire.verify STATEMENT…``: checks statements offline, and says what that proves and what not.

Standalone: the standard library and PyNaCl. Exit code 0: all of it holds; 1: something does not, and what; 2: it cannot
be read at all. ``--key`` is the workspace's public seal key (base64), from a place you trust: without it a statement is
only checked against the key it brings along.
"""

import sys

if not __package__:  # started as a file: Python looks into its folder first, and its modules are found from two above
    sys.path[0] += "/../.."

import argparse
import base64
import binascii
import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.wire import seals
from services.wire.proof import GENESIS, ProofError
from services.wire.slots import format_instant, week_bounds
from services.wire.statements import Checked, check_bundle, check_chain, read_bundle

MOST_BYTES = 64 * 1024 * 1024
MOST_FILES = 50
_NAME = "statement.json"
_TOO_LARGE = f"larger than {MOST_BYTES // 1024 // 1024} MiB"


class Unreadable(Exception):
    """Not a statement at all; the text says why."""


def read_file(path: Path) -> bytes:
    """The bytes of ``statement.json``, from a .zip or by itself; nothing is ever unpacked to disk."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MOST_BYTES:
                raise Unreadable(_TOO_LARGE)
            if not zipfile.is_zipfile(file):
                file.seek(0)
                return _limited(file.read(MOST_BYTES + 1))
        with zipfile.ZipFile(path) as packed:
            return _from_zip(packed)
    except Unreadable:
        raise
    except Exception as error:  # a broken .zip fails in many ways, each packing in its own
        raise Unreadable(f"it cannot be opened: {error}") from error


def _from_zip(packed: zipfile.ZipFile) -> bytes:
    names = [one.filename for one in packed.infolist()]
    if len(names) > MOST_FILES or any(count > 1 for count in Counter(names).values()):
        raise Unreadable("too many files in it, or one twice")
    if any(name.startswith(("/", "\\")) or ".." in name or ":" in name or "\\" in name for name in names):
        raise Unreadable("a file in it is named as no file of a statement is")
    if _NAME not in names:
        raise Unreadable(f"there is no {_NAME} in it")
    with packed.open(_NAME) as file:
        return _limited(file.read(MOST_BYTES + 1))


def _limited(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise Unreadable(_TOO_LARGE)
    return content


def check_file(path: Path, key: bytes | None) -> Checked:
    """Checks one file; Unreadable or ProofError."""
    content = read_file(path)
    try:
        bundle = read_bundle(content)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(str(error)) from error
    try:
        return check_bundle(bundle, key)
    except ProofError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ProofError(f"something in it is not as it should be: {type(error).__name__}") from error


def report(checked: Checked, *, known_key: bool) -> str:
    """What a statement that holds says, in words."""
    seal, about = checked.seal, checked.about
    who = [f"  {name:<11}{value}" for name, value in (about._asdict() if about else {}).items() if value]
    lines = [
        f"The statement of contract {seal.contract}, week {seal.week} ({seal.zone}), holds.",
        *who,
        f"  locked     {seal.locks_at}, sealed {seal.sealed_at}, number {seal.number} of the contract",
        *_totals(checked),
        *_covers(checked),
        "  root       " + " ".join(seal.root[at : at + 8] for at in range(0, 64, 8)),
        *(f"             {row}" for row in seals.pattern(seal.root)),
        f"  before it  {'no seal: it is the first' if seal.previous == GENESIS else seal.previous}",
    ]
    if not known_key:
        lines.append("The key was taken from the statement itself: compare it with the workspace's, or use --key.")
    return "\n".join([*map(_readable, lines), _MEANING])


def _readable(line: str) -> str:
    """What a statement says, on one line: its issuer could else have a terminal show another bill over this one."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def _totals(checked: Checked) -> list[str]:
    totals, terms = checked.seal.totals, checked.seal.terms
    limit = "no weekly limit" if terms.limit_minutes is None else f"weekly limit {_hours(terms.limit_minutes)}"
    rate = "not hourly" if terms.rate_minor is None else f"{terms.rate_minor} {terms.currency} minor units an hour"
    runs = [f"{word} {instant}" for word, instant in zip(("from", "until"), terms.term, strict=True) if instant]
    return [
        f"  amount     {totals.amount_minor} {terms.currency} in minor units ({rate})",
        f"  billable   {_hours(totals.billable_minutes)}: automatic {_hours(totals.automatic_minutes)}, "
        f"manual {_hours(totals.manual_minutes)}; over the limit {_hours(totals.over_limit_minutes)} ({limit})",
        f"  recorded   {_hours(totals.tracked_minutes)}, active {_hours(totals.active_minutes)}",
        *([f"  contract   runs {' '.join(runs)}; what lies outside is not billed"] if runs else []),
    ]


def _covers(checked: Checked) -> list[str]:
    seal = checked.seal
    lines = [f"  covers     {seal.records} records ({checked.details} with their details), {seal.edits} edits"]
    for one in checked.stretches:
        what = f"seq {one.first}" if one.first == one.last else f"seq {one.first} to {one.last}, every link holds"
        lines.append(f"             device {one.device}: {what}")
    if len(checked.stretches) > len(seal.devices):
        lines.append("             what lies between is other work of these devices, and is not shown")
    if late := _late(checked):
        lines.append(f"             {late} segments are late time of earlier weeks, billed in this one")
    if seal.elsewhere or seal.billed_before:
        slots = len({*seal.elsewhere, *dict(seal.billed_before)})
        lines.append(f"             in {slots} segments minutes count elsewhere, by the word of the diary")
    return lines


def _late(checked: Checked) -> int:
    """How many segments lie before the week; 0 also where this computer knows no time zones."""
    try:
        start, _ = week_bounds(date.fromisoformat(checked.seal.week), ZoneInfo(checked.seal.zone))
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return 0
    return sum(line.slot < format_instant(start) for line in checked.reckoned.lines)


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


_MEANING = """\
This shows that nothing was altered, added or taken out after the computers and Daybook signed it, and that the bill
follows from it. It does not show that a person worked, that a computer's clock was right, or what was never recorded.
Of the files in the .zip only statement.json is checked: compare the totals above with the page you were sent."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="verify", description="Checks statements of Daybook, offline.")
    parser.add_argument("statement", nargs="+", type=Path, help="a statement's .zip or its statement.json")
    parser.add_argument("--key", help="the workspace's public seal key, base64")
    parser.add_argument("--json", action="store_true", help="say the totals as JSON")
    asked = parser.parse_args(arguments)
    try:
        key = base64.b64decode(asked.key, validate=True) if asked.key else None
        if key is not None and len(key) != 32:
            raise ValueError("32 bytes")
    except (ValueError, binascii.Error):
        _say("--key: base64 of 32 bytes", sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # some consoles cannot draw the pattern
    checked: list[Checked] = []
    for path in asked.statement:
        try:
            checked.append(check_file(path, key))
        except Unreadable as error:
            _say(f"{path}: not a statement: {_readable(str(error))}", sys.stderr)
            return 2
        except ProofError as error:
            _say(f"{path}: DOES NOT HOLD: {_readable(str(error))}", sys.stderr)
            return 1
    try:
        check_chain(checked)
    except ProofError as error:
        _say(f"DOES NOT HOLD: {_readable(str(error))}", sys.stderr)
        return 1
    for one in checked:
        _say(_as_json(one) if asked.json else report(one, known_key=key is not None), sys.stdout)
    return 0


def _say(line: str, stream: TextIO) -> None:
    """Writes a line. Where its reader has gone (``verify … | head -1``) the exit code still says what was found."""
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # else Python's own flush at the end fails as well


def _as_json(checked: Checked) -> str:
    seal = checked.seal
    names = {"contract": seal.contract, "week": seal.week, "root": seal.root, "currency": seal.terms.currency}
    return json.dumps(names | {"totals": seal.totals._asdict(), "records": seal.records, "edits": seal.edits})


if __name__ == "__main__":
    sys.exit(main())

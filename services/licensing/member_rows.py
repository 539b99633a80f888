"""Reads a CSV of members: good rows are taken, each bad one is reported with its line (W-03). Pure.

The first line names the columns: ``email`` and ``name``, and if wished ``role``, ``team`` (by name), ``zone`` and
``language`` (a code like ``de``), parted by comma, semicolon or tab. UTF-8, or UTF-16 with its mark; a line in another
encoding is a bad one.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.licensing import people
from services.wire.events import check
from services.wire.language import LANGUAGES, _

MOST_ROWS = 20_000
ROLES = ("employee", "manager", "admin", "client")
_COLUMNS = ("email", "name", "role", "team", "zone", "language")
_NEEDED = {"email", "name"}


@dataclass(frozen=True)
class Read:
    """What a file holds: bodies of members, each with its line, and what is wrong with other lines."""

    rows: list[tuple[int, people.New]]
    errors: list[tuple[int, str]]


def read(content: bytes, teams: Mapping[str, str]) -> Read:
    """Reads a file; ``teams`` gives the ids of the teams by their names in lower case.

    ValueError where it is no such table at all.
    """
    lines = _decode(content).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    delimiter = max(",;\t", key=lines[0].count)
    table = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(table, []))
    except csv.Error as error:
        raise ValueError(_("the first line is not CSV: {why}", why=str(error))) from error
    result, seen = Read([], []), set[str]()
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return result
        except csv.Error as error:
            result.errors.append((table.line_num, f"not CSV: {error}"))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(result.rows) + len(result.errors) >= MOST_ROWS:
            raise ValueError(_("at most {most} rows are taken at once", most=MOST_ROWS))
        try:
            body = _row(cells, columns, teams)
            if body.email in seen:
                raise ValueError("email: stands above already")
        except ValueError as error:
            result.errors.append((table.line_num, str(error)))
        else:
            seen.add(body.email)
            result.rows.append((table.line_num, body))


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    return content.decode("utf-8-sig", errors="surrogateescape")


def _columns(names: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in names]
    if missing := sorted(_NEEDED - set(columns)):
        if len(missing) > 1:
            raise ValueError(
                _("the first line names no column {one} and no column {other}", one=missing[0], other=missing[1])
            )
        raise ValueError(_("the first line names no column {one}", one=missing[0]))
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown or len(set(columns)) != len(columns):
        raise ValueError(_("the first line may name each once: {columns}", columns=", ".join(_COLUMNS)))
    return columns


def _row(cells: list[str], columns: list[str], teams: Mapping[str, str]) -> people.New:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells where {len(columns)} columns are named")
    values: dict[str, Any] = {}
    for column, cell in zip(columns, (cell.strip() for cell in cells), strict=True):
        if any("\udc80" <= letter <= "\udcff" or letter == "\ufffd" for letter in cell):
            raise ValueError(f"{column}: not UTF-8 text")
        if not cell.isprintable():
            raise ValueError(f"{column}: holds characters that cannot be shown")
        if cell:
            values[column] = cell
    if role := values.get("role"):
        values["role"] = role.lower()
        if values["role"] not in ROLES:
            raise ValueError(f"role: one of {', '.join(ROLES)}")
    if language := values.get("language"):
        values["language"] = language.lower()
        if values["language"] not in LANGUAGES:
            raise ValueError(f"language: one of {', '.join(LANGUAGES)}")
    if name := values.pop("team", None):
        if name.lower() not in teams:
            raise ValueError("team: there is no such team")
        values["team"] = teams[name.lower()]
    return check(people.New, values)

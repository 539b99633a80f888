"""The statement of a week with all that can be in one: edits, removals, manual time, late time, a limit (S-04 … S-10).

Whoever reads it in whatever form reads the same minutes and the same money, its checker accepts it, and finds each
change of it (B-01).
"""

import asyncio
import base64
import csv
import io
import json
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest_asyncio
from pypdf import PdfReader

from services.diary.pages.formatting import duration, money
from services.diary.sealing import Sealer
from services.kit.outbox import Outbox
from services.wire import verify
from services.wire.proof import ProofError
from services.wire.slots import parse_instant
from services.wire.statements import read_bundle
from tests.diary.editing import done, ids
from tests.diary.facts import minutes, slots_from, work
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

ROOT = Path(__file__).parents[2]
EARLIER = "2026-01-05"
LATE = f"{EARLIER[:8]}06T09:00:00Z"
NAMES = {"Ольга Жукова": "mira", "Νηρεύς 北京": "cleo"}
PROJECT, MEMO = "Λιμάνι ميناء", "港の図面 Чертёж 항구 =1+1"


class Whole(NamedTuple):
    """The sealed week, its files, and what the API says of it."""

    diary: Diary
    week: str
    sheet: dict[str, Any]
    files: dict[str, bytes]
    zipped: bytes
    key: str


@pytest_asyncio.fixture
async def whole(diary: Diary) -> AsyncIterator[Whole]:
    ledger, tell = Ledger(diary.workspace), diary.teller
    await ledger.answer(diary)
    olga, client = NAMES
    await diary.tell(
        tell.settings(name="Гавань"),
        tell.member("mira", name=olga),
        tell.member("cleo", "client", name=client),
        tell.contract("con", "mira", project=PROJECT, client="cleo", rate_minor=6131, weekly_limit_minutes=70),
        ledger.close("mira", LATE, [work()] * 4 + [None] * 6),
    )
    _seal_with(diary, datetime.now(UTC))
    await diary.edge.sealer.sweep()
    late = [ledger.close("mira", LATE, [None] * 4 + [work()] * 6), ledger.close("mira", slots_from(LATE, 4)[3])]
    await diary.tell(*late)
    adjusted = await diary.db["segments"].find_one({"adjustment": {"$exists": True}})
    assert adjusted is not None
    week = str(adjusted["week"])
    slots = slots_from(f"{week}T09:00:00Z", 9)
    diary.edge.editor.clock = lambda: parse_instant(f"{week}T09:00:00Z") + timedelta(days=4)
    await diary.tell(*(ledger.close("mira", slot, minutes(7, 2)) for slot in slots[1:8]))
    await done(diary, "PATCH", "/diary/mira/segments", {"segment_ids": ids(slots[1:3]), "memo": MEMO})
    await done(diary, "POST", "/diary/mira/removals", {"segment_ids": ids(slots[3:4]), "reason": "mistake"})
    times = {"start": slots[0], "end": slots[1], "reason": "Call", "memo": "Anruf"}
    await done(diary, "POST", "/diary/mira/manual-time", {"contract": "con", **times})
    _seal_with(diary, datetime.now(UTC) + timedelta(days=14))
    yield await _read(diary, week)


def _seal_with(diary: Diary, now: datetime) -> None:
    outbox = Outbox(diary.db, diary.edge.bus)
    diary.edge.sealer = Sealer(diary.db, diary.edge.bus, diary.edge.settings.seal_key, outbox, clock=lambda: now)


async def _read(diary: Diary, week: str) -> Whole:
    path = f"/api/v1/timesheets/con/{week}"
    diary.edge.people._known.clear()
    async with diary.browse("mira") as http:
        answer = await http.get(f"{path}/statement")
        assert answer.status_code == 200, answer.text
        sheet = (await http.get(path)).json()
        key = (await http.get("/api/v1/keys")).json()["seal_key"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    return Whole(diary, week, sheet, files, answer.content, key)


async def test_every_form_says_the_same(whole: Whole, tmp_path: Path) -> None:
    """And the checker, run as a program on the bundle."""
    sheet, totals = whole.sheet, whole.sheet["totals"]
    assert (totals["billable_minutes"], totals["over_limit_minutes"], totals["manual_minutes"]) == (70, 10, 10)
    assert sheet["amount_minor"] == 7153, "70 minutes at 61.31 an hour, half up, once"
    assert [(one["date"], one["billable_minutes"]) for one in sheet["adjustments"]] == [(LATE[:10], 10)]
    lines = [*sheet["adjustments"], *sheet["days"]]
    assert sum(one["amount_minor"] for one in lines) == 7153
    rows = list(csv.DictReader(io.StringIO(whole.files["statement.csv"].decode("utf-8-sig"))))
    book = _sheets(whole.files["statement.xlsx"])
    segments, days = book["Segments"], book["Days"]
    named = {"billed_minutes": "billable_minutes", "over_limit_minutes": "over_limit_minutes"}
    named |= {name: name for name in ("tracked_minutes", "active_minutes")}
    for column, total in named.items():
        assert sum(int(row[column]) for row in rows) == totals[total], column
        assert sum(row[column] for row in segments) == totals[total], column
    assert sum(row["amount_minor"] for row in days) == 7153
    assert [row["date"] for row in days] == sorted({LATE[:10], whole.week})
    page = whole.files["statement.html"].decode()
    for shown in (money(7153, "EUR"), duration(70), *NAMES, PROJECT, "Гавань", MEMO):
        assert shown in page, shown
    assert "6 min belong to segments that are billed whole already." in page
    for row in days:
        assert money(int(row["amount_minor"]), "EUR") in page
    assert {row["memo"] for row in rows} == {MEMO, "memo", "Anruf"}
    said = await _verify(whole, tmp_path)
    assert said["totals"] == totals | {"amount_minor": sheet["amount_minor"]}
    assert (said["records"], said["edits"]) == (8, 3)


async def _verify(whole: Whole, folder: Path) -> Any:
    path = folder / "statement.zip"
    path.write_bytes(whole.zipped)
    command = [sys.executable, "-m", "services.wire.verify", str(path), "--key", whole.key, "--json"]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


async def test_each_change_of_it_is_found(whole: Whole, tmp_path: Path) -> None:
    """Single bytes here and there; ``python -m tests.wire.flips`` tries all of a small one."""
    text, dice = whole.files["statement.json"], random.Random(5)
    key, path = base64.b64decode(whole.key), tmp_path / "statement.json"
    meant = read_bundle(text)
    for place in dice.sample(range(len(text)), 60):
        changed = text[:place] + bytes([text[place] ^ 1 << dice.randrange(8)]) + text[place + 1 :]
        path.write_bytes(changed)
        try:
            verify.check_file(path, key)
        except (ProofError, verify.Unreadable):
            continue
        assert read_bundle(changed) == meant, f"byte {place} was changed unseen"
    path.write_bytes(text.replace(b"billable_minutes", b"billable_minutez", 1))
    command = [sys.executable, "-m", "services.wire.verify", str(path)]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert (ran.returncode, b"DOES NOT HOLD" in ran.stderr) == (1, True)


async def test_a_pdf_shows_whatever_people_are_called(whole: Whole) -> None:
    """Greek, Cyrillic, Chinese, Japanese, Korean and Arabic, of each font what is in use alone."""
    pdf = whole.files["statement.pdf"]
    for name in (b"NotoSans", b"NotoSansArabic", b"WenQuanYi"):
        assert re.search(rb"/FontName /\w+\+" + name, pdf), name
    assert len(pdf) < 200_000


async def test_the_pdf_says_what_the_statement_says(whole: Whole) -> None:
    """B-01: read out of the file again, line by line, with the minutes and the money of each and of the week."""
    pages = PdfReader(io.BytesIO(whole.files["statement.pdf"])).pages
    words = " ".join(" ".join(page.extract_text() for page in pages).split())
    sheet, totals = whole.sheet, whole.sheet["totals"]
    lines = [*sheet["adjustments"], *(one for one in sheet["days"] if one["tracked_minutes"])]
    assert len(lines) == 2
    for line in lines:
        day = date.fromisoformat(line["date"][:10])
        assert re.search(rf"{day:%a} {day.day}\b[^€]* {_numbers(line)}(?![\d.])", words), line
    assert re.search(rf"\bWeek {_numbers(totals | {'amount_minor': sheet['amount_minor']})}(?![\d.])", words)
    amounts = [
        sheet["rate_minor"],
        sheet["amount_minor"],
        *(one["amount_minor"] for one in lines),
        sheet["amount_minor"],
    ]
    assert re.findall(r"€ [\d.,]+\d", words) == [_euros(one) for one in amounts], "and no other money"
    for said in (
        *NAMES,
        PROJECT.split()[0],
        "Гавань",
        MEMO,
        "Anruf",
        "10 min over the weekly limit of 1 h 10",
        whole.key,
    ):
        assert said in words, said
    assert sheet["seal"]["root"] in words.replace(" ", "")


def _numbers(line: dict[str, Any]) -> str:
    """Automatic, manual and billable time and the amount, as a row ends."""
    times = [line[f"{name}_minutes"] for name in ("automatic", "manual", "billable")]
    return " ".join([*(f"{one // 60}:{one % 60:02}" for one in times), re.escape(_euros(line["amount_minor"]))])


def _euros(minor: int) -> str:
    return f"€ {minor // 100}.{minor % 100:02}"


def _sheets(book: bytes) -> dict[str, list[dict[str, Any]]]:
    """The rows of each sheet, by their columns' names."""
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        parts = {name: ET.fromstring(packed.read(name)) for name in packed.namelist() if name.endswith(".xml")}
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    strings = ["".join(one.itertext()) for one in parts["xl/sharedStrings.xml"].iter(f"{space}si")]
    named = [one.attrib["name"] for one in parts["xl/workbook.xml"].iter(f"{space}sheet")]
    found = {}
    for number, name in enumerate(named, 1):
        rows = [
            [_cell(cell, strings, space) for cell in row.iter(f"{space}c")]
            for row in parts[f"xl/worksheets/sheet{number}.xml"].iter(f"{space}row")
        ]
        found[name] = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return found


def _cell(cell: ET.Element, strings: list[str], space: str) -> Any:
    value = cell.findtext(f"{space}v") or ""
    return strings[int(value)] if cell.attrib.get("t") == "s" else int(float(value))

"""The statement of a locked week: its files agree, its checker accepts it, and who may have it (S-07, B-01, G-02)."""

import asyncio
import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from services.diary import statements
from services.diary.statement_files import FORMS
from services.wire.language import speaking
from services.wire.statements import check_bundle, read_bundle
from tests.diary.facts import work
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

WEEK = "2026-01-05"
PATH = f"/api/v1/timesheets/con/{WEEK}/statement"
MEMO = '=Ø "memo" <b>'


@pytest.fixture
async def ledger(diary: Diary) -> Ledger:
    """A week long past its lock, by the clock of the machine, whoever runs this and when."""
    made, tell = Ledger(diary.workspace), diary.teller
    await made.answer(diary)
    await diary.tell(
        tell.settings(),
        tell.member("mira", team="blue"),
        tell.member("omar", role="manager", manages=["blue"]),
        tell.member("nina", role="manager"),
        tell.member("cleo", role="client"),
        tell.member("carl", role="client"),
        tell.contract("con", "mira", client="cleo", rate_minor=6100, weekly_limit_minutes=40),
        tell.contract("side", "mira", client="carl"),
        *(made.close("mira", f"{WEEK[:8]}0{day}T09:10:00Z", memo=MEMO) for day in (5, 6, 7)),
        made.close("mira", f"{WEEK[:8]}08T10:00:00Z", contract="side"),
        made.close("mira", f"{WEEK[:8]}08T10:10:00Z", [work()] * 5 + [None] * 5, device="laptop"),
        made.close("mira", f"{WEEK[:8]}09T10:10:00Z"),
    )
    return made


async def get(diary: Diary, who: str, role: str, path: str = PATH, **params: str) -> httpx.Response:
    async with diary.browse(who, role) as http:
        return await http.get(path, params=params or None)


async def test_its_checker_accepts_it(diary: Diary, ledger: Ledger, tmp_path: Path) -> None:
    """By the program inside, on a folder of its own, against the key of the workspace."""
    answer = await get(diary, "mira", "employee")
    assert answer.status_code == 200, answer.text
    path = tmp_path / "statement.zip"
    path.write_bytes(answer.content)
    packed = zipfile.ZipFile(path)
    assert set(packed.namelist()) == {
        *(f"statement.{form}" for form in ("html", "pdf", "csv", "xlsx", "json")),
        *("README.txt", "verify.pyz"),
    }
    (tmp_path / "verify.pyz").write_bytes(packed.read("verify.pyz"))
    key = (await get(diary, "mira", "employee", "/api/v1/keys")).json()["seal_key"]
    command = [sys.executable, "verify.pyz", "statement.zip", "--key", key, "--json"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    sheet = (await get(diary, "mira", "employee", PATH.removesuffix("/statement"))).json()
    assert said["totals"] == sheet["totals"] | {"amount_minor": sheet["amount_minor"]}
    assert (said["root"], said["records"], said["totals"]["over_limit_minutes"]) == (sheet["seal"]["root"], 5, 10)
    assert packed.read("verify.pyz") == (await get(diary, "mira", "employee", "/verify.pyz")).content


async def test_all_its_files_say_the_same(diary: Diary, ledger: Ledger) -> None:
    packed = zipfile.ZipFile(io.BytesIO((await get(diary, "omar", "manager")).content))
    rows = list(csv.DictReader(io.StringIO(packed.read("statement.csv").decode("utf-8-sig"))))
    assert sum(int(row["billed_minutes"]) for row in rows) == 40
    assert {row["memo"] for row in rows} == {f"'{MEMO}", "memo"}, "no cell is a formula"
    page = packed.read("statement.html").decode()
    assert "€\u00a040.67" in page
    assert "=Ø &#34;memo&#34; &lt;b&gt;" in page
    assert "<script" not in page
    assert packed.read("statement.pdf").startswith(b"%PDF")
    book = zipfile.ZipFile(io.BytesIO(packed.read("statement.xlsx")))
    assert b"<f>" not in b"".join(book.read(name) for name in book.namelist())
    for form, kind in (
        ("html", "text/html"),
        ("pdf", "application/pdf"),
        ("csv", "text/csv"),
        ("json", "application/json"),
    ):
        answer = await get(diary, "omar", "manager", format=form)
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-disposition"] == f'attachment; filename="statement-con-{WEEK}.{form}"'
        assert answer.content == packed.read(f"statement.{form}")


async def test_it_is_one_document_for_all_who_hold_it(diary: Diary, ledger: Ledger) -> None:
    """W-06: to the last byte, whatever language whoever asks for it reads."""
    await diary.tell(diary.teller.member("omar", role="manager", manages=["blue"], revision=2, language="de"))
    viewer = await diary.edge.people.viewer(diary.principal("omar", "manager"), "")
    found = await statements.read(diary.edge, viewer, "con", WEEK)
    for form, (make, _) in FORMS.items():
        english = make(found)
        with speaking("de"):
            german = make(found)
        if form == "xlsx":  # it holds when it was made
            assert cells(german) == cells(english)
            continue
        assert german == english, form
        async with diary.browse("omar", "manager") as http:
            answer = await http.get(PATH, params={"format": form}, headers={"Accept-Language": "de"})
        assert answer.content == english, form


def cells(book: bytes) -> dict[str, bytes]:
    packed = zipfile.ZipFile(io.BytesIO(book))
    return {name: packed.read(name) for name in packed.namelist() if not name.startswith("docProps/")}


async def test_a_client_gets_the_proof_without_the_details(diary: Diary, ledger: Ledger) -> None:
    """S-07: memos on the page; titles are in nothing that they are given, and all of it holds."""
    answer = await get(diary, "cleo", "client", format="json")
    bundle = read_bundle(answer.content)
    assert {one.detail for one in bundle.records} == {None}
    assert "Plan" not in answer.text, "the title of a window"
    assert check_bundle(bundle).seal.totals.billable_minutes == 40
    assert {
        one.detail is None for one in read_bundle((await get(diary, "mira", "employee", format="json")).content).records
    } == {False}


async def test_who_may_have_it(diary: Diary, ledger: Ledger) -> None:
    allowed = {("omar", "manager"): 200, ("nina", "manager"): 403, ("carl", "client"): 404, ("otto", "employee"): 403}
    for (who, role), status in allowed.items():
        assert (await get(diary, who, role, format="csv")).status_code == status, who
    noted = await diary.db["audit"].find({"action": "statement.exported"}).to_list(None)
    assert [(one["actor"], one["member"], one["detail"]) for one in noted] == [("omar", "mira", f"con {WEEK} csv")]


async def test_what_there_is_no_statement_of(diary: Diary, ledger: Ledger) -> None:
    far = "2199-12-23"
    await diary.tell(ledger.close("mira", "2199-12-24T09:00:00Z"))
    for path, status, kind in (
        (PATH.replace(WEEK, far), 409, "not-locked"),
        (PATH.replace(WEEK, "2026-01-12"), 409, "nothing-to-seal"),
        (PATH.replace(WEEK, "2026-01-06"), 422, "invalid"),
        (PATH.replace("/con/", "/other/"), 404, "not-found"),
        (f"{PATH}?format=exe", 422, "invalid"),
    ):
        answer = await get(diary, "mira", "employee", path)
        assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (status, kind), path

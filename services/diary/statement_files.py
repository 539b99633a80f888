"""The files of a statement: one page, tables of its segments, what is checked as JSON, and all of it in one .zip."""

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache, wraps

from services.diary.pages.render import STATIC, render
from services.diary.statement_view import view_of
from services.diary.statements import Statement
from services.diary.tables import to_csv, to_xlsx
from services.wire import pack
from services.wire.language import ENGLISH, speaking
from services.wire.statements import write_bundle

COLUMNS = (
    *("date", "segment", "device", "status", "billed_minutes", "over_limit_minutes"),
    *("tracked_minutes", "active_minutes", "memo", "label"),
)
_README = """\
Daybook statement of {contract}, week {week}

statement.html   the bill on one page; statement.pdf is the same
statement.csv    every segment of it, a line each; statement.xlsx is the same
statement.json   what is checked: the seal, every record and edit, and their signatures
verify.pyz       the program that checks it: Python 3.11 or newer, with PyNaCl (python -m pip install pynacl)

To check it, also on a computer without a network:

    python verify.pyz {name}.zip --key {key}

Take the key from the workspace itself, not from this file: whoever forged a statement would name a key of their own.
It ends with 0 when all of it holds, with 1 and what is wrong when not. It adds the bill up again from the records and
edits, and checks every hash and signature. It shows that nothing was altered, added or taken out after signing. It
does not show that a person worked, or that a computer's clock was right. Only statement.json is checked: compare the
totals it prints with the page.
{details}"""
_WITHHELD = """
Memos, titles and reasons inside the records are withheld: their hashes are here, and the totals hold without them.
"""


def _english(make: Callable[[Statement], bytes]) -> Callable[[Statement], bytes]:
    """A statement is one document for all who hold it, whatever language whoever asks for it reads (W-06)."""

    @wraps(make)
    def made(statement: Statement) -> bytes:
        with speaking(ENGLISH):
            return make(statement)

    return made


@_english
def html(statement: Statement) -> bytes:
    """One page that needs nothing beside it."""
    return render("statement.html", view=view_of(statement), styles=_styles()).encode()


@cache
def _styles() -> str:
    own = (
        ".sheet .command{padding:8px 12px;overflow-wrap:anywhere}.sheet .pill{margin-top:8px}"
        "@media print{body{font-size:12px}.sheet>*+*{margin-top:12px}.sheet h1{font-size:22px}.seal{padding:10px}"
        ".figs .big dd{font-size:30px}th,td{padding-block:4px}@page{margin:14mm 16mm}}"  # a week is one page of A4
    )
    return "\n".join([*((STATIC / name).read_text("utf-8") for name in ("tokens.css", "daybook.css")), own])


def table(statement: Statement) -> list[list[object]]:
    """Every segment on the bill, by the clock."""
    rows: list[list[object]] = []
    for line in statement.checked.reckoned.lines:
        said, figures = statement.said_of(line), [line.minutes, line.over_minutes]
        figures += [line.tracked_minutes, line.active_minutes]
        rows.append([line.slot, line.segment_id, line.device, line.status, *figures, said.memo, said.label])
    return rows


@_english
def pdf(statement: Statement) -> bytes:
    """The page as PDF."""
    from services.diary.statement_pdf import pdf  # its maker takes longer to import than the rest of the web

    return pdf(statement)


@_english
def csv(statement: Statement) -> bytes:
    """The segments as CSV."""
    return to_csv(COLUMNS, table(statement))


@_english
def xlsx(statement: Statement) -> bytes:
    """The segments and the days as sheets of one workbook."""
    view = view_of(statement)
    days = [
        [row.day.isoformat(), row.words, row.automatic, row.manual, row.billable, row.over, row.amount]
        for row in view.rows
    ]
    named = ("date", "work", "automatic_minutes", "manual_minutes", "billable_minutes", "over_limit_minutes")
    return to_xlsx({"Days": ((*named, "amount_minor"), days), "Segments": (COLUMNS, table(statement))})


@_english
def json_text(statement: Statement) -> bytes:
    """What the checker reads."""
    return write_bundle(statement.bundle).encode()


@_english
def packed(statement: Statement) -> bytes:
    """All of it, with the program that checks it."""
    seal, bundle = statement.checked.seal, statement.bundle
    withheld = any(one.detail is None for one in (*bundle.records, *bundle.edits))
    about = {"contract": seal.contract, "week": seal.week, "name": statement.name, "key": bundle.key}
    files = {f"statement.{form}": make(statement) for form, (make, _) in FORMS.items()}
    files["README.txt"] = _README.format(**about, details=_WITHHELD if withheld else "").encode()
    files["verify.pyz"] = pack.pack()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


FORMS: Mapping[str, tuple[Callable[[Statement], bytes], str]] = {
    "html": (html, "text/html; charset=utf-8"),
    "pdf": (pdf, "application/pdf"),
    "csv": (csv, "text/csv; charset=utf-8"),
    "xlsx": (xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": (json_text, "application/json"),
}
"""Each form's maker and content type."""

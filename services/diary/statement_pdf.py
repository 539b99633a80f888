"""A statement's page as PDF."""

import io
from collections.abc import Sequence
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from services.diary.glyphs import font, runs
from services.diary.statement_view import View, view_of
from services.diary.statements import Statement

_CHECK = (
    "With the statement's .zip and the program in it: python verify.pyz {}.zip. It adds the bill up again and checks "
    "every signature: nothing was altered, added or taken out after signing. It cannot show that a person worked, or "
    "that the computer's clock was right."
)
_INK, _QUIET, _LINE = HexColor(0x1B2230), HexColor(0x5A6372), HexColor(0xC9CED6)


def _style(name: str, size: float, *, bold: bool = False, quiet: bool = False, right: bool = False) -> ParagraphStyle:
    own = font("Daybook-Bold" if bold else "Daybook").fontName
    colour, side = _QUIET if quiet else _INK, {"alignment": TA_RIGHT} if right else {}
    return ParagraphStyle(name, fontName=own, fontSize=size, leading=size * 1.4, textColor=colour, **side)


class _Pattern(Flowable):  # type: ignore[misc]
    """The root's 256 bits, 32 in a row, as on the page and in the checker."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._bits = f"{int(root, 16):0256b}"
        self.width, self.height = 32 * 1.6 * mm, 8 * 3.2 * mm

    def draw(self) -> None:
        """Draws it from the top left."""
        self.canv.setFillColor(_INK)
        for place, bit in enumerate(self._bits):
            if bit == "1":
                across, down = place % 32 * 1.6 * mm, self.height - (place // 32 + 1) * 3.2 * mm
                self.canv.rect(across, down, 1.3 * mm, 2.9 * mm, stroke=0, fill=1)


def pdf(statement: Statement) -> bytes:
    """The page as PDF; which scripts it can show is said in ``glyphs``, and the HTML shows them all."""
    view, made = view_of(statement), io.BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=A4,
        **dict.fromkeys(("leftMargin", "rightMargin"), 18 * mm),
        **dict.fromkeys(("topMargin", "bottomMargin"), 15 * mm),
        title=view.title,
        author="Daybook",
        invariant=1,
    )
    document.build(
        [
            _head(view),
            Spacer(1, 4 * mm),
            _due(view),
            Spacer(1, 4 * mm),
            _days(view),
            Spacer(1, 3 * mm),
            _text(" ".join(view.notes), 8, quiet=True),
            Spacer(1, 5 * mm),
            KeepTogether([_text("Seal", 12, bold=True), Spacer(1, 2 * mm), _seal(view, statement.checked.seal.root)]),
            Spacer(1, 4 * mm),
            KeepTogether([_text("Check it yourself", 12, bold=True), _text(_CHECK.format(view.file), 8, quiet=True)]),
        ]
    )
    return made.getvalue()


def _head(view: View) -> Table:
    """What it is on the left, between whom on the right."""
    title = [_text(view.title, 18, bold=True), _text(view.period, quiet=True), _text(view.locked, quiet=True)]
    parties = [[_text(name, 9, quiet=True), _text(value, 9)] for name, value in view.parties]
    return _grid([[title, _grid(parties, (20 * mm, 56 * mm))]], (98 * mm, 76 * mm))


def _due(view: View) -> Table:
    """The amount, and beside it the time that it is for."""
    names = [_text("Amount due", 9, quiet=True), *(_text(name, 9, quiet=True) for name, _ in view.figures)]
    values = [_text(view.amount, 20, bold=True), *(_text(value, 13, bold=True) for _, value in view.figures)]
    made = _grid([names, values], (72 * mm, 34 * mm, 34 * mm, 34 * mm))
    made.setStyle([("VALIGN", (0, 1), (-1, 1), "BOTTOM"), ("BOTTOMPADDING", (1, 1), (-1, 1), 4)])
    return made


def _seal(view: View, root: str) -> Table:
    """The root as a pattern, with what is said of it beside it."""
    words = [[_text(name, 8, quiet=True), _text(value, 8)] for name, value in (("Root", view.root), *view.seal)]
    return _grid([[_Pattern(root), _grid(words, (22 * mm, 92 * mm))]], (60 * mm, 114 * mm))


def _days(view: View) -> Table:
    names = ("Day", "Work", "Automatic", "Manual", "Billable", "Amount")
    rows: list[Sequence[Any]] = [[_text(name, 8, quiet=True, right=place > 1) for place, name in enumerate(names)]]
    for row in view.rows:
        rows.append([_text(row.name, 9), _text(row.words, 9), *_numbers(view, row.minutes, view.money(row.amount))])
    totals = _numbers(view, view.total, view.amount, bold=True)
    rows.append([_text(view.total_name, 9, bold=True), "", *totals])
    made = Table(rows, colWidths=[width * mm for width in (24, 69, 20, 17, 18, 26)], repeatRows=1, hAlign="LEFT")
    made.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -3), 0.4, _LINE),
            ("LINEABOVE", (0, -1), (-1, -1), 0.9, _INK),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ]
    )
    return made


def _numbers(view: View, minutes: Sequence[int], amount: str, *, bold: bool = False) -> list[Paragraph]:
    return [_text(words, 9, right=True, bold=bold) for words in (*map(view.minutes, minutes), amount)]


def _grid(rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Table:
    made = Table(rows, colWidths=widths, hAlign="LEFT")
    close = [(f"{edge}PADDING", (0, 0), (-1, -1), 1) for edge in ("TOP", "BOTTOM")]
    made.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), *close])
    return made


def _text(words: str, size: float = 10, **how: bool) -> Paragraph:
    """A paragraph of plain words: nothing in them is markup."""
    style = _style(f"{size}{sorted(how)}", size, **how)
    plain = words.replace("\u00a0", " ").replace("−", "-")
    return Paragraph("".join(_marked(*one, style.fontName) for one in runs(plain, style.fontName)), style)


def _marked(name: str, text: str, own: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped if name == own else f'<font name="{name}">{escaped}</font>'

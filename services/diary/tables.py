"""Tables for spreadsheets: CSV and XLSX in which no cell is a formula. Pure (W-03, K-05)."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

#: also in their wide forms, which spreadsheets read alike where those are typed
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def cell(value: object) -> str:
    """A value as text that a spreadsheet shows and never works out; lists are parted by semicolons."""
    if isinstance(value, list | tuple):
        return cell("; ".join(str(one) for one in value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and _begins_formula(text) else text


def _begins_formula(text: str) -> bool:
    """Spaces of any width before it do not hide it; a line's end counts as a beginning of its own."""
    return text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with its mark, so that spreadsheets read it as such."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
    """A workbook: sheets by name, each its columns and rows. Integers stay numbers; all else is text."""
    import xlsxwriter  # not before it is needed: every start of the web would wait for it

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        for name, (columns, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(columns):
                sheet.write_string(0, place, column, bold)
            for line, row in enumerate(rows, 1):
                for place, value in enumerate(row):
                    if type(value) is int:
                        sheet.write_number(line, place, value)
                    else:
                        sheet.write_string(line, place, cell(value))
            sheet.autofit()
    return made.getvalue()

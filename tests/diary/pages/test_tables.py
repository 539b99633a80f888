"""Tables for spreadsheets (W-03, K-05)."""

import pytest

from services.diary.tables import cell

_WIDE_SPACE, _WIDE_EQUALS = "\u3000", "\uff1d"


@pytest.mark.parametrize("before", ["", " ", "\t", "\r\n", "\u00a0", _WIDE_SPACE, " \u2003 "])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", _WIDE_EQUALS, "\uff0b", "\uff0d", "\uff20"])
def test_nothing_that_begins_a_formula_is_one_however_wide(before: str, sign: str) -> None:
    """Spreadsheets read the wide signs of East Asian keyboards like the others."""
    text = f"{before}{sign}HYPERLINK(A1)"
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", "", "a=1", "5 - 3", "x\n=1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_numbers_are_numbers() -> None:
    assert cell(-5) == "-5"

"""Money with no, two and three decimals, and none at all, in every form a statement has (S-03, S-10, B-01)."""

import csv
import io
from typing import Any

import pytest

from services.diary.pages.formatting import DASH, money
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

WEEK = "2026-01-05"
SHEET = f"/api/v1/timesheets/con/{WEEK}"


async def _week(diary: Diary, currency: str, rate: int | None) -> None:
    """Three segments on three days: thirds of an hour, which no currency divides evenly."""
    ledger, tell = Ledger(diary.workspace), diary.teller
    await ledger.answer(diary)
    contract = tell.contract("con", "mira", currency=currency, rate_minor=rate)
    slots = [f"{WEEK[:8]}0{day}T09:10:00Z" for day in (5, 6, 7)]
    await diary.tell(tell.settings(), tell.member("mira"), contract, *(ledger.close("mira", slot) for slot in slots))


async def _get(diary: Diary, path: str, **params: str) -> Any:
    async with diary.browse("mira") as http:
        answer = await http.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("currency", "rate", "amount", "shown"),
    [
        ("JPY", 1001, 501, "JPY\u00a0501"),
        ("KWD", 12_345, 6173, "KWD\u00a06.173"),
        ("EUR", 6131, 3066, "€\u00a030.66"),
        ("EUR", 0, 0, "€\u00a00.00"),
        ("EUR", None, None, DASH),
    ],
)
async def test_an_amount_is_the_same_everywhere(
    diary: Diary, currency: str, rate: int | None, amount: int | None, shown: str
) -> None:
    """Rounded once, half up, of the whole week; its days are what each adds; not hourly is a dash and never nought."""
    await _week(diary, currency, rate)
    sheet = (await _get(diary, SHEET)).json()
    assert (sheet["amount_minor"], sheet["currency"]) == (amount, currency)
    days = [one["amount_minor"] for one in sheet["days"] if one["tracked_minutes"]]
    assert len(days) == 3
    assert days == [None] * 3 if amount is None else sum(days) == amount
    page = (await _get(diary, f"{SHEET}/statement", format="html")).text
    assert f"<dt>Amount due</dt><dd>{shown}</dd>" in page
    for one in days:
        assert (DASH if one is None else money(one, currency)) in page
    rows = csv.DictReader(
        io.StringIO((await _get(diary, f"{SHEET}/statement", format="csv")).content.decode("utf-8-sig"))
    )
    assert sum(int(row["billed_minutes"]) for row in rows) == sheet["totals"]["billable_minutes"]
    assert (await _get(diary, f"{SHEET}/statement", format="pdf")).content.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (-5, "EUR", "−€\u00a00.05"),
        (-1500, "KWD", "−KWD\u00a01.500"),
        (-7, "JPY", "−JPY\u00a07"),
        (123_456_789, "USD", "$\u00a01,234,567.89"),
    ],
)
def test_amounts_as_they_are_written(minor: int, currency: str, shown: str) -> None:
    """Less than nothing too: what an adjustment takes back."""
    assert money(minor, currency) == shown

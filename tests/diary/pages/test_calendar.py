"""The calendar of a diary: a month of days, its weeks beginning as the workspace says (V-01, W-06)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import expect

from services.diary.pages.calendar_view import STARTS, dates_of, first_of, month_view
from services.wire.slots import SLOT
from tests.diary.pages.reading import DAY, Reader
from tests.diary.pages.running import Diary
from tests.support.browser import serious

NINE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
dates = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def answer(day: date, minutes: int = 0) -> dict[str, Any]:
    return {"date": day.isoformat(), "totals": {"tracked_minutes": minutes}}


@given(dates, st.sampled_from(sorted(STARTS)), st.integers(0, 1500))
def test_every_day_of_a_month_stands_once_below_its_weekday(day: date, start: str, minutes: int) -> None:
    """W-06: whichever day weeks begin with."""
    days = dates_of(day)
    view = month_view([answer(one, minutes) for one in days], day, day, start, lambda one: one.isoformat())
    placed = [(place, cell) for week in view.weeks for place, cell in enumerate(week) if cell]
    assert [cell.href for _, cell in placed] == [one.isoformat() for one in days]
    assert all(len(week) == 7 and any(week) for week in view.weeks)
    for place, cell in placed:
        assert view.weekdays[place][1] == f"{date.fromisoformat(cell.href):%A}"
        assert 0 <= cell.share <= 1
    assert [cell.href for _, cell in placed if cell.current] == [day.isoformat()]
    assert date.fromisoformat(view.week[0]).weekday() == STARTS[start]
    assert view.week[0] <= day.isoformat() <= view.week[1]


@given(dates, st.sampled_from(sorted(STARTS)))
def test_a_week_begins_at_most_six_days_before(day: date, start: str) -> None:
    first = first_of(day, start)
    assert timedelta(0) <= day - first <= timedelta(days=6)
    assert first.weekday() == STARTS[start]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_month_has_the_times_of_its_days_and_begins_as_the_workspace_says(diary: Diary) -> None:
    """V-01, W-06: the times are those of the reader's zone; bills run from Monday to Sunday all the same (S-03)."""
    await diary.workspace_is()
    mira = await diary.member("Mira Solberg", zone="Europe/Oslo")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    for n in range(3):
        await diary.segment(mira, contract, device, NINE + n * SLOT)
    reader = diary.principal(mira)
    await diary.shows(reader, mira, "2026-11-20", 3)
    async with diary.client(reader) as http:
        text = (await http.get(f"/diary/{mira}/2026-11-22/calendar")).text
        assert re.findall(r'abbr="(\w+)"', text)[0] == "Monday"
        assert 'aria-label="Friday 20 November 2026: 30 min"' in text
        assert 'aria-label="Sunday 22 November 2026: no time" aria-current="page"' in text
        assert f'href="/diary/{mira}/2026-11-16?to=2026-11-22"' in text
        assert "November 2026" not in (await http.get(f"/diary/{mira}/2026-11-22/calendar?month=2026-10")).text[:600]
        for wrong in ("2026-13", "nonsense", "1999-12", "2026-1"):
            assert (await http.get(f"/diary/{mira}/2026-11-22/calendar?month={wrong}")).status_code == 422
        await diary.workspace_is(week_start="sunday")
        await diary.page(http, f"/diary/{mira}/2026-11-22/calendar", f"/diary/{mira}/2026-11-22?to=2026-11-28")
        text = (await http.get(f"/diary/{mira}/2026-11-22/calendar")).text
        assert re.findall(r'abbr="(\w+)"', text)[0] == "Sunday"
    async with diary.client(diary.principal(await diary.member("Else"))) as http:
        assert (await http.get(f"/diary/{mira}/2026-11-22/calendar")).status_code == 403


@pytest.mark.browser
@pytest.mark.usefixtures("quiet_console")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_day_is_chosen_by_keyboard(reader: Reader) -> None:
    """V-05: arrows go by days and weeks and on into other months; Page Up goes by months; Enter opens the day."""
    page = await reader.page()
    await page.locator("#calendar-button").press("Enter")
    focused = page.locator(".cal a:focus")
    await expect(focused).to_have_attribute("aria-current", "page")
    assert await serious(page) == []
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowLeft")
    eight_before = (date.fromisoformat(DAY) - timedelta(days=8)).isoformat()
    await expect(focused).to_have_attribute("href", re.compile(eight_before))
    month = await page.locator("#month-t").inner_text()
    await page.keyboard.press("PageUp")
    await expect(page.locator("#month-t")).not_to_have_text(month)
    await expect(focused).to_have_count(1)
    await page.locator("[data-month=after]").press("Enter")
    await expect(page.locator("#month-t")).to_have_text(month)
    await expect(page.locator("[data-month=after]")).to_be_focused()
    await page.locator(".cal a").first.press("Enter")
    await page.wait_for_url(re.compile(f"{DAY[:7]}-01"))

"""The pages as people use them: a headless Chromium on the real web process, with a strict content policy watched."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from services.wire.slots import SLOT
from tests.diary.pages.reading import DAY, SEVEN, Reader, live
from tests.support.browser import serious
from tests.support.long import unless_long

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.usefixtures("quiet_console")
]  # fmt: skip


async def test_pictures_load_lazily_and_are_pictures(reader: Reader) -> None:
    page = await reader.page()
    first = page.locator(".seg img").first
    await expect(first).to_have_attribute("loading", "lazy")
    await page.wait_for_function("() => document.querySelector('.seg img').naturalWidth === 320")
    assert await page.locator(".seg img").count() == 27


async def test_minutes_open_at_the_meter_and_close_with_focus_back(reader: Reader) -> None:
    """V-01: click the meter for the counts of each minute; fetched on first use."""
    page = await reader.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/minutes/" in request.url else None)
    meter = page.locator(".meter").first
    assert asked == []
    await meter.click()
    popover = page.locator("#minutes")
    await expect(popover).to_be_visible()
    await expect(popover.locator("tbody tr")).to_have_count(10)
    await expect(popover).to_contain_text("07:00 to 07:10")
    box, at = await popover.bounding_box(), await meter.bounding_box()
    assert box
    assert at
    assert abs(box["y"] - (at["y"] + at["height"])) < 30, "it opens at the meter"
    await page.keyboard.press("Escape")
    await expect(popover).to_be_hidden()
    await expect(meter).to_be_focused()


async def test_the_numbers_explain_themselves(reader: Reader) -> None:
    """V-05, K-03: beside the figures and under the score, by keyboard; Escape gives the focus back."""
    page = await reader.page()
    for button, shown, words in (
        (".figs .why", "#figures-why", "Past the weekly limit of its contract"),
        (".scored .link", "#score-why", "Activity, up to 60"),
    ):
        await page.locator(button).press("Enter")
        await expect(page.locator(shown)).to_be_visible()
        await expect(page.locator(shown)).to_contain_text(words)
        assert await serious(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator(shown)).to_be_hidden()
        await expect(page.locator(button)).to_be_focused()


async def test_the_keyboard_map(reader: Reader) -> None:
    """V-05: one segment in the tab order; arrows, Enter, m, brackets, t and the question mark."""
    page = await reader.page()
    assert await page.locator(".seg > .card[tabindex='0']").count() == 1
    await reader.card(page, 0).focus()
    await page.keyboard.press("ArrowRight")
    await expect(reader.card(page, 1)).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowDown")
    await expect(reader.card(page, 3)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(reader.card(page, 0)).to_be_focused()
    assert await page.locator(".seg > .card[tabindex='0']").count() == 1
    await page.keyboard.press("m")
    await expect(page.locator("#minutes")).to_contain_text("07:00 to 07:10")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await expect(reader.card(page, 0)).to_be_focused()
    await page.keyboard.press("]")
    await page.wait_for_url("**/2026-11-21")
    await page.keyboard.press("[")
    await page.wait_for_url("**/2026-11-20")
    await page.keyboard.press("t")
    await page.wait_for_url(lambda url: not url.endswith(DAY))
    assert re.search(r"/20\d\d-\d\d-\d\d$", page.url)


async def test_letters_do_nothing_in_fields_and_can_be_turned_off(reader: Reader) -> None:
    page = await reader.page()
    await page.locator("#date").focus()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_hidden()
    await page.locator("#help-button").click()
    await page.locator("#letters").uncheck()
    await page.keyboard.press("Escape")
    await page.locator(".meter").first.focus()
    await page.keyboard.press("]")
    await page.keyboard.press("m")
    await expect(page.locator("#minutes")).to_be_hidden()
    assert page.url.endswith(DAY)


async def test_one_picture_in_its_set(reader: Reader) -> None:
    """M-01: click to open, arrows go back and forward within the set, Escape goes back to the segment."""
    page = await reader.page()
    await reader.card(page, 4).click()
    await page.wait_for_url("**/captures/*")
    await expect(page.locator("h1")).to_contain_text("Friday 20 November, 08:11:30")
    await expect(page.locator(".stage img")).to_have_js_property("naturalWidth", 1280)
    await expect(page.locator("header .muted")).to_have_text(re.compile(r"Picture \d+ of \d+, set 07:01 to "))
    await expect(page.locator(".defs")).to_contain_text("statement.py")
    first = page.url
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("h1")).to_contain_text("08:15:30")
    assert page.url != first
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("h1")).to_contain_text("08:11:30")
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/2026-11-20#*")
    await expect(reader.card(page, 4)).to_be_focused()


async def test_a_selection_is_made_by_key_and_outlives_a_replaced_hour(reader: Reader) -> None:
    """V-05, S-12: x, Shift with arrows, the toolbar that says how much; a live swap loses none of it."""
    page = await reader.page()
    await live(page)
    await reader.card(page, 9).focus()
    await page.keyboard.press("x")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowRight")
    await expect(page.locator("#selected-n")).to_have_text("3 segments, 30 min")
    await expect(reader.card(page, 11)).to_be_focused()
    slot = SEVEN + timedelta(hours=3) + 3 * SLOT
    told = await reader.diary.segment(reader.member, reader.contract, reader.device, slot, memo="Late", pictures=0)
    await expect(page.locator(f"[id='s-{told['segment_id']}']")).to_be_visible()
    await expect(page.locator("#selected-n")).to_have_text("3 segments, 30 min")
    assert await page.locator(".pick :checked").count() == 3
    await expect(reader.card(page, 11)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#selected")).to_be_hidden()
    assert await page.locator(".pick :checked").count() == 0


async def test_a_locked_week_has_its_buttons_disabled_with_the_reason(reader: Reader) -> None:
    """S-06: when only the time is wrong the button stays, and says why."""
    page = await reader.page()
    await page.evaluate(
        "() => document.querySelectorAll('.pick input').forEach(box => { box.dataset.state = 'locked' })"
    )
    await reader.card(page, 0).focus()
    await page.keyboard.press("x")
    await expect(page.locator("#do-remove")).to_be_disabled()
    await expect(page.locator("#do-remove")).to_have_text("Delete: the week is locked")
    await expect(page.locator("#do-memo")).to_have_text("Memo: the week is locked")


async def test_dialogues_open_by_key_and_give_the_focus_back(reader: Reader) -> None:
    """S-08: Del says first what goes, and keeping is what Enter does; e opens the memo."""
    page = await reader.page()
    await reader.card(page, 5).focus()
    await page.keyboard.press("Delete")
    await expect(page.locator("#dialog")).to_contain_text("Delete 10 minutes and 2 pictures?")
    await expect(page.locator("#dialog [data-close]")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog")).to_be_hidden()
    await expect(reader.card(page, 5)).to_be_focused()
    await page.keyboard.press("e")
    await expect(page.locator("#f-memo")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(reader.card(page, 5)).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.type("breaks 7")
    await page.keyboard.press("Enter")
    await expect(reader.card(page, 21)).to_be_focused()


async def test_a_refused_dialogue_goes_to_the_field_that_is_wrong(reader: Reader) -> None:
    """V-05: and not to the one that it begins with."""
    page = await reader.page()
    await reader.card(page, 24).focus()
    await page.keyboard.press("e")
    await expect(page.locator("#f-memo")).to_be_focused()
    again = '<form><input aria-label="From" autofocus><input aria-label="To" aria-invalid="true"></form>'
    await page.route("**/note*", lambda route: route.fulfill(status=422, content_type="text/html", body=again))
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog").get_by_label("To")).to_be_focused()
    reader.said.clear()  # Chromium itself names the refused request in the console


async def test_a_day_around_the_clock_does_not_scroll_sideways_either(reader: Reader) -> None:
    """V-05: the ribbon names up to 25 hours (a day with a clock change)."""
    page = await reader.page(where(reader, "day"), width=390)
    await page.evaluate(
        "() => { document.querySelector('.hrs').innerHTML ="
        " [...Array(25).keys()].map(hour => `<span>${String(hour % 24).padStart(2, '0')}</span>`).join('') }"
    )
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= 390


PAGES = ("day", "empty", "picture", "sign-in", "range", "timesheet", "contracts", "contract", "captures")


def where(reader: Reader, path: str) -> str:
    return {
        "day": f"/diary/{reader.member}/{DAY}",
        "empty": f"/diary/{reader.member}/2020-02-03",
        "picture": f"/diary/{reader.member}/{DAY}/captures/{reader.details[4]['captures'][0]['capture_id']}",
        "sign-in": "/sign-in",
        "range": f"/diary/{reader.member}/2026-11-16?to=2026-11-22",
        "timesheet": f"/timesheets/{reader.member}?week=2026-11-16",
        "captures": f"/captures/{reader.member}/{DAY}",
        "contracts": "/contracts",
        "contract": f"/contracts/{reader.contract}",
    }[path]


SEEN = unless_long(
    [
        *(("day", 390, "dark"), ("empty", 390, "light"), ("picture", 390, "dark"), ("sign-in", 390, "light")),
        *(("range", 390, "dark"), ("timesheet", 390, "light"), ("contracts", 390, "dark"), ("contract", 390, "light")),
        *(("captures", 390, "dark"), ("day", 1440, "light"), ("timesheet", 1440, "dark")),
    ],
    [(path, width, scheme) for path in PAGES for width in (390, 1440) for scheme in ("light", "dark")],
)


@pytest.mark.parametrize(("path", "width", "scheme"), SEEN)
async def test_a_page_can_be_used_by_everybody(reader: Reader, path: str, width: int, scheme: str) -> None:
    """V-05: nothing scrolls sideways, on a phone either, and axe finds nothing serious, in either scheme."""
    page = await reader.page(where(reader, path), width=width, color_scheme=scheme)
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= width
    if path == "day" and scheme == "light":
        await page.locator(".meter").first.click()
        await expect(page.locator("#minutes")).to_be_visible()
    elif path == "day":
        await reader.card(page, 4).focus()
        await page.keyboard.press("e")
        await expect(page.locator("#dialog")).to_be_visible()
    assert await serious(page) == []


async def test_hostile_text_is_shown_and_never_run(reader: Reader) -> None:
    memo = "<script>document.title='owned'</script>"
    day = "2026-11-19"
    slot = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
    await reader.diary.segment(
        reader.member, reader.contract, reader.device, slot, memo=memo, app="<img src=x onerror=alert(1)>"
    )
    await reader.diary.shows(reader.principal, reader.member, day, 1)
    page = await reader.page(f"/diary/{reader.member}/{day}")
    await expect(page.locator(".memo-t")).to_have_text(memo)
    await expect(page.locator(".app-n")).to_have_text("<img src=x onerror=alert(1)>")
    assert "owned" not in await page.title()


async def test_a_fragment_that_fails_says_so_in_its_place(reader: Reader) -> None:
    page = await reader.page()
    await page.route("**/minutes/**", lambda route: route.fulfill(status=503, body=""))
    await page.locator(".meter").first.click()
    await expect(page.locator("#minutes .note.bad")).to_contain_text("Nothing was lost")
    reader.said.clear()  # Chromium itself names the failed request in the console


async def test_reduced_motion_moves_nothing(reader: Reader) -> None:
    page = await reader.page(reduced_motion="reduce")
    moving = "() => document.getAnimations().length"
    assert await page.evaluate(moving) == 0


async def test_signing_in_by_hand(reader: Reader) -> None:
    """W-01: the error stands at its field, and the way leads to where the reader wanted to be."""
    answer = {
        "token": reader.diary.token(reader.principal), "member": reader.member, "workspace": reader.diary.workspace,
        "name": "Mira Solberg", "role": "employee", "workspaces": [],
    }  # fmt: skip
    reader.diary.neighbours.accounts["mira@norrvik.example"] = ("correct horse", answer)
    page = await reader.page("/sign-in")
    await page.context.clear_cookies()
    await page.goto(f"{reader.diary.url}/diary/{reader.member}/{DAY}")
    assert "/sign-in?next=" in page.url
    await page.get_by_label("E-mail").fill("mira@norrvik.example")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    field = page.get_by_label("Password")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(re.compile("do not match"))
    await field.fill("correct horse")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/{DAY}")
    await page.locator(".ws").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    reader.diary.neighbours.ended.clear()
    reader.said.clear()  # Chromium names the 401 of the wrong password in the console

"""An open day stays true, in a headless Chromium: what is told appears, and what was not heard is read all the same."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, Request, Route, expect

from services.wire.slots import SLOT
from tests.diary.pages.reading import DAY, SEVEN, Reader, live
from tests.diary.running import settled, until
from tests.support.proxy import Proxy

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.usefixtures("quiet_console")
]  # fmt: skip


async def test_a_new_segment_appears_without_reload_and_moves_nothing(reader: Reader) -> None:
    """V-01: live. The reader's scroll and focus stay where they are while an hour above them grows."""
    page = await reader.page()
    await live(page)
    await page.evaluate("() => { window.untouched = true; }")
    focused = reader.card(page, 20)
    await focused.scroll_into_view_if_needed()
    await focused.focus()
    before = await focused.evaluate("element => element.getBoundingClientRect().top")
    slot = SEVEN + 3 * SLOT
    told = await reader.diary.segment(
        reader.member, reader.contract, reader.device, slot, memo="Arrived live", stored=False
    )
    arrived = page.locator(f"[id='s-{told['segment_id']}']")
    await expect(arrived).to_have_attribute("aria-label", re.compile("picture on its way"))
    assert await page.evaluate("() => window.untouched"), "the page was not loaded anew"
    assert await focused.evaluate("element => element === document.activeElement")
    after = await focused.evaluate("element => element.getBoundingClientRect().top")
    assert abs(after - before) < 2, "what the reader looks at stays where it is"
    await expect(page.locator("#said")).to_have_text(re.compile(r"The day now: .* billable, 28 segments\."))
    await reader.diary.stored(reader.member, reader.device, told["captures"])
    await expect(arrived.locator("img")).to_be_attached()
    await expect(arrived).to_have_attribute("href", re.compile("/captures/"))


async def test_a_new_hour_takes_its_place_and_the_focus_in_a_replaced_row_is_kept(reader: Reader) -> None:
    page = await reader.page()
    await live(page)
    focused = reader.card(page, 26)
    await focused.focus()
    for slot in (SEVEN + timedelta(hours=9), SEVEN + timedelta(hours=8, minutes=30)):
        told = await reader.diary.segment(reader.member, reader.contract, reader.device, slot)
        await expect(page.locator(f"[id='s-{told['segment_id']}']")).to_be_visible()
    assert await page.evaluate("() => document.activeElement.id") == f"s-{reader.details[26]['segment_id']}"
    shown = await page.locator(".hour:not([hidden]) .hour-t").all_inner_texts()
    assert [text[:5] for text in shown] == [f"{hour:02}:00" for hour in range(7, 17)]


async def test_a_memo_saved_in_its_dialogue_is_on_the_page_at_once(reader: Reader) -> None:
    """S-04, V-01: no reload; the words are said in a toast."""
    page = await reader.page()
    await live(page)
    await reader.card(page, 24).focus()
    await page.keyboard.press("e")
    await page.locator("#f-memo").fill("Written by hand")
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog")).to_be_hidden()
    await expect(page.locator(".run", has=reader.card(page, 24)).locator(".memo-t")).to_have_text("Written by hand")
    await expect(page.locator("#toasts")).to_contain_text("Changed 1 segment.")
    await expect(reader.card(page, 24)).to_be_focused()


async def test_a_page_that_hears_nothing_says_how_old_it_is(reader: Reader) -> None:
    """Stale after 30 s without an update; the clock of the browser is moved, nobody waits."""
    context = await reader.context()
    page = await context.new_page()
    await page.clock.install()
    await page.goto(f"{reader.diary.url}/diary/{reader.member}/{DAY}")
    await live(page)
    await expect(page.locator("#stale")).to_be_hidden()
    await context.set_offline(True)
    await page.clock.fast_forward(41_000)
    await expect(page.locator("#stale")).to_contain_text(re.compile(r"No update for 4\d s"))
    await expect(page.locator(".seg").first).to_be_visible()


@pytest.mark.parametrize("over", [False, True], ids=["the stream is away", "the session is over"])
async def test_a_page_that_hears_nothing_asks(reader: Reader, over: bool) -> None:
    """What a dead stream did not say is read all the same, and whose session is over is led to sign in (W-01)."""
    context = await reader.context()
    page = await context.new_page()
    await page.clock.install()
    await page.route("**/live", lambda route: route.abort())
    await page.goto(f"{reader.diary.url}/diary/{reader.member}/{DAY}")
    if over:
        await context.clear_cookies()
    async with page.expect_response("**/changes*") as answered:
        await page.clock.fast_forward(31_000)
    assert (await answered.value).status == (401 if over else 200)
    if over:
        await page.wait_for_url("**/sign-in*")
    else:
        await expect(page.locator("#stale")).to_be_hidden()
    reader.said.clear()  # Chromium itself names the failed requests in the console


async def write_memo(reader: Reader, page: Page, index: int, words: str) -> None:
    """By hand, in the dialogue."""
    await reader.card(page, index).focus()
    await page.keyboard.press("e")
    await page.locator("#f-memo").fill(words)
    await page.keyboard.press("Enter")


def memo(reader: Reader, page: Page, index: int) -> Locator:
    return page.locator(".run", has=reader.card(page, index)).locator(".memo-t")


async def test_a_dialogue_that_is_answered_at_once_is_heard(reader: Reader) -> None:
    """S-04: who is quicker than the page had their words sent by the browser itself: lost, and in the address."""
    page = await reader.page()
    await page.evaluate("() => { window.untouched = true; }")
    await page.evaluate(
        """() => document.getElementById("dialog").addEventListener("htmx:afterSwap", () => setTimeout(() => {
            document.getElementById("f-memo").value = "Quicker than the page";
            document.getElementById("f-memo").form.requestSubmit();
        }), { once: true })"""
    )
    await reader.card(page, 25).focus()
    await page.keyboard.press("e")
    await expect(memo(reader, page, 25)).to_have_text("Quicker than the page")
    assert await page.evaluate("() => window.untouched"), "the page was not left"


async def test_ones_own_change_is_shown_where_the_stream_says_nothing(reader: Reader) -> None:
    """S-04, V-01: the page asks for what it changed, whatever became of the stream."""
    page = await reader.page("/sign-in")
    await page.route("**/live", lambda route: route.abort())
    await page.goto(f"{reader.diary.url}/diary/{reader.member}/{DAY}")
    await write_memo(reader, page, 22, "Written into silence")
    await expect(memo(reader, page, 22)).to_have_text("Written into silence", timeout=15_000)  # before it asks anyway
    reader.said.clear()  # Chromium itself names the streams that are not there


async def test_the_whole_day_that_was_wanted_while_an_answer_was_on_its_way_is_asked_for(reader: Reader) -> None:
    """V-01: the stream came back while an hour was being fetched; what it had not said is read all the same."""
    page = await reader.page()
    await live(page)
    asked: list[Request] = []
    held: list[Route] = []

    async def hold(route: Route) -> None:
        asked.append(route.request)
        if len(asked) == 1:
            held.append(route)
        else:
            await route.continue_()

    await page.route("**/changes*", hold)
    slot = SEVEN + timedelta(hours=1) + 3 * SLOT
    await reader.diary.segment(reader.member, reader.contract, reader.device, slot, stored=False)
    await until(lambda: held)
    assert "hours=" in asked[0].url
    await page.evaluate("() => htmx.trigger('#live', 'htmx:sseOpen')")
    await held[0].continue_()
    await until(lambda: len(asked) > 1)
    assert "hours=" not in asked[1].url, "all of them, for nobody knows what was missed"


async def test_the_web_that_was_away_is_found_again(reader: Reader) -> None:
    """V-01: and what came meanwhile is on the page, without a reload."""
    diary = reader.diary
    async with Proxy(diary.url) as way:
        page = await reader.page("/sign-in")
        await page.goto(f"{way.url}/diary/{reader.member}/{DAY}")
        await live(page)
        await page.evaluate("() => { window.untouched = true; }")
        async with diary.without_web():
            way.cut()
            slot = SEVEN + timedelta(hours=2) + 3 * SLOT
            told = await diary.segment(reader.member, reader.contract, reader.device, slot)
            await settled(diary.bus)  # so nothing of it is left to be told
        way.lead_to(diary.url)
        await expect(page.locator(f"[id='s-{told['segment_id']}']")).to_be_visible()
        assert await page.evaluate("() => window.untouched")
        await page.close()
    reader.said.clear()  # Chromium itself names the streams that broke off


_IMPATIENT = """() => {
    addEventListener("htmx:configRequest", ({ detail }) => {
        window.patience = detail.timeout;
        if (detail.timeout) detail.timeout = 200; // of a dead connection there is nothing to wait for
    });
    addEventListener("htmx:sseOpen", () => { window.heard = true; });
}"""


async def test_a_page_that_slept_wakes_up(reader: Reader) -> None:
    """V-01: its timers stood still and its connections died without a word; it reads what it missed and hears again."""
    diary = reader.diary

    async def recorded(n: int) -> Locator:
        slot = SEVEN + timedelta(hours=n) + 4 * SLOT
        told = await diary.segment(reader.member, reader.contract, reader.device, slot)
        await settled(diary.bus)
        return page.locator(f"[id='s-{told['segment_id']}']")

    async def hears() -> bool:
        await page.clock.fast_forward(31_000)
        return bool(await page.evaluate("() => window.heard"))

    async with Proxy(diary.url) as way:
        page = await (await reader.context()).new_page()
        await page.clock.install()
        await page.goto(f"{way.url}/diary/{reader.member}/{DAY}")
        await live(page)
        await page.evaluate(_IMPATIENT)
        await page.clock.pause_at(await page.evaluate("() => Date.now() + 1000"))
        way.fall_silent()
        missed = await recorded(3)
        await page.clock.fast_forward("08:00:00")
        await page.clock.resume()
        await until(hears)
        await expect(missed).to_be_visible()
        assert 0 < await page.evaluate("() => window.patience") <= 30_000
        await expect(await recorded(5)).to_be_visible(timeout=15_000)  # before it asks of itself
        await page.close()

"""Somebody who reads a full day of theirs in a headless Chromium."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from services.wire.slots import SLOT
from tests.diary.pages.running import Diary

DAY = "2026-11-20"
SEVEN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
"""07:00 in Oslo."""


class Reader:
    """Mira, a full day of hers, and a browser in which she is signed in; what its console says is kept."""

    def __init__(self, diary: Diary, browser: Browser) -> None:
        self.diary, self._browser = diary, browser
        self.said: list[str] = []
        self._open: list[BrowserContext] = []
        self._usual: BrowserContext

    async def settle_in(self) -> "Reader":
        diary = self.diary
        await diary.workspace_is()
        self.member = await diary.member("Mira Solberg", team="t-web")
        self.contract = await diary.contract(self.member, "Halden portal")
        self.device = await diary.device(self.member)
        self.principal = diary.principal(self.member)
        self.details = []
        for hour in range(9):
            for n in range(3):
                slot = SEVEN + timedelta(hours=hour) + n * SLOT
                memo = f"Page breaks {hour}" if hour % 3 else None
                told = await diary.segment(self.member, self.contract, self.device, slot, memo=memo, pictures=2)
                self.details.append(told)
        await diary.shows(self.principal, self.member, DAY, 27, 54)
        self._usual = await self._browser.new_context()
        return self

    async def context(self) -> BrowserContext:
        """One of the test's own."""
        context = await self._browser.new_context(viewport={"width": 1440, "height": 900})
        self._open.append(context)
        await self._sign_in(context)
        return context

    async def _sign_in(self, context: BrowserContext) -> None:
        token = self.diary.token(self.principal)
        await context.add_cookies([{"name": "daybook_session", "value": token, "url": self.diary.url}])

    async def page(self, path: str = "", width: int = 1440, **media: Any) -> Page:
        """A tab in the browser that all tests share: what pages have in common is fetched once."""
        await self._usual.clear_cookies()
        await self._sign_in(self._usual)
        page = await self._usual.new_page()
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(**media)
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        await page.goto(f"{self.diary.url}{path or f'/diary/{self.member}/{DAY}'}")
        return page

    async def close(self) -> None:
        """Leaves all pages, and nothing behind."""
        for page in self._usual.pages:
            await page.evaluate("() => localStorage.clear()")
            await page.close()
        while self._open:
            await self._open.pop().close()

    def card(self, page: Page, index: int) -> Any:
        return page.locator(f"[id='s-{self.details[index]['segment_id']}']")


async def live(page: Page) -> None:
    """The page hears the live stream."""
    await page.wait_for_function("() => document.getElementById('live').dataset.open === 'yes'")

"""A headless Chromium for tests, and what axe says of a page."""

import contextlib
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.servers import ROOT

#: The shell draws the same pages, without the windows that a browser manages unseen: a quarter of a page's CPU.
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
#: One process draws all pages, without a graphics card to imitate: half the CPU of a page's first sight.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", "--renderer-process-limit=1"]
expect.set_options(timeout=30_000)  # as long as everything else of a page; five seconds are short on a busy machine
_AXE = ROOT / "services/diary/node_modules/axe-core/axe.min.js"
_RUN = """async () => (await axe.run(document, {
    resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']
})).violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(one =>
    `${one.id}: ${one.help}: ${one.nodes[0].html.slice(0, 200)} ${(one.nodes[0].failureSummary || '').slice(0, 300)}`)
"""


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser while the context lasts; the test is skipped where none is installed."""
    if _CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    async with async_playwright() as play:
        launched = await play.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield launched
        await launched.close()


async def serious(page: Page) -> list[str]:
    """Axe's serious findings on a page, of WCAG 2.2 AA and good practice (V-05)."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = await page.evaluate(_RUN)
    return found

"""V-01, B-07: from a device's segment and picture to the page of who reads it, through every real service."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from tests.support.browser import chromium
from tests.support.pictures import webp
from tests.support.stack import Stack
from tests.support.stranger import busy, slot_before, text_of, today

pytestmark = pytest.mark.browser


async def test_a_segment_and_its_picture_appear_while_somebody_reads(stack: Stack) -> None:
    """The owner signs in by form and opens the member's day; time and picture arrive without a reload."""
    device, owner = await stack.device(), stack.account("owner")
    slot = slot_before(today(), 3)
    picture, thumbnail = webp(640, 360), webp(320, 180)
    capture = device.capture(picture, slot + timedelta(minutes=4), 640, 360)
    try:
        async with chromium() as browser:
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
            await page.goto(f"{stack.web}/diary/{device.member}/{text_of(slot)[:10]}?zone=UTC")
            await page.get_by_label("E-mail").fill(owner["email"])
            await page.get_by_label("Password").fill(owner["password"])
            await page.get_by_role("button", name="Sign in", exact=True).click()
            await page.wait_for_url("**/diary/**")
            await page.wait_for_function("() => document.getElementById('live').dataset.open === 'yes'")
            await device.publish(device.record(slot, busy(), memo="<script>x</script>", captures=[capture]))
            segment = device.closed[-1].segment_id
            card = page.locator(f"[id='s-{segment}']")
            await expect(card).to_have_attribute("aria-label", re.compile("picture on its way"), timeout=30_000)
            assert (await device.send_picture(capture, picture, thumbnail))["state"] == "stored"
            await expect(card.locator("img")).to_be_attached(timeout=30_000)
            await card.scroll_into_view_if_needed()
            await expect(card.locator("img")).to_have_js_property("naturalWidth", 320, timeout=30_000)
            await expect(page.locator(".memo-t", has_text="<script>").first).to_be_visible()
            await card.click()
            await expect(page.locator(".stage img")).to_have_js_property("naturalWidth", 640, timeout=30_000)
            assert said == []
    finally:
        await device.close()

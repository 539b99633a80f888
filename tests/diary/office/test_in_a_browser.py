"""The back office as people use it: a headless Chromium on real services, its content policy and axe watched."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.diary.office.crowd import crowd
from tests.diary.office.running import Office
from tests.licensing.support import Acme
from tests.support.browser import serious

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(office: Office, acme: Acme, browser: Browser) -> AsyncIterator[Page]:
    """Adam's browser; what its console says is an error of the pages."""
    answer = await office.web.sign_in(acme, "adam")
    said: list[str] = []
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    await context.add_cookies([{"name": "daybook_session", "value": answer.json()["token"], "url": office.url}])
    page = await context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    await context.close()
    assert said == []


async def test_from_a_policy_to_a_computer_that_says_why_it_is_silent(office: Office, acme: Acme, page: Page) -> None:
    """G-01, L-01, L-04, L-05, V-03: written, read, issued, activated, suspended, and the reason stands there."""
    await page.goto(f"{office.url}/policies/new")
    words = page.locator("#words")
    await expect(words).to_contain_text("Screenshots: not recorded.")
    await page.get_by_label("Take screenshots").check()
    await expect(words).to_contain_text("1 picture in ten minutes")  # before it has a name
    await page.get_by_label("Name").fill("Client work")
    await page.get_by_label("In ten minutes").fill("3")
    await expect(words).to_contain_text("3 pictures in ten minutes, 18 an hour")
    await page.get_by_text("Monitoring", exact=True).click()
    await expect(words).to_contain_text("until it shuts down")
    await page.get_by_role("button", name="Make policy").click()
    await expect(page.get_by_role("heading", name="Client work")).to_be_visible()

    await page.goto(f"{office.url}/licences/new")
    await expect(page.get_by_label("Or a shared computer")).to_be_hidden()
    await page.get_by_label("Member", exact=True).select_option(label="Emil")
    await page.get_by_label("Policy", exact=True).select_option(label="Client work, version 1")
    await page.get_by_role("button", name="Issue it, and show the key").click()
    key = await page.locator("#key").inner_text()
    device = await office.device(key)
    try:
        await page.get_by_role("link", name="Go to the licence").click()
        drawer = page.locator(".drawer")
        await expect(drawer).to_contain_text("18 an hour")
        await expect(drawer).to_contain_text("stranger")
        await drawer.get_by_text("Suspend", exact=True).click()
        await expect(drawer).to_contain_text("No seat is lost")
        await drawer.get_by_role("button", name="Suspend it").click()
        await expect(page.locator("#toasts")).to_contain_text("nothing is recorded until you resume it")
        await expect(drawer).to_contain_text("Its licence is suspended")
        await page.goto(f"{office.url}/devices")
        row = page.get_by_role("row", name=re.compile("stranger"))
        await expect(row).to_contain_text("Its licence is suspended")
        await row.get_by_role("link", name="Resume it").click()
        await expect(drawer.get_by_role("button", name="Resume")).to_be_visible()
    finally:
        await device.close()


async def test_what_saving_would_do_is_said_beside_the_form(office: Office, acme: Acme, page: Page) -> None:
    """G-01: while one still types."""
    policy = str(acme.answer["licences"][1]["policy"])
    await page.goto(f"{office.url}/policies/{policy}/edit")
    await page.get_by_role("checkbox", name="Camera snapshots").check()
    await expect(page.locator("#told")).to_contain_text("1 member will get a notice before anything new is captured.")


async def test_every_page_can_be_used_by_everybody(office: Office, acme: Acme, page: Page) -> None:
    """V-05: no serious finding of axe, and nothing wider than a phone."""
    policy, licence = str(acme.answer["licences"][1]["policy"]), (await acme.read("olga", "licences"))[0]["id"]
    device = (await acme.read("olga", "devices"))[0]["id"]
    paths = ["/policies", f"/policies/{policy}", f"/policies/{policy}/edit", "/profiles", "/profiles/new"]
    paths += [f"/licences/{licence}", "/licences/new", "/devices", f"/devices/{device}", "/notices", "/audit"]
    await page.set_viewport_size({"width": 390, "height": 900})
    for path in paths:
        await page.goto(f"{office.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert await serious(page) == [], path


async def test_somebody_of_very_many_is_found_by_keyboard(office: Office, browser: Browser) -> None:
    """V-05: typed, chosen with the arrows, and sent with the return key from another field."""
    acme = await office.acme()
    await crowd(office, acme, 150)
    answer = await office.web.sign_in(acme, "adam")
    cookie = {"name": "daybook_session", "value": answer.json()["token"], "url": office.url}
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    await context.add_cookies([cookie])  # type: ignore[list-item]
    large = await context.new_page()
    await large.goto(f"{office.url}/licences/new")
    await large.get_by_label("Member", exact=True).fill("lisa")
    matches = large.get_by_label("Member, matches")
    await expect(matches.locator("option")).to_have_count(2)
    await expect(large.get_by_role("status").filter(has_text="1 match")).to_be_visible()
    assert await serious(large) == []
    late = asyncio.Event()  # an answer that comes after somebody was chosen takes nothing away

    async def wait(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await context.route("**/choices/**", wait)
    await large.get_by_label("Member", exact=True).press("Enter")  # searches, and issues nothing
    await expect(large.get_by_role("heading", name="Issue a licence")).to_be_visible()
    await matches.focus()
    await matches.press("End")
    late.set()
    await context.unroute_all(behavior="wait")
    await expect(matches).to_have_value(acme.member("lisa"))
    await large.get_by_label("Seats").press("Enter")
    await expect(large.locator("#key")).to_be_visible()
    await context.close()

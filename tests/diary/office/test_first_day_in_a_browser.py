"""The first day of a workspace, as its people live it: one journey in a headless Chromium, each page checked by axe."""

import re
import secrets

import pytest
from playwright.async_api import Browser, Page, expect

from tests.diary.office.running import Office
from tests.support.browser import serious

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(300)]

PASSWORD = "a horse of another colour"


class Person:
    """Somebody at a browser of their own; what its console says is kept."""

    def __init__(self, office: Office, browser: Browser) -> None:
        self.office, self._browser = office, browser
        self.said: list[str] = []

    async def __aenter__(self) -> "Person":
        address = f"198.19.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        self.context = await self._browser.new_context(extra_http_headers={"x-forwarded-for": address})
        self.page = await self.context.new_page()
        self.page.on("console", lambda one: self.said.append(one.text) if one.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.context.close()
        assert [one for one in self.said if "status of 4" not in one] == []

    async def goes_to(self, path: str) -> Page:
        await self.page.goto(f"{self.office.url}{path}")
        return self.page

    async def fills(self, **fields: str) -> None:
        for name, value in fields.items():
            await self.page.locator(f"main [name={name}]").fill(value)

    async def presses(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def looks(self) -> None:
        """Wide and on a phone: nothing sticks out, and axe finds nothing serious (V-05)."""
        for width in (390, 1440):
            await self.page.set_viewport_size({"width": width, "height": 900})
            over = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{self.page.url} is {over} px too wide at {width}"
        assert await serious(self.page) == [], self.page.url


async def _signs_up(olga: Person, email: str) -> None:
    await olga.goes_to("/sign-in")
    await olga.page.get_by_role("link", name="New workspace").click()
    await olga.fills(name="Olga Brandt", email=email, password=PASSWORD, workspace="Harbour Studio")
    await olga.looks()
    await olga.presses("Sign up")
    await expect(olga.page.get_by_role("heading")).to_have_text("Look into your mail")
    token = await olga.office.mails.token(email, "Confirm")
    await olga.goes_to(f"/sign-up/verify?token={token}")
    await olga.looks()
    await olga.presses("Confirm and make the workspace")
    await expect(olga.page.get_by_role("status")).to_contain_text("Your address is confirmed")
    await olga.fills(email=email, password="wrong password")
    await olga.presses("Sign in")
    await expect(olga.page.get_by_label("Password", exact=True)).to_be_focused()
    await olga.looks()
    await olga.fills(password=PASSWORD)
    await olga.presses("Sign in")
    await olga.page.wait_for_url(re.compile("/diary/"))


async def _invites(olga: Person, email: str) -> None:
    await olga.goes_to("/people")
    await expect(olga.page.get_by_role("heading", name="You are the only one here")).to_be_visible()
    await olga.looks()
    await olga.page.get_by_role("link", name="Invite member").first.click()
    await olga.fills(name="Bo Berg", email=email)
    await olga.looks()
    await olga.presses("Invite")
    await expect(olga.page.locator("#toasts")).to_contain_text("Bo Berg is invited")
    await olga.page.get_by_role("button", name="Close", exact=True).click()
    await expect(olga.page.locator("#toasts .toast")).to_have_count(0)


async def _accepts(bo: Person, email: str) -> None:
    token = await bo.office.mails.token(email, "invites you")
    await bo.goes_to(f"/invitations/accept?token={token}")
    await bo.fills(password=PASSWORD)
    await bo.looks()
    await bo.presses("Accept")
    await bo.fills(email=email, password=PASSWORD)
    await bo.presses("Sign in")
    await bo.page.wait_for_url(re.compile("/diary/"))
    await expect(bo.page.locator(".nav")).not_to_contain_text("People")
    answer = await bo.page.goto(f"{bo.office.url}/settings")
    assert answer
    assert answer.status == 403
    await expect(bo.page.get_by_role("heading")).to_have_text("Your role does not allow this.")


async def _brings_a_file(olga: Person, tag: str) -> None:
    rows = [f"person{n}-{tag}@example.test,Person {n},employee" for n in range(30)]
    content = "\n".join(["email,name,role", *rows, "nobody,Nobody,", f"x-{tag}@example.test,X,supervisor"])
    await olga.goes_to("/people/import")
    await olga.looks()
    await olga.page.get_by_label("File").set_input_files(
        {"name": "autumn.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    await olga.presses("Upload")
    done = olga.page.locator("#import")
    await expect(done).to_contain_text("All lines are read.", timeout=20_000)
    await expect(done.locator("dd")).to_have_text(["30", "2"])
    await expect(done.locator("tbody tr")).to_have_count(2)
    await olga.looks()
    await olga.goes_to("/people")
    await olga.page.get_by_label("Search people").fill("person 29")
    await expect(olga.page.locator("#list tbody tr")).to_have_count(1)
    assert "q=person" in olga.page.url, "what was searched for can be sent to somebody"


async def _makes_a_team(olga: Person) -> None:
    await olga.goes_to("/teams")
    await olga.fills(name="Design")
    await olga.presses("Create team")
    await olga.looks()
    await olga.goes_to("/people?q=Bo")
    await olga.page.get_by_role("link", name="Bo Berg").last.click()
    await olga.page.get_by_text("Edit", exact=True).click()
    await olga.page.get_by_label("Team", exact=True).last.select_option(label="Design")
    await olga.looks()
    await olga.presses("Save")
    await expect(olga.page.locator("#opened")).to_contain_text("Design")
    await olga.goes_to("/teams")
    await expect(olga.page.locator("tbody tr").first).to_contain_text("Design1")


async def test_the_first_day(office: Office, browser: Browser) -> None:
    """W-01, W-03, W-04: sign up, read the mail, invite, accept, bring a file with bad lines, make a team."""
    tag = secrets.token_hex(4)
    async with Person(office, browser) as olga, Person(office, browser) as bo:
        await _signs_up(olga, f"olga-{tag}@example.test")
        await _invites(olga, f"bo-{tag}@example.test")
        await _accepts(bo, f"bo-{tag}@example.test")
        await _brings_a_file(olga, tag)
        await _makes_a_team(olga)
        for path in ("/account", "/workspaces", "/clients", "/clients/new", "/settings", "/mails", "/diaries"):
            await olga.goes_to(path)
            await olga.looks()


async def test_the_frame_by_keyboard_and_on_a_phone(office: Office, browser: Browser) -> None:
    """V-05: skip link, the profile menu, and behind *More* what the bottom bar has no room for."""
    acme = await office.acme()
    async with Person(office, browser) as adam:
        await adam.goes_to("/sign-in?next=/people")
        await adam.fills(email=acme.email("adam"), password="correct horse battery")
        await adam.page.keyboard.press("Enter")
        await expect(adam.page.get_by_role("heading", name="People")).to_be_visible()
        await adam.page.keyboard.press("Tab")
        await expect(adam.page.get_by_role("link", name="Skip to content")).to_be_focused()
        for _ in range(2):
            await adam.page.keyboard.press("Tab")
        await adam.page.keyboard.press("Enter")
        menu = adam.page.locator("#ws-menu")
        await expect(menu).to_be_visible()
        await expect(menu).to_contain_text(acme.answer["name"])
        assert await serious(adam.page) == []
        await adam.page.keyboard.press("Escape")
        await expect(menu).to_be_hidden()
        await adam.page.set_viewport_size({"width": 390, "height": 844})
        assert await adam.page.locator(".nav li:visible").count() == 5
        await adam.presses("More")
        more = adam.page.locator("#more")
        await expect(more).to_be_visible()
        box = await more.bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844
        assert await serious(adam.page) == []
        await more.get_by_role("link", name="Settings").click()
        await expect(adam.page.get_by_role("heading", name="Settings")).to_be_visible()

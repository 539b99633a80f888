"""The diary's web origin before the licensing service, both real, as browsers and programs meet them."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from services.diary import app
from services.diary.settings import DiarySettings
from tests.diary.running import served
from tests.licensing.support import PASSWORD, Acme, Licensing
from tests.support import documented


class Web:
    """A web replica at ``url``."""

    def __init__(self, licensing: Licensing) -> None:
        self.licensing = licensing
        self.url = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Web"]:
        environment = self.licensing.installation.environment("diary", mongo_prefix=self.licensing.prefix)
        values = {name.removeprefix("DAYBOOK_").lower(): value for name, value in environment.items()}
        web = app.build(DiarySettings(**values))  # type: ignore[arg-type]
        self.edge = web.state.edge
        async with served(web) as self.url:
            yield self

    def browse(self, address: str = "", **headers: str) -> httpx.AsyncClient:
        """A program without cookies, at an address."""
        given = {"X-Forwarded-For": address} if address else {}
        hooks = {"response": [documented.hold]}
        return httpx.AsyncClient(
            base_url=self.url, headers=given | headers, timeout=20, cookies=NoCookies(), event_hooks=hooks
        )

    async def sign_in(self, acme: Acme, who: str, **more: Any) -> httpx.Response:
        """The answer of a sign-in of a seeded person."""
        async with self.browse(more.pop("from_address", "")) as http:
            body = {"email": acme.email(who), "password": PASSWORD} | more
            return await http.post("/api/v1/sessions", json=body)

    @contextlib.asynccontextmanager
    async def person(self, acme: Acme, who: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client signed in as a seeded person."""
        answer = await self.sign_in(acme, who, **more)
        assert answer.is_success, answer.text
        async with self.browse(more.get("from_address", "")) as http:
            http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield http


class NoCookies(httpx.Cookies):
    """Keeps none, so that only the token speaks for somebody."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass

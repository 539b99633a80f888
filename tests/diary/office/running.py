"""The back office on real services in this process: licensing and its mails, ingest, projector, web."""

import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import httpx

from services.diary import projector
from services.diary.settings import DiarySettings
from services.ingest import app as ingest
from tests.diary.running import until
from tests.licensing.mailbox import Mailbox
from tests.licensing.support import PASSWORD, Acme, Licensing
from tests.licensing.web import Web
from tests.support.servers import Installation, drop_databases, new_id
from tests.support.stranger import Stranger


class Office:
    """``url`` is the web's, ``mails`` what was sent; ``acme`` a seeded workspace of which the projector has heard."""

    def __init__(self, installation: Installation, mongo_prefix: str) -> None:
        self.installation, self.prefix = installation, mongo_prefix
        self.mails = Mailbox()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Office"]:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self.mails)
            self.licensing = Licensing(self.installation, self.prefix, smtp_url=self.mails.url)
            self.web = Web(self.licensing)
            stack.push_async_callback(self.licensing.stop)
            await self.licensing.start()
            await self.licensing.open()
            settings = DiarySettings(**self._values("projector"))
            await stack.enter_async_context(projector.build(settings).running())
            await stack.enter_async_context(ingest.build(ingest.IngestSettings(**self._values("ingest"))).running())
            await stack.enter_async_context(self.web.running())
            self.url = self.web.url
            yield self

    def _values(self, service: str) -> dict[str, Any]:
        environment = self.installation.environment(service, mongo_prefix=self.prefix)
        return {name.removeprefix("DAYBOOK_").lower(): value for name, value in environment.items()}

    async def acme(self, **more: Any) -> Acme:
        """A seeded workspace, once its people are known to the diary."""
        acme = await self.licensing.seed(**more)
        people = self.web.edge.people

        async def known() -> bool:
            people._known.clear()
            return (
                len(await people.members(acme.workspace)) >= 7 and (await people.workspace(acme.workspace)).name != ""
            )

        await until(known)
        return acme

    @contextlib.asynccontextmanager
    async def browser(self, acme: Acme, who: str) -> AsyncIterator["Browsing"]:
        """Somebody signed in by cookie, as a browser is."""
        async with self.stranger() as browsing:
            await browsing.sign_in(acme.email(who))
            yield browsing

    @contextlib.asynccontextmanager
    async def stranger(self) -> AsyncIterator["Browsing"]:
        """Nobody yet, at an address of their own."""
        address = f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": address}
        async with httpx.AsyncClient(base_url=self.url, timeout=20, headers=headers, follow_redirects=True) as http:
            yield Browsing(http)

    async def device(self, licence_key: str) -> Stranger:
        """A computer that was activated, and is connected."""
        return await (await Stranger(self.url).activate(licence_key)).connect()


class Browsing:
    """Pages as somebody reads them, without script."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.at = ""

    async def sign_in(self, email: str, password: str = PASSWORD, status: int = 200, **more: str) -> str:
        """The page that signing in leads to."""
        return await self.post("/sign-in", status, email=email, password=password, **more)

    async def get(self, path: str, status: int = 200) -> str:
        """A page's text."""
        return self._taken(await self.http.get(path), status)

    async def post(self, path: str, status: int = 200, **fields: Any) -> str:
        """The page that sending a form leads to; ``__`` in a name stands for a dot."""
        sent = {name.replace("__", "."): value for name, value in fields.items()}
        form = {"content-type": "application/x-www-form-urlencoded"}  # a browser says so of an empty form, too
        return self._taken(await self.http.post(path, content=urlencode(sent, doseq=True), headers=form), status)

    def _taken(self, answer: httpx.Response, status: int) -> str:
        assert answer.status_code == status, f"{answer.status_code} {answer.text[:3000]}"
        self.at = answer.url.path
        return answer.text

    async def until(self, path: str, fact: Callable[[str], bool]) -> str:
        """The page once the fact holds."""
        text = ""

        async def holds() -> bool:
            nonlocal text
            text = await self.get(path)
            return fact(text)

        try:
            await until(holds)
        except AssertionError as error:
            raise AssertionError(f"not what was waited for:\n{plain(text)[:4000]}") from error
        return text


def plain(page: str) -> str:
    """A page's words, on one line."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(text.replace("&#39;", "'").replace("&amp;", "&").split())


@contextlib.asynccontextmanager
async def an_office(installation: Installation) -> AsyncIterator[Office]:
    """An office on a store of its own, which goes with it."""
    prefix = new_id("t").replace("-", "")
    installation.migrate(prefix)
    try:
        async with Office(installation, prefix).running() as running:
            yield running
    finally:
        drop_databases(installation.mongo_url, prefix)

"""A browser's side of the pages, in a language that it asks for."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx

from services.diary.edge import COOKIE
from tests.licensing.support import Acme
from tests.licensing.web import Web


@asynccontextmanager
async def browser(
    web: Web, language: str = "", acme: Acme | None = None, who: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that prefers a language, signed in as a seeded person where one is named."""
    headers = {"Accept-Language": language} if language else {}
    async with web.browse(f"198.51.100.{secrets.randbelow(256)}", **headers) as http:
        http.headers["Sec-Fetch-Site"] = "same-origin"
        if acme is not None:
            answer = await web.sign_in(acme, who)
            http.headers["Cookie"] = f"{COOKIE}={answer.json()['token']}"
        yield http


def language_of(page: httpx.Response) -> str:
    """What a page says that it is written in."""
    found = re.search(r'<html lang="([^"]*)">', page.text)
    assert found, page.text[:200]
    return found[1]


def plain(page: httpx.Response) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())

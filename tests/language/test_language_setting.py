"""The workspace's language, a member's own over it, and a browser's before anybody is signed in (W-06)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing import member_rows
from services.wire.language import ENGLISH, LANGUAGES, accepted, number, speaking
from tests.language.pages import browser, language_of, plain
from tests.licensing.support import Acme, until
from tests.licensing.web import Web

here = pytest.mark.asyncio(loop_scope="module")


async def _speaks(web: Web, acme: Acme, who: str, language: str) -> None:
    """The pages speak it with them once the fact has arrived, whatever their browser asks for."""
    other = next(code for code in LANGUAGES if code != language)
    async with browser(web, other, acme, who) as http:

        async def said() -> bool:
            page = await http.get("/account")
            assert page.status_code == 200, page.text
            return language_of(page) == language

        await until(said)


@here
async def test_the_workspace_chooses_and_a_member_chooses_over_it(web: Web) -> None:
    acme = await web.licensing.seed()
    await _speaks(web, acme, "lisa", "en")
    async with browser(web, "en", acme, "olga") as http:
        page = await http.get("/settings")
        assert '<option value="en" selected>English</option>' in page.text
        saved = await http.post("/settings/reading", data={"language": "de", "week_start": "sunday"})
        assert (saved.status_code, saved.headers["location"]) == (303, "/settings#reading")
    await _speaks(web, acme, "lisa", "de")
    await _speaks(web, acme, "olga", "de")
    shown = (await acme.read("olga", "workspaces", acme.workspace))[0]
    assert (shown["language"], shown["week_start"]) == ("de", "sunday")
    async with browser(web, "en", acme, "lisa") as http:
        form = {"name": "Lisa", "zone": "Europe/Oslo"}
        assert (await http.post("/account/profile", data=form | {"language": "en"})).status_code == 303
        await _speaks(web, acme, "lisa", "en")
        await _speaks(web, acme, "olga", "de")
        # empty: what the workspace speaks
        assert (await http.post("/account/profile", data=form | {"language": ""})).status_code == 303
    await _speaks(web, acme, "lisa", "de")
    assert (await acme.read("lisa", "members", acme.member("lisa")))[0]["language"] is None


@here
async def test_an_admin_sets_it_by_the_api(web: Web) -> None:
    acme = await web.licensing.seed()
    async with web.person(acme, "adam") as http, web.person(acme, "lisa") as lisa:
        path = f"/api/v1/members/{acme.member('lisa')}"
        changed = await http.patch(path, json={"language": "de"})
        assert (changed.status_code, changed.json()["language"]) == (200, "de")
        await _speaks(web, acme, "lisa", "de")
        assert (await lisa.patch(path, json={"language": "en"})).status_code == 403
        assert (await lisa.patch("/api/v1/me", json={"language": "en"})).json()["language"] == "en"
        await _speaks(web, acme, "lisa", "en")
        assert (await http.patch(path, json={"language": None})).json()["language"] is None


@here
async def test_a_language_that_is_none_of_ours_is_refused_at_its_field(web: Web) -> None:
    """Programs are told in English, whatever the workspace speaks; a form says it beside the field."""
    acme = await web.licensing.seed()
    async with web.person(acme, "olga") as http:
        for path in (f"/api/v1/members/{acme.member('lisa')}", f"/api/v1/workspaces/{acme.workspace}"):
            refused = await http.patch(path, json={"language": "fr"})
            assert refused.status_code == 422, refused.text
            assert refused.json()["detail"] == "language: Input should be 'en' or 'de'"
        assert (await http.patch(f"/api/v1/workspaces/{acme.workspace}", json={"language": None})).status_code == 422
    async with browser(web, "en", acme, "olga") as http:
        for path, form, field in (
            ("/account/profile", {"name": "Olga", "zone": "UTC"}, "profile-language"),
            ("/settings/reading", {"week_start": "monday"}, "reading-language"),
        ):
            page = await http.post(path, data=form | {"language": "fr"})
            assert page.status_code == 422, page.text
            assert f'id="{field}-error"' in page.text
            assert "This should be 'en' or 'de'." in plain(page)
    async with browser(web, "de", acme, "lisa") as http:
        assert (await http.get("/nothing-here")).status_code == 404


@here
async def test_before_signing_in_the_browser_is_asked(web: Web) -> None:
    for header, spoken in (("de-AT,en;q=0.5", "de"), ("en-GB,de;q=0.9", "en"), ("fr", "en"), ("", "en")):
        async with browser(web, header) as http:
            for path in ("/sign-in", "/sign-up", "/password/forgotten"):
                assert language_of(await http.get(path)) == spoken, (header, path)


def test_a_csv_names_languages_by_their_codes() -> None:
    """And each line that names another one is reported with its number (W-03)."""
    file = "email,name,language\na@x.test,Ada,DE\nb@x.test,Bo,\nc@x.test,Cy,fr\n"
    read = member_rows.read(file.encode(), {})
    assert [(line, body.language) for line, body in read.rows] == [(2, "de"), (3, None)]
    assert read.errors == [(4, "language: one of en, de")]


@given(st.text(max_size=600))
def test_any_header_names_one_of_ours(header: str) -> None:
    assert accepted(header) in LANGUAGES


_TAGS = st.sampled_from(["de", "DE-at", "en", "en-GB", "fr", "nb", "*", "x"])
_WEIGHTS = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@given(st.lists(st.tuples(_TAGS, _WEIGHTS), max_size=8))
def test_the_heaviest_of_ours_is_spoken_and_of_equals_the_first(asked: list[tuple[str, float]]) -> None:
    header = ", ".join(f"{tag};q={weight}" for tag, weight in asked)
    ours = [(tag[:2].lower(), weight) for tag, weight in asked if tag[:2].lower() in LANGUAGES and weight > 0]
    heaviest = max((weight for _, weight in ours), default=0.0)
    assert accepted(header) == next((code for code, weight in ours if weight == heaviest), ENGLISH)


@given(st.sampled_from(sorted(LANGUAGES)), st.integers(-(10**15), 10**15), st.integers(0, 4))
def test_a_number_is_written_as_the_language_does(language: str, hundredths: int, places: int) -> None:
    """Groups of three, and the same digits as without them."""
    value = hundredths / 100
    with speaking(language):
        shown = number(value, places)
    known = LANGUAGES[language]
    whole, point, rest = shown.partition(known.decimal)
    assert (point, len(rest)) == ((known.decimal, places) if places else ("", 0))
    assert re.fullmatch(rf"-?\d{{1,3}}(?:{re.escape(known.thousands)}\d{{3}})*", whole)
    assert whole.replace(known.thousands, "") + ("." + rest if rest else "") == f"{value:.{places}f}"

"""Choosing somebody among very many: a search with a short list, with and without script (V-05)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages.choosing import FEW, choice
from tests.diary.office.crowd import crowd
from tests.diary.office.running import Office, plain

here = pytest.mark.asyncio(loop_scope="module")
FORMS = ("/licences/new", "/contracts/new", "/audit", "/profiles/new")


def _member(number: int, **more: Any) -> dict[str, Any]:
    fields = {"member": f"m-{number}", "name": f"Person {number:03}", "email": f"p{number}@a.test"}
    return fields | {"role": "employee", "archived": False} | more


@given(st.integers(0, FEW + 30), st.integers(0, FEW + 30), st.sampled_from(["", "person", "07", "nobody at all"]))
def test_the_chosen_one_is_always_on_the_list(many: int, chosen: int, q: str) -> None:
    people = [_member(number) for number in range(many)]
    found = choice("members", people, "member", f"m-{chosen}", q)
    assert found.options[0] == ("", "Choose")
    assert found.searched == (many > FEW)
    assert len(found.options) <= FEW + 1
    assert (f"m-{chosen}" in dict(found.options)) == (chosen < many)


def test_who_cannot_be_chosen_is_not_offered() -> None:
    people = [_member(1), _member(2, archived=True), _member(3, role="client")]
    assert [value for value, _ in choice("members", people, "member").options] == ["", "m-1"]
    assert [value for value, _ in choice("clients", people, "client", none="No client").options] == ["", "m-3"]
    assert [value for value, _ in choice("people", people, "actor").options] == ["", "m-1", "m-2", "m-3"]


@here
async def test_forms_stay_small_in_a_large_workspace(office: Office) -> None:
    """And without script the search brings the form back with all that was typed."""
    acme = await office.acme()
    await crowd(office, acme, 10_000)
    async with office.browser(acme, "adam") as adam:
        for path in FORMS:
            page = await adam.get(path)
            assert len(page) < 60_000, f"{path}: {len(page)} characters"
        typed = "mode=monitoring&seats=3&expires=2099-08-31&draft=yes&member_q=person+00007"
        page = await adam.get(f"/licences/new?{typed}")
        assert re.search(r'<option value="mem-00007">Person 00007, p00007@example.test', page)
        assert "1 match." in plain(page)
        for kept in (
            'value="3"',
            'value="2099-08-31"',
            'value="monitoring" checked',
            'name="draft" value="yes" checked',
        ):
            assert kept in page
        page = await adam.get("/contracts/new?project=Atlas&labels=One%0ATwo&member=mem-00007&client_q=00100")
        assert '<option value="mem-00007" selected>' in page
        assert '<option value="mem-00100">' in page
        assert 'value="Atlas"' in page
        assert "One\nTwo</textarea>" in page


@here
async def test_a_search_is_for_those_who_may_choose(office: Office) -> None:
    """A short list of one's own workspace; 403 for others, 404 where there is no such list."""
    acme, other = await office.acme(), await office.acme()
    await crowd(office, other, FEW + 20)
    async with office.browser(acme, "adam") as adam, office.browser(acme, "lisa") as lisa:
        asked = "/choices/members?field=member&member_q="
        found = await adam.get(f"{asked}li")
        assert "Lisa" in found
        assert "Person" not in await adam.get(asked)
        await lisa.get(asked, 403)
        await adam.get("/choices/secrets?field=member", 404)
        await adam.get("/choices/members?field=%3Cb%3E", 404)
    async with office.browser(other, "adam") as adam:
        found = await adam.get(f"{asked}person&member=mem-00119")
        assert found.count("<option") == 52
        assert '<option value="mem-00119" selected>' in found
        assert "118 match; the first 50 are listed." in plain(found)


@here
async def test_a_profile_keeps_whom_it_names_while_more_are_searched(office: Office) -> None:
    """L-07: those ticked stay ticked beside the matches, by script and without."""
    acme = await office.acme()
    await crowd(office, acme, FEW + 20)
    lisa = acme.member("lisa")
    async with office.browser(acme, "adam") as adam:
        page = await adam.get(f"/profiles/new?name=Office&members={lisa}&members_q=00007")
        found = await adam.get(f"/choices/members?field=members&many=yes&members={lisa}&members_q=00007")
        for text in (page, found):
            assert re.search(rf'name="members" value="{lisa}" checked', text)
            assert 'name="members" value="mem-00007">' in text
        assert 'value="Office"' in page
        log = await adam.get(f"/audit?actor={lisa}&member_q=00007")
        assert f'<option value="{lisa}" selected>' in log

"""Choosing somebody among very many: a search with a short list, with and without script (V-05)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages.choosing import FEW, choice
from tests.diary.office.crowd import crowd
from tests.diary.office.running import Office, plain
from tests.diary.running import until

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


@here
async def test_a_profile_of_very_many_is_changed_a_few_at_a_time(office: Office) -> None:
    """L-07: whom a form does not show stays named; the page adds and takes out, and the rest of it saves."""
    acme = await office.acme()
    await crowd(office, acme, 400)
    lisa, policy = acme.member("lisa"), acme.answer["licences"][0]["policy"]
    profile = await acme.create("adam", "profiles", name="Plant", policy=policy, enabled=False)
    named = [f"mem-{number:05}" for number in range(400)]
    at = {"_id": f"{acme.workspace}|{profile['id']}"}
    await office.licensing.store["profiles"].update_one(at, {"$set": {"members": named}})
    here = f"/profiles/{profile['id']}"

    async def members() -> set[str]:
        return set((await acme.read("adam", "profiles", profile["id"]))[0]["members"])

    async with office.browser(acme, "adam") as adam:
        page = await adam.get(here)
        assert "Members: 400" in plain(page)
        assert page.count('name="remove"') == 50
        assert "Plant two is changed." in plain(await adam.post(here, name="Plant two", policy=policy))
        assert await members() == set(named), "the form does not hold them, and takes none out"
        assert f'name="add" value="{lisa}"' in await adam.get(f"{here}?add_q=lisa")
        assert "1 member added" in plain(await adam.post(f"{here}/members", add=lisa))
        assert "2 members taken out" in plain(await adam.post(f"{here}/members", remove=["mem-00007", "mem-00008"]))
        assert await members() == {*named, lisa} - {"mem-00007", "mem-00008"}
        assert 'value="mem-00399"' in await adam.get(f"{here}?q=00399")
        refused = plain(await adam.post(f"{here}/members", 422, add="mem-nobody"))
        assert "there is no such member" in refused.lower()
    async with office.browser(acme, "mara") as mara:
        await mara.post(f"{here}/members", 403, add=lisa)


@here
async def test_saving_a_profile_keeps_an_archived_member_in_it(office: Office) -> None:
    """L-07: who is not offered is not taken out: restored, they are under the profile again."""
    acme = await office.acme()
    emil, lisa, policy = acme.member("emil"), acme.member("lisa"), acme.answer["licences"][0]["policy"]
    profile = await acme.create("adam", "profiles", name="Two", policy=policy, members=[emil, lisa], enabled=False)
    await acme.change("adam", "members", emil, archived=True)
    people = office.web.edge.people

    async def known() -> bool:
        people._known.clear()
        found = await people.member(acme.workspace, emil)
        return bool(found and found["archived"])

    await until(known)
    async with office.browser(acme, "adam") as adam:
        await adam.post(f"/profiles/{profile['id']}", name="Two", policy=policy, members=acme.member("mara"))
    assert set((await acme.read("adam", "profiles", profile["id"]))[0]["members"]) == {emil, acme.member("mara")}

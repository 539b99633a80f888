"""Notices, and the audit log: told before anything is recorded, and everything done is written (G-01, G-02, B-03)."""

import pytest

from services.diary import audit
from services.diary.access import Viewer
from tests.diary.office.running import Office, plain
from tests.licensing.support import Acme

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _adam(acme: Acme) -> Viewer:
    return Viewer(acme.principal("adam"), address="203.0.113.9")


async def test_a_member_reads_and_acknowledges(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "emil") as emil, office.browser(acme, "adam") as adam:
        page = await emil.get("/notices")
        assert "More will be recorded of you" in page
        assert "Which application is in front" in page
        assert "Applications : which one is in front" in plain(page), "the whole policy stands there, too"
        rows = plain(await adam.get("/notices"))
        assert "Not acknowledged: 1 of 1" in rows
        assert "Emil" in rows.partition("Not acknowledged")[2]
        [notice] = await acme.read("emil", "notices")
        await adam.post(f"/notices/{notice['id']}", 404)
        page = plain(await emil.post(f"/notices/{notice['id']}"))
        assert "Your acknowledgement is recorded." in page
        assert "More will be recorded of you" not in page
        assert "on the web" in page.partition("What you have acknowledged")[2]
        assert "Everybody who was told has acknowledged it." in plain(await adam.get("/notices"))
        assert "Read" in plain(await adam.get("/notices?all=yes"))


async def test_who_has_no_licence_is_told_that_nothing_is_recorded(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "adam") as adam, office.browser(acme, "cleo") as cleo:
        assert "Nothing: you have no licence" in plain(await adam.get("/notices"))
        await cleo.get("/notices", 403)


async def test_a_manager_sees_their_team_alone(office: Office) -> None:
    acme = await office.acme()
    policy = str(acme.answer["licences"][0]["policy"])
    await acme.change("olga", "policies", policy, policy={"titles": True, "apps": True})
    async with office.browser(acme, "mara") as mara:
        page = plain(await mara.get("/notices")).partition("Not acknowledged")[2]
        assert "Lisa" in page
        assert "Emil" not in page


async def test_what_was_done_is_read_and_narrowed(office: Office) -> None:
    acme = await office.acme()
    policy = str(acme.answer["licences"][1]["policy"])
    await acme.change("olga", "policies", policy, policy={"titles": True})
    await acme.change("adam", "members", acme.member("emil"), name="Emilio")
    who = _adam(acme)
    await audit.note(office.web.edge.db, who, "capture.viewed", acme.member("emil"), capture="cap-1")
    async with office.browser(acme, "adam") as adam:
        page = await adam.get("/audit")
        words = plain(page)
        assert "changed a policy" in words
        assert "looked at a picture" in words
        assert "203.0.113.9" in words
        assert f'href="/policies/{policy}"' in page
        only = plain(await adam.get("/audit?action=policy.changed")).partition("Address")[2]
        assert "looked at a picture" not in only
        page = plain(await adam.get(f"/audit?actor={acme.member('adam')}&member={acme.member('emil')}"))
        assert "olga owner" not in page
        assert "looked at a picture" in page
        assert "No entry fits" in plain(await adam.get("/audit?to=2020-01-01"))
        assert "No entry fits" in plain(await adam.get("/audit?member=someone-else"))
        await adam.get("/audit?from=yesterday", 422)


async def test_the_chain_is_checked_on_the_page(office: Office) -> None:
    """G-02: it holds, and an entry that was altered shows."""
    acme = await office.acme()
    policy = str(acme.answer["licences"][1]["policy"])
    for titles in (True, False):
        await acme.change("olga", "policies", policy, policy={"titles": titles})
    async with office.browser(acme, "olga") as olga:
        page = plain(await olga.get("/audit/check"))
        assert page.count("The chain holds.") == 2, "licensing's and the diary's"
        await office.licensing.store["audit"].update_one(
            {"workspace": acme.workspace, "seq": 1}, {"$set": {"actor_name": "Somebody"}}
        )
        assert "first at number 1" in plain(await olga.get("/audit/check")).partition("The chain is broken")[2]


async def test_pages_lead_on_to_older_entries(office: Office) -> None:
    acme = await office.acme()
    who = _adam(acme)
    for number in range(103):
        await audit.note(office.web.edge.db, who, "capture.viewed", acme.member("emil"), capture=f"cap-{number:03}")
    async with office.browser(acme, "olga") as olga:
        first = await olga.get("/audit")
        older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        second = await olga.get(older)
        on_pages = [[f"cap-{number:03}" in page for page in (first, second)] for number in range(103)]
        assert on_pages[0] == [False, True]
        assert on_pages[102] == [True, False]
        assert all(sum(one) == 1 for one in on_pages)


async def test_who_is_no_admin_reads_what_concerns_them(office: Office) -> None:
    """B-03."""
    acme = await office.acme()
    who = _adam(acme)
    for name in ("emil", "lisa"):
        await audit.note(office.web.edge.db, who, "capture.viewed", acme.member(name), capture=f"cap-{name}")
    async with office.browser(acme, "emil") as emil, office.browser(acme, "cleo") as cleo:
        page = await emil.get("/audit")
        assert "cap-emil" in page
        assert "cap-lisa" not in page
        assert "Olga" not in page.partition('role="search"')[2]
        await emil.get("/audit/check", 403)
        assert "cap-lisa" not in await emil.get(f"/audit?member={acme.member('lisa')}")
        await cleo.get("/audit", 403)

"""The page of notices: told before anything is recorded, and who has read it (G-01)."""

import pytest

from tests.diary.office.running import Office, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_who_has_no_licence_is_told_that_nothing_is_recorded(office: Office) -> None:
    acme = await office.acme()
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

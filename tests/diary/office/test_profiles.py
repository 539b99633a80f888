"""The pages of profiles: a policy for members and teams, on and off (L-07)."""

import pytest

from tests.diary.office.running import Office, plain
from tests.diary.office.test_policies import DEFAULTS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_profile_puts_a_team_under_its_policy_and_back(office: Office) -> None:
    acme = await office.acme()
    lisas = (await acme.read("olga", "licences", member=acme.member("lisa")))[0]["id"]
    [design] = [one for one in await acme.read("olga", "teams") if one["name"] == "Design"]
    async with office.browser(acme, "olga") as olga:
        assert "No profiles yet" in await olga.get("/profiles")
        await olga.post("/policies/new", **DEFAULTS | {"name": "Titles, too"}, apps="yes", titles="yes")
        policy = olga.at.rpartition("/")[2]
        page = await olga.post("/profiles/new", 422, name="Audit weeks", policy="", teams=design["id"], enabled="yes")
        assert 'id="f-policy-error"' in page
        assert 'value="Audit weeks"' in page
        page = plain(
            await olga.post("/profiles/new", name="Audit weeks", policy=policy, teams=design["id"], enabled="yes")
        )
        assert "Audit weeks is on." in page
        assert "team Design" in page
        page = plain(await olga.get(f"/licences/{lisas}"))
        assert "Titles, too , version 1, by a profile" in page
        [profile] = await acme.read("olga", "profiles")
        assert "is off" in plain(await olga.post(f"/profiles/{profile['id']}/switch", enabled="no"))
        assert "by a profile" not in plain(await olga.get(f"/licences/{lisas}"))
        page = plain(
            await olga.post(
                f"/profiles/{profile['id']}", name="Two", policy=policy, members=acme.member("emil"), enabled="yes"
            )
        )
        assert "Two is changed." in page
    assert len(await acme.read("lisa", "notices")) == 1, "she was told before her titles were recorded (G-01)"


async def test_who_may_only_read(office: Office) -> None:
    acme, other = await office.acme(), await office.acme()
    policy = str(acme.answer["licences"][0]["policy"])
    made = await acme.create("olga", "profiles", name="Quiet", policy=policy, enabled=False)
    async with office.browser(acme, "mara") as mara, office.browser(other, "olga") as stranger:
        assert "Turn on" not in await mara.get("/profiles")
        await mara.get("/profiles/new", 403)
        await mara.post(f"/profiles/{made['id']}/switch", 403, enabled="yes")
        await stranger.get(f"/profiles/{made['id']}", 404)
        await stranger.post(f"/profiles/{made['id']}/switch", 404, enabled="yes")

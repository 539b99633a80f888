"""The pages of policies and profiles: plain words, what saving does, every version (T-03 to T-11, M-05, G-01, L-07)."""

import pytest

from services.diary.pages import policy_form, policy_view
from services.diary.policies import effect_of
from services.licensing.policies import Policy
from tests.diary.office.running import Office, plain
from tests.licensing.support import Acme

here = pytest.mark.asyncio(loop_scope="module")
DEFAULTS = {
    "name": "Client work",
    "screenshots__per_segment": "1",
    "screenshots__monitors": "member",
    "screenshots__width": "1280",
    "screenshots__blur": "yes",
    "notify": "yes",
    "camera__per_hour": "1",
    "site": "off",
    "idle_minutes": "5",
    "grace_days": "30",
    "tray": "yes",
    "capture_days": "7",
    "automatic_updates": "yes",
}


def test_the_form_has_every_switch_and_its_defaults() -> None:
    """B-05: what the form says first is what licensing means by saying nothing."""
    unasked = ("version", "movement_counts")  # the workspace's setting decides (T-03)
    assert policy_form.defaults() == {
        name: value for name, value in Policy().model_dump().items() if name not in unasked
    }


def test_who_is_told_are_those_of_whom_more_is_recorded() -> None:
    """G-01: each member once, and none for the sake of a revoked licence."""
    before = Policy().model_dump()
    after = {**before, "apps": True}
    licences = [
        {"member": member, "state": state} for member, state in (("a", "active"), ("a", "issued"), ("b", "revoked"))
    ]
    assert effect_of(before, after, licences).told == ("a",)
    assert effect_of(after, before, licences).told == ()
    assert policy_view.told_words(effect_of(before, before, licences)) == ""


@here
async def test_a_policy_is_made_read_and_changed(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "adam") as adam:
        page = await adam.get("/policies/new")
        assert "Camera : not recorded." in plain(page)
        page = await adam.post("/policies/new", **DEFAULTS, apps="yes")
        assert "Client work is a policy now" in plain(page)
        path = adam.at
        assert "Applications : which one is in front" in plain(page)
        page = await adam.post(f"{path}/edit", **DEFAULTS, apps="yes", screenshots__enabled="yes")
        assert "Version 2 holds." in plain(page)
        assert "6 an hour" in plain(page)
        history = plain(page).partition("History")[2]
        assert "Version 2" in history
        assert "Screenshots : not recorded." in history
        assert "The first version." in history
        assert "Client work" in plain(await adam.get("/policies"))


@here
async def test_the_preview_says_who_will_be_told(office: Office) -> None:
    """G-01: before anything is saved."""
    acme = await office.acme()
    policy = str(acme.answer["licences"][1]["policy"])
    async with office.browser(acme, "olga") as olga:
        fragment = await olga.post(f"/policies/preview?policy={policy}", **DEFAULTS, apps="yes", camera__enabled="yes")
        assert "1 member will get a notice before anything new is captured." in plain(fragment)
        assert "Camera : not recorded. at most 1 snapshot an hour" in plain(fragment)
        fragment = await olga.post(f"/policies/preview?policy={policy}", **DEFAULTS)
        assert "nobody needs a notice" in plain(fragment)
        page = await olga.post(f"/policies/{policy}/edit", **DEFAULTS, apps="yes", camera__enabled="yes")
        assert "1 member will get a notice" in plain(page)
    assert len(await acme.read("emil", "notices")) == 2


@here
async def test_a_declaration_names_who_made_it(office: Office, acme: Acme) -> None:
    """G-01: a hidden icon's legal basis, by whom, with which version and in which words."""
    hidden = {name: value for name, value in DEFAULTS.items() if name != "tray"}
    async with office.browser(acme, "adam") as adam:
        page = plain(await adam.post("/policies/new", **hidden, legal_basis="Works agreement 12"))
        assert "Icon : hidden, on the declared basis: Works agreement 12." in page
        declared = page.partition("The legal basis for hiding the icon was declared by")[2]
        assert declared.strip().startswith("Adam on")
        assert "with version 1: Works agreement 12" in declared


@here
async def test_a_refusal_stands_at_its_switch_and_keeps_what_was_typed(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "olga") as olga:
        for field, value in (("screenshots__per_segment", "11"), ("idle_minutes", "x"), ("name", "")):
            sent = DEFAULTS | {"never_sites": "bank.example", field: value}
            page = await olga.post("/policies/new", 422, **sent)
            name = field.replace("__", ".")
            assert f'id="f-{name}-error"' in page
            assert "bank.example" in page


@here
async def test_who_may_not_change_reads(office: Office, acme: Acme, other: Acme) -> None:
    """A manager reads policies; what an employee's licence carries is theirs to read; a client has no business here."""
    policy = str(acme.answer["licences"][1]["policy"])
    async with office.browser(acme, "mara") as mara:
        assert "New version" not in await mara.get(f"/policies/{policy}")
        await mara.get(f"/policies/{policy}/edit", 403)
        await mara.post("/policies/new", 403, **DEFAULTS)
    async with office.browser(acme, "emil") as emil, office.browser(acme, "lisa") as lisa:
        assert "What members read" in await emil.get(f"/policies/{policy}")
        await lisa.get(f"/policies/{policy}", 404)
    async with office.browser(acme, "cleo") as cleo:
        await cleo.get("/policies", 403)
    async with office.browser(other, "olga") as stranger:
        await stranger.get(f"/policies/{policy}", 404)
        await stranger.post(f"/policies/{policy}/edit", 404, **DEFAULTS)
        await stranger.post(f"/policies/preview?policy={policy}", 404, **DEFAULTS)


@here
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


@here
async def test_who_may_only_read(office: Office, acme: Acme, other: Acme) -> None:
    policy = str(acme.answer["licences"][0]["policy"])
    made = await acme.create("olga", "profiles", name="Quiet", policy=policy, enabled=False)
    async with office.browser(acme, "mara") as mara, office.browser(other, "olga") as stranger:
        assert "Turn on" not in await mara.get("/profiles")
        await mara.get("/profiles/new", 403)
        await mara.post(f"/profiles/{made['id']}/switch", 403, enabled="yes")
        await stranger.get(f"/profiles/{made['id']}", 404)
        await stranger.post(f"/profiles/{made['id']}/switch", 404, enabled="yes")

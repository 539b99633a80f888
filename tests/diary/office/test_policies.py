"""The pages of policies: plain words, what saving does, every version kept (T-03 to T-11, M-04, M-05, G-01)."""

import pytest

from services.diary.pages import policy_form, policy_view
from services.diary.policies import effect_of
from services.licensing.policies import Policy
from tests.diary.office.running import Office, plain

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
    assert policy_form.defaults() == {name: value for name, value in Policy().model_dump().items() if name != "version"}


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
async def test_a_policy_is_made_read_and_changed(office: Office) -> None:
    acme = await office.acme()
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
async def test_a_declaration_names_who_made_it(office: Office) -> None:
    """G-01: a hidden icon's legal basis, by whom, with which version and in which words."""
    acme = await office.acme()
    hidden = {name: value for name, value in DEFAULTS.items() if name != "tray"}
    async with office.browser(acme, "adam") as adam:
        page = plain(await adam.post("/policies/new", **hidden, legal_basis="Works agreement 12"))
        assert "Icon : hidden, on the declared basis: Works agreement 12." in page
        declared = page.partition("The legal basis for hiding the icon was declared by")[2]
        assert declared.strip().startswith("Adam on")
        assert "with version 1: Works agreement 12" in declared


@here
async def test_a_refusal_stands_at_its_switch_and_keeps_what_was_typed(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "olga") as olga:
        for field, value in (("screenshots__per_segment", "11"), ("idle_minutes", "x"), ("name", "")):
            sent = DEFAULTS | {"never_sites": "bank.example", field: value}
            page = await olga.post("/policies/new", 422, **sent)
            name = field.replace("__", ".")
            assert f'id="f-{name}-error"' in page
            assert "bank.example" in page


@here
async def test_who_may_not_change_reads(office: Office) -> None:
    """A manager reads policies; what an employee's licence carries is theirs to read; a client has no business here."""
    acme = await office.acme()
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
    other = await office.acme()
    async with office.browser(other, "olga") as stranger:
        await stranger.get(f"/policies/{policy}", 404)
        await stranger.post(f"/policies/{policy}/edit", 404, **DEFAULTS)
        await stranger.post(f"/policies/preview?policy={policy}", 404, **DEFAULTS)

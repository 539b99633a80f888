"""The settings of a workspace and its mails, by page on real services (W-01, W-02, W-06, W-07, W-09)."""

from typing import Any

import pytest

from services.diary.pages import settings_view as view
from services.licensing.mail_texts import SWITCHABLE
from services.licensing.workspaces import Patch
from tests.diary.office.running import Office, plain

here = pytest.mark.asyncio(loop_scope="module")
_Values = dict[str, Any]


def test_every_mail_that_can_be_switched_has_its_box() -> None:
    """W-07."""
    assert tuple(kind for kind, _, _ in view.MAILS) == SWITCHABLE


def test_every_setting_has_its_field() -> None:
    """W-06: what licensing takes, the page offers, under the same name or as its fields are."""
    offered = {field for fields in view.FIELDS.values() for field in fields}
    apart = {"mails_off": "mails_on", "oidc": "issuer"}
    assert {apart.get(name, name) for name in Patch.model_fields if name != "archived"} <= offered


@here
async def test_each_part_is_saved_for_itself(office: Office) -> None:
    acme = await office.acme()
    sent: list[tuple[str, _Values, _Values]] = [
        (
            "names",
            {"name": "Acme Ltd", "zone": "Europe/Oslo", "billing_zone": "Europe/Berlin"},
            {"name": "Acme Ltd", "zone": "Europe/Oslo", "billing_zone": "Europe/Berlin"},
        ),
        (
            "weeks",
            {"lock_hour": "9", "billing_unit": "minute", "deletion_rule": "since_previous"},
            {"lock_hour": 9, "billing_unit": "minute", "deletion_rule": "since_previous"},
        ),
        (
            "scores",
            {"movement_counts": "yes", "unproductive_weight_percent": "20"},
            {"movement_counts": True, "unproductive_weight_percent": 20},
        ),
        ("devices", {"seats": "12", "minimum_agent": "1.2.0"}, {"seats": 12, "minimum_agent": "1.2.0"}),
        ("devices", {"seats": "", "minimum_agent": ""}, {"seats": None, "minimum_agent": None}),
        (
            "networks",
            {"allowed_ranges": "198.18.0.0/15\n\n192.0.2.7"},
            {"allowed_ranges": ["198.18.0.0/15", "192.0.2.7/32"]},
        ),
        ("mails", {"mails_on": ["invitation"]}, {"mails_off": list(SWITCHABLE[1:])}),
    ]
    async with office.browser(acme, "adam") as adam:
        for part, fields, kept in sent:
            page = await adam.post(f"/settings/{part}", **fields)
            assert "Saved." in page, part
            workspace = (await acme.read("olga", "workspaces", acme.workspace))[0]
            assert {name: workspace[name] for name in kept} == kept
        page = await adam.get("/settings")
        for shown in ('value="Acme Ltd"', '<option value="9" selected>', "192.0.2.7/32", '"invitation" checked'):
            assert shown in page
        assert '"weekly_summary" checked' not in page


@here
async def test_what_is_wrong_stands_at_its_field(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "olga") as olga:
        refused = {
            "names": {"name": "", "zone": "UTC", "billing_zone": "UTC"},
            "weeks": {"lock_hour": "24", "billing_unit": "segment", "deletion_rule": "segment"},
            "scores": {"unproductive_weight_percent": "101"},
            "devices": {"seats": "many", "minimum_agent": ""},
            "networks": {"allowed_ranges": "not a network"},
            "provider": {"issuer": "login", "client_id": "x", "domains": "example.com"},
        }
        fields = ("name", "lock_hour", "unproductive_weight_percent", "seats", "allowed_ranges", "issuer")
        for (part, values), field in zip(refused.items(), fields, strict=True):
            page = await olga.post(f"/settings/{part}", 422, **values)
            assert f'id="{part}-{field}-error"' in page, part
            assert page.count("-error") == 2, "once named, once said"
        page = await olga.post("/settings/networks", 409, allowed_ranges="192.0.2.0/24")
        assert 'id="networks-allowed_ranges-error"' in page
        assert "lock you out" in page
        assert "192.0.2.0/24</textarea>" in page, "what was typed is kept"
        await olga.post("/settings/nothing", 404, name="x")


@here
async def test_settings_are_for_admins(office: Office) -> None:
    acme = await office.acme()
    for who in ("mara", "lisa", "cleo"):
        async with office.browser(acme, who) as somebody:
            assert "Your role does not allow this." in await somebody.get("/settings", 403)
            await somebody.get("/mails", 403)
            await somebody.post("/settings/names", 403, name="Mine", zone="UTC", billing_zone="UTC")
            await somebody.post("/mails/test", 403)
            assert 'href="/settings"' not in await somebody.get("/account")
    assert (await acme.read("olga", "workspaces", acme.workspace))[0]["name"] != "Mine"


@here
async def test_a_test_mail_and_a_mail_again(office: Office) -> None:
    """W-09; what the mail server says of a mail that cannot go out stands beside it."""
    acme = await office.acme()
    email = acme.email("adam")
    async with office.browser(acme, "adam") as adam:
        assert "No such mail" in await adam.get("/mails?kind=test")
        assert f"A test is on its way to {email}." in plain(await adam.post("/mails/test"))
        await office.mails.wait_for(email, "A test")
        page = await adam.until("/mails?kind=test", lambda text: "Sent" in plain(text).partition("Actions")[2])
        again = page.partition('action="/mails/mail-')[2].partition('"')[0]
        await adam.post(f"/mails/mail-{again}")
        await office.mails.wait_for(email, "A test", 2)
        office.mails.refusing = "554 no"
        try:
            await adam.post("/mails/test")
            page = plain(
                await adam.until("/mails?state=failed", lambda text: "Failed" in plain(text).partition("Actions")[2])
            )
        finally:
            office.mails.refusing = None
        assert "the mail server refused it" in page
        assert "No such mail" in await adam.get("/mails?kind=weekly_summary")
    async with office.browser(await office.acme(), "olga") as stranger:
        await stranger.post(f"/mails/mail-{again}", 404)


@here
async def test_an_owner_archives_and_restores(office: Office) -> None:
    """W-02: its members are out until then, and only its owners see it."""
    acme = await office.acme()
    async with office.browser(acme, "olga") as olga, office.browser(acme, "adam") as adam:
        await adam.post("/settings/archive", 403, archived="yes")
        assert "is archived: only its owners" in plain(await olga.post("/settings/archive", archived="yes"))
        office.web.edge.sessions._asked.clear()
        await adam.get("/account")
        assert adam.at == "/sign-in"
        await adam.sign_in(acme.email("adam"), status=404)
        assert "This workspace is archived." in await olga.get("/settings")
        assert "Archived" in await olga.get("/workspaces")
        assert "The workspace is restored." in plain(await olga.post("/settings/archive", archived="no"))
        await adam.sign_in(acme.email("adam"))

"""The pages that say how long pictures are kept, and put somebody on hold (M-05, W-06, G-02)."""

from typing import Any

import pytest

from tests.diary.office.running import Office, plain
from tests.diary.office.test_policies import DEFAULTS
from tests.licensing.support import Acme

here = pytest.mark.asyncio(loop_scope="module")


@here
async def test_the_settings_say_how_long(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "adam") as adam:
        page = await adam.get("/settings")
        assert 'name="capture_days" type="number" value="7"' in page
        page = await adam.post("/settings/retention", capture_days="30", camera_days="", legal_hold="yes")
        assert "Saved." in plain(page)
        assert 'name="capture_days" type="number" value="30"' in page
        [found] = await acme.read("olga", "workspaces")
        assert (found["capture_days"], found["camera_days"], found["legal_hold"]) == (30, None, True)
        page = await adam.post("/settings/retention", 422, capture_days="0", camera_days="5")
        assert "capture_days-error" in page
        assert 'value="5"' in page, "what was typed is kept"
        assert "legal hold: yes" in plain(await adam.get("/audit"))
        await adam.post("/settings/retention", capture_days="7", camera_days="7")
    async with office.browser(acme, "mara") as mara:
        await mara.post("/settings/retention", 403, capture_days="1")


@here
async def test_a_policy_follows_the_settings_or_has_its_own_days(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "olga") as olga:
        page = await olga.get("/policies/new")
        assert "As the settings say: 7 days" in plain(page)
        assert "pictures are erased for good after 7 days. Time records stay." in plain(page)
        own: dict[str, Any] = {name: value for name, value in DEFAULTS.items() if name != "capture_days"}
        fragment = await olga.post(
            "/policies/preview", **own, capture_kept="days", capture_days="2", camera_kept="always"
        )
        assert "screenshots are erased for good after 2 days, camera snapshots kept without an end" in plain(fragment)
        page = await olga.post("/policies/new", 422, **own, capture_kept="days")
        assert 'id="f-capture_days-error"' in page
        page = await olga.post("/policies/new", 422, **own, capture_kept="days", capture_days="0")
        assert 'id="f-capture_days-error"' in page
        await olga.post("/policies/new", **own, capture_kept="days", capture_days="2", camera_kept="workspace")
        made = olga.at
        page = await olga.get(f"{made}/edit")
        assert 'name="capture_days" type="number" value="2"' in page
        [policy] = await acme.read("olga", "policies", id=made.rsplit("/", 1)[1])
        assert (policy["policy"]["capture_days"], policy["policy"]["camera_days"]) == (2, "workspace")


@here
async def test_a_member_is_put_on_hold_and_off_it(office: Office, acme: Acme) -> None:
    """Also one who has left: their pictures are what it is about, often enough."""
    emil = acme.member("emil")
    async with office.browser(acme, "adam") as adam:
        page = await adam.get(f"/people/{emil}")
        assert "Put Emil on legal hold" in plain(page)
        page = await adam.post(f"/people/{emil}/hold", hold="yes")
        assert "On legal hold: no picture of Emil expires." in plain(page)
        await adam.post(f"/people/{emil}/archive", archived="yes")
        page = await adam.post(f"/people/{emil}/hold", hold="no")
        assert "The legal hold is lifted." in plain(page)
        assert "legal hold: no" in plain(await adam.get("/audit"))
    [found] = await acme.read("olga", "members", id=emil)
    assert found["legal_hold"] is False
    async with office.browser(acme, "mara") as mara:
        await mara.post(f"/people/{acme.member('lisa')}/hold", 403, hold="yes")
        assert "legal hold" not in plain(await mara.get(f"/people/{acme.member('lisa')}"))

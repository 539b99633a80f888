"""The pages of licences: a key shown once, changes, the reason of a refusal, and nobody culled (L-01 to L-05)."""

import re

import pytest

from tests.diary.office.running import Office, plain
from tests.diary.office.test_policies import DEFAULTS
from tests.licensing.support import Acme

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = re.compile(r'id="key">([A-Z2-7-]{39})<')
NEW = {"mode": "worklog", "seats": "1"}


async def test_a_key_is_shown_once_and_activates(office: Office) -> None:
    """L-01: and nothing that is read later holds it."""
    acme = await office.acme()
    async with office.browser(acme, "adam") as adam:
        page = await adam.post("/licences/new", **NEW, member=acme.member("emil"), expires="2099-08-31")
        found = KEY.search(page)
        assert found is not None
        device = await office.device(found[1])
        try:
            page = await adam.get(f"/licences/{device.licence}")
            assert found[1] not in page
            assert "1 of 1 taken" in plain(page)
            assert "to 31 August 2099" in plain(page)
            assert "What this policy does" in page
            assert found[1] not in await adam.get("/licences")
        finally:
            await device.close()


async def test_the_mode_decides_what_is_asked(office: Office, acme: Acme) -> None:
    """L-08: a worklog licence has no computer, whatever a form sends; a monitoring one may have no member."""
    async with office.browser(acme, "olga") as olga:
        page = await olga.post("/licences/new", **NEW, member=acme.member("emil"), computer="Reception")
        assert "The key of Emil" in plain(page)
        page = await olga.post("/licences/new", mode="monitoring", seats="1", computer="Reception")
        assert "The key of Reception" in plain(page)
        page = await olga.post("/licences/new", 422, **NEW, expires="2099-01-01")
        assert "a worklog licence is for a member" in plain(page).casefold()
        assert 'value="2099-01-01"' in page
        page = await olga.post("/licences/new", 422, **NEW, member=acme.member("emil"), expires="soon")
        assert 'id="f-expires-error"' in page
        rows = plain(await olga.get("/licences?mode=monitoring"))
        assert "Reception" in rows
        assert "Emil" not in rows.partition("Search licences")[2]


async def test_suspended_resumed_revoked(office: Office) -> None:
    """L-04, L-05: the reason stands on the row, and what becomes of signed work is said before it is done."""
    acme = await office.acme()
    device = await office.device(acme.key())
    path = f"/licences/{device.licence}"
    try:
        async with office.browser(acme, "adam") as adam:
            page = await adam.get(path)
            assert "Work that was signed before stays valid" in page
            page = plain(await adam.post(f"{path}/suspend"))
            assert "Suspended : records nothing until it is resumed" in page.replace("Suspended:", "Suspended :")
            assert "Its licence is suspended" in page
            assert "Active" in plain(await adam.post(f"{path}/resume"))
            page = await adam.post(f"{path}/revoke", drain_hours="3")
            assert "signed work may arrive until" in plain(page)
            assert f"{path}/resume" not in page
            await adam.post(f"{path}/resume", 409)
            assert "revoked" in plain(await adam.get("/licences?state=revoked")).casefold()
        log = await acme.read("olga", "licences", device.licence)
        assert log[0]["state"] == "revoked"
    finally:
        await device.close()


async def test_fewer_seats_end_none(office: Office) -> None:
    """L-03: nobody is culled; the row says so, and no further computer comes in."""
    acme = await office.acme()
    first, second = await office.device(acme.key(1)), await office.device(acme.key(1))
    path = f"/licences/{first.licence}"
    try:
        async with office.browser(acme, "olga") as olga:
            assert "Fewer seats than that end none" in await olga.get(path)
            page = plain(await olga.post(f"{path}/seats", seats="1"))
            assert "1 seat over: no further computer can be activated" in page
            assert "Devices: 2" in page
            page = await olga.post(f"{path}/seats", 422, seats="0")
            assert 'id="f-seats-error"' in page
    finally:
        await first.close()
        await second.close()


async def test_a_seat_goes_over_to_another_computer(office: Office) -> None:
    """L-04: the old one stops, and the same key works on the next."""
    acme = await office.acme()
    old = await office.device(acme.key())
    path = f"/licences/{old.licence}"
    try:
        async with office.browser(acme, "adam") as adam:
            page = plain(await adam.post(f"{path}/transfer", act="transfer", device=old.device))
            assert "records no more. Its seat waits for the next one" in page
            assert "kept for a transfer" in page
            new = await office.device(acme.key())
            await new.close()
            page = plain(await adam.get(path))
            assert "kept for a transfer" not in page
            assert "Devices: 1" in page
            await adam.post(f"{path}/transfer", 404, act="transfer", device="dev-none")
    finally:
        await old.close()


async def test_renewed_and_under_another_policy(office: Office) -> None:
    """L-04, G-01: days are the reader's; a policy that records more is announced."""
    acme = await office.acme()
    licence = (await acme.read("olga", "licences", member=acme.member("emil")))[0]["id"]
    path = f"/licences/{licence}"
    async with office.browser(acme, "olga") as olga:
        page = plain(await olga.post(f"{path}/renew", not_before="2026-01-01", expires="2098-12-31"))
        assert "1 January 2026 to 31 December 2098" in page
        page = await olga.post(f"{path}/renew", 422, not_before="2026-01-01", expires="2025-01-01")
        assert 'id="f-expires-error"' in page
        await olga.post("/policies/new", **DEFAULTS, apps="yes", titles="yes")
        policy = olga.at.rpartition("/")[2]
        page = plain(await olga.post(f"{path}/policy", policy=policy))
        assert "Window titles : the title of the window in front." in page
        assert "The newest notice is not acknowledged yet" in page


async def test_a_draft_has_no_key_until_it_is_issued(office: Office, acme: Acme) -> None:
    async with office.browser(acme, "olga") as olga:
        page = await olga.post("/licences/new", **NEW, member=acme.member("emil"), draft="yes")
        assert "has no key yet" in plain(page)
        page = await olga.post(f"{olga.at}/issue")
        assert KEY.search(page)


async def test_the_signed_file(office: Office, acme: Acme) -> None:
    """L-02: for whoever may change licences; it is written down who took it."""
    licence = (await acme.read("olga", "licences", member=acme.member("emil")))[0]["id"]
    async with office.browser(acme, "adam") as adam, office.browser(acme, "emil") as emil:
        answer = await adam.http.post(f"/licences/{licence}/file")
        assert "attachment" in answer.headers["content-disposition"]
        assert {"document", "signature"} <= set(answer.json())
        await emil.post(f"/licences/{licence}/file", 403)
        log = (await adam.http.get("/api/v1/audit", params={"action": "licence.exported"})).json()["items"]
        assert [one["target"] for one in log] == [licence]


async def test_who_sees_which_licences(office: Office, acme: Acme, other: Acme) -> None:
    """M-02: a manager their team's, without buttons; others' are not found."""
    lisas, emils = [(await acme.read("olga", "licences", member=acme.member(who)))[0]["id"] for who in ("lisa", "emil")]
    async with office.browser(acme, "mara") as mara, office.browser(acme, "cleo") as cleo:
        page = await mara.get(f"/licences/{lisas}")
        assert "Revoke it for good" not in page
        assert emils not in page
        await mara.get(f"/licences/{emils}", 404)
        await mara.post(f"/licences/{lisas}/suspend", 403)
        await mara.get("/licences/new", 403)
        await cleo.get("/licences", 403)
    async with office.browser(other, "olga") as stranger:
        await stranger.get(f"/licences/{emils}", 404)
        for act in ("suspend", "revoke", "file"):
            await stranger.post(f"/licences/{emils}/{act}", 404)
        await stranger.post(f"/licences/{emils}/nonsense", 404)

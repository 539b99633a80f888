"""Every mail is written in its reader's language, and goes out in it: real messages, by SMTP (W-06, W-07)."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from services.diary.summaries import lines_of
from services.licensing import mail
from services.wire.language import _, as_told
from services.wire.requests import Tell
from tests.language.pages import browser, language_of
from tests.licensing.support import PASSWORD, Acme, Licensing
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "another good password"


def _email() -> str:
    return f"neu-{secrets.token_hex(4)}@example.test"


def _lines(mail: dict[str, Any]) -> list[str]:
    return str(mail["text"]).splitlines()


async def _send(web: Web, language: str, path: str, **form: str) -> httpx.Response:
    async with browser(web, language) as http:
        page = await http.post(path, data=form)
        assert page.status_code in (200, 303), page.text
        return page


async def _german(web: Web) -> Acme:
    acme = await web.licensing.seed()
    await acme.change("olga", "workspaces", acme.workspace, language="de")
    return acme


async def test_of_an_account_the_page_decides(web: Web) -> None:
    """From signing up to a new password; the workspace speaks what the page did."""
    email, mails = _email(), web.licensing.mails
    form = {"name": "Ada Öz", "email": email, "password": PASSWORD, "workspace": "Werft", "zone": "UTC"}
    page = await _send(web, "de", "/sign-up", **form)
    assert language_of(page) == "de"
    asked = await mails.wait_for(email, "Bestätigen Sie Ihre E-Mail-Adresse")
    assert asked["text"].startswith("Guten Tag Ada Öz,")
    assert asked["text"].rstrip().endswith("Gesendet von Daybook")
    await _send(web, "de", "/sign-up/verify", token=await mails.token(email))
    doc = await web.licensing.store["workspaces"].find_one({"name": "Werft", "language": "de"})
    assert doc is not None
    await _send(web, "en", "/password/forgotten", email=email)
    assert (await mails.wait_for(email, "Choose a new password"))["text"].startswith("Hello Ada Öz,")
    await _send(web, "de", "/password/forgotten", email=email)
    token = await mails.token(email, "Neues Passwort wählen")
    await _send(web, "de", "/password/reset", token=token, password=NEW)
    assert "alle anderen Sitzungen" in (await mails.wait_for(email, "Ihr Passwort wurde geändert"))["text"]


async def test_who_has_an_account_is_told_in_their_own_language(web: Web) -> None:
    """Somebody else typed the address, on a page of theirs; and a program that names no language is no page."""
    acme, mails = await _german(web), web.licensing.mails
    lisa = acme.email("lisa")
    form = {"name": "X", "email": lisa, "password": PASSWORD, "workspace": "X", "zone": "UTC"}
    await _send(web, "en", "/sign-up", **form)
    assert (await mails.wait_for(lisa, "Sie haben schon ein Konto"))["text"].startswith("Guten Tag Lisa,")
    async with web.browse("192.0.2.77") as http:
        assert (await http.post("/api/v1/password-resets", json={"email": lisa})).status_code == 202
    await mails.wait_for(lisa, "Neues Passwort wählen")


async def test_an_invitation_speaks_to_whom_it_invites(web: Web) -> None:
    """Their own language where somebody named it, else the workspace's; the role is a word of that language."""
    acme, mails = await _german(web), web.licensing.mails
    emails = [_email() for _each in range(3)]
    await acme.create("adam", "members", email=emails[0], name="Nia", role="manager")
    await acme.create("adam", "clients", email=emails[1], name="Cleo GmbH")
    async with browser(web, "", acme, "adam") as http:
        form = {"name": "Kim", "email": emails[2], "role": "employee", "team": "", "language": "en"}
        assert (await http.post("/people/new", data=form)).status_code == 303
    invited, client, english = await asyncio.gather(*(mails.wait_for(one) for one in emails))
    name = acme.answer["name"]
    assert invited["subject"] == f"{name} lädt Sie zum Arbeitstagebuch ein"
    assert invited["from"] == f"{name} über Daybook <daybook@localhost>"
    assert "Adam lädt Sie als Manager in den Arbeitsbereich" in invited["text"]
    assert invited["text"].rstrip().endswith(f"Gesendet von Daybook für {name}")
    assert "als Auftraggeber in" in client["text"]
    assert (english["subject"], "as an employee" in english["text"]) == (f"{name} invites you to its work diary", True)
    async with browser(web, "de") as http:
        page = await http.get("/invitations/accept", params={"token": await mails.token(emails[0])})
        assert "Als <b>Manager</b>" in page.text


async def test_what_more_is_recorded(web: Web) -> None:
    acme, mails = await _german(web), web.licensing.mails
    shots = {"enabled": True, "per_segment": 2, "blur": True}
    licences = [one for one in await acme.read("olga", "licences") if one["member"] == acme.member("emil")]
    await acme.change("olga", "policies", licences[0]["policy"], policy={"screenshots": shots, "site": "domain"})
    told = await mails.wait_for(acme.email("emil"), "Was von Ihrer Arbeit", count=1)
    assert "- Bildschirmfotos: 2 in zehn Minuten, unscharf" in told["text"]
    assert "- Die Websites im Vordergrund" in told["text"]
    # what is kept of the notice is read by all in their own languages, and stays as it was written
    notices = await acme.read("emil", "notices")
    assert any("Screenshots: 2 in ten minutes, blurred" in one["changes"] for one in notices)


def _week(acme: Acme, who: str) -> Tell:
    weeks = [
        {"contract": "a", "tracked_minutes": 90, "billable_minutes": 60, "over_limit_minutes": 30},
        {"contract": "b", "tracked_minutes": 5, "billable_minutes": 10, "over_limit_minutes": 0},
    ]
    lines = lines_of(weeks, {"a": {"project": "Atlas: Mars"}, "b": {"project": "Together"}})
    values = {"week": "2026-11-16", "summary": "\n".join(lines)}
    said: dict[str, Any] = {"summary": [as_told(line) for line in lines]}
    return Tell(
        workspace=acme.workspace,
        id=f"week|2026-11-16|{who}",
        kind="weekly_summary",
        member=acme.member(who),
        values=values,
        said=said,
    )


async def test_what_other_services_have_said(web: Web) -> None:
    """A project's name stays as it is, even where it is a word of ours; asked by an older diary it stays English."""
    acme, mails = await _german(web), web.licensing.mails
    await web.licensing.ask("tell", _week(acme, "lisa"))
    week = await mails.wait_for(acme.email("lisa"), "Ihre Woche vom 16.11.2026")
    assert "Atlas: Mars: 1:30 aufgezeichnet, 1:00 abrechenbar, 0:30 über der Wochengrenze" in _lines(week)
    assert "Together: 0:05 aufgezeichnet, 0:10 abrechenbar" in _lines(week)
    assert "Zusammen: 1:35 aufgezeichnet, 1:10 abrechenbar, 0:30 über der Wochengrenze" in _lines(week)
    await web.licensing.ask("tell", _week(acme, "emil").model_copy(update={"said": {}}))
    old = await mails.wait_for(acme.email("emil"), "Ihre Woche")
    assert "Together: 1:35 recorded" in old["text"]
    words = {"decision": _("rejected"), "reason": _("Reason: {reason}", reason="approved")}
    values = {"week": "2026-11-16", "contract": "Atlas", "decider": "Mara"}
    asked: dict[str, Any] = {
        "workspace": acme.workspace,
        "id": "t",
        "kind": "timesheet_decision",
        "member": acme.member("lisa"),
    }
    said: dict[str, Any] = {name: [as_told(text)] for name, text in words.items()}
    await web.licensing.ask("tell", Tell(**asked, values=values | words, said=said))
    decided = await mails.wait_for(acme.email("lisa"), "Ihr Stundenzettel vom 16.11.2026 wurde abgelehnt")
    assert "wurde von Mara abgelehnt. Grund: approved" in " ".join(decided["text"].split())
    since = {"device": "Werkbank", "since": "2026-11-16T10:20:30Z", "reason": "?"}
    silent: dict[str, Any] = {
        "workspace": acme.workspace,
        "id": "d",
        "kind": "device_silent",
        "member": acme.member("adam"),
    }
    await web.licensing.ask("tell", Tell(**silent, values=since))
    text = (await mails.wait_for(acme.email("adam"), "Werkbank meldet sich nicht"))["text"]
    assert "seit 16.11.2026, 10:20:30 UTC nicht gemeldet" in " ".join(text.split())


async def _test_mail(acme: Acme, mails: Any, count: int = 1) -> dict[str, Any]:
    made = await acme.create("adam", "mails", kind="test")
    await mails.wait_for(acme.email("adam"), count=count)
    return made


async def test_a_mail_keeps_its_language_and_one_without_is_english(shared: Licensing) -> None:
    """Sent again it is the same letter, whatever is spoken by then; those of before are English."""
    acme, mails = await shared.seed(), shared.mails
    await acme.change("olga", "workspaces", acme.workspace, language="de")
    made = await _test_mail(acme, mails)
    assert mails.to(acme.email("adam"))[0]["subject"] == "Ein Test"
    await acme.change("olga", "workspaces", acme.workspace, language="en")
    await acme.change("olga", "mails", made["id"], state="waiting")
    assert (await mails.wait_for(acme.email("adam"), count=2))["subject"] == "Ein Test"
    await shared.store["mails"].update_one({"id": made["id"]}, {"$unset": {"language": ""}})
    await acme.change("olga", "mails", made["id"], state="waiting")
    assert (await mails.wait_for(acme.email("adam"), count=3))["subject"] == "A test"


async def test_whom_nobody_knows_a_language_of(shared: Licensing) -> None:
    for workspace, member, spoken in (
        *(({"language": "de"}, {"language": None}, "de"), ({"language": "de"}, {"language": "en"}, "en")),
        *(({}, {}, "en"), (None, None, "en"), ({"language": "de"}, {"language": "xx"}, "en")),
    ):
        assert mail.language_of(workspace, member) == spoken

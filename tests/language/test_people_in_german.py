"""Members, licences and policies, and what an agent says of them, as German readers have them (W-06).

The workspace speaks German; Mara alone has chosen English.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from agent.__main__ import main
from agent.language import of
from agent.policy import read_entitlement
from services.wire import widening, words
from services.wire.language import speaking
from services.wire.retold import retold
from tests.agent.desktop import activated
from tests.diary.office.running import Office, an_office, plain
from tests.licensing.support import Acme
from tests.support.servers import Installation

here = pytest.mark.asyncio(loop_scope="module")
#: What no page of these says to a German reader.
ENGLISH = (" the ", " and ", " is ", "Licence", "Policy", "Role", "Save", "Archive ")
SHOTS: dict[str, Any] = {
    "screenshots__enabled": "yes",
    "screenshots__per_segment": "2",
    "apps": "yes",
    "grace_days": "3",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(installation: Installation) -> AsyncIterator[Office]:
    async with an_office(installation) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme(office: Office) -> Acme:
    made = await office.acme()
    await made.change("olga", "workspaces", made.workspace, language="de")
    await made.change("olga", "members", made.member("mara"), language="en")
    async with office.browser(made, "adam") as adam:
        await adam.until("/people", lambda page: '<html lang="de"' in page)
    async with office.browser(made, "mara") as mara:
        await mara.until("/people", lambda page: '<html lang="en"' in page)
    return made


def _german(page: str, *said: str) -> str:
    text = plain(page)
    assert '<html lang="de"' in page
    assert [one for one in said if one not in text] == [], text
    assert [one for one in ENGLISH if one in text] == [], text
    return text


@here
async def test_members_teams_and_what_is_done_with_them(office: Office, acme: Acme) -> None:
    """W-03, W-04: pages, what is said once it is done, and what is refused."""
    lisa = acme.member("lisa")
    async with office.browser(acme, "adam") as adam:
        _german(await adam.get("/people"), "Personen", "Jede Rolle", "Mitarbeiter", "7 von 7")
        page = await adam.get(f"/people/{lisa}")
        _german(page, "Zum Manager machen", "Lisa archivieren")
        _german(await adam.get("/teams"), "Team anlegen", "Geleitet von")
        _german(await adam.post("/teams", name="Pflege"), "Pflege ist jetzt ein Team.")
        _german(await adam.post("/teams", 409, name="Pflege"), "Es gibt schon ein Team dieses Namens.")
        assert "Lisa ist jetzt Manager." in plain(await adam.post(f"/people/{lisa}/role", role="manager"))
        await adam.post(f"/people/{lisa}/role", role="employee")
    async with office.browser(acme, "olga") as olga:
        page = await olga.post(f"/people/{acme.member('olga')}/archive", 409, archived="yes")
        _german(page, "Ein Arbeitsbereich braucht einen Inhaber.")
    async with office.browser(acme, "mara") as mara:
        assert "Convert to manager" not in await mara.get("/people"), "a manager changes nobody"
        assert "Any role" in plain(await mara.get("/people"))


@here
async def test_a_bad_line_of_a_file_says_why(office: Office, acme: Acme) -> None:
    """W-03: the page in German, the file of bad lines in English, as it was written."""
    rows = (
        f"email,name,role\nada-{secrets.token_hex(4)}@example.test,Ada,\nnobody,Nobody,\nx@example.test,X,chief\na,b\n"
    )
    async with office.browser(acme, "adam") as adam:
        answer = await adam.http.post("/people/import", files={"file": ("herbst.csv", rows.encode(), "text/csv")})
        imported = answer.url.path
        text = plain(await adam.until(imported, lambda page: "Alle Zeilen sind gelesen." in page))
        assert "Übernommen 1 Abgelehnt 3" in text
        assert "3 Email: keine E-Mail-Adresse Schreiben Sie eine ganze Adresse" in text
        assert "4 Role: eines von employee, manager, admin, client Nehmen Sie employee" in text
        assert "5 2 Zellen, wo 3 Spalten benannt sind Vergleichen Sie sie mit der ersten Zeile" in text
        bad = (await adam.http.get(f"{imported}/bad.csv")).text
        assert "Email: not an e-mail address" in bad
        answer = await adam.http.post("/people/import", files={"file": ("herbst.csv", b"name\nAda", "text/csv")})
        assert answer.status_code == 422
        assert "Die erste Zeile nennt keine Spalte email." in plain(answer.text)


@here
async def test_policies_and_their_preview(office: Office, acme: Acme) -> None:
    """G-01: the form, the words beside it while it is filled in, what a change does, and a refusal at its field."""
    async with office.browser(acme, "adam") as adam:
        _german(
            await adam.get("/policies/new"), "Bildschirmfotos aufnehmen", "In einfachen Worten", "Richtlinie anlegen"
        )
        page = plain(await adam.post("/policies/preview", **SHOTS))
        assert "2 Bilder in zehn Minuten, 12 in der Stunde" in page
        assert "Anwendungen : welche im Vordergrund ist" in page
        _german(
            await adam.post("/policies/new", name="Tests", **SHOTS),
            "Tests ist jetzt eine Richtlinie.",
            "Was Mitglieder lesen",
        )
        policy = adam.at
        page = plain(
            await adam.post(f"/policies/preview?policy={policy.rpartition('/')[2]}", **(SHOTS | {"titles": "yes"}))
        )
        assert "Noch gilt diese Richtlinie für niemanden" in page
        assert "der Titel des Fensters im Vordergrund." in page
        page = await adam.post(f"{policy}/edit", 422, name="Tests", **(SHOTS | {"screenshots__per_segment": "70"}))
        assert 'id="f-screenshots.per_segment-error"' in page


@here
async def test_licences_and_the_words_that_a_computer_shows(office: Office, acme: Acme) -> None:
    """G-01, L-02: the agent is told its member's language, and says the very sentences of the page."""
    device = await office.device(acme.key())
    try:
        entitlement = read_entitlement(device.open((await device.ask("entitlement")).data))
    finally:
        await device.close()
    assert entitlement.language == "de"
    with speaking(of(entitlement.language)):
        shown = words.lines(entitlement.said, entitlement.mode)
    async with office.browser(acme, "adam") as adam:
        page = await adam.get(f"/licences/{entitlement.licence}")
        text = _german(page, "Aktiv", "Platz zurückgeben", "Endgültig entziehen", "1 von ")
        for line in shown:
            assert line.replace(": ", " : ", 1) in text or line in text, line
        page = await adam.post(f"/licences/{entitlement.licence}/suspend")
        _german(page, "Sie ist ausgesetzt: Nichts wird aufgezeichnet", "Ausgesetzt")
        page = await adam.post(f"/licences/{entitlement.licence}/seats", 422, seats="0")
        assert 'id="f-seats-error"' in page


def test_the_agent_on_a_computer(capsys: pytest.CaptureFixture[str]) -> None:
    """W-06: what the resident process answers, in the language that its entitlement names; the log stays English."""
    with activated() as home:
        spool = home.spool()
        kept = json.loads(spool.note("entitlement") or "")
        kept["message"] |= {"language": "de"}
        spool.write_note("entitlement", json.dumps(kept))
        spool.close()
        with home.resident():
            command = ["--home", str(home.settings.home)]
            assert main([*command, "status"]) == 0
            out = capsys.readouterr().out
            assert "angehalten seit" in out
            assert "hier wird aufgezeichnet:" in out
            assert "Kamera: nicht aufgezeichnet." in out
            assert main([*command, "break"]) == 1
            assert "es läuft nichts" in capsys.readouterr().err
        log = home.settings.log.read_text() if home.settings.log.exists() else ""
        assert " ist " not in log


def test_what_is_kept_in_english_is_said_again() -> None:
    """G-01: also what was kept before there was another language."""
    policy = {"screenshots": {"per_segment": 3, "blur": True}, "camera": {"per_hour": 1}, "site": "url"}
    lines = widening.in_words(["screenshots", "site"], policy)
    assert lines == ["Screenshots: 3 in ten minutes, blurred", "The addresses of web pages in front"]
    with speaking("de"):
        assert "3 in zehn Minuten" in widening.told_again(lines)[0]
        assert widening.told_again(["Something of another version"]) == ["Something of another version"]
        assert retold("Ada is here", ["{name} is gone", "{name} is here"]) == "Ada is here"

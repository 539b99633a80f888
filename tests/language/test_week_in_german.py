"""Weeks, contracts, computers and the audit log as a German reader sees them, on real services (W-06).

The workspace speaks German, and nobody in it has chosen a language of their own.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from services.diary.pages.audit_words import Known, said
from services.wire.language import N_, speaking
from services.wire.retold import retold
from services.wire.slots import SLOT, week_of
from tests.diary.office.running import Office, an_office, plain
from tests.licensing.support import Acme
from tests.support.servers import Installation
from tests.support.stranger import slot_before, today

pytestmark = pytest.mark.asyncio(loop_scope="module")
#: What no page of these says to a German reader.
ENGLISH = (" the ", " and ", " of ", "Week ", "Contract", "Billable", "Submitted", "Not billed")


@dataclass
class Week:
    """Half an hour of Lisa's, at 1,920.50 an hour, on a contract that Cleo reads."""

    office: Office
    acme: Acme
    device: str
    contract: str
    monday: str

    @property
    def sheet(self) -> str:
        return f"/timesheets/{self.acme.member('lisa')}?week={self.monday}"

    async def page(self, who: str, path: str) -> str:
        """Its words, on one line."""
        async with self.office.browser(self.acme, who) as reader:
            page = await reader.get(path)
        assert '<html lang="de"' in page
        return plain(page)

    async def submitted(self) -> str:
        """What Lisa reads once she has submitted it, again or for the first time."""
        async with self.office.browser(self.acme, "lisa") as lisa:
            path = f"/timesheets/{self.acme.member('lisa')}/submission"
            return plain(await lisa.post(path, week=self.monday, contract=self.contract))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def week(installation: Installation) -> AsyncIterator[Week]:
    async with an_office(installation) as office:
        acme = await office.acme()
        contract = str(acme.answer["contracts"][0]["contract"])
        await acme.change("olga", "workspaces", acme.workspace, language="de")
        await acme.change("adam", "contracts", contract, rate_minor=192_050, weekly_limit_minutes=20)
        yield await _recorded(office, acme, contract)


async def _recorded(office: Office, acme: Acme, contract: str) -> Week:
    device = await office.device(acme.key())
    first = slot_before(today(), 4)
    if (first + 2 * SLOT).date() != first.date():  # all of it in one day, and so in one week
        first -= 3 * SLOT
    try:
        for step in range(3):
            await device.publish(device.record(first + step * SLOT, contract=contract))
        await device.settled()
        monday = week_of(first, ZoneInfo("UTC")).isoformat()
        made = Week(office, acme, device.device, contract, monday)
        async with office.browser(acme, "lisa") as lisa:
            await lisa.until(made.sheet, lambda page: "1.920,50" in page and "10 min" in page and 'lang="de"' in page)
        return made
    finally:
        await device.close()


async def test_a_member_submits_their_week_in_german(week: Week) -> None:
    """S-10, V-06: money as German writes it, and what is to be looked at before."""
    page = await week.page("lisa", week.sheet)
    assert "Woche einreichen" in page
    assert "20 min zur Genehmigung einreichen?" in page
    assert "1.920,50" in page, "the rate"
    assert "640,17" in page, "twenty minutes of it"
    assert "10 min über der Grenze, nicht abgerechnet. " in page
    assert "Manuelle Zeit Keine in dieser Woche." in page
    assert "Die Woche ist eingereicht." in await week.submitted()


async def test_a_manager_reads_weeks_and_decides_in_german(week: Week) -> None:
    await week.submitted()
    page = await week.page("mara", week.sheet)
    assert "0:20 genehmigen" in page
    assert "Vor der Entscheidung anzusehen" in page
    page = await week.page("mara", f"/approvals?week={week.monday}")
    assert "Wartet auf Sie: " in page
    assert "Mitglied Abrechenbar Betrag" in page
    assert "0:20 von 20 min" in page
    async with week.office.browser(week.acme, "mara") as mara:
        fields = {"week": week.monday, "contract": week.contract, "reason": ""}
        page = plain(await mara.post(f"/timesheets/{week.acme.member('lisa')}/rejection", 422, **fields))
    assert "Sagen Sie, warum, damit das Mitglied es richtigstellen kann." in page


async def test_a_client_reads_their_contract_in_german(week: Week) -> None:
    """S-07, S-03: the terms, the versions and the weeks."""
    page = await week.page("cleo", "/contracts")
    assert "Ihre Verträge" in page
    page = await week.page("cleo", f"/contracts/{week.contract}")
    assert "1.920,50" in page
    assert "je Stunde" in page
    assert "Laufzeit Unbefristet" in page
    assert "Woche für Woche" in page
    assert "Manuelle Zeit Nicht erlaubt" in page


async def test_a_form_reads_and_writes_amounts_as_german_does(week: Week) -> None:
    """S-03: what stands in the field can be sent again, and what licensing refuses is said in German beside it."""
    path = f"/contracts/{week.contract}/edit"
    async with week.office.browser(week.acme, "adam") as adam:
        page = await adam.get(path)
        assert 'value="1920,50"' in page
        fields = {"project": "Atlas", "currency": "EUR", "rate_minor": "1920,50", "weekly_limit_minutes": "0:20"}
        dated = fields | {"starts_on": "2026-05-02", "ends_on": "2026-05-01"}
        assert "Vor dem ersten Tag." in plain(await adam.post(path, 422, **dated))
        assert "Ein Betrag wie 64,00." in plain(await adam.post(path, 422, **(fields | {"rate_minor": "x"})))


async def test_a_computer_and_its_silence_in_german(week: Week) -> None:
    """V-03, B-02."""
    for who in ("mara", "lisa"):
        page = await week.page(who, f"/devices/{week.device}")
        assert "Datensätze 3" in page
        assert "Lücken 0" in page
        assert "Von diesem Gerät wird nichts zurückgehalten." in page
        assert "Arbeitsprotokoll" in page
    assert "Gerät Mitglied Modus" in await week.page("mara", "/devices")


async def test_what_licensing_refuses_is_said_in_german_with_its_values(week: Week) -> None:
    """W-06: said in English over the bus, with the message and what it is about."""
    async with week.office.browser(week.acme, "adam") as adam:
        page = await adam.post("/devices/dev-unknown/name", 404, name="fjord")
        title = re.findall(r"<h1>(.*?)</h1>", page)[0]
        assert "Gerät" in title
        assert "There is no such" not in title
        assert "device" not in title
        fields = {"member": "mem-nobody", "project": "Atlas", "currency": "EUR"}
        page = await adam.post("/contracts/new", 422, **fields)
        [beside] = re.findall(r'id="f-member-error">.*?<span>(.*?)</span>', page)
        assert "Mitglied" in beside, "whose message has the field among its values"


async def test_the_log_says_in_german_what_was_done(week: Week) -> None:
    """G-02: in the page's words; what is stored and exported stays as it was written."""
    async with week.office.browser(week.acme, "adam") as adam:
        page = plain(await adam.get("/audit"))
        assert "Vertrag geändert" in page
        assert "Stundensatz, Wochengrenze" in page
        assert "Arbeitsbereich geändert" in page
        assert "Die Kette hält." in plain(await adam.get("/audit/check"))
        table = (await adam.http.get("/api/v1/audit.csv")).text
        assert "rate_minor, weekly_limit_minutes" in table
    assert "Wer Einsicht nahm und was Sie sonst betrifft" in await week.page("lisa", "/audit")


async def test_other_pages_have_nothing_english_left(week: Week) -> None:
    for who, path in (("mara", "/clients"), ("mara", "/diaries"), ("lisa", "/notices"), ("lisa", "/devices")):
        page = await week.page(who, path)
        ours = page.replace("Own policy of Lisa's licence", "")
        assert not [words for words in ENGLISH if words in ours], page


async def test_a_sentence_that_was_kept_is_said_again() -> None:
    """G-01, G-02: with its values; what is none of ours stays as it was written."""
    asked = Known({"dev-abcdefgh12": "fjord-14"}, {}, ZoneInfo("UTC"))
    messages = (N_("Screenshots: {count} in ten minutes, blurred"), N_("Which application is in front, and how long"))
    with speaking("de"):
        assert retold("Screenshots: 3 in ten minutes, blurred", messages).startswith("Bildschirmfotos: 3 in zehn")
        assert retold("Something else", messages) == "Something else"
        assert said("3 of 4 of device dev-abcdefgh12", asked) == "3 von 4 des Geräts fjord-14"
        assert (
            said('draft=false, mode="worklog", seats=1', asked) == "Entwurf: nein, Modus: Arbeitsprotokoll, Plätze: 1"
        )
    assert retold("Screenshots: 3 in ten minutes, blurred", messages) == "Screenshots: 3 in ten minutes, blurred"

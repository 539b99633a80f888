"""A day, its pictures and its dialogues in German, on the real web process, projector and store (W-06).

What is read in both languages must differ in every text and every attribute that is read aloud: whatever stands on the
English page and on the German one alike is somebody's words, or a name.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.wire.slots import SLOT
from tests.diary.pages.running import Diary, a_diary, until
from tests.support.servers import Installation

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY, EMPTY, FUTURE = "2026-11-20", "2020-02-03", "2099-11-20"
NINE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
#: Words of people and names, and what German writes as English does.
SAME = {
    *("Daybook", "Norrvik Studio", "Mira Solberg", "Lena Berg", "Halden portal", "Statement export", "Build", "Slides"),
    *("Editor", "Editor, statement.py", "statement.py", "fjord-14", "UTC", "CSV", "XLSX", "JSON", "English", "Deutsch"),
    *("Name", "Team", "Teams", "Minute", "Esc", "Europe/Oslo", "Oslo", "Website", "min"),
}
_READ_ALOUD = frozenset({"title", "aria-label", "alt", "placeholder"})
_SPOKEN = re.compile(r"^data-(words|one|many|span|none|locked|approved|failed|away|close|loading|spoken)$")
_NAMES = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, SAME), key=len, reverse=True)) + r")\b")
_LETTERS = re.compile(r"[^\W\d_]{3,}")


class Texts(HTMLParser):
    """Every text of a page, and every attribute of words, by what is left of them without names and numbers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in _READ_ALOUD or _SPOKEN.match(name):
                self._keep(value or "")

    def handle_data(self, data: str) -> None:
        if self._within not in ("script", "style"):
            self._keep(data)

    def _keep(self, text: str) -> None:
        if _LETTERS.search(re.sub(r"\{\w+\}", "", _NAMES.sub("", text))):
            self.found.add(" ".join(text.split()))


class Read:
    """What Mira and Lena, who leads, were shown in one language, by what it was."""

    def __init__(self, diary: Diary, mira: str, lena: str, details: list[dict[str, Any]]) -> None:
        self._diary, self._mira, self._lena, self._details = diary, mira, lena, details
        self.pages: dict[str, str] = {}

    async def all(self) -> dict[str, str]:
        day = f"/diary/{self._mira}/{DAY}"
        some = {"segment": " ".join(one["segment_id"] for one in self._details[:3])}
        shot = self._details[0]["captures"][0]["capture_id"]
        within = f"/diary/{self._mira}/2026-11-16/range"
        async with self._diary.client(self._diary.principal(self._mira)) as http:
            for name, path in {
                "day": day,
                "changes": f"{day}/changes",
                "minutes": f"{day}/minutes/{self._details[0]['segment_id']}",
                "picture": f"{day}/captures/{shot}",
                "gallery": f"/captures/{self._mira}/{DAY}",
                "manual": f"{day}/manual",
                "range": f"/diary/{self._mira}/2026-11-16?to=2026-11-22",
                "empty": f"/diary/{self._mira}/{EMPTY}",
                "no pictures": f"/captures/{self._mira}/{EMPTY}",
                "future": f"/diary/{self._mira}/{FUTURE}",
            }.items():
                await self._keep(name, http.get(path))
            await self._keep("note", http.post(f"{day}/note", data=some))
            await self._keep("removal", http.post(f"{day}/removal", data=some))
            await self._keep("removal of one", http.post(f"{day}/removal", data={"capture": shot}))
            await self._keep("range/note", http.post(f"{within}/note?to=2026-11-22", data={"contract": ""}))
            await self._keep("range/removal", http.post(f"{within}/removal?to=2026-11-22", data={"contract": ""}))
            typed = {"contract": "c", "kind": "work", "start": "9", "end": "10:00", "reason": "Slides"}
            await self._keep("refused", http.post(f"{day}/manual", data=typed), 422)
            gone = http.post(f"{day}/note", data={"segment": "con:dev:2026-11-20T08:00:00Z"})
            await self._keep("not there", gone, 404)
        async with self._diary.client(self._diary.principal(self._lena, "Lena Berg", "owner")) as http:
            await self._keep("watched", http.get(day))
            await self._keep("watched pictures", http.get(f"/captures/{self._mira}/{DAY}"))
            await self._keep("watched picture", http.get(f"{day}/captures/{shot}"))
            await self._keep("blur", http.post(f"{day}/pictures/blur", data=some))
            await self._keep("removal of pictures", http.post(f"{day}/pictures/removal", data=some))
        return self.pages

    async def _keep(self, name: str, asking: Any, status: int = 200) -> None:
        answer: httpx.Response = await asking
        assert answer.status_code == status, (name, answer.text)
        self.pages[name] = answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def diary(installation: Installation, mongo_url: str) -> AsyncIterator[Diary]:
    async with a_diary(installation, mongo_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(diary: Diary) -> tuple[dict[str, str], dict[str, str]]:
    """All of it in English, and in German once both have chosen that: choosing takes effect at once."""
    await diary.workspace_is()
    people = {"Mira Solberg": "employee", "Lena Berg": "owner"}
    mira, lena = [await diary.member(name, role) for name, role in people.items()]
    details = await _recorded(diary, mira)
    english = await Read(diary, mira, lena, details).all()
    for member, (name, role) in zip((mira, lena), people.items(), strict=True):
        await diary.member(name, role, member=member, language="de")

        async def german(member: str = member, name: str = name, role: str = role) -> bool:
            async with diary.client(diary.principal(member, name, role)) as http:
                return '<html lang="de">' in (await http.get(f"/diary/{mira}/{EMPTY}")).text

        await until(german)
    return english, await Read(diary, mira, lena, details).all()


async def _recorded(diary: Diary, mira: str) -> list[dict[str, Any]]:
    """A morning with all that a day can show: limits, pictures that are there and not, a pause, nothing done."""
    contract = await diary.contract(mira, "Halden portal", 40, manual_time=True, labels=["Build"])
    device = await diary.device(mira)
    sync = {"device": device, "records": 8, "through": 9, "missing": [[4, 4]], "broken": [], "ended": False}
    held = {"quarantined": [[6, "too_old"]], "last_received_at": "2026-11-20T11:00:00Z"}
    diary.neighbours.sync[device] = sync | held
    pause, private = ([[0, 0, 0, 0, state, None]] * 10 for state in ("break", "private"))
    kinds: list[dict[str, Any]] = [
        *({"label": "Build", "pictures": 2}, {}, {"memo": None}, {"memo": None, "active": 0}, {"pictures": 0}),
        *({"stored": False}, {"minutes": pause, "pictures": 0}, {"minutes": private, "pictures": 0}, {}, {}),
    ]
    told = [await diary.segment(mira, contract, device, NINE + step * SLOT, **kind) for step, kind in enumerate(kinds)]
    await diary.shows(diary.principal(mira), mira, DAY, len(kinds), 6)
    return told


async def test_nothing_english_is_left_in_german(both: tuple[dict[str, str], dict[str, str]]) -> None:
    english, german = both
    left = {name: sorted(Texts(page).found & Texts(german[name]).found) for name, page in english.items()}
    assert {name: words for name, words in left.items() if words} == {}


async def test_the_day_in_german(both: tuple[dict[str, str], dict[str, str]]) -> None:
    """V-01, S-02, S-03: times, numbers and weekdays as German writes them, and what changed since in the same."""
    german = both[1]
    for words in ("Freitag, 20. November 2026", "Nicht abgerechnet", "Grenze um 0", "Private Zeit", "Heute"):
        assert words in german["day"], words
    assert "Nicht geschützt: " in german["changes"]
    assert "Angekommen: 8 von 9 Datensätzen, 1 Lücke" in german["changes"]
    assert "Klicks" in german["minutes"]
    assert "Tagebuch von Mira Solberg" in german["watched"]


async def test_dialogues_say_the_loss_in_german(both: tuple[dict[str, str], dict[str, str]]) -> None:
    """S-08, S-04: before it goes."""
    german = both[1]
    assert "und 4 Bilder löschen?" in german["removal"]
    assert "Das lässt sich nicht rückgängig machen" in german["removal"]
    assert "Notiz und Tätigkeit von 3 Abschnitten" in german["note"]
    assert "und Lena Berg" not in german["blur"]
    assert "Mira Solberg kann es sehen" in german["blur"]


async def test_refusals_stand_at_their_field_in_german(both: tuple[dict[str, str], dict[str, str]]) -> None:
    german = both[1]
    assert "Eine Uhrzeit wie 09:40." in german["refused"]
    assert "Abschnitt" in german["not there"]


async def test_the_api_answers_in_english(diary: Diary, both: tuple[dict[str, str], dict[str, str]]) -> None:
    """V-04: whatever its reader chose, and whatever their browser asks for."""
    mira = await diary.member("Mira Solberg", language="de")
    async with diary.client(diary.principal(mira)) as http:
        answer = await http.get(f"/api/v1/diary/{mira}/days/yesterday", headers={"Accept-Language": "de"})
    assert answer.json()["detail"] == "date: a date like 2026-11-21, between 1970 and 2199"


async def test_a_browser_without_session_is_met_in_its_language(diary: Diary) -> None:
    """W-06: by Accept-Language, where nobody is known yet."""
    asked = {"en": "Sign in", "de-AT,de;q=0.9,en;q=0.5": "Anmelden", "fr,de;q=0.1": "Anmelden", "fr": "Sign in"}
    async with diary.client() as http:
        pages = await asyncio.gather(*(http.get("/sign-in", headers={"Accept-Language": one}) for one in asked))
        for page, (header, words) in zip(pages, asked.items(), strict=True):
            assert f"<h1>{words}</h1>" in page.text, header
        typed = {"memo": "Call with Halden", "sure": "yes"}
        ended = await http.post(f"/diary/m/{DAY}/note", data=typed, headers={"Accept-Language": "de"})
    assert ended.status_code == 401
    assert "Ihre Sitzung ist beendet" in ended.text
    assert 'value="Call with Halden"' in ended.text

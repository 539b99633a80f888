"""Changing all the time of several days on a page: first what will be lost, then how far it is (S-04, S-08, S-12)."""

import re
from typing import Any

import httpx
import pytest

from services.diary import changes, documents
from services.wire.slots import parse_instant
from tests.diary.facts import slots_from
from tests.diary.running import Diary, until

FIRST, LAST, COUNT = "2026-11-16", "2026-11-22", 40
PAGE = f"/diary/mira/{FIRST}/range"


@pytest.fixture
async def week(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> Diary:
    """Eighty segments of two contracts in a week that is open still; "many" are more than fifty here."""
    monkeypatch.setattr(changes, "AT_ONCE", 50)
    monkeypatch.setattr(documents, "CHUNK", 20)
    await diary.answer("licensing", "read", lambda body: {"items": []})
    tell = diary.teller
    told = [tell.contract("con", "mira", client="cleo", labels=["Build"]), tell.contract("side", "mira")]
    con = [tell.segment("mira", slot) for slot in slots_from(f"{FIRST}T08:00:00Z", COUNT)]
    side = [tell.segment("mira", slot, contract="side") for slot in slots_from("2026-11-18T08:00:00Z", COUNT)]
    await diary.tell(tell.settings(), tell.member("mira", zone="UTC"), tell.member("cleo", "client"), *told)
    await diary.tell(*con, *side)
    diary.edge.editor.clock = lambda: parse_instant("2026-11-23T11:00:00Z")
    diary.edge.people._known.clear()
    return diary


async def _ended(http: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """What the dialogue shows in the end, as htmx would ask for it."""
    seen: list[int] = []

    async def look() -> Any:
        nonlocal answer
        found = re.search(r'hx-get="([^"]+)"', answer.text)
        if found is None:
            return answer
        seen.append(int(re.search(r'progress value="(\d+)" max="80"', answer.text)[1]))  # type: ignore[index]
        answer = await http.get(found[1].replace("&amp;", "&"))
        return None

    assert answer.status_code == 200, answer.text
    ended: httpx.Response = await until(look)
    assert seen == sorted(seen)
    assert seen, "of many it shows how far it is"
    return ended


async def test_a_week_is_changed_and_deleted_on_its_page(week: Diary) -> None:
    """The dialogue says how many minutes will go before it is asked; nothing has gone then."""
    async with week.browse("mira") as http:
        page = (await http.get(f"/diary/mira/{FIRST}?to={LAST}")).text
        assert re.findall(r'<option value="(\w*)">', page) == ["", "con", "side"]
        dialog = await http.post(f"{PAGE}/note?to={LAST}", data={"contract": ""})
        assert "Memo and label of 80 segments" in dialog.text
        sent = {"sure": "yes", "contract": "", "memo": "a long week", "memo_was": "memo", "label": "=keep"}
        done = await _ended(http, await http.post(f"{PAGE}/note?to={LAST}", data=sent))
        assert done.headers["hx-redirect"] == f"/diary/mira/{FIRST}?to={LAST}"
        for day in (FIRST, "2026-11-18"):
            assert {one["memo"] for one in (await week.day("mira", day))["segments"]} == {"a long week"}
        few = await http.post(f"{PAGE}/note?to={LAST}", data={**sent, "contract": "side", "memo": ""})
        assert few.headers["hx-redirect"]

        asked = await _ended(http, await http.post(f"{PAGE}/removal?to={LAST}", data={"contract": ""}))
        assert asked.headers["hx-retarget"] == "#dialog"
        assert "Delete 13 h 20?" in asked.text
        assert "16 Nov to 22 Nov 2026, all contracts, 80 segments" in asked.text
        assert asked.text.replace("\u00a0", " ").count("<dd>6 h 40 → 0 min</dd>") == 2
        assert (await week.day("mira", FIRST))["totals"]["billable_minutes"] == 10 * COUNT
        sure = {"contract": "", "sure": "yes", "reason": "a wrong week"}
        done = await _ended(http, await http.post(f"{PAGE}/removal?to={LAST}", data=sure))
        assert done.headers["hx-redirect"]
    assert [(await week.day("mira", day))["segments"] for day in (FIRST, "2026-11-18")] == [[], []]


async def test_a_range_offers_what_its_reader_may(week: Diary) -> None:
    """S-06, S-07, S-08, T-02: labels to a client, nothing of a locked week, nothing on a monitored contract."""
    told = week.teller.contract("side", "mira", 2).model_copy(update={"monitored": True})
    await week.tell(told)
    week.edge.people._known.clear()
    async with week.browse("mira") as http:
        page = (await http.get(f"/diary/mira/{FIRST}?to={LAST}")).text
        assert re.findall(r'<option value="(\w*)">', page) == ["con"]
        refused = await http.post(f"{PAGE}/removal?to={LAST}", data={"contract": "side"})
        assert (refused.status_code, "monitored" in refused.text) == (403, True)
        nothing = await http.post("/diary/mira/2026-10-05/range/removal?to=2026-10-11", data={})
        assert nothing.status_code == 404
        long = await http.post(f"{PAGE}/removal?to=2027-11-22", data={})
        assert long.status_code == 422
        week.edge.editor.clock = lambda: parse_instant("2026-11-23T12:00:00Z")
        late = await http.post(f"{PAGE}/removal?to={LAST}", data={"contract": "con", "sure": "yes"})
        assert (late.status_code, "is locked" in late.text) == (409, True)
    async with week.browse("cleo", "client") as http:
        page = (await http.get(f"/diary/mira/{FIRST}?to={LAST}")).text
        assert ('id="range-memo"' in page, 'id="range-remove"' in page) == (True, False)
        assert (await http.post(f"{PAGE}/removal?to={LAST}", data={"sure": "yes"})).status_code == 403
        dialog = await http.post(f"{PAGE}/note?to={LAST}", data={"contract": "con"})
        assert ('name="label"' in dialog.text, 'name="memo"' in dialog.text) == (True, False)

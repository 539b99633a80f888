"""The segments of some days as a file, also of a week that is open: what the page shows, and no proof (V-04, S-07)."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from services.wire.slots import week_of
from tests.diary.facts import slots_from, work
from tests.diary.running import Diary

KATHMANDU = "Asia/Kathmandu"
MEMO = '=1+1 "memo"'


async def _rows(http: httpx.AsyncClient, **asked: str) -> list[dict[str, str]]:
    answer = await http.get("/api/v1/diary/mira/table", params=asked)
    assert answer.status_code == 200, answer.text
    return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


async def test_an_open_weeks_rows_are_those_of_the_page_and_say_that_they_are_not_sealed(diary: Diary) -> None:
    tell = diary.teller
    today = datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0) - timedelta(days=1)
    slots = slots_from(today.isoformat()[:19] + "Z", 4)  # 23:45 in Kathmandu: the last two are the next day's
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.member("cleo", role="client"),
        tell.contract("con", "mira", client="cleo", weekly_limit_minutes=20),
        tell.contract("side", "mira"),
        *(tell.segment("mira", slot, memo=MEMO, device="dev") for slot in slots[:3]),
        tell.segment("mira", slots[3], [work(keys=0)] * 6 + [None] * 4, contract="side", device="dev"),
    )
    first, last = ((today + timedelta(days=step)).date().isoformat() for step in (0, 1))
    async with diary.browse("mira") as http:
        rows = await _rows(http, **{"from": first, "to": last, "zone": KATHMANDU})
        days = [(await http.get(f"/api/v1/diary/mira/days/{one}?zone={KATHMANDU}")).json() for one in (first, last)]
        book = await http.get("/api/v1/diary/mira/table", params={"from": first, "to": last, "format": "xlsx"})
        long = await http.get("/api/v1/diary/mira/table", params={"from": "2026-01-01", "to": "2026-12-31"})
    assert [(row["date"], row["from"], row["to"]) for row in rows] == [
        (first, "23:45", "23:55"), (first, "23:55", "00:05"), (last, "00:05", "00:15"), (last, "00:15", "00:25"),
    ]  # fmt: skip
    shown = [(one["segment_id"], one["status"]) for day in days for one in day["segments"]]
    assert [(row["segment"], row["status"]) for row in rows] == shown
    assert sum(int(row["billed_minutes"]) for row in rows) == sum(day["totals"]["billable_minutes"] for day in days)
    assert sum(int(row["tracked_minutes"]) for row in rows) == sum(day["totals"]["tracked_minutes"] for day in days)
    assert {row["sealed"] for row in rows} == {"not sealed"}
    assert {row["week"] for row in rows} == {
        str(week_of(datetime.fromisoformat(one), ZoneInfo("UTC"))) for one in slots
    }
    assert rows[0]["memo"] == f"'{MEMO}", "no cell is a formula"
    assert book.headers["content-disposition"] == f'attachment; filename="diary-{first}-{last}.xlsx"'
    assert "not sealed" in zipfile.ZipFile(io.BytesIO(book.content)).read("xl/sharedStrings.xml").decode()
    assert (long.status_code, long.json()["field"]) == (422, "to")
    assert len([one async for one in diary.db["audit"].find({"action": "diary.exported"})]) == 2

    async with diary.browse("cleo", "client") as http:
        rows = await _rows(http, **{"from": first, "to": last, "zone": KATHMANDU})
        assert {row["contract"] for row in rows} == {"con"}, "S-07: nor see other contracts"
        assert await _rows(http, **{"from": first, "to": last, "contract": "side"}) == []
    async with diary.browse("omar") as http:
        assert (await http.get("/api/v1/diary/mira/table", params={"from": first, "to": last})).status_code == 403


async def test_a_sealed_weeks_rows_say_so(diary: Diary) -> None:
    tell = diary.teller
    await diary.tell(
        tell.settings(), tell.member("mira"), tell.contract("con", "mira"), tell.segment("mira", "2026-01-05T09:10:00Z")
    )
    seal = {"$set": {"sealed": {"root": "r"}}}
    assert (await diary.db["weeks"].update_one({"_id": f"{diary.workspace}|con|2026-01-05"}, seal)).matched_count
    async with diary.browse("mira") as http:
        [row] = await _rows(http, **{"from": "2026-01-05", "to": "2026-01-05"})
    assert (row["week"], row["sealed"]) == ("2026-01-05", "sealed")

"""Pictures whose days are over: the diary says so, and what they proved and what is billed stays (M-05, S-09, B-01)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.wire.slots import format_instant, slot_of
from services.wire.statements import check_bundle, read_bundle
from tests.diary.facts import capture
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary

LOCKED = "2026-01-05"
SLOTS = [f"{LOCKED}T09:{minute}0:00Z" for minute in range(3)]
OPEN = format_instant(slot_of(datetime.now(UTC) - timedelta(minutes=40)))
GONE_AT = format_instant(datetime.now(UTC))


@pytest.fixture
async def told(diary: Diary) -> Any:
    """A locked and an open week with pictures; gives what tells that all of them went."""
    ledger, tell = Ledger(diary.workspace), diary.teller
    await ledger.answer(diary)
    slots = [*SLOTS, OPEN]
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.member("boss", "admin"),
        tell.contract("con", "mira", rate_minor=6100, weekly_limit_minutes=20),
        *(ledger.close("mira", slot, captures=[capture(f"c{n}", slot)]) for n, slot in enumerate(slots)),
        *(tell.stored("mira", f"c{n}", slot) for n, slot in enumerate(slots)),
    )
    return [tell.removed("mira", f"c{n}", GONE_AT, days=7) for n in range(len(slots))]


async def figures(http: httpx.AsyncClient) -> dict[str, Any]:
    """All that is billed, counted and proved of both weeks."""
    week = (datetime.now(UTC) - timedelta(minutes=40)).date()
    monday = (week - timedelta(days=week.weekday())).isoformat()
    found: dict[str, Any] = {}
    for at in (LOCKED, monday):
        found[at] = (await http.get(f"/api/v1/timesheets/con/{at}")).json()
    for date in (LOCKED, OPEN[:10]):
        day = (await http.get(f"/api/v1/diary/mira/days/{date}")).json()
        for segment in day["segments"]:
            segment.pop("captures")
        found[date] = day
    statement = await http.get(f"/api/v1/timesheets/con/{LOCKED}/statement", params={"format": "json"})
    assert statement.status_code == 200, statement.text
    bundle = read_bundle(statement.content)
    found["seal"] = (check_bundle(bundle).seal, bundle.records)
    return found


async def test_neither_minutes_nor_money_nor_seals_move(diary: Diary, told: Any) -> None:
    async with diary.browse("boss", "admin") as http:
        before = await figures(http)
        assert before[LOCKED]["segments"][0]["protected"] is True
        await diary.tell(*told)
        after = await figures(http)
        assert after == before
        day = (await http.get(f"/api/v1/diary/mira/days/{LOCKED}")).json()
        shown = [one for segment in day["segments"] for one in segment["captures"]]
        assert [(one["state"], one["expired_after_days"]) for one in shown] == [("removed", 7)] * 3


async def test_it_is_told_that_they_expired(diary: Diary, told: Any) -> None:
    """A reason, and no error: on the day, in the gallery, on the page of the picture and by the API."""
    await diary.tell(*told)
    async with diary.browse("mira") as http:
        day = await http.get(f"/diary/mira/{LOCKED}")
        assert "Expired after 7 days" in day.text
        gallery = await http.get(f"/captures/mira/{LOCKED}")
        assert "3 expired after 7 days" in gallery.text
        picture = await http.get(f"/diary/mira/{LOCKED}/captures/c1")
        assert picture.status_code == 200
        assert "This picture was kept for 7 days, and is gone for good. Its time stays." in picture.text
        answer = await http.get("/api/v1/captures/c1/picture")
        assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (404, "picture-expired")


async def test_who_removed_it_first_is_told(diary: Diary, told: Any) -> None:
    """S-11: in any order, twice; an expiry does not hide that somebody removed it before, nor the other way round."""
    tell = diary.teller
    early = tell.removed("mira", "c0", "2026-01-06T00:00:00Z").model_copy(update={"reason": "admin"})
    late = tell.removed("mira", "c1", GONE_AT).model_copy(
        update={"reason": "member", "removed_at": "2099-01-01T00:00:00Z"}
    )
    await diary.tell(late, *told, early, *told)
    async with diary.browse("mira") as http:
        day = (await http.get(f"/api/v1/diary/mira/days/{LOCKED}")).json()
    shown = {one["capture_id"]: one for segment in day["segments"] for one in segment["captures"]}
    assert "expired_after_days" not in shown["c0"]
    assert shown["c1"]["expired_after_days"] == 7
    assert shown["c0"]["state"] == "removed"

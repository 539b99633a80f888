"""Changes of very many segments: one change, with progress, and no two halves (S-12)."""

from typing import Any

import pytest

from services.diary import changes, documents
from services.wire.slots import parse_instant
from tests.diary.editing import done, kind_of, send
from tests.diary.facts import capture, minutes, slots_from
from tests.diary.running import Diary, until

FIRST, COUNT = "2026-11-18T00:00:00Z", 30
SPAN = {"from": FIRST, "to": "2026-11-21T00:00:00Z"}


async def _fill(diary: Diary) -> None:
    """Sixty segments of two contracts, in one week; "many" are more than fifty here."""
    tell = diary.teller
    slots = slots_from(FIRST, COUNT)
    await diary.tell(tell.settings(), tell.member("mira"), tell.contract("con", "mira"), tell.contract("side", "mira"))
    shots = [capture(f"cap-{number}", slot) for number, slot in enumerate(slots)]
    con = [tell.segment("mira", slot, minutes(6), captures=[shot]) for slot, shot in zip(slots, shots, strict=True)]
    await diary.tell(*con, *(tell.segment("mira", slot, minutes(10), contract="side", device="two") for slot in slots))
    diary.edge.editor.clock = lambda: parse_instant("2026-11-22T12:00:00Z")


async def _finished(diary: Diary, answer: Any) -> tuple[Any, list[int]]:
    """The operation once it has ended, and what was seen of its progress."""
    seen: list[int] = []

    async def ended() -> Any:
        found = await done(diary, "GET", f"/operations/{answer.json()['operation']}")
        seen.append(found["done"])
        return found if found["state"] != "running" else None

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/operations/{answer.json()['operation']}"
    return await until(ended), seen


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 50)
    monkeypatch.setattr(documents, "CHUNK", 20)


async def test_many_segments_are_changed_with_progress(diary: Diary) -> None:
    await _fill(diary)
    answer = await send(diary, "PATCH", "/diary/mira/segments", {**SPAN, "memo": "a long week"})
    operation, seen = await _finished(diary, answer)
    assert (operation["state"], operation["done"], operation["total"]) == ("done", 2 * COUNT, 2 * COUNT)
    assert (len(operation["answer"]["segments"]), len(operation["answer"]["edits"])) == (2 * COUNT, 2)
    assert seen == sorted(seen)
    day = await diary.day("mira", "2026-11-18")
    assert {one["memo"] for one in day["segments"]} == {"a long week"}
    answer = await send(diary, "GET", f"/operations/{operation['id']}", who="kai")
    assert kind_of(answer) == (404, "not-found"), "of nobody else's business"

    removal = {**SPAN, "contract": "con"}
    asked = await done(diary, "POST", "/diary/mira/removals", {**removal, "dry_run": True})
    gone = await done(diary, "POST", "/diary/mira/removals", removal)
    assert asked["week_totals"] == gone["week_totals"]
    con = {"contract": "con", "week": "2026-11-16", "before": 10 * COUNT, "after": 0}
    assert con in gone["week_totals"]
    assert gone["tracked_minutes"] == 0, "the other device recorded these minutes too, and now they count there (T-14)"
    week = await diary.db["weeks"].find_one({"contract": "con"})
    assert week is not None
    assert (week["claims"], week["billable_minutes"]) == ({}, 0)
    assert gone["captures"] == sorted(f"cap-{number}" for number in range(COUNT))
    kept = await diary.db["segments"].find({"_id": {"$regex": "con"}, "gone": {"$exists": True}}).to_list(None)
    assert len(kept) == COUNT
    largest = max(len(str(one)) for one in kept)
    assert largest < 2000, "a segment keeps no more than its own: of a week they would not fit in one transaction"

    diary.edge.editor.clock = lambda: parse_instant("2026-11-23T12:00:00Z")
    answer = await send(diary, "PATCH", "/diary/mira/segments", {**SPAN, "memo": "too late"})
    assert kind_of(answer) == (409, "week-locked")


async def test_a_refused_operation_says_why_and_did_nothing(diary: Diary) -> None:
    await _fill(diary)
    diary.edge.editor.clock = lambda: parse_instant("2026-11-23T12:00:00Z")
    before = await diary.day_bytes("mira", "2026-11-18")
    operation, _ = await _finished(diary, await send(diary, "PATCH", "/diary/mira/segments", {**SPAN, "memo": "late"}))
    assert (operation["state"], operation["answer"]) == ("failed", None)
    assert (operation["problem"]["status"], operation["problem"]["rule"]) == (409, "S-06")
    assert await diary.day_bytes("mira", "2026-11-18") == before
    assert kind_of(await send(diary, "PATCH", "/diary/mira/segments", {"memo": "x"})) == (422, "invalid")
    empty = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "memo": "x"}
    assert kind_of(await send(diary, "PATCH", "/diary/mira/segments", empty)) == (404, "not-found")

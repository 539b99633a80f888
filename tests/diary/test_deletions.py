"""A capture takes its time with it, by the workspace's rule; by an admin only the picture goes (S-08, M-03, T-07)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.wire.slots import format_instant, parse_slot, slot_of
from tests.diary.editing import done, kind_of, open_slots, send
from tests.diary.facts import capture, minutes, work
from tests.diary.running import Diary

SLOTS = open_slots(6)
DAY = SLOTS[0][:10]


def at(slot: str, minute: int) -> str:
    return format_instant(parse_slot(slot) + timedelta(minutes=minute, seconds=20))


def shot(name: str, slot: str, minute: int, **more: Any) -> dict[str, Any]:
    return capture(name, slot, **{"at": at(slot, minute), **more})


async def _entry(diary: Diary, rule: str) -> None:
    """An entry from the third minute of the first slot to the sixth of the fourth; then, after a gap, another.

    Captures: a at 0:05, b at 1:02, c and d (two monitors) at 2:04, e in the other entry.
    """
    tell = diary.teller
    rows: list[tuple[str, list[Any], Sequence[dict[str, Any]]]] = [
        (SLOTS[0], [None] * 2 + [work()] * 8, [shot("a", SLOTS[0], 5)]),
        (SLOTS[1], minutes(), [shot("b", SLOTS[1], 2)]),
        (SLOTS[2], minutes(), [shot("c", SLOTS[2], 4), shot("d", SLOTS[2], 4, monitor=1)]),
        (SLOTS[3], [work()] * 6 + [None] * 4, []),
        (SLOTS[4], minutes(), [shot("e", SLOTS[4], 3), shot("cam", SLOTS[4], 5, kind="camera")]),
    ]
    await diary.tell(
        tell.settings(deletion_rule=rule),
        tell.member("mira"),
        tell.member("boss", "admin"),
        tell.contract("con", "mira"),
        *(tell.segment("mira", slot, worked, captures=taken) for slot, worked, taken in rows),
        *(tell.stored("mira", name, SLOTS[0]) for name in ("a", "b", "c", "d", "e", "cam")),
    )


async def _tracked(diary: Diary) -> dict[int, list[int]]:
    """The minutes that are there, by the slot's place."""
    day = await diary.day("mira", DAY)
    return {
        SLOTS.index(one["slot"]): [index for index, minute in enumerate(one["minutes"]) if minute]
        for one in day["segments"]
    }


WHOLE = {0: list(range(2, 10)), 1: list(range(10)), 2: list(range(10)), 3: list(range(6)), 4: list(range(10))}


def without(**gone: range) -> dict[int, list[int]]:
    """The whole without these minutes of slots: ``s1=range(3)``."""
    left: dict[int, list[int]] = {}
    for place, there in WHOLE.items():
        mine = [index for index in there if index not in gone.get(f"s{place}", ())]
        left |= {place: mine} if mine else {}
    return left


async def test_by_default_the_whole_segment_goes(diary: Diary) -> None:
    await _entry(diary, "segment")
    answer = await done(diary, "DELETE", "/captures/c")
    assert (answer["captures"], answer["tracked_minutes"]) == (["c", "d"], 10)
    assert await _tracked(diary) == without(s2=range(10))


@pytest.mark.parametrize(
    ("deleted", "left"),
    [
        (["a"], without(s0=range(6))),  # the first one: from the start of the entry
        (["b"], without(s0=range(6, 10), s1=range(3))),  # back to the one before it
        (["c"], without(s1=range(3, 10), s2=range(5))),  # with the other monitor's of that moment
        (["b", "a"], without(s0=range(10), s1=range(3))),  # no minute is taken twice
        (["b", "c"], without(s0=range(6, 10), s1=range(10), s2=range(5))),
        (["a", "c", "b"], {4: list(range(10))}),  # with the last capture goes the entry, also what follows it
        (["e"], {place: there for place, there in WHOLE.items() if place != 4}),  # and its only one is its last
    ],
)
async def test_since_the_previous_capture(diary: Diary, deleted: list[str], left: dict[int, list[int]]) -> None:
    """Together where there are several, which takes the same as one by one."""
    await _entry(diary, "since_previous")
    before = (await diary.day("mira", DAY))["totals"]["tracked_minutes"]
    if len(deleted) > 1:
        asked = await done(diary, "POST", "/diary/mira/removals", {"capture_ids": deleted, "dry_run": True})
        answers = [await done(diary, "POST", "/diary/mira/removals", {"capture_ids": deleted})]
        assert {**asked, "change": 1, "edits": 1} == {**answers[0], "change": 1, "edits": 1}
    else:
        answers = [await done(diary, "DELETE", f"/captures/{name}") for name in deleted]
    assert await _tracked(diary) == left
    day = await diary.day("mira", DAY)
    assert day["totals"]["tracked_minutes"] == sum(map(len, left.values()))
    assert before - day["totals"]["tracked_minutes"] == sum(one["tracked_minutes"] for one in answers)
    shown = {one["capture_id"] for segment in day["segments"] for one in segment["captures"]}
    assert not shown & set(deleted)


@pytest.mark.parametrize("deleted", [["b", "a", "c"], ["c", "b", "a"]])
async def test_one_by_one_takes_no_minute_twice(diary: Diary, deleted: list[str]) -> None:
    await _entry(diary, "since_previous")
    lost = [(await done(diary, "DELETE", f"/captures/{name}"))["tracked_minutes"] for name in deleted]
    assert await _tracked(diary) == {4: WHOLE[4]}
    assert sum(lost) == sum(len(there) for place, there in WHOLE.items() if place < 4)


async def test_an_admin_removes_the_picture_and_time_stays(diary: Diary) -> None:
    """What made a segment protected survives its picture."""
    await _entry(diary, "since_previous")
    answer = await done(diary, "DELETE", "/captures/b", who="boss", role="admin")
    assert (answer["segments"], answer["tracked_minutes"], answer["captures"]) == ([], 0, ["b"])
    assert await _tracked(diary) == WHOLE
    day = await diary.day("mira", DAY)
    assert [one["state"] for one in day["segments"][1]["captures"]] == ["removed"]
    assert day["segments"][1]["protected"] is True
    async with diary.browse("mira") as http:
        assert kind_of(await http.get("/api/v1/captures/b/picture")) == (404, "picture-removed")
    assert kind_of(await send(diary, "DELETE", "/captures/b", who="boss", role="admin")) == (404, "not-found")
    await done(diary, "POST", "/captures/removals", {"capture_ids": ["a", "e"]}, who="boss", role="admin")
    async with diary.browse("boss", "admin") as http:
        entries = (await http.get("/api/v1/audit", params={"action": "capture.removed"})).json()["items"]
    assert sorted(one["capture"] for one in entries) == ["a", "b", "e"]


async def test_time_taken_by_its_member_protects_no_more(diary: Diary) -> None:
    """A member's own deletion takes the capture out of the segment, an admin's leaves its proof."""
    await _entry(diary, "since_previous")
    await done(diary, "DELETE", "/captures/b")
    segment = (await diary.day("mira", DAY))["segments"][1]
    assert (segment["captures"], segment["unprotected_because"]) == ([], "no_capture")
    async with diary.browse("mira") as http:
        entries = (await http.get("/api/v1/audit")).json()["items"]
    audited = {(one["action"], one["capture"], one["detail"]) for one in entries}
    gone = ("time.removed", None, "7 minutes of 2 segments, 1 captures")
    assert audited == {gone, ("capture.removed", "b", "with its time")}, "G-02: each by its name"


async def test_a_cameras_snapshot_takes_no_time(diary: Diary) -> None:
    """T-09."""
    await _entry(diary, "segment")
    answer = await done(diary, "DELETE", "/captures/cam")
    assert (answer["segments"], answer["tracked_minutes"], answer["captures"]) == ([], 0, ["cam"])
    assert await _tracked(diary) == WHOLE


async def test_an_admin_blurs_for_good(diary: Diary) -> None:
    """M-03: whoever looks is shown the blurred one; each is audited."""
    await _entry(diary, "segment")
    body = {"capture_ids": ["a", "b"]}
    answer = await done(diary, "POST", "/captures/blur", body, who="boss", role="admin")
    assert answer["captures"] == ["a", "b"]
    day = await diary.day("mira", DAY)
    assert [one.get("blurred") for segment in day["segments"] for one in segment["captures"]][:3] == [True, True, None]
    asked: list[Any] = []

    def picture(body: Any) -> tuple[str, bytes]:
        asked.append(body)
        return "image/webp", b"x"

    await diary.answer("media", "picture", picture)
    async with diary.browse("mira") as http:
        await http.get("/api/v1/captures/a/picture")
        await http.get("/api/v1/captures/c/picture")
    assert [one["blurred"] for one in asked] == [True, False]


async def test_the_running_segment_is_discarded_in_the_agent(diary: Diary) -> None:
    """T-07."""
    tell, slot = diary.teller, format_instant(slot_of(datetime.now(UTC)))
    await diary.tell(
        tell.settings(),
        tell.contract("con", "mira"),
        tell.segment("mira", slot, captures=[capture("now", slot)]),
        tell.stored("mira", "now", slot),
    )
    answer = await send(diary, "DELETE", "/captures/now")
    assert kind_of(answer) == (409, "segment-running")
    assert "agent" in answer.json()["detail"]
    assert kind_of(await send(diary, "DELETE", f"/diary/mira/segments/con:dev:{slot}")) == (409, "segment-running")


async def test_nobody_learns_of_others_captures(diary: Diary) -> None:
    await _entry(diary, "segment")
    await diary.tell(diary.teller.member("kai"))
    assert kind_of(await send(diary, "DELETE", "/captures/a", who="kai")) == (404, "not-found")
    body = {"capture_ids": ["a"]}
    assert kind_of(await send(diary, "POST", "/diary/kai/removals", body, who="kai")) == (404, "not-found")
    assert await _tracked(diary) == WHOLE

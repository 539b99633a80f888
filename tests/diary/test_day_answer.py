"""The answer for a day, put together: of any segments what they come to, and of a real store what its documents say."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.diary import day_answer, packed
from services.diary.people import Workspace
from services.diary.projections import FIGURES, segment_id_of
from services.diary.weeks import Sheet, is_manual
from services.wire import scores
from tests.diary.editing import ids, send
from tests.diary.facts import capture, minutes, slots_from
from tests.diary.running import Diary

DAY, WEEK, LATER = "2026-11-17", "2026-11-16", "2026-11-23"
SLOTS = slots_from(f"{DAY}T09:00:00Z", 4)
_ASKED = day_answer.Asked("mira", date.fromisoformat(DAY), ZoneInfo("UTC"))

_MINUTES = st.integers(0, 10)
_SHEETS = st.builds(Sheet, _MINUTES, _MINUTES, _MINUTES, _MINUTES, st.integers(0, 1)).map(Sheet.pack)
_FIGURES = st.lists(_MINUTES, min_size=len(FIGURES), max_size=len(FIGURES))
_TALLIES = st.lists(st.integers(0, 600), min_size=6, max_size=6)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Segments as the store has them, scored or not, with late time or without, and the weeks they are billed in."""
    segments, over = [], []
    for slot in slots_from(f"{DAY}T00:00:00Z", draw(st.integers(0, 6))):
        key = f"ws|mira|{slot}|{draw(st.sampled_from(['con', 'side', 'gone']))}|dev"
        one = {"_id": key, "week": WEEK, "claim": draw(_SHEETS), "figures": draw(_FIGURES)}
        if draw(st.booleans()):
            more = {"week": LATER, "seqs": [2], "counted": 7, "claim": draw(_SHEETS), "figures": draw(_FIGURES)}
            one["further"] = [more]
        if draw(st.booleans()):
            shown = orjson.dumps(scores.NO_SCORE._asdict())
            one["score"] = {"tally": packed.tally(draw(_TALLIES)), "shown": shown}
        if draw(st.booleans()):
            over.append(segment_id_of(key))
        segments.append(one | {"shown": orjson.dumps({"segment_id": segment_id_of(key)}), "brief": packed.brief(one)})
    return segments, [_week(contract, week, over, draw) for contract in ("con", "side") for week in (WEEK, LATER)]


def _week(contract: str, week: str, over: list[str], draw: st.DrawFn) -> dict[str, Any]:
    unit, hourly = draw(st.sampled_from(["segment", "minute"])), draw(st.booleans())
    ends = draw(st.sampled_from([None, f"{DAY}T00:20:00Z"]))
    terms = {"billing_unit": unit, "hourly": hourly, "limit_minutes": None, "runs_from": None, "runs_until": ends}
    names = ("billable_minutes", "automatic_minutes", "manual_minutes", "over_limit_minutes")
    return {"contract": contract, "week": week, "terms": terms, "over": over, **dict.fromkeys(names, 0)}


@given(days(), st.booleans())
def test_totals_are_the_sums_of_what_is_shown(day: tuple[list[Any], list[Any]], scored: bool) -> None:
    """Each segment stands there once, in order, billed by the week it lies in; the figures are all of theirs."""
    segments, weeks = day
    answer = orjson.loads(day_answer.encode(_ASKED, Workspace(), segments, weeks, [], scored=scored))
    assert [one["segment_id"] for one in answer["segments"]] == [segment_id_of(one["_id"]) for one in segments]
    totals, parts = answer["totals"], [part for one in segments for part in (one, *one.get("further", ()))]
    for place, name in enumerate(FIGURES):
        assert totals[name] == sum(one["figures"][place] for one in parts), name
    billable = [one["billable_minutes"] for one in answer["segments"]]
    manual = [minutes for minutes, one in zip(billable, segments, strict=True) if is_manual(one["claim"])]
    assert totals["billable_minutes"] == sum(billable) == totals["automatic_minutes"] + totals["manual_minutes"]
    assert totals["manual_minutes"] == sum(manual)
    for shown, one in zip(answer["segments"], segments, strict=True):
        assert ("adjustments" in shown) is ("further" in one)
        if "|gone|" in one["_id"]:
            assert shown["status"] != "over_limit", "of its week nothing is known"
    tallies = [packed.total([one["score"]["tally"]]) for one in segments if scored and "score" in one]
    assert answer["score"] == scores.score(scores.total(tallies))._asdict()


@given(st.lists(_TALLIES))
def test_tallies_add_up_packed_or_not(tallies: list[list[int]]) -> None:
    """K-04; those that were kept before are lists."""
    mixed = [packed.tally(one) if place % 2 else one for place, one in enumerate(tallies)]
    assert packed.total(mixed) == scores.total(tallies)


async def test_briefs_say_what_the_documents_say(diary: Diary) -> None:
    """Through records, scores, edits, removals and a new limit; what is shown no more has none."""
    tell = diary.teller
    recorded = [tell.segment("mira", slot, minutes(8), captures=[capture(slot[11:13], slot)]) for slot in SLOTS]
    await diary.tell(tell.settings(), tell.member("mira"), tell.contract("con", "mira"), *recorded)
    await _hold(diary, 4)
    await diary.tell(*map(tell.score, recorded), tell.segment("mira", SLOTS[0], device="second"))
    await _hold(diary, 5)
    removal, memo = {"segment_ids": ids(SLOTS[1:2])}, {"segment_ids": ids(SLOTS[2:]), "memo": "other"}
    assert (await send(diary, "POST", "/diary/mira/removals", removal)).status_code == 200
    assert (await send(diary, "PATCH", "/diary/mira/segments", memo)).status_code == 200
    await diary.tell(tell.contract("con", "mira", 2, weekly_limit_minutes=10))
    await _hold(diary, 4)


async def _hold(diary: Diary, count: int) -> None:
    found = await diary.db["segments"].find().to_list(None)
    shown = [one for one in found if "shown" in one]
    assert len(shown) == count
    assert [one["brief"] for one in shown] == list(map(packed.brief, shown))
    assert all("brief" not in one for one in found if "shown" not in one)


async def test_a_day_that_was_kept_before_briefs_were_is_the_same(diary: Diary) -> None:
    """Also where something has happened to some of its segments since."""
    tell = diary.teller
    recorded = [tell.segment("mira", slot, minutes(8)) for slot in SLOTS]
    await diary.tell(tell.settings(), tell.member("mira"), tell.contract("con", "mira"), *recorded)
    await diary.tell(*map(tell.score, recorded))
    day = await diary.day("mira", DAY)
    assert day["totals"]["tracked_minutes"] == 32
    assert day["score"]["tracko"] is not None
    async for one in diary.db["segments"].find({"_id": {"$not": {"$regex": SLOTS[0]}}}):
        tally = list(packed.total([one["score"]["tally"]]))
        await diary.db["segments"].update_one(
            {"_id": one["_id"]}, {"$unset": {"brief": ""}, "$set": {"score.tally": tally}}
        )
        assert await diary.day("mira", DAY) == day

"""The weekly summary: a mail to each member who has time in a week, once that is locked, and once only (W-07)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.diary.people import Workspace
from services.diary.summaries import SENT_WITHIN, Summaries, due, in_words
from services.kit.problems import Problem
from services.licensing import mail_texts
from tests.diary.facts import idle, slots_from
from tests.diary.running import Diary

MONDAY = "2026-11-09"
LOCK = datetime(2026, 11, 16, 12, tzinfo=UTC)


def test_a_week_is_due_from_its_lock_on_and_not_for_long() -> None:
    """S-06: by the workspace's lock hour in its billing zone; an old week that is brought in mails nobody."""
    second = timedelta(seconds=1)
    assert due(Workspace(), LOCK - second) is None
    assert due(Workspace(), LOCK) == date.fromisoformat(MONDAY)
    assert due(Workspace(), LOCK + SENT_WITHIN - second) == date.fromisoformat(MONDAY)
    assert due(Workspace(), LOCK + SENT_WITHIN) is None
    tokyo = Workspace(billing_zone="Asia/Tokyo", lock_hour=3)
    assert due(tokyo, datetime(2026, 11, 15, 18, tzinfo=UTC)) == date.fromisoformat(MONDAY)
    assert due(tokyo, datetime(2026, 11, 15, 18, tzinfo=UTC) - second) is None


def test_the_words_of_a_week() -> None:
    week = {"tracked_minutes": 90, "billable_minutes": 60, "over_limit_minutes": 30, "contract": "a"}
    small = {"tracked_minutes": 5, "billable_minutes": 10, "over_limit_minutes": 0, "contract": "b"}
    atlas = "Atlas: 1:30 recorded, 1:00 billable, 0:30 over the weekly limit"
    assert in_words([week], {"a": {"project": "Atlas"}}) == atlas
    told = in_words([small, week], {"a": {"project": "Atlas"}, "b": {"project": "Sea"}}).splitlines()
    assert told == [
        atlas,
        "Sea: 0:05 recorded, 0:10 billable",
        "Together: 1:35 recorded, 1:10 billable, 0:30 over the weekly limit",
    ]


async def test_each_member_with_time_gets_one_mail(diary: Diary) -> None:
    asked: list[dict[str, Any]] = []
    away = True

    def told(body: dict[str, Any]) -> dict[str, Any]:
        if away:
            raise Problem(503, "unavailable", "Away.")
        if body["member"] == "gone":
            raise Problem(404, "not-found", "Gone.")
        asked.append(body)
        return {}

    await diary.answer("licensing", "tell", told)
    tell = diary.teller
    await diary.tell(
        tell.settings(billing_zone="UTC"),
        *(tell.member(name) for name in ("mira", "omar", "gone", "idle")),
        tell.contract("con", "mira", weekly_limit_minutes=20),
        tell.contract("sea", "omar"),
        tell.contract("old", "gone"),
        *(tell.segment("mira", slot) for slot in slots_from(f"{MONDAY}T09:00:00Z", 3)),
        tell.segment("omar", "2026-11-15T23:50:00Z", [idle()] * 10, contract="sea", device="desk"),
        tell.segment("omar", "2026-11-16T00:00:00Z", contract="sea", device="desk"),  # the week after
        tell.segment("gone", f"{MONDAY}T09:00:00Z", contract="old", device="old"),
    )
    now = LOCK
    replicas = [Summaries(diary.db, diary.edge.bus, lambda: now) for _ in range(2)]
    with pytest.raises(Problem):
        await replicas[0].look()
    assert await diary.db["summaries"].count_documents({}) == 0
    away = False
    await asyncio.gather(*(one.look() for one in replicas))
    by_member = {body["member"]: body for body in asked}
    assert set(by_member) == {"mira", "omar"}
    assert len({body["id"] for body in asked}) == 2  # of two that ask at once licensing sends one
    assert by_member["mira"]["values"]["summary"] == "Con: 0:30 recorded, 0:20 billable, 0:10 over the weekly limit"
    assert by_member["omar"]["values"] == {"week": MONDAY, "summary": "Sea: 0:10 recorded, 0:00 billable"}
    values = by_member["mira"]["values"] | {"name": "Mira", "workspace_name": "Harbour"}
    mail = mail_texts.compose("weekly_summary", "mira@x.test", values, "", "Daybook <d@x.test>", "<1@x>")
    assert "Con: 0:30 recorded" in mail.get_content()
    before = len(asked)
    now = LOCK + timedelta(hours=5)
    assert await replicas[1].look() == 0
    assert len(asked) == before

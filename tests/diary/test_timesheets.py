"""Timesheets: submitted, approved, rejected with a reason, until the week locks (S-10)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.licensing import mail_texts
from services.wire.slots import format_instant, parse_slot, slot_of
from tests.diary.facts import slots_from
from tests.diary.running import Diary

MONDAY = (datetime.now(UTC) - timedelta(days=datetime.now(UTC).weekday())).date().isoformat()
"""Of the running week: it is open whenever this runs."""
PATH = f"/api/v1/timesheets/con/{MONDAY}"
LAST = "2026-01-05"
AROUND = {"name": "mira", "workspace_name": "Acme"}
"""What licensing adds to the values of a mail's text."""


@pytest.fixture
async def diary(diary: Diary) -> Diary:
    tell = diary.teller
    await diary.answer("licensing", "tell", lambda body: {})
    await diary.tell(
        tell.settings(),
        tell.member("mira", team="blue"),
        tell.member("omar", role="manager", manages=["blue"], team="blue"),
        tell.member("nina", role="manager", manages=["red"]),
        tell.member("olga", role="owner"),
        tell.member("cleo", role="client"),
        tell.contract("con", "mira", client="cleo", rate_minor=6100, weekly_limit_minutes=20),
        tell.contract("own", "olga"),
        *(tell.segment("mira", slot) for slot in slots_from(f"{MONDAY}T09:00:00Z", 3)),
        tell.segment("olga", f"{MONDAY}T09:00:00Z", contract="own", device="desk"),
        tell.segment("mira", f"{LAST}T09:00:00Z"),
    )
    return diary


async def post(diary: Diary, who: str, role: str, step: str, body: Any = None, path: str = PATH) -> httpx.Response:
    async with diary.browse(who, role) as http:
        return await http.post(f"{path}/{step}", json={} if body is None else body)


async def get(diary: Diary, who: str, role: str, path: str = PATH, **params: str) -> Any:
    async with diary.browse(who, role) as http:
        answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_says_minutes_and_money_by_day(diary: Diary) -> None:
    sheet = await get(diary, "mira", "employee")
    assert sheet["totals"] == {
        "tracked_minutes": 30,
        "active_minutes": 30,
        "billable_minutes": 20,
        "automatic_minutes": 20,
        "manual_minutes": 0,
        "over_limit_minutes": 10,
    }
    assert (sheet["amount_minor"], sheet["rate_minor"], sheet["currency"], sheet["limit_minutes"]) == (
        *(2033, 6100, "EUR"),
        20,
    )
    assert sum(day["amount_minor"] for day in sheet["days"]) == 2033
    assert [day["over_limit_minutes"] for day in sheet["days"]] == [10, 0, 0, 0, 0, 0, 0]
    assert (sheet["state"], sheet["seal"], sheet["history"]) == ("open", None, [])


async def test_submitted_rejected_submitted_approved(diary: Diary) -> None:
    submitted = await post(diary, "mira", "employee", "submission")
    assert (submitted.status_code, submitted.json()["state"]) == (200, "submitted")
    assert submitted.json() == await get(diary, "mira", "employee"), "a decision is answered as it is read, to a field"
    rejected = await post(diary, "omar", "manager", "rejection", {"reason": "Tuesday is missing"})
    assert (rejected.json()["state"], rejected.json()["rejected"]) == ("open", True)
    (listed,) = (await get(diary, "mira", "employee", "/api/v1/timesheets", week=MONDAY))["items"]
    assert (listed["state"], listed["rejected"]) == ("open", True), "a list says so, too"
    assert listed["rejected_because"] == rejected.json()["rejected_because"] == "Tuesday is missing"
    assert (await post(diary, "omar", "manager", "approval")).status_code == 409, "nothing is submitted now"
    await post(diary, "mira", "employee", "submission")
    approved = (await post(diary, "omar", "manager", "approval")).json()
    assert (approved["state"], approved["approved"], approved["changed_since"]) == ("approved", True, False)
    assert (approved["rejected"], approved["rejected_because"]) == (False, None)
    assert [(one["action"], one["actor"], one["reason"]) for one in approved["history"]] == [
        ("submitted", "mira", None),
        ("rejected", "omar", "Tuesday is missing"),
        ("submitted", "mira", None),
        ("approved", "omar", None),
    ]
    week = await diary.db["weeks"].find_one({"_id": f"{diary.workspace}|con|{MONDAY}"})
    assert week is not None
    assert week["approved"] is True
    told = [body for verb, body in diary.asked if verb == "licensing.tell"]
    assert [(one["member"], one["values"]["decision"]) for one in told] == [("mira", "rejected"), ("mira", "approved")]
    assert len({one["id"] for one in told}) == 2
    mails = [
        mail_texts.compose(one["kind"], "m@e.test", {**AROUND, **one["values"]}, "", "d@e.test", "<1@e>")
        for one in told
    ]
    assert "was rejected by Omar. Reason: Tuesday is missing" in " ".join(mails[0].get_content().split())
    noted = await diary.db["audit"].find({"member": "mira"}).sort("_id", 1).to_list(None)
    assert [one["action"] for one in noted] == [
        *("timesheet.submitted", "timesheet.rejected", "timesheet.submitted", "timesheet.approved")
    ]


async def test_minutes_that_come_afterwards_are_said(diary: Diary) -> None:
    await post(diary, "mira", "employee", "submission")
    await diary.tell(diary.teller.segment("mira", f"{MONDAY}T12:00:00Z"))
    assert (await get(diary, "mira", "employee"))["changed_since"] is True
    assert (await post(diary, "mira", "employee", "submission")).json()["changed_since"] is False


async def test_who_may_not(diary: Diary) -> None:
    for who, role, step in (
        *(("omar", "manager", "submission"), ("olga", "owner", "submission"), ("cleo", "client", "approval")),
        *(("mira", "employee", "approval"), ("nina", "manager", "approval")),
    ):
        assert (await post(diary, who, role, step)).status_code == 403, who
    assert (await get(diary, "mira", "employee"))["history"] == []


async def test_nobody_approves_their_own_unless_alone(diary: Diary) -> None:
    path = f"/api/v1/timesheets/own/{MONDAY}"
    await post(diary, "olga", "owner", "submission", path=path)
    assert (await post(diary, "olga", "owner", "approval", path=path)).status_code == 200
    await diary.tell(diary.teller.member("adam", role="admin"))
    diary.edge.people._known.clear()
    assert (await post(diary, "olga", "owner", "approval", path=path)).status_code == 403
    assert (await post(diary, "adam", "admin", "approval", path=path)).status_code == 200


async def test_a_locked_week_takes_no_decision(diary: Diary) -> None:
    path = f"/api/v1/timesheets/con/{LAST}"
    for who, role, step in (("mira", "employee", "submission"), ("omar", "manager", "approval")):
        answer = await post(diary, who, role, step, path=path)
        assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "week-locked")
    assert (await get(diary, "mira", "employee", path))["state"] == "locked"


async def test_nothing_is_submitted_of_an_empty_week(diary: Diary) -> None:
    later = format_instant(slot_of(datetime.now(UTC)) + timedelta(days=21))[:10]
    monday = (datetime.fromisoformat(later) - timedelta(days=datetime.fromisoformat(later).weekday())).date()
    answer = await post(diary, "mira", "employee", "submission", path=f"/api/v1/timesheets/con/{monday}")
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "nothing-to-submit")


async def test_a_rejection_says_why(diary: Diary) -> None:
    await post(diary, "mira", "employee", "submission")
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": 1}, {"reason": "x", "more": 1}):
        assert (await post(diary, "omar", "manager", "rejection", body)).status_code == 422, body


async def test_the_list_shows_what_is_in_sight(diary: Diary) -> None:
    """S-07, V-06: own, team, contracts, all; filters match nothing beyond."""
    path = "/api/v1/timesheets"

    async def seen(who: str, role: str, **params: str) -> list[tuple[str, str]]:
        diary.edge.people._known.clear()
        return [(one["contract"], one["week"]) for one in (await get(diary, who, role, path, **params))["items"]]

    own = [("con", MONDAY), ("con", LAST)]
    for who, role in (("mira", "employee"), ("omar", "manager"), ("cleo", "client")):
        assert await seen(who, role) == own
    assert await seen("nina", "manager") == []
    assert await seen("olga", "owner") == [("con", MONDAY), ("own", MONDAY), ("con", LAST)]
    assert await seen("olga", "owner", week=MONDAY, member="olga") == [("own", MONDAY)]
    assert await seen("mira", "employee", member="olga") == await seen("mira", "employee", contract="own") == []
    assert await seen("olga", "owner", state="locked") == [("con", LAST)]
    assert await seen("olga", "owner", before=MONDAY) == [("con", LAST)]


async def test_what_was_decided_outlives_the_projection(diary: Diary) -> None:
    """S-08, S-10: a week that is built anew from its facts is approved as before, and loses no time."""
    for step, who, role in (("submission", "mira", "employee"), ("approval", "omar", "manager")):
        assert (await post(diary, who, role, step)).status_code == 200
    for name in ("weeks", "segments"):
        await diary.db[name].delete_many({})
    tell = diary.teller
    tell.seqs.clear()
    await diary.tell(*(tell.segment("mira", slot) for slot in slots_from(f"{MONDAY}T09:00:00Z", 3)))
    [week] = (await diary.day("mira", MONDAY))["weeks"]
    assert (week["state"], week["billable_minutes"]) == ("approved", 20)
    removal = {"segment_ids": [f"con:dev:{MONDAY}T09:00:00Z"]}
    diary.edge.editor.clock = lambda: parse_slot(f"{MONDAY}T12:00:00Z")
    async with diary.browse("mira") as http:
        refused = await http.post("/api/v1/diary/mira/removals", json=removal)
    assert (refused.status_code, refused.json()["type"].rsplit(":", 1)[1]) == (409, "week-approved")
    await post(diary, "omar", "manager", "rejection", {"reason": "look again"})
    assert (await diary.day("mira", MONDAY))["weeks"][0]["state"] == "open"

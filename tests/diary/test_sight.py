"""What of a day is whose to see and to change: one place decides, for API and pages alike (M-02, S-07)."""

import re
from typing import Any

import pytest

from services.diary.access import may_write
from tests.diary.editing import ids, kind_of, open_slots, send, week_of
from tests.diary.facts import minutes
from tests.diary.running import Diary
from tests.diary.test_access import viewer_of

NO_SCORE = {"activity": None, "productivity": None, "tracko": None}
#: who sees which contracts' time, and scores
SEES: dict[str, tuple[set[str], bool]] = {
    "owner": ({"con", "side"}, True),
    "admin": ({"con", "side"}, True),
    "manager": ({"con", "side"}, True),
    "employee": ({"con", "side"}, True),
    "client": ({"con"}, False),
}
SLOTS = open_slots(3)
DAY = SLOTS[0][:10]


@pytest.fixture
async def office(diary: Diary) -> Diary:
    """An employee with time on a client's contract and on another, all of it scored."""
    await diary.answer("ingest", "sync", lambda body: {"devices": []})
    await diary.answer("licensing", "read", lambda body: {"items": []})
    tell = diary.teller
    work = [
        tell.segment("employee", SLOTS[0], memo="said on con"),
        tell.segment("employee", SLOTS[1], contract="side", memo="said on side"),
    ]
    await diary.tell(
        tell.settings(),
        *(tell.member(role, role, manages=["sea"] if role == "manager" else []) for role in SEES),
        tell.member("employee", "employee", 2, team="sea"),
        tell.contract("con", "employee", client="client"),
        tell.contract("side", "employee"),
        tell.device("dev", "employee"),
        *work,
        *map(tell.score, work),
    )
    return diary


async def _page(diary: Diary, path: str, role: str) -> str:
    diary.edge.people._known.clear()
    async with diary.browse(role, role) as http:
        answer = await http.get(path)
    assert answer.status_code == 200, (path, role, answer.text)
    return answer.text


async def test_a_day_holds_what_its_readers_rights_say(office: Diary) -> None:
    """S-07, K-05: contracts, totals, weeks, memos and scores, by role, in the API, the pages and their live rows."""
    for role, (contracts, scores) in SEES.items():
        await _check(office, role, contracts, scores)


async def _check(office: Diary, role: str, contracts: set[str], scores: bool) -> None:
    day = await office.day("employee", DAY, who=role, role=role)
    assert {one["contract"] for one in day["segments"]} == {one["contract"] for one in day["weeks"]} == contracts
    assert day["totals"]["billable_minutes"] == 10 * len(contracts)
    assert (day["score"]["tracko"] is not None) is scores
    assert [one["score"] != NO_SCORE for one in day["segments"]] == [scores] * len(contracts)
    for path in (f"/diary/employee/{DAY}", f"/diary/employee/{DAY}/changes"):
        page = await _page(office, path, role)
        assert ("Tracko score" in page) is scores, path
        assert [f"said on {one}" in page for one in ("con", "side")] == [one in contracts for one in ("con", "side")]
    for path in (f"/timesheets/employee?week={week_of(SLOTS[0])}", f"/diary/employee/{DAY}?to={DAY}"):
        page = await _page(office, path, role)
        assert "Tracko" not in page
        assert f"0:{10 * len(contracts)}" in page
        assert ("0:20" in page) is (len(contracts) == 2), path


def _told(office: Diary, contract: str) -> Any:
    told = office.teller.contract(contract, "employee", 2, client="client" if contract == "con" else None)
    return told.model_copy(update={"monitored": True})


async def test_a_page_offers_what_the_server_would_do(office: Diary) -> None:
    """T-02: on a monitored computer's contract its user reads; nothing there can be ticked, written or deleted."""
    segments, memo = {"con": ids(SLOTS[:1])[0], "side": ids(SLOTS[1:2], "side")[0]}, {"memo": "mine"}
    await office.tell(office.teller.segment("employee", SLOTS[2], memo=None), _told(office, "con"))
    for who, closed in (("employee", {"con"}), ("admin", set())):
        page = await _page(office, f"/diary/employee/{DAY}", who)
        for contract, segment in segments.items():
            body = {"segment_ids": [segment], **memo}
            answer = await send(office, "PATCH", "/diary/employee/segments", body, who=who, role=who)
            assert (answer.status_code == 403) is (contract in closed), (who, contract)
            assert (re.search(rf'<input[^>]*value="{segment}"', page) is None) is (contract in closed), (who, contract)
        assert ("Add memo" in page) is (who == "admin")
    await office.tell(_told(office, "side"))
    page = await _page(office, f"/diary/employee/{DAY}", "employee")
    assert not any(one in page for one in ('id="select"', 'id="selected"', "Delete"))
    for path in ("note", "removal"):
        async with office.browse("employee") as http:
            sent = await http.post(f"/diary/employee/{DAY}/{path}", data={"segment": segments["con"], "sure": "1"})
        assert sent.status_code == 403, path
    removal = {"segment_ids": [segments["con"]]}
    assert kind_of(await send(office, "POST", "/diary/employee/removals", removal, who="employee"))[0] == 403


def test_an_admins_own_computer_may_be_monitored_too() -> None:
    """T-02: who may change everybody's diary may change their own."""
    assert [may_write(viewer_of(role), "me", monitored=True) for role in ("owner", "admin", "employee")] == [
        True,
        True,
        False,
    ]
    assert may_write(viewer_of("employee"), "me", monitored=False)
    assert may_write(viewer_of("client"), "somebody", monitored=True)  # the label, where it is their contract


async def test_a_week_says_when_somebody_was_at_work(office: Diary) -> None:
    """A-01: office and work time, breaks and private time, by day and in the week, as in the API."""
    pause, private = [[0, 0, 0, 0, state, None] for state in ("break", "private")]
    await office.tell(office.teller.segment("employee", SLOTS[2], [*minutes(4)[:4], *[pause] * 3, *[private] * 3]))
    monday = week_of(SLOTS[0])
    page = await _page(office, f"/timesheets/employee?week={monday}", "employee")
    table = page[page.index('class="attendance"') :]
    totals = table[table.index("<tfoot>") : table.index("</tfoot>")]
    assert re.findall(r">(\d+:\d\d)<", totals) == ["0:30", "0:24", "0:03", "0:03", "0:00"]
    async with office.browse("employee") as http:
        sheets = [(await http.get(f"/api/v1/timesheets/{one}/{monday}")).json() for one in ("con", "side")]
    sums = [sum(one["attendance"]["totals"][name] for one in sheets) for name in ("office_minutes", "work_minutes")]
    assert sums == [30, 24]

"""The pages that bills are paid from, through the real web process, projector and store (S-04 … S-10, V-06)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.wire.slots import SLOT, slot_of
from tests.diary.pages.running import Diary

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Week:
    """A running week: yesterday's or today's segments of Mira, her client, and who looks."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.start = slot_of(datetime.now(UTC) - timedelta(hours=3))
        if (self.start + 6 * SLOT).date() != self.start.date():  # all of it in one day
            self.start -= timedelta(hours=1)

    async def begin(self) -> "Week":
        diary = self.diary
        await diary.workspace_is()
        self.mira = await diary.member("Mira Solberg", zone="UTC", team="t-web")
        self.client = await diary.member("Halden Freight", "client", zone="UTC")
        self.contract = await diary.contract(
            self.mira, "Halden portal", client=self.client, manual_time=True, labels=["Build", "Test"]
        )
        self.device = await diary.device(self.mira)
        self.ids = []
        for n in range(4):
            told = await diary.segment(self.mira, self.contract, self.device, self.start + n * SLOT, memo="Layout")
            self.ids.append(told["segment_id"])
        self.date = self.start.date().isoformat()
        self.own = diary.principal(self.mira)
        self.admin = diary.principal(await diary.member("Ada Admin", "admin"), "Ada Admin", "admin")
        self.lead = diary.principal(
            await diary.member("Leyla Aydin", "manager", manages=["t-web"]), "Leyla Aydin", "manager"
        )
        self.reader = diary.principal(self.client, "Halden Freight", "client")
        await diary.shows(self.own, self.mira, self.date, 4, 4)
        return self

    @property
    def day(self) -> str:
        return f"/diary/{self.mira}/{self.date}"

    @property
    def monday(self) -> str:
        day = self.start.date()
        return (day - timedelta(days=day.weekday())).isoformat()

    async def segments(self) -> list[dict[str, Any]]:
        async with self.diary.client(self.own) as http:
            answer = await http.get(f"/api/v1/diary/{self.mira}/days/{self.date}")
        found: list[dict[str, Any]] = answer.json()["segments"]
        return found

    async def page(self, who: Any, path: str, status: int = 200) -> str:
        async with self.diary.client(who) as http:
            answer = await http.get(path)
        assert answer.status_code == status, answer.text[:600]
        return answer.text

    async def post(self, who: Any, path: str, **fields: str) -> Any:
        async with self.diary.client(who) as http:
            return await http.post(path, data=fields, headers={"HX-Request": "true"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def week(diary: Diary) -> Week:
    return await Week(diary).begin()


# the day ------------------------------------------------------------------------------------------------------------


async def test_memo_and_label_of_many_segments_are_changed_at_once(week: Week) -> None:
    """S-04, S-12: the dialogue first, then all of them; who may not is refused."""
    chosen = " ".join(week.ids[:2])
    asked = await week.post(week.own, f"{week.day}/note", segment=chosen)
    assert asked.status_code == 200
    assert "Memo and label of 2 segments" in asked.text
    assert 'value="Layout"' in asked.text
    assert '<option value="Test">Test</option>' in asked.text
    sent = {"segment": chosen, "sure": "yes", "memo": "Page breaks", "memo_was": "Layout", "label": "Test"}
    assert (await week.post(week.lead, f"{week.day}/note", **sent)).status_code == 403
    done = await week.post(week.own, f"{week.day}/note", **sent)
    assert (done.status_code, done.headers["HX-Trigger"]) == (204, "daybook:edited")
    said = [(one["memo"], one["label"]) for one in await week.segments()]
    assert said == [("Page breaks", "Test")] * 2 + [("Layout", None)] * 2


async def test_a_label_that_is_not_on_the_list_is_refused_at_its_field(week: Week) -> None:
    sent = {"segment": week.ids[2], "sure": "yes", "memo": "Layout", "memo_was": "Layout", "label": "Golf"}
    refused = await week.post(week.own, f"{week.day}/note", **sent)
    assert refused.status_code == 422
    assert 'id="f-label-error"' in refused.text
    assert 'aria-invalid="true"' in refused.text


async def test_a_client_corrects_the_label_and_sees_no_field_for_the_memo(week: Week) -> None:
    """S-07: the one edit Upwork gives them; neither time nor memo."""
    asked = await week.post(week.reader, f"{week.day}/note", segment=week.ids[3])
    assert asked.status_code == 200
    assert 'name="memo"' not in asked.text
    assert (await week.post(week.reader, f"{week.day}/note", segment=week.ids[3], sure="yes", label="Build")).is_success
    assert (await week.segments())[3]["label"] == "Build"
    for step in ("removal", "pictures/removal", "pictures/blur"):
        assert (await week.post(week.reader, f"{week.day}/{step}", segment=week.ids[3])).status_code == 403, step


async def test_manual_time_is_entered_and_stands_as_one_block(week: Week) -> None:
    """S-05: light green, one block across its columns, its reason in it; a wrong time is said at its field."""
    start, end = week.start + 4 * SLOT, week.start + 6 * SLOT
    form = {"contract": week.contract, "kind": "work", "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
    refused = await week.post(week.own, f"{week.day}/manual", **form)
    assert refused.status_code == 422
    assert 'id="f-reason-error"' in refused.text
    form |= {"reason": "A call, away from the computer", "memo": "Acceptance list"}
    overlap = await week.post(week.own, f"{week.day}/manual", **{**form, "start": f"{week.start:%H:%M}"})
    assert overlap.status_code == 409
    assert "There is time already." in overlap.text
    assert (await week.post(week.own, f"{week.day}/manual", **form)).status_code == 204
    text = await week.page(week.own, week.day)
    assert text.count(f"Manual time, {start:%H:%M} to {end:%H:%M}") >= 1
    assert "A call, away from the computer, added by Mira Solberg. No pictures, not protected." in text
    assert 'class="seg whole"' in text


async def test_deleting_says_first_what_goes_and_then_it_is_gone(week: Week) -> None:
    """S-08: the dry run takes nothing; the button repeats the amount."""
    manual = [one["segment_id"] for one in await week.segments() if one["device"] is None]
    chosen = " ".join([week.ids[0], *manual])
    asked = await week.post(week.own, f"{week.day}/removal", segment=chosen)
    assert asked.status_code == 200
    assert "Delete 30 minutes and 1 picture?" in asked.text
    assert "1\u00a0h\u00a000 →\u00a030\u00a0min" in asked.text
    assert len(await week.segments()) == 6, "only asked"
    assert (await week.post(week.lead, f"{week.day}/removal", segment=chosen)).status_code == 403
    done = await week.post(week.own, f"{week.day}/removal", segment=chosen, sure="yes", reason="By mistake")
    assert done.status_code == 204
    assert [one["segment_id"] for one in await week.segments()] == week.ids[1:]
    again = await week.post(week.own, f"{week.day}/removal", segment=chosen, sure="yes")
    assert again.status_code == 404, "what is gone is gone"


async def test_an_admin_deletes_the_picture_and_time_stays(week: Week) -> None:
    """M-03, S-08: asked first."""
    capture = next(one for one in (await week.segments())[0]["captures"])["capture_id"]
    asked = await week.post(week.admin, f"{week.day}/pictures/removal", segment=week.ids[1])
    assert "Delete 1 picture?" in asked.text
    assert "Mira Solberg can see it" in asked.text
    sure = await week.post(week.admin, f"{week.day}/pictures/removal", capture=capture, sure="yes", back=week.day)
    assert sure.headers["HX-Redirect"] == week.day
    first = (await week.segments())[0]
    assert (first["captures"][0]["state"], first["billable_minutes"]) == ("removed", 10)
    asked = await week.post(week.admin, f"{week.day}/pictures/blur", segment=week.ids[2])
    assert "cannot be made sharp again" in asked.text
    assert (
        await week.post(week.admin, f"{week.day}/pictures/blur", segment=week.ids[2], sure="yes")
    ).status_code == 204
    assert (await week.segments())[1]["captures"][0]["blurred"]


async def test_buttons_are_there_for_who_may(week: Week) -> None:
    """Without the right a button is left out."""
    pages = {name: await week.page(getattr(week, name), week.day) for name in ("own", "admin", "lead", "reader")}
    ids = ("do-memo", "do-label", "do-blur", "do-pictures", "do-remove", "add-time")
    shown = {name: [id for id in ids if f'id="{id}"' in text] for name, text in pages.items()}
    assert shown == {
        "own": ["do-memo", "do-label", "do-remove", "add-time"],
        "admin": ["do-memo", "do-label", "do-blur", "do-pictures", "add-time"],
        "lead": [],
        "reader": ["do-label"],
    }
    assert 'class="pick"' not in pages["lead"]


async def test_a_range_of_days_stands_below_one_another(week: Week) -> None:
    """V-01: pick a date or a range."""
    last = (week.start + timedelta(days=2)).date().isoformat()
    async with week.diary.client(week.own) as http:
        went = await http.get(f"/diary/{week.mira}?date={week.date}&to={last}", follow_redirects=False)
        page = await http.get(went.headers["location"])
        backwards = await http.get(f"{week.day}?to=2020-01-01")
        long = await http.get(f"{week.day}?to=2199-01-01")
    assert page.text.count('<th scope="row"') == 8, "three days and their sum, of the bill and at work"
    assert "0:30" in page.text
    assert (backwards.status_code, long.status_code) == (422, 422)


async def test_the_gallery_counts_the_pictures_of_each_member(week: Week) -> None:
    """M-01, M-02: one's own by day; a manager sees how many there are of whom."""
    text = await week.page(week.own, f"/captures/{week.mira}/{week.date}")
    there = sum(one["state"] == "stored" for segment in await week.segments() for one in segment["captures"])
    assert there
    assert f"<b>{there} picture" in text
    team = await week.page(week.lead, f"/captures/{week.lead.member}/{week.date}")
    assert f'/captures/{week.mira}/{week.date}">Mira Solberg</a></p><b>{there}</b>' in team
    assert "Mira Solberg" in await week.page(week.reader, f"/captures/{week.mira}/{week.date}")
    stranger = week.diary.principal(await week.diary.member("Olga"), "Olga")
    await week.page(stranger, f"/captures/{week.mira}/{week.date}", 403)


# the week -----------------------------------------------------------------------------------------------------------


async def test_a_week_is_submitted_rejected_and_approved_on_its_page(week: Week) -> None:
    """S-10: by the member, then by the manager with a reason; each step shows in the four to the seal."""
    path = f"/timesheets/{week.mira}?week={week.monday}"
    text = await week.page(week.own, path)
    assert "Submit week" in text
    assert '<li aria-current="step">' in text.split("Submitted")[0]
    fields = {"week": week.monday, "contract": week.contract}
    assert (await week.post(week.lead, f"/timesheets/{week.mira}/submission", **fields)).status_code == 403
    assert (await week.post(week.own, f"/timesheets/{week.mira}/submission", **fields)).status_code == 303
    waiting = await week.page(week.lead, "/approvals")
    assert "Waiting for you: 1" in waiting
    without = await week.post(week.lead, f"/timesheets/{week.mira}/rejection", **fields)
    assert without.status_code == 422
    assert f'id="{week.contract}-reason-error"' in without.text
    why = {**fields, "reason": "Friday is missing"}
    assert (await week.post(week.lead, f"/timesheets/{week.mira}/rejection", **why)).status_code == 303
    for where in (path, "/approvals", f"/contracts/{week.contract}"):
        assert "Friday is missing" in await week.page(week.lead, where), "the reason stands wherever the state does"
    assert "Friday is missing" in await week.page(week.own, path)
    await week.post(week.own, f"/timesheets/{week.mira}/submission", **fields)
    assert (await week.post(week.own, f"/timesheets/{week.mira}/approval", **fields)).status_code == 403
    assert (await week.post(week.lead, f"/timesheets/{week.mira}/approval", **fields)).status_code == 303
    text = await week.page(week.own, path)
    assert "by Leyla Aydin" in text
    assert "Submit week" not in text
    assert [mail["values"]["decision"] for mail in week.diary.neighbours.mails] == ["rejected", "approved"]


async def test_what_was_approved_cannot_be_deleted_and_the_button_says_why(week: Week) -> None:
    """S-08: after the approval a member deletes nothing; memos may still change."""
    text = await week.page(week.own, week.day)
    assert text.count('data-state="approved"') == 3
    refused = await week.post(week.own, f"{week.day}/removal", segment=week.ids[1])
    assert refused.status_code == 409
    assert "approved" in refused.text


async def test_the_week_of_others_is_nobodys_but_those_who_may(week: Week) -> None:
    stranger = week.diary.principal(await week.diary.member("Nils"), "Nils")
    await week.page(stranger, f"/timesheets/{week.mira}", 403)
    await week.page(week.own, "/approvals", 403)
    await week.page(week.own, f"/timesheets/{week.mira}?week=2026-11-17", 422)


# contracts ----------------------------------------------------------------------------------------------------------


async def test_a_clients_home_has_their_contracts_with_minutes_and_money(week: Week) -> None:
    """S-07, S-03: 30 minutes at 60.00; nothing of other contracts."""
    other = await week.diary.contract(week.mira, "Tariff import")
    await week.diary.page(week.diary.client(week.admin), "/contracts", "Tariff import")
    async with week.diary.client(week.reader) as http:
        went = await http.get("/", follow_redirects=False)
        assert went.headers["location"] == "/contracts"
        home = (await http.get("/contracts")).text
        one = await http.get(f"/contracts/{week.contract}")
        foreign = await http.get(f"/contracts/{other}")
    assert "Halden portal" in home
    assert "Tariff import" not in home
    assert "€\u00a030.00" in home
    assert ("Week by week" in one.text, foreign.status_code) == (True, 404)
    assert f'href="/timesheets/{week.mira}?week={week.monday}"' in one.text


async def test_a_contract_has_its_history_and_its_newest_terms(week: Week) -> None:
    """S-03: what licensing has saved is shown at once, also where the diary has not heard of it yet."""
    terms = {"member": week.mira, "project": "Halden portal", "client": week.client, "currency": "EUR"}
    terms |= {"rate_minor": 6000, "weekly_limit_minutes": None, "manual_time": True, "memo_required": False}
    terms |= {"labels": ["Build"], "starts_on": None, "ends_on": None}
    made = {"changed_at": "2026-11-20T10:00:00Z", "by": None, "by_name": "Ada Admin"}
    first = {"version": 1, **made, "by_name": None, "contract": terms}
    newest = {"version": 9000, **made, "contract": {**terms, "rate_minor": None}}
    week.diary.neighbours.versions[:] = [newest, first]
    text = await week.page(week.reader, f"/contracts/{week.contract}")
    assert "<dt>Rate</dt><dd>Not paid by the hour</dd>" in text
    assert "Version 9000" in text
    assert "20 Nov 2026, 10:00 UTC by Ada Admin" in text
    assert "<del>€\u00a060.00 an hour</del>" in text


async def test_the_days_of_a_week_are_read_in_any_zone_and_the_week_stays(week: Week) -> None:
    """V-01, S-03: eight days of Kolkata touch a week of UTC, and their sum is the week's."""
    here = await week.page(week.own, f"/timesheets/{week.mira}?week={week.monday}")
    there = await week.page(week.own, f"/timesheets/{week.mira}?week={week.monday}&zone=Asia/Kolkata")
    assert "The week is cut in UTC" in there
    assert "The week is cut in" not in here
    assert [
        one.count("/diary/") for one in (re.findall("<tbody>.*?</tbody>", text, re.DOTALL)[0] for text in (here, there))
    ] == [7, 8]
    totals = [re.findall("<tfoot>.*?</tfoot>", text, re.DOTALL) for text in (here, there)]
    assert totals[0] == totals[1]


async def test_what_was_typed_outlives_the_session_but_for_secrets(week: Week) -> None:
    """W-01: it is sent again once somebody has signed in."""
    async with week.diary.client() as http:
        form = await http.post("/contracts/new", data={"project": "Tariff <import>", "rate_minor": "64"})
        secret = await http.post("/account/password", data={"old": "an old one", "new": "a new one"})
    assert form.status_code == 401
    assert '<input type="hidden" name="project" value="Tariff &lt;import&gt;">' in form.text
    assert 'action="/contracts/new"' in form.text
    assert (secret.status_code, secret.headers["location"]) == (303, "/sign-in")


async def test_a_contract_is_made_by_form_and_words_stand_at_their_fields(week: Week) -> None:
    """S-03: money as integer minor units, hours as minutes."""
    form = {"member": week.mira, "project": "New one", "currency": "eur", "rate_minor": "64.5", "labels": "A\nB\nA"}
    form |= {"weekly_limit_minutes": "37:30", "manual_time": "yes", "starts_on": "2026-11-01"}
    assert (await week.post(week.own, "/contracts/new", **form)).status_code == 403
    bad = await week.post(week.admin, "/contracts/new", **{**form, "rate_minor": "a lot"})
    assert bad.status_code == 422
    assert 'id="f-rate_minor-error"' in bad.text
    assert 'value="New one"' in bad.text, "what was typed is kept"
    assert (await week.post(week.admin, "/contracts/new", **form)).status_code == 303
    body = week.diary.neighbours.asked[-1]["body"]
    assert body["rate_minor"] == 6450
    assert body["weekly_limit_minutes"] == 2250
    assert (body["labels"], body["currency"], body["ends_on"]) == (["A", "B"], "EUR", None)
    assert body["manual_time"] is True
    assert body["memo_required"] is False


async def test_a_client_keeps_the_label_list_and_nothing_else(week: Week) -> None:
    """S-07."""
    text = await week.page(week.reader, f"/contracts/{week.contract}/edit")
    assert 'name="labels"' in text
    assert 'name="rate_minor"' not in text
    await week.post(week.reader, f"/contracts/{week.contract}/edit", labels="Build\nReview", rate_minor="1")
    assert week.diary.neighbours.asked[-1]["body"] == {"labels": ["Build", "Review"]}

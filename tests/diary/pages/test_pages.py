"""Pages through the real web process, the real projector and a real store."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from services.wire.slots import SLOT
from tests.diary.pages.running import Diary, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = "2026-11-20"
NINE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


async def test_the_day_shows_its_hours_runs_and_figures(diary: Diary) -> None:
    """V-01, S-02: segments grouped by hour in the member's zone, with memo bar, picture and meter."""
    await diary.workspace_is()
    mira = await diary.member("Mira Solberg")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    for n in range(3):
        await diary.segment(mira, contract, device, NINE + n * SLOT)
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 3, 3)
    async with diary.client(reader) as http:
        page = await http.get(f"/diary/{mira}/{DAY}")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Friday 20 November 2026" in page.text
    assert len(re.findall(r'<li class="seg( starts)?">', page.text)) == 3
    assert page.text.count("A set starts here") == 1
    assert len(re.findall(r'<li class="run ', page.text)) == 1
    assert 'id="h20261120T0800Z-t">09:00<' in page.text
    assert "30<span>min</span>" in page.text
    assert '0:30</b> <span class="muted">of 30 h' in page.text
    assert "<script>" not in page.text


async def test_titles_and_memos_are_text_whatever_they_hold(diary: Diary) -> None:
    """What comes from a device is hostile until proven otherwise: it is shown, never run."""
    mira = await diary.member("<b>Mira</b>")
    contract, device = await diary.contract(mira, '"><img src=x onerror=alert(1)>'), await diary.device(mira, "<i>")
    memo = "<script>alert('memo')</script>"
    await diary.segment(mira, contract, device, NINE, memo=memo, app="<svg onload=alert(2)>", label="'\"><x")
    reader = diary.principal(mira, "<b>Mira</b>")
    await diary.shows(reader, mira, DAY, 1)
    async with diary.client(reader) as http:
        text = (await http.get(f"/diary/{mira}/{DAY}")).text
    assert "&lt;script&gt;alert(&#39;memo&#39;)&lt;/script&gt;" in text
    for raw in ("<script>alert", "<img src=x", "<svg onload", "<b>Mira", "<i>,"):
        assert raw not in text


async def test_an_empty_day_says_why_and_what_to_do(diary: Diary) -> None:
    mira = await diary.member("Mira Solberg")
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 0)
    async with diary.client(reader) as http:
        text = (await http.get(f"/diary/{mira}/2020-02-03")).text
    assert "Nothing recorded on this day" in text
    assert "Go to today" in text
    assert '<strong title="Nothing tracked">–</strong>' in text, "K-03: no score is a dash with its reason, never 0"


async def test_the_proof_of_sync_stands_on_the_day_and_its_absence_too(diary: Diary) -> None:
    """B-02: what arrived, what is missing, what is held back; where the ledger is away, it says so."""
    mira = await diary.member("Mira Solberg")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira, "fjord-14")
    await diary.segment(mira, contract, device, NINE)
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 1)
    diary.neighbours.sync[device] = {
        "device": device,
        "records": 410,
        "through": 412,
        "missing": [[101, 102]],
        "broken": [],
        "quarantined": [[9, "clock_ahead"]],
        "last_received_at": "2026-11-20T08:10:00Z",
    }
    async with diary.client(reader) as http:
        text = await diary.page(http, f"/diary/{mira}/{DAY}", "Arrived: 410 of 412 records, 1 gap")
        assert "missing 101 to 102, 1 record held back (9: from a clock that is ahead)" in text
        assert "<b><bdi>fjord-14</bdi></b>" in text
        diary.neighbours.ingest_away = True
        try:
            text = (await http.get(f"/diary/{mira}/{DAY}")).text
        finally:
            diary.neighbours.ingest_away = False
        assert "Arrived: not known just now" in text


async def test_looks_by_others_are_told_to_whose_day_it_is(diary: Diary) -> None:
    """B-03, M-06: the look of a manager stands on the day of the member, with the picture's time."""
    mira = await diary.member("Mira Solberg", team="t-web")
    leyla = await diary.member("Leyla Aydin", role="manager", manages=["t-web"])
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    told = await diary.segment(mira, contract, device, NINE, pictures=2)
    manager, reader = diary.principal(leyla, "Leyla Aydin", "manager"), diary.principal(mira)
    await diary.shows(manager, mira, DAY, 1, 2)
    async with diary.client(reader) as http:
        assert "Looked at by others: 0" in (await http.get(f"/diary/{mira}/{DAY}")).text
    async with diary.client(manager) as http:
        page = await http.get(f"/diary/{mira}/{DAY}")
        assert "Mira Solberg’s diary." in page.text
        assert "are recorded" in page.text
        assert "Looked at by others" not in page.text, "a manager does not read who else looked"
        for size in ("picture", "thumbnail"):
            got = await http.get(f"/api/v1/captures/{told['captures'][0]['capture_id']}/{size}")
            assert got.headers["content-type"] == "image/webp"
    async with diary.client(reader) as http:
        text = (await http.get(f"/diary/{mira}/{DAY}")).text
        assert "Looked at by others: 1" in text
        assert "<b><bdi>Leyla Aydin</bdi></b>, manager" in text
        assert "Picture of 09:01; 1 thumbnail in the list of the day" in text
        text = (await http.get(f"/diary/{mira}/{DAY}/captures/{told['captures'][0]['capture_id']}")).text
        assert text.count("<b><bdi>Leyla Aydin</bdi></b>, manager") == 1
        assert re.search(r">In full: \d+ \w+ \d\d:\d\d; in the list: \d+ \w+ \d\d:\d\d<", text)
    async with diary.client(manager) as http:
        page = await http.get(f"/diary/{mira}/{DAY}/captures/{told['captures'][0]['capture_id']}")
        assert "This look is recorded" in page.text
        assert "Looked at by others" not in page.text
        assert (await http.get(f"/diary/{mira}/{DAY}/captures/unknown")).status_code == 404


async def test_an_empty_day_leads_to_the_last_one_with_time(diary: Diary) -> None:
    """V-01, S-07: in the reader's zone, and on what they may see: a client is not told of another contract's day."""
    client = await diary.member("Camille Aubert", role="client")
    mira = await diary.member("Mira Solberg", zone="Europe/Oslo")
    device, theirs = await diary.device(mira), await diary.contract(mira, "Halden portal", client=client)
    own = diary.principal(mira)
    async with diary.client(own) as http:
        assert "Look at" not in await diary.page(http, f"/diary/{mira}/2026-11-24", "Nothing recorded on this day")
    await diary.segment(mira, theirs, device, NINE)
    other = await diary.contract(mira, "Another")
    await diary.segment(mira, other, device, NINE + 92 * SLOT)  # 23:20 UTC is the next day in Oslo
    await diary.shows(own, mira, "2026-11-20", 1)
    await diary.shows(own, mira, "2026-11-21", 1)
    async with diary.client(own) as http:
        text = (await http.get(f"/diary/{mira}/2026-11-24")).text
        assert f'href="/diary/{mira}/2026-11-21">Look at Saturday 21 November<' in text
    async with diary.client(diary.principal(client, "Camille Aubert", "client")) as http:
        await diary.page(http, f"/diary/{mira}/2026-11-24", "Look at Friday 20 November<")


async def test_a_client_does_not_read_who_else_looked(diary: Diary) -> None:
    """B-03, G-02: whose picture it is, and who reads the audit log; a client is neither, and has no empty panel."""
    client = await diary.member("Camille Aubert", role="client")
    mira = await diary.member("Mira Solberg")
    contract = await diary.contract(mira, "Halden portal", client=client)
    told = await diary.segment(mira, contract, await diary.device(mira), NINE)
    owner = diary.principal(await diary.member("Olga", role="owner"), "Olga", "owner")
    await diary.shows(owner, mira, DAY, 1)
    day = f"/diary/{mira}/{DAY}"
    for principal, sees in ((diary.principal(client, "Camille Aubert", "client"), False), (owner, True)):
        async with diary.client(principal) as http:
            for path in (day, f"{day}/captures/{told['captures'][0]['capture_id']}"):
                page = await diary.page(http, path, "Halden portal")
                assert ("Looked at by others" in page) is sees, (principal.role, path)


async def test_the_fragment_renders_the_very_same_hour(diary: Diary) -> None:
    """The row that the page renders is the row that a change brings."""
    mira = await diary.member("Mira Solberg")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    await diary.segment(mira, contract, device, NINE)
    await diary.segment(mira, contract, device, NINE + timedelta(hours=2))
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 2, 2)
    async with diary.client(reader) as http:
        page = (await http.get(f"/diary/{mira}/{DAY}")).text
        fragment = (await http.get(f"/diary/{mira}/{DAY}/changes?hours=h20261120T0800Z")).text
    hour = re.search(r'<section class="hour" id="h20261120T0800Z".*?</section>', page, re.S)
    again = re.search(r'<section class="hour" id="h20261120T0800Z".*?</section>', fragment, re.S)
    assert hour
    assert again
    squeeze = re.compile(r"\s+")
    assert squeeze.sub(" ", again[0].replace(' hx-swap-oob="true"', "")) == squeeze.sub(" ", hour[0])
    assert "h20261120T1000Z" not in fragment, "an hour that did not change is not sent"


async def test_minutes_give_the_counts_of_each_minute(diary: Diary) -> None:
    """V-01, T-03: clicks, scrolls and keys of each minute, on demand."""
    mira = await diary.member("Mira Solberg")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    minutes = [[64, 3, 0, 41, "work", 0], None, [0, 0, 0, 0, "break", None], *[[0, 0, 18, 95, "work", 0]] * 7]
    told = await diary.segment(mira, contract, device, NINE, minutes=minutes)
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 1)
    async with diary.client(reader) as http:
        text = (await http.get(f"/diary/{mira}/{DAY}/minutes/{told['segment_id']}")).text
        unknown = await http.get(f"/diary/{mira}/{DAY}/minutes/nothing", headers={"hx-request": "true"})
    rows = re.findall(r"<tr><th scope=\"row\"[^>]*>(.*?)</tr>", text)
    assert [re.sub(r"<[^>]+>", " ", row).split() for row in rows[:3]] == [
        ["09:00", "64", "3", "0", "41", "work"],
        ["09:01", "not", "tracked"],
        ["09:02", "break"],
    ]
    assert unknown.status_code == 404
    assert 'class="note bad"' in unknown.text, "a fragment that fails says so in its own place"


@pytest.mark.parametrize(
    ("role", "status"), [("employee", 403), ("manager", 403), ("client", 403), ("admin", 200), ("owner", 200)]
)
async def test_only_who_may_opens_anothers_day(diary: Diary, role: str, status: int) -> None:
    """M-02, S-07: managers of other teams, colleagues and clients of other contracts are told no."""
    mira = await diary.member("Mira Solberg", team="t-web")
    other = await diary.member("Somebody Else", role=role)
    await diary.shows(diary.principal(mira), mira, DAY, 0)
    async with diary.client(diary.principal(other, "Somebody Else", role)) as http:
        page = await http.get(f"/diary/{mira}/{DAY}")
        assert page.status_code == status
        assert (await http.get(f"/diary/{mira}/{DAY}/changes")).status_code == status
        assert (await http.get("/diary/nobody/2026-11-20")).status_code == 404
        assert (await http.get(f"/diary/{mira}/not-a-date")).status_code == (422 if status == 200 else 403)


async def test_of_many_diaries_one_is_found_by_its_name(diary: Diary) -> None:
    """M-02: nine people's diaries, each with the ways to what is theirs; a page beyond the last is the last."""
    members = [await diary.member(f"Tessa Number {step}") for step in range(9)]
    boss = await diary.member("Boss", role="admin")
    async with diary.client(diary.principal(boss, "Boss", "admin")) as http:
        await diary.page(http, "/diaries?q=tessa", "Tessa Number 8")
        found = (await http.get("/diaries?q=number%207&page=99999999999")).text
        assert f'href="/timesheets/{members[7]}"' in found
        assert f'href="/captures/{members[7]}"' in found
        assert "Tessa Number 6" not in found.split("<main")[1]
        assert "Show all" in (await http.get("/diaries?q=nobody-at-all")).text


async def test_a_client_sees_the_contract_that_is_theirs_and_no_other(diary: Diary) -> None:
    """S-07, V-01: the time of other contracts is nowhere on the page; UTC is a client's default zone."""
    mira, halden = await diary.member("Mira Solberg"), await diary.member("Halden Freight", role="client")
    theirs = await diary.contract(mira, "Halden portal", client=halden)
    other, device = await diary.contract(mira, "Secret project"), await diary.device(mira)
    await diary.segment(mira, theirs, device, NINE, memo="For Halden")
    await diary.segment(mira, other, device, NINE + SLOT, memo="For another")
    await diary.shows(diary.principal(mira), mira, DAY, 2)
    async with diary.client(diary.principal(halden, "Halden Freight", "client")) as http:
        page = await diary.page(http, f"/diary/{mira}/{DAY}", "For Halden")

        async def leads_there() -> bool:
            return "Halden portal" in (await http.get("/", follow_redirects=True)).text

        await until(leads_there)
    assert "For another" not in page
    assert "Secret project" not in page
    assert "Tracko score" not in page, "scores are not for clients"
    assert "Arrived" not in page, "nor is the state of devices"
    assert re.search(r'aria-current="true">UTC<', page)


async def test_zones_change_what_the_clock_says_and_keep_the_time(diary: Diary) -> None:
    """V-01: UTC, mine, the workspace's; an unknown zone is refused with a page that says so."""
    mira = await diary.member("Mira Solberg", zone="Asia/Kathmandu")
    contract, device = await diary.contract(mira, "Halden portal"), await diary.device(mira)
    await diary.segment(mira, contract, device, datetime(2026, 11, 20, 18, 10, tzinfo=UTC))
    reader = diary.principal(mira)
    await diary.shows(reader, mira, DAY, 1)
    async with diary.client(reader) as http:
        kathmandu = (await http.get(f"/diary/{mira}/{DAY}")).text
        utc = (await http.get(f"/diary/{mira}/{DAY}?zone=UTC")).text
        assert "<time>23:55</time>" in kathmandu, "midnight is inside the slot; it belongs to the day its start is in"
        assert "<time>18:10</time>" in utc
        assert (await http.get(f"/diary/{mira}/{DAY}?zone=Mars/Olympus")).status_code == 422
        went = await http.get(f"/diary/{mira}?date={DAY}&zone=UTC")
        assert went.headers["location"] == f"/diary/{mira}/{DAY}?zone=UTC"


async def test_signing_in_by_form(diary: Diary) -> None:
    """W-01: the same sign-in as the API's; what was wrong stands at the field, and too many tries are said so."""
    mira = await diary.member("Mira Solberg")
    reader = diary.principal(mira)
    answer = {
        "token": diary.token(reader),
        "member": mira,
        "workspace": diary.workspace,
        "name": "Mira Solberg",
        "role": "employee",
        "workspaces": [],
    }
    diary.neighbours.accounts["mira@norrvik.example"] = ("correct horse", answer)
    async with diary.client() as http:
        first = await http.get(f"/diary/{mira}/{DAY}")
        assert first.headers["location"] == f"/sign-in?next=%2Fdiary%2F{mira}%2F{DAY}"
        form = (await http.get(first.headers["location"])).text
        assert f'name="next" value="/diary/{mira}/{DAY}"' in form
        wrong = await http.post("/sign-in", data={"email": "mira@norrvik.example", "password": "wrong"})
        assert wrong.status_code == 401
        assert re.search(r'name="password"[^>]*aria-describedby="f-password-error" aria-invalid="true"', wrong.text)
        assert "E-mail and password do not match." in wrong.text
        assert "wrong" not in re.sub(r"E-mail.*", "", wrong.text.split("<form")[1].split("password-error")[0])
        away = {"email": "mira@norrvik.example", "password": "correct horse", "next": "//evil.example/x"}
        went = await http.post("/sign-in", data=away)
        assert (went.status_code, went.headers["location"]) == (303, "/")
        assert "httponly" in went.headers["set-cookie"].lower()
        assert (await http.get(f"/diary/{mira}/{DAY}")).status_code == 200
        out = await http.post("/sign-out")
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert (await http.get(f"/diary/{mira}/{DAY}")).status_code == 303
        diary.neighbours.failures = 10
        late = await http.post("/sign-in", data={"email": "mira@norrvik.example", "password": "wrong"})
        diary.neighbours.failures = 0
        assert late.status_code == 429
        assert late.headers["retry-after"] == "60"
        assert 'role="alert"' in late.text
        assert "Too many failed sign-ins." in late.text


async def test_a_form_of_another_site_signs_nobody_out(diary: Diary) -> None:
    mira = await diary.member("Mira Solberg")
    async with diary.client(diary.principal(mira)) as http:
        answer = await http.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403

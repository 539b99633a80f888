"""The pages of members, teams and clients on real services (W-03, W-04, W-05)."""

import csv
import io
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages import people_view as view
from services.diary.pages.listing import initials, page_of
from tests.diary.office.running import Browsing, Office, plain
from tests.licensing.support import PASSWORD

here = pytest.mark.asyncio(loop_scope="module")


def _names(page: str) -> list[str]:
    """Who stands in the list."""
    return re.findall(r'<span class="ava".*?<a [^>]*>(.*?)</a>', page)


@here
async def test_members_are_found(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "adam") as adam:
        page = await adam.get("/people")
        assert _names(page) == ["Adam", "Cleo", "Emil", "Front desk", "Lisa", "Mara", "Olga"]
        assert "7 of 7" in plain(page)
        assert _names(await adam.get("/people?q=LISA")) == ["Lisa"]
        assert _names(await adam.get(f"/people?q={acme.email('emil')[:9]}")) == ["Emil"]
        assert _names(await adam.get("/people?role=manager")) == ["Mara"]
        design = acme.answer["teams"][0]["team"]
        assert _names(await adam.get(f"/people?team={design}")) == ["Lisa"]
        assert "Lisa" not in _names(await adam.get("/people?team=none"))
        assert "Nobody fits" in await adam.get("/people?state=archived")
        assert _names(await adam.get("/people?page=99999999&role=owner")) == ["Olga"]
        found = csv.DictReader(io.StringIO((await adam.http.get("/api/v1/members.csv")).content.decode("utf-8-sig")))
        assert len(list(found)) == 7


@here
async def test_a_member_is_edited(office: Office) -> None:
    """W-03, W-04: name, role, team; convert to manager and back; what is refused stands at its field."""
    acme = await office.acme()
    lisa, design, sales = acme.member("lisa"), *(one["team"] for one in acme.answer["teams"])
    path = f"/people/{lisa}"
    async with office.browser(acme, "adam") as adam:
        fields = {"name": "Lisa", "role": "employee", "team": sales, "zone": "Europe/Oslo"}
        page = await adam.post(path, 422, **(fields | {"name": ""}))
        assert 'id="f-name-error"' in page
        page = await adam.post(path, 422, **(fields | {"team": "team-nothing"}))
        assert "There is no such team." in page
        assert 'id="f-team-error"' in page
        page = plain(await adam.post(path, **(fields | {"name": "Lisa Ek"})))
        assert "Lisa Ek is changed." in page
        assert "Sales" in page.partition("Lisa Ek is changed")[0].partition("E-mail")[2]
        page = await adam.post(f"{path}/role", role="manager")
        assert "Lisa Ek is a manager now." in plain(page)
        page = await adam.post(path, **(fields | {"role": "manager", "team": ""}), manages=[design, sales])
        shown = (await acme.read("olga", "members", lisa))[0]
        assert (shown["role"], shown["team"], shown["manages"]) == ("manager", None, [design, sales])
        assert "Lisa Ek" not in plain(await adam.get(f"/people?team={design}"))
        await adam.post(f"{path}/role", role="employee")
        shown = (await acme.read("olga", "members", lisa))[0]
        assert shown["role"] == "employee"


@here
async def test_who_is_archived_is_out_until_restored(office: Office) -> None:
    acme = await office.acme()
    path = f"/people/{acme.member('emil')}"
    async with office.browser(acme, "olga") as olga, office.browser(acme, "emil") as emil:
        page = await olga.post(f"{path}/archive", archived="yes")
        assert "Emil is archived." in plain(page)
        assert "Emil" not in _names(await olga.get("/people"))
        assert "Emil" in _names(await olga.get("/people?state=archived"))
        office.web.edge.sessions._asked.clear()
        await emil.get("/account")
        assert emil.at == "/sign-in"
        page = await olga.post(f"{path}/archive", archived="no")
        assert "Emil is restored." in plain(page)
        await emil.sign_in(acme.email("emil"))
        page = await olga.post(f"/people/{acme.member('olga')}/archive", 409, archived="yes")
        assert "A workspace needs an owner." in plain(page)


@here
async def test_roles_have_the_buttons_they_may_use(office: Office) -> None:
    """A manager reads their teams, an admin decides about everybody but owners; nobody else's workspace is there."""
    acme, other = await office.acme(), await office.acme()
    lisa, olga = acme.member("lisa"), acme.member("olga")
    async with office.browser(acme, "mara") as mara, office.browser(acme, "adam") as adam:
        page = await mara.get("/people")
        assert set(_names(page)) == {"Lisa", "Mara"}
        assert "Invite member" not in page
        assert "Upload" not in page
        assert '/archive"' not in await mara.get(f"/people/{lisa}")
        await mara.get(f"/people/{acme.member('emil')}", 404)
        for path in (f"/people/{lisa}", f"/people/{lisa}/role", f"/people/{lisa}/archive", "/people/new", "/teams"):
            page = await mara.post(path, 403, name="x", archived="yes")
            assert "Your role does not allow this." in page
            assert "Ask an owner or admin" in page
        assert '/archive"' not in await adam.get(f"/people/{olga}")
        await adam.post(f"/people/{olga}/archive", 403, archived="yes")
        assert 'value="owner"' not in (await adam.get(f"/people/{lisa}")).partition('id="opened"')[2]
    async with office.browser(other, "olga") as stranger:
        for path in (f"/people/{lisa}", f"/people/{lisa}/archive", f"/people/{lisa}/invite"):
            await stranger.post(path, 404, name="x", archived="yes", role="employee", zone="UTC")
        await stranger.get(f"/people/{lisa}", 404)
    assert not (await acme.read("olga", "members", lisa))[0]["archived"]


@here
async def test_an_invitation_is_sent_again(office: Office) -> None:
    """W-09; an address that is a member already is said so at its field."""
    acme, email = await office.acme(), f"{secrets.token_hex(5)}@new.example"
    async with office.browser(acme, "adam") as adam:
        fields = {"name": "Bo", "email": email, "role": "employee", "team": ""}
        await adam.post("/people/new", **fields)
        at = adam.at
        page = await adam.post("/people/new", 409, **fields)
        assert 'id="new-email-error"' in page
        assert 'id="new-email-error"' in await adam.post("/people/new", 422, **(fields | {"email": "bo"}))
        first = await office.mails.token(email, "invites you")
        assert "goes out again" in await adam.post(f"{at}/invite")
        second = await office.mails.token(email, "invites you", 2)
        assert first != second
        assert "no invitation to send again" in await adam.post(f"/people/{acme.member('lisa')}/invite", 409)


async def _upload(somebody: Browsing, content: bytes, status: int = 200, **fields: str) -> str:
    answer = await somebody.http.post(
        "/people/import", data=fields, files={"file": ("autumn.csv", content, "text/csv")}
    )
    return somebody._taken(answer, status)


@here
async def test_a_csv_with_bad_lines(office: Office) -> None:
    """W-03: good lines are taken, each bad one is named with its line, its reason, and what to do."""
    acme, tag = await office.acme(), secrets.token_hex(4)
    rows = [
        "email,name,role,team",
        f"ada-{tag}@example.test,Ada,,Design",
        "nobody,Nobody,,",
        f"cy-{tag}@example.test,Cy,supervisor,",
        f"dan-{tag}@example.test,Dan,,Warehouse",
        f"{acme.email('lisa')},Lisa,,",
    ]
    async with office.browser(acme, "adam") as adam:
        assert "Design" in await adam.get("/people/import")
        await _upload(adam, "\n".join(rows).encode(), invite="yes")
        imported = adam.at
        assert imported.startswith("/people/imports/")
        page = await adam.until(adam.at, lambda text: "All lines are read." in text)
        assert 'hx-trigger="every 1s"' not in page, "what is done is not asked for again"
        text = plain(page)
        assert "Taken 1 Refused 4" in text
        assert "3 Email: not an e-mail address Write a full address" in text
        assert "4 Role: one of employee, manager, admin, client Use employee" in text
        assert "5 Team: there is no such team Create the team first" in text
        assert "6 Email: a member already Leave the line out" in text
        bad = (await adam.http.get(f"{imported}/bad.csv")).content.decode("utf-8-sig")
        assert [one["line"] for one in csv.DictReader(io.StringIO(bad))] == ["3", "4", "5", "6"]
        assert "Ada" in _names(await adam.get("/people?state=invited"))
        assert "autumn.csv" in await adam.get("/people/import")
        await office.mails.wait_for(f"ada-{tag}@example.test", "invites you")
        await _upload(adam, f"email,name\nx-{tag}@example.test,X".encode())
        await adam.until(adam.at, lambda text: "Every line was taken." in text)
    assert not office.mails.to(f"x-{tag}@example.test"), "not asked for"
    other = await office.acme()
    async with office.browser(other, "olga") as stranger, office.browser(acme, "mara") as mara:
        await stranger.get(imported, 404)
        await mara.get("/people/import", 403)


@here
async def test_a_file_that_is_no_table(office: Office) -> None:
    acme = await office.acme()
    async with office.browser(acme, "adam") as adam:
        for content, words in ((b"name\nAda", "no column email"), (b"", "no column email"), (b"x" * 5_000_000, "")):
            page = await _upload(adam, content, 413 if len(content) > 1000 else 422)
            assert words in page
            assert 'id="f-file-error"' in page
        page = await adam.post("/people/import", 422, invite="yes")
        assert "Choose a file." in page
        assert "email,name,role,team,zone" in (await adam.http.get("/people/import/example.csv")).text


@here
async def test_teams(office: Office) -> None:
    """W-04: created, renamed, archived only when empty, restored."""
    acme = await office.acme()
    lisa = acme.member("lisa")
    async with office.browser(acme, "adam") as adam, office.browser(acme, "mara") as mara:
        assert 'id="new-name-error"' in await adam.post("/teams", 422, name="")
        page = await adam.post("/teams", name="Support")
        support = adam.at
        assert "Support is a team now." in plain(page)
        assert "The team is called Care now." in plain(await adam.post(support, name="Care"))
        assert 'id="f-name-error"' in await adam.post(support, 422, name="")
        fields = {"name": "Lisa", "role": "employee", "zone": "UTC", "team": support.rpartition("/")[2]}
        await adam.post(f"/people/{lisa}", **fields)
        page = await adam.get(support)
        assert "only when it is empty" in page
        assert "Lisa" in plain(page)
        assert "still has members" in await adam.post(f"{support}/archive", 409, archived="yes")
        await adam.post(f"/people/{lisa}", **(fields | {"team": ""}))
        assert "Care is archived." in plain(await adam.post(f"{support}/archive", archived="yes"))
        assert "There is no such team." in await adam.post(f"/people/{lisa}", 422, **fields)
        assert "Care is restored." in plain(await adam.post(f"{support}/archive", archived="no"))
        page = await mara.get("/teams")
        assert "Design" in page
        assert "Create team" not in page
    async with office.browser(await office.acme(), "olga") as stranger:
        await stranger.get(support, 404)
        await stranger.post(support, 404, name="Mine")


@here
async def test_clients(office: Office) -> None:
    """W-05: invited, a client once they confirm, archived and restored."""
    acme, email = await office.acme(), f"{secrets.token_hex(5)}@client.example"
    async with office.browser(acme, "adam") as adam, office.stranger() as hal:
        assert "1 of 1" in plain(await adam.get("/clients"))
        assert 'id="new-email-error"' in await adam.post("/clients/new", 422, name="Halden", email="halden")
        page = await adam.post("/clients/new", name="Halden Freight", email=email)
        assert "Not confirmed yet" in page
        path = adam.at
        token = await office.mails.token(email, "invites you")
        await hal.post("/invitations/accept", token=token, name="Halden Freight", password=PASSWORD)
        page = await adam.get(path)
        assert "Confirmed" in page
        page = await hal.sign_in(email)
        assert "/contracts" in page
        assert "The client is called Halden now." in plain(await adam.post(path, name="Halden"))
        assert "Halden is archived." in plain(await adam.post(f"{path}/archive", archived="yes"))
        assert "Halden" not in _names(await adam.get("/clients"))
        assert _names(await adam.get("/clients?state=archived")) == ["Halden"]
        assert "Halden is restored." in plain(await adam.post(f"{path}/archive", archived="no"))
        lisa = acme.member("lisa")
        await adam.post(f"/clients/{lisa}", 404, name="No client")
    async with office.browser(acme, "cleo") as cleo:
        await cleo.post(path, 403, name="Mine")


@given(st.lists(st.integers(), max_size=400), st.integers(-3, 12), st.integers(1, 60))
def test_pages_of_a_list_hold_every_item_once(items: list[int], number: int, per: int) -> None:
    page = page_of(items, number, "/people", {"q": "x"}, per)
    assert page.total == len(items)
    assert len(page.items) <= per
    shown, last = [], -(-len(items) // per)
    for at in range(1, max(1, last) + 1):
        one = page_of(items, at, "/people", {"q": "x"}, per)
        assert (one.previous is None, one.following is None) == (at == 1, at >= last)
        assert one.following in (None, f"/people?q=x&page={at + 1}")
        shown.extend(one.items)
    assert shown == items


@given(st.text(max_size=20))
def test_a_name_has_initials_whatever_it_is(name: str) -> None:
    assert 1 <= len(initials(name)) <= 6
    assert initials("Mira Solberg") == "MS"
    assert initials("  ") == "?"


def test_reasons_of_bad_lines_say_what_to_do() -> None:
    for reason in ("email: Value error, not an e-mail address", "name: not UTF-8 text", "2 cells where 5 are named"):
        line = view.bad_line({"line": 3, "reason": reason})
        assert line["line"] == 3
        assert line["advice"]
        assert "Value error" not in line["why"]

"""Members by the file: good rows are taken, bad ones reported with their line; and the way back (W-03, W-04)."""

import asyncio
import base64
import csv
import io
import secrets
import time
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.tables import cell, to_csv
from services.licensing import member_rows
from services.licensing.member_rows import read
from services.wire.imports import MAX_BYTES, pack, unpack
from tests.licensing.support import Licensing
from tests.licensing.web import Web

here = pytest.mark.asyncio(loop_scope="module")


async def _import(
    http: httpx.AsyncClient, content: bytes, seconds: float = 60, every: float = 0.05, **query: Any
) -> dict[str, Any]:
    """The import when it is done."""
    answer = await http.post("/api/v1/imports", content=content, params=query, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 202, answer.text
    deadline, seen = time.monotonic() + seconds, [answer.json()]
    while seen[-1]["state"] != "done":
        assert time.monotonic() < deadline, seen[-1]
        await asyncio.sleep(every)
        seen.append((await http.get(f"/api/v1/imports/{seen[0]['id']}")).json())
    assert [one["done"] for one in seen] == sorted(one["done"] for one in seen)
    return {**seen[-1], "seen": seen}


@here
async def test_good_rows_are_taken_and_bad_ones_reported(web: Web) -> None:
    acme, tag = await web.licensing.seed(), secrets.token_hex(4)
    rows = [
        "email;name;role;team;zone",
        f"ada-{tag}@example.test;Ada;;design;Europe/Oslo",
        "not an address;Bob;;;",
        f"cy-{tag}@example.test;Cy;owner;;",
        f"dan-{tag}@example.test;Dan;;Nowhere;",
        f"ADA-{tag}@example.test;Ada again;;;",
        f"{acme.email('lisa')};Lisa;;;",
        "",
        f"eve-{tag}@example.test;Eve",
        f'fay-{tag}@example.test;"Fay; the second";Manager;;',
        f"gus-{tag}@example.test;Gus;;;Nowhere/City",
    ]
    content = "\r\n".join(rows).encode() + f"\r\nhal-{tag}@example.test;H\xe5l;;;\r\n".encode("latin-1")
    async with web.person(acme, "adam") as http:
        done = await _import(http, content, name="staff.csv")
        assert (done["total"], done["done"], done["taken"], done["name"]) == (10, 10, 2, "staff.csv")
        assert {one["line"]: one["reason"].split(":")[0] for one in done["errors"]} == {
            3: "email",
            4: "role",
            5: "team",
            6: "email",
            7: "email",
            9: "2 cells where 5 columns are named",
            11: "zone",
            12: "name",
        }
        members = {one["email"]: one for one in (await http.get("/api/v1/members")).json()["items"]}
        ada, fay = members[f"ada-{tag}@example.test"], members[f"fay-{tag}@example.test"]
        assert (ada["team"], ada["zone"], ada["invited"]) == (acme.answer["teams"][0]["team"], "Europe/Oslo", True)
        assert (fay["name"], fay["role"]) == ("Fay; the second", "manager")
        again = await _import(http, content)
        assert again["taken"] == 0
    await web.licensing.mails.wait_for(f"ada-{tag}@example.test", "invites you")


@here
async def test_thousands_of_rows_with_progress(web: Web) -> None:
    """In bites, each row once, told to the others; without mails where none are wished."""
    acme, tag, count = await web.licensing.seed(), secrets.token_hex(4), 10_000
    lines = [f"{number}-{tag}@example.test,Member {number},employee,Design" for number in range(count)]
    lines[4000] = "oops"
    content = "\n".join(["email,name,role,team", *lines]).encode()
    async with web.person(acme, "olga") as http:
        done = await _import(http, content, seconds=100, every=0.25, invite="false")
        assert (done["total"], done["taken"], len(done["errors"])) == (count, count - 1, 1)
        assert done["errors"][0]["line"] == 4002
        assert len({one["done"] for one in done["seen"]}) > 3
        listed = [one["email"] for one in (await http.get("/api/v1/members")).json()["items"] if tag in one["email"]]
        assert len(listed) == len(set(listed)) >= count - 1, "more than one answer of the bus carries"
    where = {"workspace": acme.workspace, "email": {"$regex": f"-{tag}@"}}
    assert await web.licensing.store["members"].count_documents(where) == count - 1
    assert await web.licensing.store["people"].count_documents({"email": {"$regex": f"-{tag}@"}}) == count - 1
    assert await web.licensing.store["mails"].count_documents({"workspace": acme.workspace, "kind": "invitation"}) == 0


@here
async def test_only_admins_bring_files_and_only_tables_are_taken(web: Web) -> None:
    acme, other = await web.licensing.seed(), await web.licensing.seed()
    csv_type = {"Content-Type": "text/csv"}
    async with (
        web.person(acme, "mara") as manager,
        web.person(acme, "adam") as http,
        web.person(other, "olga") as stranger,
    ):
        refused = await manager.post("/api/v1/imports", content=b"email,name\n", headers=csv_type)
        assert refused.status_code == 403
        for content in (
            b"",
            b"name\nAda",
            b"email,name,password\n",
            b"\x00\x01\x02",
            b"email,name,email\n",
            b"x" * 200_000,
        ):
            answer = await http.post("/api/v1/imports", content=content, headers=csv_type)
            assert (answer.status_code, answer.json()["status"]) == (422, 422), content
        assert (await http.post("/api/v1/imports", json={})).status_code == 415
        large = await http.post("/api/v1/imports", content=b"x" * (MAX_BYTES + 1), headers=csv_type)
        assert large.status_code == 413
        done = await _import(http, b"email,name\n")
        assert (done["total"], done["taken"]) == (0, 0)
        assert (await stranger.get(f"/api/v1/imports/{done['id']}")).status_code == 404
        assert (await http.patch(f"/api/v1/imports/{done['id']}", json={})).status_code == 405


@here
async def test_a_name_is_no_formula_in_a_spreadsheet(web: Web) -> None:
    """W-03: cells that a spreadsheet would work out are neutralised on export; who exported is written down (G-02)."""
    acme = await web.licensing.seed()
    await acme.change("olga", "members", acme.member("lisa"), name='=HYPERLINK("http://evil.example")')
    async with web.person(acme, "olga") as http:
        answer = await http.get("/api/v1/members.csv")
        [entry] = (await http.get("/api/v1/audit?action=members.exported")).json()["items"]
    assert (entry["actor"], entry["detail"]) == (acme.member("olga"), "7 members")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    [lisa] = [one for one in table if one["email"] == acme.email("lisa")]
    assert lisa["name"] == '\'=HYPERLINK("http://evil.example")'


@here
async def test_a_file_can_be_an_export_of_a_spreadsheet(shared: Licensing) -> None:
    """UTF-16 with its mark and tabs, as some write it."""
    content = "email\tname\nada@example.test\tÅda\n".encode("utf-16")
    found = read(content, {})
    assert [(line, body.name) for line, body in found.rows] == [(2, "Åda")]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        found = read(b"email,name\n" + content, {"sea": "team-1"})
    except ValueError:
        return
    assert all(body.name.isprintable() for _, body in found.rows)


@given(st.text(max_size=40))
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not cell(text).lstrip(" ").startswith(("=", "+", "-", "@"))
    assert cell(text).removeprefix("'") == text.removeprefix("'") or cell(text) == text
    assert to_csv(["a"], [[text]]).decode("utf-8-sig")


@given(st.binary(max_size=2000))
def test_a_file_crosses_the_bus_as_it_is(content: bytes) -> None:
    assert unpack(pack(content)) == content


def test_a_packed_bomb_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        pack(b"0" * (MAX_BYTES + 1))
    bomb = base64.b64encode(zlib.compress(b"0" * (50 * MAX_BYTES))).decode()
    for text in (bomb, "%%%", base64.b64encode(b"no").decode()):
        with pytest.raises(ValueError):
            unpack(text)
    rows = "\n".join(f"{n}@example.test,N" for n in range(member_rows.MOST_ROWS + 1))
    with pytest.raises(ValueError, match="at most"):
        read(b"email,name\n" + rows.encode(), {})

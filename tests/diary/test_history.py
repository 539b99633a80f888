"""Every edit of a diary can be read for ever: who, when, what; by whoever may read the day (G-02, S-04, S-07, M-02)."""

from typing import Any

import pytest

from tests.diary.editing import done, ids, kind_of, open_slots, people, send, three_with_pictures, week_of
from tests.diary.running import Diary

SLOTS = open_slots()
DAY = SLOTS[0][:10]
OF_DAY = f"/diary/mira/edits?from={DAY}&to={DAY}"


@pytest.fixture
async def office(diary: Diary) -> Diary:
    tell = diary.teller
    await diary.tell(
        *people(diary),
        tell.member("other", "manager", manages=["land"]),
        tell.member("client", "client"),
        tell.contract("con", "mira", client="client"),
        tell.contract("side", "mira"),
        *three_with_pictures(diary, SLOTS),
    )
    return diary


async def _read(office: Diary, path: str = OF_DAY, who: str = "mira", role: str = "employee") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await done(office, "GET", path, who=who, role=role))["items"]
    return items


async def _note(office: Diary, names: list[str], memo: str, **who: str) -> None:
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names, "memo": memo}, **who)


async def test_who_changed_what_and_when(office: Diary) -> None:
    names = ids(SLOTS)
    assert await _read(office) == []
    await _note(office, names[:2], "first words")
    await _note(office, names[:1], "better words", who="boss", role="admin")
    await done(office, "POST", "/captures/blur", {"capture_ids": ["shot-1"]}, who="boss", role="admin")
    body = {"contract": "con", "start": SLOTS[4], "end": SLOTS[5], "reason": "a call", "memo": "called"}
    entry = await done(office, "POST", "/diary/mira/manual-time", body)
    await done(office, "POST", "/diary/mira/removals", {"segment_ids": names[2:3], "reason": "mine"})
    removal, manual, blur, second, first = await _read(office)
    assert [one["kind"] for one in (first, second, blur, manual, removal)] == (
        ["note", "note", "picture_blur", "manual", "removal"]
    )
    assert [(one["actor"], one["actor_name"], one["actor_role"]) for one in (first, second)] == (
        [("mira", "Mira", "employee"), ("boss", "Boss", "admin")]
    )
    assert (first["said"], second["said"]) == ({"memo": "first words"}, {"memo": "better words"}), "the old one, too"
    assert first["segments"] == [{"segment_id": name, "minutes": None} for name in names[:2]]
    assert first["week"] == week_of(SLOTS[0])
    assert (blur["captures"], [one["segment_id"] for one in blur["segments"]]) == (["shot-1"], names[1:2])
    assert (manual["entry"], manual["said"]) == (entry["id"], {"memo": "called", "reason": "a call"})
    assert manual["segments"] == [{"segment_id": entry["segments"][0], "minutes": list(range(10))}]
    assert removal["segments"] == [{"segment_id": names[2], "minutes": list(range(10))}]
    assert (removal["captures"], removal["said"]) == (["shot-2"], {"reason": "mine"})
    async with office.browse("mira") as http:
        shown = (await http.get(f"/diary/mira/{DAY}/minutes/{names[0]}?zone=UTC")).text
    assert shown.index("Memo changed by <bdi>Boss</bdi>, ") < shown.index("Memo changed by <bdi>Mira</bdi>, ")
    assert "blurred" not in shown, "of another segment"


async def test_edits_of_a_segment_of_other_days_and_page_by_page(office: Diary) -> None:
    names = ids(SLOTS)
    for number in range(5):
        await _note(office, names[number % 2 : 2], f"words {number}")
    of_first = await _read(office, f"/diary/mira/edits?segment={names[0]}")
    assert [one["said"]["memo"] for one in of_first] == ["words 4", "words 2", "words 0"]
    assert await _read(office, f"/diary/mira/edits?segment={names[2]}") == []
    for unknown in ("nothing", "a:b:c", f"con:dev:{SLOTS[0]}x", "a:b:0001-01-01T00:00:00Z", "a:b:9999-12-31T23:50:00Z"):
        assert await _read(office, f"/diary/mira/edits?segment={unknown}") == []
    assert await _read(office, "/diary/mira/edits?from=2026-01-01&to=2026-02-01") == []
    read: list[str] = []
    path: str | None = f"{OF_DAY}&limit=2"
    while path:
        page = await done(office, "GET", path)
        read += [one["said"]["memo"] for one in page["items"]]
        path = page["next"] and f"{OF_DAY}&limit=2&before={page['next']}"
    assert read == [f"words {number}" for number in (4, 3, 2, 1, 0)]
    for wrong in ("", "?from=2026-01-01", "?from=2026-01-02&to=2026-01-01", "?from=2020-01-01&to=2026-01-01"):
        assert kind_of(await send(office, "GET", f"/diary/mira/edits{wrong}")) == (422, "invalid"), wrong


async def test_who_reads_the_day_reads_its_edits(office: Diary) -> None:
    """A client those of their contracts, and not what was said before (S-07)."""
    await _note(office, [*ids(SLOTS[:1]), f"side:dev:{SLOTS[3]}"], "not for everybody")
    for who, role, count in (("mira", "employee", 2), ("boss", "admin", 2), ("lead", "manager", 2)):
        found = await _read(office, who=who, role=role)
        assert [one["said"] for one in found] == [{"memo": "not for everybody"}] * count, who
    (theirs,) = await _read(office, who="client", role="client")
    assert (theirs["contract"], theirs["changed"], theirs["said"]) == ("con", ["memo"], None)
    assert theirs["actor_name"] == "Mira"
    for who, role, path, status in (
        ("other", "manager", OF_DAY, 403),
        ("lisa", "employee", OF_DAY, 403),
        ("lisa", "employee", "/diary/mira/edits?segment=nothing", 403),
        ("boss", "admin", OF_DAY.replace("mira", "nobody"), 404),
        ("client", "client", OF_DAY.replace("mira", "boss"), 404),
    ):
        assert (await send(office, "GET", path, who=who, role=role)).status_code == status, (who, path)
    assert await _read(office, f"/diary/mira/edits?segment=side:dev:{SLOTS[3]}", who="client", role="client") == []

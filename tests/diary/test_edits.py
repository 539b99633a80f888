"""Memo, label and removals: all or nothing, for good, by whom the rules name (S-04, S-07, S-08, S-12)."""

import contextlib

import orjson
import pytest
from nats.js.errors import NotFoundError

from services.diary.settings import DiarySettings
from services.wire.edits import Signed, read_edit
from services.wire.events import Fact
from tests.diary.editing import done, ids, kind_of, open_slots, people, send, three_with_pictures, week_of
from tests.diary.facts import capture, minutes
from tests.diary.running import Diary, until

SLOTS = open_slots()
DAY = SLOTS[0][:10]


@pytest.fixture
async def office(diary: Diary) -> Diary:
    tell = diary.teller
    await diary.tell(
        *people(diary),
        tell.member("client", "client"),
        tell.contract("con", "mira", client="client", labels=["Build", "Review"]),
        tell.contract("side", "mira"),
        *three_with_pictures(diary, SLOTS),
    )
    return diary


async def _edits(diary: Diary) -> list[dict[str, object]]:
    return await diary.db["edits"].find({}).sort("_id", 1).to_list(None)


async def test_memo_and_label_of_many_segments(office: Diary) -> None:
    """S-04, S-12: the edit wins over what records say, also over those that come later."""
    names = [*ids(SLOTS[:2]), f"side:dev:{SLOTS[3]}"]
    answer = await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names[:2], "label": "Build"})
    assert (answer["segments"], len(answer["edits"])) == (names[:2], 1)
    answer = await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names, "memo": "said anew"})
    assert len(answer["edits"]) == 2, "one for each contract-week"
    await office.tell(office.teller.segment("mira", SLOTS[0], minutes(1), memo="the record's", label="other"))
    day = await office.day("mira", DAY)
    assert [(one["memo"], one["label"]) for one in day["segments"]] == [
        ("said anew", "Build"),
        ("said anew", "Build"),
        ("memo", None),
        ("said anew", None),
    ]
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names, "memo": None})
    day = await office.day("mira", DAY)
    assert [one["memo"] for one in day["segments"]] == [None, None, "memo", None]
    assert day["segments"][0]["unprotected_because"] is None, "S-09: the label is enough"
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names[:1], "memo": " \t", "label": ""})
    (first, *_) = (await office.day("mira", DAY))["segments"]
    assert (first["memo"], first["label"], first["unprotected_because"]) == (None, None, "no_memo"), "blank is nothing"


async def test_a_monitored_computers_user_changes_nothing(office: Diary) -> None:
    """T-02: they see their own diary; what is wrong in it an admin changes."""
    tell = office.teller
    monitored = tell.contract("con", "mira", 2, client="client").model_copy(update={"monitored": True})
    await office.tell(monitored)
    names = ids(SLOTS[:1])
    for method, path, body in (
        ("PATCH", "/diary/mira/segments", {"segment_ids": names, "memo": "mine"}),
        ("POST", "/diary/mira/removals", {"segment_ids": names}),
        ("DELETE", "/captures/shot-0", None),
    ):
        answer = await send(office, method, path, body)
        assert (kind_of(answer), answer.json()["rule"]) == ((403, "forbidden"), "T-02"), path
    assert await _edits(office) == []
    assert len((await office.day("mira", DAY))["segments"]) == 4
    said = {"segment_ids": names, "memo": "theirs"}
    await done(office, "PATCH", "/diary/mira/segments", said, who="boss", role="admin")
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": [f"side:dev:{SLOTS[3]}"], "memo": "mine"})


async def test_control_characters_are_refused_and_never_shown(office: Diary) -> None:
    """What somebody sends is refused with them, what a computer recorded is shown without (bills are made of it)."""
    for said in ({"memo": "a\x00b"}, {"memo": "\x1b[2J"}, {"memo": "a\x85"}):
        answer = await send(office, "PATCH", "/diary/mira/segments", {"segment_ids": ids(SLOTS[:1]), **said})
        assert (*kind_of(answer), answer.json()["field"]) == (422, "invalid", *said)
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": ids(SLOTS[:1]), "memo": "two\nlines\t"})
    await office.tell(office.teller.segment("mira", SLOTS[4], memo="bell\x07 \x7frung", label="\x01"))
    segments = (await office.day("mira", DAY))["segments"]
    assert [(one["memo"], one["label"]) for one in segments if one["slot"] == SLOTS[4]] == [("bell rung", None)]
    assert segments[0]["memo"] == "two\nlines\t"


async def test_an_edit_is_signed_kept_told_and_audited(office: Diary) -> None:
    names = ids(SLOTS[:1])
    answer = await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": names, "memo": "secret words"})
    (kept,) = await _edits(office)
    assert kept["_id"] == f"{office.workspace}|con|{week_of(SLOTS[0])}|{answer['edits'][0]}"
    settings: DiarySettings = office.settings("diary")
    edit = read_edit(settings.seal_public, Signed(kept["text"], kept["detail"], kept["signature"]))  # type: ignore[arg-type]
    assert (edit.kind, edit.actor, edit.personal) == ("note", "mira", {"memo": "secret words"})
    assert edit.about == {"segments": names}
    js = office.client.jetstream()

    async def told() -> object:
        with contextlib.suppress(NotFoundError):
            return await js.get_last_msg("JOURNAL", f"diary.edited.{office.workspace}.mira")
        return None

    assert b"secret words" in (await until(told)).data
    async with office.browse("boss", "admin") as http:
        (entry,) = [
            one for one in (await http.get("/api/v1/audit")).json()["items"] if one["action"] == "segment.noted"
        ]
    assert (entry["actor"], entry["segments"], entry["address"]) == ("mira", names, "127.0.0.1")
    assert "secret" not in str(entry)


async def test_a_change_is_whole_or_not_at_all(office: Diary) -> None:
    """S-12."""
    names = [*ids(SLOTS[:2]), f"con:dev:{SLOTS[5]}"]
    before = await office.day_bytes("mira", DAY)
    for path, body in (
        ("/diary/mira/segments", {"segment_ids": names, "memo": "x"}),
        ("/diary/mira/removals", {"segment_ids": names}),
    ):
        answer = await send(office, "PATCH" if "memo" in body else "POST", path, body)
        assert kind_of(answer) == (404, "not-found")
    assert await office.day_bytes("mira", DAY) == before
    assert await _edits(office) == []


async def test_a_label_is_chosen_from_the_contracts_list(office: Diary) -> None:
    body = {"segment_ids": ids(SLOTS[:1]), "label": "Sail"}
    assert kind_of(await send(office, "PATCH", "/diary/mira/segments", body)) == (422, "unlisted-label")
    answer = await send(office, "PATCH", "/diary/mira/segments", {**body, "label": 5})
    assert (answer.status_code, answer.json()["field"]) == (422, "label"), "which field it is, for whoever shows it"


async def test_who_may_change_what(office: Diary) -> None:
    """S-07, S-08: a client corrects a label and nothing else; a manager changes nobody's time."""
    con, side = ids(SLOTS[:1]), [f"side:dev:{SLOTS[3]}"]
    note, removals = "/diary/mira/segments", "/diary/mira/removals"
    asked = [
        ("client", "client", "PATCH", note, {"segment_ids": con, "label": "Review"}, 200),
        ("client", "client", "PATCH", note, {"segment_ids": con, "memo": "x"}, 403),
        ("client", "client", "PATCH", note, {"segment_ids": side, "label": "x"}, 404),
        ("client", "client", "POST", removals, {"segment_ids": con}, 403),
        ("lead", "manager", "PATCH", note, {"segment_ids": con, "label": "Review"}, 403),
        ("lead", "manager", "POST", removals, {"segment_ids": con}, 403),
        ("lead", "manager", "DELETE", "/captures/shot-0", None, 403),
        ("boss", "admin", "PATCH", note, {"segment_ids": con, "memo": "by the boss"}, 200),
        ("boss", "admin", "POST", removals, {"segment_ids": con}, 403),
        ("boss", "admin", "DELETE", f"{note}/{con[0]}", None, 403),
        ("mira", "employee", "POST", "/captures/blur", {"capture_ids": ["shot-0"]}, 403),
        ("mira", "employee", "PATCH", "/diary/nobody/segments", {"segment_ids": con, "memo": "x"}, 404),
        ("mira", "employee", "PATCH", "/diary/boss/segments", {"segment_ids": con, "memo": "x"}, 403),
    ]
    for who, role, method, path, body, status in asked:
        answer = await send(office, method, path, body, who=who, role=role)
        assert answer.status_code == status, (who, method, path, answer.text)


async def test_a_removal_takes_time_and_captures_and_says_so_before(office: Diary) -> None:
    """S-08: what will be lost is said before it is done, exactly; it is gone from every figure."""
    body = {"segment_ids": ids(SLOTS[:2]), "reason": "private"}
    before = await office.day_bytes("mira", DAY)
    asked = await done(office, "POST", "/diary/mira/removals", {**body, "dry_run": True})
    assert await office.day_bytes("mira", DAY) == before, "asking does nothing"
    assert asked == {
        "change": None,
        "edits": [],
        "segments": [{"segment_id": name, "minutes": list(range(10))} for name in body["segment_ids"]],
        "tracked_minutes": 20,
        "billable_minutes": 20,
        "manual_minutes": 0,
        "captures": ["shot-0", "shot-1"],
        "week_totals": [{"contract": "con", "week": week_of(SLOTS[0]), "before": 30, "after": 10}],
    }
    happened = await done(office, "POST", "/diary/mira/removals", body)
    assert happened["change"]
    assert {**happened, "change": None, "edits": []} == asked
    day = await office.day("mira", DAY)
    assert [one["slot"] for one in day["segments"]] == SLOTS[2:4]
    assert (day["totals"]["tracked_minutes"], day["totals"]["billable_minutes"]) == (20, 20)
    async with office.browse("mira") as http:
        assert (await http.get("/api/v1/captures/shot-0/picture")).status_code == 404
    assert kind_of(await send(office, "POST", "/diary/mira/removals", body)) == (404, "not-found")


async def test_a_redelivery_brings_no_time_back_and_new_work_follows(office: Diary) -> None:
    """S-08, S-11."""
    tell = office.teller
    again = tell.segment("mira", SLOTS[0], minutes(6, 4), seq=1, captures=[capture("shot-0", SLOTS[0])])
    await done(office, "DELETE", f"/diary/mira/segments/con:dev:{SLOTS[0]}")
    await office.tell(again, tell.stored("mira", "shot-0", SLOTS[0]))
    assert SLOTS[0] not in [one["slot"] for one in (await office.day("mira", DAY))["segments"]]
    await office.tell(tell.segment("mira", SLOTS[0], [None] * 8 + minutes(2)[:2], seq=90, memo="new"))
    first = (await office.day("mira", DAY))["segments"][0]
    assert (first["slot"], first["memo"], first["captures"]) == (SLOTS[0], "new", [])
    assert [minute is not None for minute in first["minutes"]] == [False] * 8 + [True] * 2


async def test_a_dropped_projection_is_rebuilt_from_replays(office: Diary) -> None:
    """Edits are said again, and may be there before their segments."""
    tell = office.teller
    facts: list[Fact] = [
        tell.segment("mira", slot, minutes(6, 4), seq=index + 1, captures=[capture(f"shot-{index}", slot)])
        for index, slot in enumerate(SLOTS[:3])
    ]
    facts += [tell.segment("mira", SLOTS[3], seq=4, contract="side")]
    facts += [tell.stored("mira", f"shot-{index}", slot) for index, slot in enumerate(SLOTS[:3])]
    await done(office, "PATCH", "/diary/mira/segments", {"segment_ids": ids(SLOTS[:3]), "memo": "edited"})
    await done(office, "POST", "/diary/mira/removals", {"segment_ids": ids(SLOTS[:1])})
    await done(office, "DELETE", "/captures/shot-1", who="boss", role="admin")
    manual = {"contract": "con", "kind": "work", "start": SLOTS[4], "end": SLOTS[5], "reason": "call"}
    await done(office, "POST", "/diary/mira/manual-time", manual)
    await office.settled()
    straight = await office.day_bytes("mira", DAY)
    week = await office.db["weeks"].find_one({"contract": "con"}, {"version": 0})
    for name in ("segments", "pictures", "weeks"):
        await office.db[name].delete_many({})
    wanted = {"workspace": office.workspace, "from": "2026-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"}
    answer = await office.client.request("rpc.diary.replay", orjson.dumps(wanted), timeout=5)
    assert orjson.loads(answer.data) == {"emitted": 4}
    await office.settled()
    await office.tell(*reversed(facts))
    assert await office.day_bytes("mira", DAY) == straight
    rebuilt = await office.db["weeks"].find_one({"contract": "con"}, {"version": 0})
    assert {**(week or {}), "edited": None} == {**(rebuilt or {}), "edited": None}

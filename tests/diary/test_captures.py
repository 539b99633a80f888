"""A picture is reached through the diary only, by those allowed, and after the look is written down (M-06, B-03)."""

from typing import Any

from services.kit.problems import not_found
from tests.diary.facts import capture, slots_from
from tests.diary.running import Diary

SLOT = slots_from("2026-11-17T09:00:00Z", 1)[0]


async def _with_picture(diary: Diary) -> None:
    tell = diary.teller
    await diary.tell(
        tell.member("mira"),
        tell.member("boss", "admin"),
        tell.segment("mira", SLOT, captures=[capture("shot", SLOT), capture("late", SLOT), capture("gone", SLOT)]),
        tell.stored("mira", "shot", SLOT),
        tell.stored("mira", "gone", SLOT),
        tell.removed("mira", "gone", SLOT),
        tell.stored("mira", "late", SLOT, sha256="d" * 64),
    )


async def test_anothers_look_is_written_down_before_the_bytes_are_asked_for(diary: Diary) -> None:
    await _with_picture(diary)
    audited_when_asked: list[int] = []

    async def picture(body: dict[str, Any]) -> tuple[str, bytes]:
        audited_when_asked.append(await diary.db["audit"].count_documents({"capture": body["capture_id"]}))
        return "image/webp", b"RIFF bytes"

    await diary.answer("media", "picture", picture)
    async with diary.browse("boss", "admin") as http:
        answer = await http.get("/api/v1/captures/shot/picture")
        assert (answer.status_code, answer.content) == (200, b"RIFF bytes")
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["cache-control"].startswith("private")
        assert "Cookie" in answer.headers["vary"]  # M-06: what is kept is for this session; the next one has to ask
        assert answer.headers["x-content-type-options"] == "nosniff"
        await http.get("/api/v1/captures/shot/thumbnail")
    assert audited_when_asked == [1, 2]
    async with diary.browse("mira") as http:
        await http.get("/api/v1/captures/shot/picture")
        assert audited_when_asked == [1, 2, 2], "one's own look is nobody else's business"
        entries = (await http.get("/api/v1/audit")).json()["items"]
    assert [(one["actor"], one["action"], one["capture"], one["detail"]) for one in entries] == [
        ("boss", "capture.viewed", "shot", "thumbnail"),
        ("boss", "capture.viewed", "shot", "picture"),
    ]


async def test_a_picture_media_does_not_give_was_still_audited(diary: Diary) -> None:
    await _with_picture(diary)

    def picture(body: dict[str, Any]) -> bytes:
        raise not_found("picture")

    await diary.answer("media", "picture", picture)
    async with diary.browse("boss", "admin") as http:
        assert (await http.get("/api/v1/captures/shot/picture")).status_code == 404
    assert await diary.db["audit"].count_documents({"workspace": diary.workspace}) == 1


async def test_what_is_not_stored_is_told_apart_and_asked_of_nobody(diary: Diary) -> None:
    """Only the very bytes the signed record names count as stored."""
    await _with_picture(diary)
    async with diary.browse("boss", "admin") as http:
        kinds = {
            name: (await http.get(f"/api/v1/captures/{name}/picture")).json()["type"].rsplit(":", 1)[1]
            for name in ("late", "gone", "unknown")
        }
    assert kinds == {"late": "picture-pending", "gone": "picture-removed", "unknown": "not-found"}
    assert await diary.db["audit"].count_documents({}) == 0
    await diary.tell(diary.teller.stored("mira", "late", SLOT))
    await diary.answer("media", "picture", lambda body: ("image/webp", b"x"))
    async with diary.browse("mira") as http:
        assert (await http.get("/api/v1/captures/late/picture")).status_code == 200


async def test_what_is_no_picture_is_not_served(diary: Diary) -> None:
    await _with_picture(diary)
    await diary.answer("media", "picture", lambda body: ("text/html", b"<script>"))
    async with diary.browse("mira") as http:
        answer = await http.get("/api/v1/captures/shot/picture")
    assert answer.status_code == 502
    assert "<script>" not in answer.text


async def test_anothers_device_cannot_answer_for_a_capture(diary: Diary) -> None:
    """A capture counts as stored only where device and hash agree."""
    await _with_picture(diary)
    await diary.tell(diary.teller.segment("mira", SLOT, device="two", captures=[capture("only", SLOT)]))
    await diary.tell(diary.teller.stored("mira", "only", SLOT, device="dev"))
    day = await diary.day("mira", SLOT[:10])
    states = {one["capture_id"]: one["state"] for segment in day["segments"] for one in segment["captures"]}
    assert states == {"shot": "stored", "late": "pending", "gone": "removed", "only": "pending"}


async def test_the_audit_log_is_paged_newest_first(diary: Diary) -> None:
    """G-02."""
    await _with_picture(diary)
    await diary.answer("media", "picture", lambda body: ("image/webp", b"x"))
    async with diary.browse("boss", "admin") as http:
        for _ in range(5):
            await http.get("/api/v1/captures/shot/picture")
        seen, before = [], None
        while True:
            params = {"limit": "2"} | ({"before": before} if before else {})
            page = (await http.get("/api/v1/audit", params=params)).json()
            seen += [one["id"] for one in page["items"]]
            if (before := page["next"]) is None:
                break
        assert len(seen) == 5
        assert seen == sorted(seen, reverse=True)
        assert (await http.get("/api/v1/audit", params={"member": "nobody"})).json()["items"] == []

"""Pictures arrive: kept once and announced, or refused and recorded (M-09, fine-print.md, *Requests of a device*)."""

import asyncio
import json
from typing import Any

import nats.errors
import pytest

from services.kit import mongo
from services.wire.events import CaptureStored, read_fact
from tests.media.conftest import Device, Media, grant
from tests.support.pictures import webp

STORED = {"state": "stored"}


def refused(reason: str) -> dict[str, str]:
    return {"state": "refused", "reason": reason}


async def refusals(media: Media) -> list[dict[str, Any]]:
    found = await mongo.database(media.settings, "media")["refusals"].find().to_list(None)
    return [{"reason": one["reason"], "device": one["device"]} for one in found]


@pytest.mark.parametrize("form", ["WEBP", "JPEG", "PNG"])
async def test_a_picture_is_kept_and_announced(media: Media, form: str) -> None:
    heard = await media.operator.subscribe(f"capture.stored.{media.workspace}.*")
    device = await media.device()
    picture, thumbnail = webp(640, 400, form=form), webp(320, 200)
    capture = device.capture(picture, thumbnail)
    assert await device.send(capture, picture + thumbnail) == STORED
    message = await heard.next_msg(10)
    fact = read_fact(message.subject, message.data)
    assert isinstance(fact, CaptureStored)
    assert (fact.member, fact.device, fact.capture_id) == ("member-1", device.device, capture["capture_id"])
    assert (fact.sha256, fact.at, fact.width, fact.height) == (capture["sha256"], capture["at"], 640, 400)
    key = f"{media.workspace}/{device.device}/{capture['capture_id']}/original-{capture['sha256'][:16]}"
    assert media.objects() == {key: picture + thumbnail}
    assert await refusals(media) == []


async def test_the_same_picture_again_is_the_same_picture(media: Media) -> None:
    """Redelivery is ordinary: answered ``stored``, kept once, by many at a time too."""
    device = await media.device()
    picture, thumbnail = webp(640, 400), webp(320, 200)
    capture = device.capture(picture, thumbnail)
    answers = await asyncio.gather(*(device.send(capture, picture + thumbnail) for _ in range(8)))
    assert answers == [STORED] * 8
    assert await device.send(capture, picture + thumbnail) == STORED
    assert len(media.objects()) == 1
    assert await mongo.database(media.settings, "media")["pictures"].count_documents({}) == 1


async def test_another_picture_for_a_kept_capture_is_refused(media: Media) -> None:
    device = await media.device()
    first, second = webp(640, 400, seed=1), webp(640, 400, seed=2)
    assert await device.offer(first, capture_id="capture-1") == STORED
    before = media.objects()
    assert await device.offer(second, capture_id="capture-1") == refused("hash")
    assert media.objects() == before
    assert await refusals(media) == [{"reason": "hash", "device": device.device}]


async def test_two_racing_for_one_capture_leave_one_that_is_whole(media: Media) -> None:
    device = await media.device()
    pictures = [webp(640, 400, seed=seed) for seed in range(4)]
    answers = await asyncio.gather(*(device.offer(one, capture_id="capture-1") for one in pictures))
    assert sorted(answer["state"] for answer in answers) == ["refused", "refused", "refused", "stored"]
    winner = pictures[[answer["state"] for answer in answers].index("stored")]
    assert [body[: len(winner)] for body in media.objects().values()] == [winner]


async def test_the_same_capture_id_of_another_device_is_another_picture(media: Media) -> None:
    one, other = await media.device(), await media.device()
    first, second = webp(640, 400, seed=1), webp(640, 400, seed=2)
    assert await one.offer(first, capture_id="capture-1") == STORED
    assert await other.offer(second, capture_id="capture-1") == STORED
    thumbnail = webp(320, 200)
    assert set(media.objects().values()) == {first + thumbnail, second + thumbnail}


BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (30_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00" + bytes(4)
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def hostile() -> dict[str, tuple[bytes, dict[str, Any], str]]:
    good = webp(640, 400)
    return {
        "text": (b"<svg onload=alert(1)></svg>" * 9, {}, "format"),
        "gif": (b"GIF89a" + bytes(200), {}, "format"),
        "followed by a page": (good + b"<script>alert(1)</script>", {}, "format"),
        "followed by an archive": (webp(640, 400, form="PNG") + b"PK\x03\x04" + bytes(50), {}, "format"),
        "JPEG without its end": (webp(640, 400, form="JPEG")[:-20], {}, "format"),
        "cut off": (good[: len(good) // 2], {}, "format"),
        "only a head": (good[:20], {}, "format"),
        "other dimensions": (good, {"width": 641}, "format"),
        "wrong hash": (good, {"sha256": "0" * 64}, "hash"),
        "wrong length": (good, {"bytes": len(good) - 1}, "size"),
        "no bytes": (b"", {}, "size"),
        "30,000 pixels squared": (BOMB + END, {"width": 30_000, "height": 30_000}, "size"),
        "too many bytes": (good + bytes(800_000), {}, "size"),
    }


@pytest.mark.parametrize("name", hostile())
async def test_what_is_no_honest_picture_is_refused_and_recorded(media: Media, name: str) -> None:
    """M-09"""
    picture, changes, reason = hostile()[name]
    device = await media.device()
    assert await device.offer(picture, **changes) == refused(reason)
    assert await refusals(media) == [{"reason": reason, "device": device.device}]
    assert media.objects() == {}


@pytest.mark.parametrize(
    ("thumbnail", "reason"),
    [(webp(340, 200), "size"), (bytes(17_000), "size"), (b"no picture" * 9, "format"), (b"", "format")],
)
async def test_a_thumbnail_is_held_to_its_own_limits(media: Media, thumbnail: bytes, reason: str) -> None:
    device = await media.device()
    assert await device.offer(webp(640, 400), thumbnail) == refused(reason)


@pytest.mark.parametrize("header", ["", "{}", "[1]", '{"capture_id":"../../etc","bytes":1}', "not json"])
async def test_a_request_without_its_own_header_is_refused(media: Media, header: str) -> None:
    device = await media.device()
    subject = f"rpc.device.{media.workspace}.{device.device}.picture"
    answer = await device.client.request(subject, b"body", headers={"Daybook-Capture": header}, timeout=10)
    assert json.loads(answer.data) == refused("format")
    assert await refusals(media) == [{"reason": "format", "device": device.device}]


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {"version": 1, "screenshots": {"enabled": False}}},
        {"policy": {"version": 1}},
        {"state": "suspended"},
        {"state": "revoked", "revoked_at": "2026-11-22T00:00:00Z", "drain_until": None},
        {"state": "revoked", "revoked_at": "2026-11-22T00:00:00Z", "drain_until": "2026-11-22T01:00:00Z"},
        {"state": "revoked", "revoked_at": "2026-11-21T10:00:00Z", "drain_until": "2099-01-01T00:00:00Z"},
        {"state": "expired", "expires": "2026-11-21T10:00:00Z"},
        {"not_before": "2026-11-21T11:00:00Z"},
    ],
)
async def test_what_licence_or_policy_do_not_allow_is_refused(media: Media, changes: dict[str, Any]) -> None:
    """L-05, M-09: revoked and drained, before or after its time, or of a kind that is off."""
    device = await media.device(**changes)
    assert await device.offer(webp(640, 400)) == refused("not_allowed")
    assert media.objects() == {}


async def test_camera_pictures_need_their_own_yes(media: Media) -> None:
    """T-09"""
    device = await media.device()
    assert await device.offer(webp(640, 400), kind="camera") == refused("not_allowed")
    allowed = await media.device(policy={"version": 1, "camera": {"enabled": True}, "capture_days": None})
    assert await allowed.offer(webp(640, 400), kind="camera") == STORED


async def test_a_revoked_device_brings_until_it_is_drained_what_it_took_before(media: Media) -> None:
    """Revocation stops recording; it never destroys work done before it."""
    device = await media.device(state="revoked", revoked_at="2026-11-22T00:00:00Z", drain_until="2099-01-01T00:00:00Z")
    assert await device.offer(webp(640, 400)) == STORED


async def test_an_unknown_device_is_refused(media: Media) -> None:
    device = await media.unknown_device("device-unknown")
    assert await device.offer(webp(640, 400)) == refused("not_allowed")


async def test_a_grant_is_asked_for_once_and_again_when_it_changed(media: Media) -> None:
    """L-04: a changed policy reaches media at once, not when its memory runs out."""
    device = await media.device()
    for seed in range(3):
        assert await device.offer(webp(640, 400, seed=seed)) == STORED
    assert media.licensing.asked == 1
    await media.licensing.change(
        media.workspace, device.device, policy={"version": 2, "screenshots": {"enabled": False}}
    )
    for _ in range(200):
        if await device.offer(webp(640, 400)) == refused("not_allowed"):
            return
    pytest.fail("the change was not heard")


async def test_an_answer_goes_into_the_devices_own_inbox_only(media: Media) -> None:
    """L-06: identity comes from the subject, and a stranger's inbox is not answered."""
    device, stranger = await media.device(), await media.device()
    picture, thumbnail = webp(640, 400), webp(320, 200)
    foreign = Device(stranger.client, media.workspace, device.device)
    with pytest.raises(nats.errors.TimeoutError):
        await foreign.send(foreign.capture(picture, thumbnail), picture + thumbnail, timeout=1)
    assert media.objects() == {}


async def test_a_device_key_of_another_workspace_finds_nothing(media: Media) -> None:
    """The workspace comes from the subject; a device that is known elsewhere is unknown here."""
    device = await media.device()
    media.licensing.grants["elsewhere", device.device] = grant("elsewhere", device.device)
    del media.licensing.grants[media.workspace, device.device]
    assert await device.offer(webp(640, 400)) == refused("not_allowed")


async def test_while_licensing_is_away_a_device_gets_no_answer(media: Media) -> None:
    device = await media.device()
    await media.licensing.client.close()
    picture, thumbnail = webp(640, 400), webp(320, 200)
    with pytest.raises(nats.errors.TimeoutError):
        await device.send(device.capture(picture, thumbnail), picture + thumbnail, timeout=6)
    assert media.objects() == {}


async def test_a_store_that_is_down_gives_no_answer_and_takes_the_same_picture_later(media: Media) -> None:
    """T-10: the device keeps what was not answered, and asks again."""
    device = await media.device()
    picture, thumbnail = webp(640, 400), webp(320, 200)
    capture = device.capture(picture, thumbnail)
    media.installation.s3.kill()
    try:
        with pytest.raises(nats.errors.TimeoutError):
            await device.send(capture, picture + thumbnail, timeout=4)
    finally:
        media.installation.s3.start().wait_ready()
    assert await device.send(capture, picture + thumbnail) == STORED
    assert len(media.objects()) == 1
    assert await refusals(media) == []


TOLD_AT, NOT_YET = "2026-11-21T10:12:31Z", "9999-12-31T23:59:59Z"
ALL_ON = {
    "version": 2,
    "screenshots": {"enabled": True, "per_segment": 1, "blur": False, "width": 1280},
    "camera": {"enabled": True, "per_hour": 1},
    "capture_days": None,
}
NO_SHOTS = {"screenshots": {"enabled": False, "per_segment": 1, "blur": True, "width": 1280}}
BLURRED = {"screenshots": {"enabled": True, "per_segment": 1, "blur": True, "width": 1280}}
SMALL = {"screenshots": {"enabled": True, "per_segment": 1, "blur": False, "width": 320}}


@pytest.mark.parametrize("until", [TOLD_AT, NOT_YET])
@pytest.mark.parametrize(
    ("untold", "capture"),
    [
        ({"camera": {"enabled": False, "per_hour": 1}}, {"kind": "camera"}),
        (NO_SHOTS, {}),
        (BLURRED, {}),
        (SMALL, {}),
    ],
)
async def test_what_was_captured_before_its_notice_was_delivered_is_refused(
    media: Media, until: str, untold: dict[str, Any], capture: dict[str, Any]
) -> None:
    """G-01: of every kind, also where an agent keeps it back until the notice has arrived; later ones are taken."""
    device = await media.device(policy=ALL_ON, untold=[{"until": until, "policy": untold}])
    assert await device.offer(webp(640, 400), **capture) == refused("not_allowed")
    assert media.objects() == {}
    later = await device.offer(webp(640, 400), **capture, at=TOLD_AT)
    assert later == (STORED if until == TOLD_AT else refused("not_allowed"))


async def test_what_its_member_was_told_of_long_ago_is_taken_while_more_waits(media: Media) -> None:
    """G-01: a camera that waits for its notice does not stop screenshots, nor blurred ones that clear ones wait."""
    camera = {"until": NOT_YET, "policy": {"camera": {"enabled": False, "per_hour": 1}}}
    device = await media.device(policy=ALL_ON, untold=[camera, {"until": NOT_YET, "policy": BLURRED}])
    assert await device.offer(webp(640, 400), blurred=True) == STORED

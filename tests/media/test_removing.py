"""What edits of the diary do to pictures: gone from the object store, or blurred, for good (S-08, M-03)."""

import io
import json
from typing import Any

import pytest
from nacl.signing import SigningKey
from PIL import Image, ImageChops, ImageStat

from services.kit.bus import round_trip
from services.wire import subjects
from services.wire.edits import Edit, Kind, write_edit
from services.wire.events import DiaryEdited
from tests.diary.running import until
from tests.media.conftest import TAKEN, Device, Media
from tests.support.pictures import webp
from tests.support.servers import new_id

KEY = SigningKey(b"k" * 32)
STORED = {"state": "stored"}


async def tell(media: Media, device: Device, kind: Kind, *captures: str, actor: str = "boss", times: int = 1) -> None:
    """Somebody edited the diary, as the diary says it."""
    about: dict[str, Any] = {"captures": [[one, device.device] for one in captures]}
    if kind == "removal":
        about["removed"] = [[f"con:{device.device}:2026-11-21T10:10:00Z", list(range(10)), 1]]
    who = (media.workspace, "member-1", "con", "2026-11-16", "2026-11-21T11:00:00Z", actor, "admin")
    edit = Edit(new_id("edt"), new_id("chg"), *who, kind, about, {})
    signed = write_edit(KEY, edit)
    fact = DiaryEdited(
        workspace=media.workspace,
        member="member-1",
        edit_id=edit.id,
        contract="con",
        week="2026-11-16",
        edit=signed.text,
        detail=signed.detail,
        signature=signed.signature,
    )
    for _ in range(times):
        subject = subjects.fact("diary.edited", media.workspace, "member-1")
        await media.operator.jetstream().publish(subject, fact.model_dump_json().encode())
    await all_is_heard(media)


async def all_is_heard(media: Media) -> None:
    """Returns once media has dealt with whatever was said; what a stopping one has in hand comes again 30 s later."""
    js = media.operator.jetstream()

    async def heard() -> bool:
        info = await js.consumer_info("JOURNAL", "media")
        return not info.num_pending and not info.num_ack_pending

    await until(heard)


def mine(media: Media, device: Device) -> list[str]:
    return sorted(name.rsplit("/", 1)[1] for name in media.objects() if device.device in name)


def is_blurred(body: bytes) -> bool:
    """Whether it is nearer to blocks of 12 pixels than to the picture itself made small."""
    shown = Image.open(io.BytesIO(body)).convert("RGB").resize((320, 200))
    clear = Image.open(io.BytesIO(webp(640, 400))).convert("RGB")
    blocks = clear.reduce(12).resize((320, 200), Image.Resampling.NEAREST)
    small = clear.resize((320, 200), Image.Resampling.BOX)
    return _apart(shown, blocks) < _apart(shown, small) / 2


def _apart(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(
    ("kind", "actor", "reason"), [("removal", "member-1", "member"), ("picture_removal", "boss", "admin")]
)
async def test_a_removed_picture_is_gone_from_the_store(media: Media, kind: Kind, actor: str, reason: str) -> None:
    device, picture = await media.device(), webp(640, 400)
    assert await device.offer(picture, capture_id="shot") == STORED
    assert (await media.look(device, "shot")).data[:4] == b"RIFF"
    assert len(mine(media, device)) == 4
    said = []

    async def hear(message: Any) -> None:
        said.append(json.loads(message.data))

    await media.operator.subscribe(f"capture.removed.{media.workspace}.>", cb=hear)
    await tell(media, device, kind, "shot", actor=actor, times=2)
    assert mine(media, device) == []
    assert (await media.look(device, "shot")).headers["Daybook-Status"] == "404"  # type: ignore[index]
    await until(lambda: said)
    assert {(one["capture_id"], one["reason"]) for one in said} == {("shot", reason)}
    answer = await device.offer(picture, capture_id="shot")
    assert answer == {"state": "refused", "reason": "not_allowed"}, "it must not come back"
    assert mine(media, device) == []


async def test_a_picture_that_arrives_after_its_removal_is_not_kept(media: Media) -> None:
    device = await media.device()
    await tell(media, device, "removal", "late", actor="member-1")
    answer = await device.offer(webp(640, 400), capture_id="late")
    assert answer == {"state": "refused", "reason": "not_allowed"}
    assert mine(media, device) == []


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_blurred_picture_is_never_clear_again(media: Media, looked_at: bool) -> None:
    """M-03: irreversible."""
    device, picture = await media.device(), webp(640, 400)
    assert await device.offer(picture, capture_id="shot") == STORED
    if looked_at:
        assert not is_blurred((await media.look(device, "shot")).data)
        assert not is_blurred((await media.look(device, "shot", "thumbnail")).data)
    await tell(media, device, "picture_blur", "shot", times=2)
    for again in (False, True):
        for size in ("picture", "thumbnail"):
            shown = await media.look(device, "shot", size)
            assert is_blurred(shown.data)
        assert mine(media, device) == ["blurred", "picture", "thumbnail"]
        if not again:
            assert await device.offer(picture, capture_id="shot") == STORED


async def test_a_picture_that_arrives_after_its_blurring_is_blurred(media: Media) -> None:
    device = await media.device()
    await tell(media, device, "picture_blur", "late")
    assert await device.offer(webp(640, 400), capture_id="late") == STORED
    assert mine(media, device) == ["blurred", "picture", "thumbnail"]
    assert is_blurred((await media.look(device, "late")).data)


async def test_what_the_diary_knows_to_be_blurred_is_not_shown_clear_meanwhile(media: Media) -> None:
    """The edit may not have been heard yet."""
    device = await media.device()
    assert await device.offer(webp(640, 400), capture_id="shot") == STORED
    await media.look(device, "shot")
    body = {"workspace": media.workspace, "device": device.device, "capture_id": "shot", "size": "picture"}
    shown = await media.operator.request("rpc.media.picture", json.dumps(body | {"blurred": True}).encode(), timeout=30)
    assert is_blurred(shown.data)


async def test_a_replay_says_what_was_removed(media: Media) -> None:
    device = await media.device()
    assert await device.offer(webp(640, 400), capture_id="shot") == STORED
    await tell(media, device, "picture_removal", "shot")
    kinds = []

    async def hear(message: Any) -> None:
        kinds.append(message.subject.rsplit(".", 2)[0])

    await media.operator.subscribe(f"capture.*.{media.workspace}.>", cb=hear)
    await round_trip(media.operator)
    wanted = {"workspace": media.workspace, "from": TAKEN, "to": "2026-11-22T00:00:00Z"}
    answer = await media.operator.request("rpc.media.replay", json.dumps(wanted).encode(), timeout=10)
    assert json.loads(answer.data) == {"emitted": 2}
    await until(lambda: len(kinds) == 2)
    assert sorted(kinds) == ["capture.removed", "capture.stored"]

"""Pictures whose time is over are gone for good, and what was theirs besides stays (M-05)."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit import mongo
from services.kit.bus import Bus, round_trip
from services.kit.migrate import MigrateSettings, migrate
from services.kit.objects import Objects
from services.kit.problems import Problem
from services.kit.streams import consumer_config
from services.media.grants import Grants
from services.media.handlers import DURABLE
from services.media.pictures import Pictures
from services.media.retention import Retention
from services.wire import subjects
from services.wire.events import MemberChanged
from services.wire.slots import format_instant
from tests.diary.running import until
from tests.media.conftest import Device, Media, settings_from
from tests.media.test_removing import all_is_heard, tell
from tests.support.pictures import webp
from tests.support.servers import ROOT

STORED = {"state": "stored"}
EXPIRED = {"state": "refused", "reason": "expired"}
NOW = datetime.now(UTC)
A_WEEK_ON = NOW + timedelta(days=7, minutes=1)
SHOTS = {"version": 1, "screenshots": {"enabled": True}, "camera": {"enabled": True}}


def ago(**span: float) -> str:
    return format_instant(NOW - timedelta(**span))


@asynccontextmanager
async def replica(
    media: Media, now: datetime, pictures: Callable[..., Pictures] = Pictures
) -> AsyncIterator[Retention]:
    """Retention as one more replica runs it, by a clock of its own."""
    bus, db, objects = (
        Bus("media", media.settings),
        mongo.database(media.settings, "media"),
        Objects(media.settings),
    )
    await bus.start()
    try:
        yield Retention(db, bus, pictures(db, objects), Grants(bus), lambda: now)
    finally:
        await bus.stop()
        objects.close()
        db.client.close()


async def look(media: Media, now: datetime = A_WEEK_ON) -> None:
    async with replica(media, now) as retention:
        await retention.look()


@asynccontextmanager
async def heard(media: Media) -> AsyncIterator[list[dict[str, Any]]]:
    """What is said of pictures that are gone."""
    said: list[dict[str, Any]] = []

    async def hear(message: Any) -> None:
        said.append(json.loads(message.data))

    subscription = await media.operator.subscribe(f"capture.removed.{media.workspace}.>", cb=hear)
    await round_trip(media.operator)
    yield said
    await round_trip(media.operator)
    await subscription.unsubscribe()


async def known(media: Media, capture: str) -> dict[str, Any]:
    db = mongo.database(media.settings, "media")
    found = await db["pictures"].find_one({"workspace": media.workspace, "capture_id": capture})
    db.client.close()
    assert found is not None
    return dict(found)


def mine(media: Media, device: Device) -> list[str]:
    return sorted(name.split("/", 2)[2] for name in media.objects() if device.device in name)


async def test_a_picture_is_gone_for_good_once_its_days_are_over(media: Media) -> None:
    """M-05: where the policy states none, seven; original, what was shown of it and its blurred twin."""
    device, picture = await media.device(policy=SHOTS), webp(640, 400)
    assert await device.offer(picture, capture_id="old", at=ago(hours=1)) == STORED
    assert (await media.look(device, "old")).data[:4] == b"RIFF"
    assert await device.offer(picture, capture_id="new", at=ago(minutes=30)) == STORED
    assert len(mine(media, device)) == 5
    async with heard(media) as said:
        await look(media, NOW + timedelta(days=6, hours=22))
        assert len(mine(media, device)) == 5, "not a minute too early"
        await look(media, NOW + timedelta(days=7, minutes=-45))
        assert [one.rsplit("/")[0] for one in mine(media, device)] == ["new"]
        await look(media, NOW + timedelta(days=7, minutes=-31))
    assert [(one["capture_id"], one["reason"], one["days"]) for one in said] == [("old", "retention", 7)], "once"
    assert (await media.look(device, "old")).headers["Daybook-Status"] == "404"  # type: ignore[index]
    answer = await device.offer(picture, capture_id="old", at=ago(hours=1))
    assert answer == {"state": "refused", "reason": "not_allowed"}, "it must not come back"
    assert [one.rsplit("/")[0] for one in mine(media, device)] == ["new"]


async def test_a_blurred_picture_goes_too(media: Media) -> None:
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(hours=1)) == STORED
    shown = {"workspace": media.workspace, "device": device.device, "capture_id": "shot", "size": "picture"}
    await media.operator.request("rpc.media.picture", json.dumps(shown | {"blurred": True}).encode(), timeout=30)
    await until(lambda: len(mine(media, device)) >= 1)
    await look(media)
    assert mine(media, device) == []


async def test_each_kind_has_its_own_days(media: Media) -> None:
    policy = SHOTS | {"capture_days": 30, "camera_days": 1}
    device = await media.device(policy=policy)
    assert await device.offer(webp(640, 400), capture_id="screen", at=ago(hours=1)) == STORED
    assert await device.offer(webp(640, 400), capture_id="face", kind="camera", at=ago(hours=1)) == STORED
    await look(media, NOW + timedelta(days=2))
    assert [one.rsplit("/")[0] for one in mine(media, device)] == ["screen"]
    kept = await media.device(policy=policy | {"capture_days": None})
    assert await kept.offer(webp(640, 400), at=ago(hours=1)) == STORED
    await look(media, NOW + timedelta(days=4000))
    assert len(mine(media, kept)) == 1, "kept without an end"


async def test_the_present_policy_decides(media: Media) -> None:
    """Fewer days hold for what is there; more days bring nothing back."""
    device = await media.device(policy=SHOTS | {"capture_days": None})
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(days=3)) == STORED
    await media.licensing.change(media.workspace, device.device, policy=SHOTS | {"capture_days": 2})
    await until(lambda: not mine(media, device))  # by the running service, which hears of it
    assert (await known(media, "shot"))["removed"]["days"] == 2
    await media.licensing.change(media.workspace, device.device, policy=SHOTS | {"capture_days": None})
    answer = await device.offer(webp(640, 400), capture_id="shot", at=ago(days=3))
    assert answer == {"state": "refused", "reason": "not_allowed"}
    assert mine(media, device) == []
    await all_is_heard(media)


async def test_what_comes_after_its_time_is_refused_and_said_to_be_gone(media: Media) -> None:
    """T-10, S-09: a computer that was offline for weeks; that there was a picture stays known."""
    device = await media.device(policy=SHOTS)
    async with heard(media) as said:
        stored = await media.operator.subscribe(f"capture.stored.{media.workspace}.>")
        for _ in range(2):
            assert await device.offer(webp(640, 400), capture_id="late", at=ago(days=7, minutes=1)) == EXPIRED
        await stored.next_msg(5)
    assert {(one["capture_id"], one["reason"], one["days"]) for one in said} == {("late", "retention", 7)}
    assert mine(media, device) == []
    await tell(media, device, "removal", "mine", actor="member-1")
    answer = await device.offer(webp(640, 400), capture_id="mine", at=ago(days=8))
    assert answer == EXPIRED, "also where its member had removed it before it came"
    held = await media.device(policy=SHOTS | {"legal_hold": True})
    assert await held.offer(webp(640, 400), at=ago(days=8)) == STORED, "a legal hold keeps what comes late too"


async def test_a_legal_hold_stops_it(media: Media) -> None:
    device = await media.device(policy=SHOTS | {"legal_hold": True})
    assert await device.offer(webp(640, 400), at=ago(days=30)) == STORED
    await look(media)
    assert len(mine(media, device)) == 1
    await media.licensing.change(media.workspace, device.device, policy=SHOTS)
    await until(lambda: not mine(media, device))


async def tell_of_hold(media: Media, device: Device) -> None:
    """Licensing tells that a member is another, and returns once media has heard it."""
    member = MemberChanged(
        workspace=media.workspace,
        member="member-1",
        revision=2,
        name="M",
        email="",
        role="employee",
        team=None,
        manages=[],
        zone="UTC",
    )
    subject = subjects.fact("member.changed", media.workspace, "member-1")
    await media.operator.jetstream().publish(subject, member.model_dump_json().encode())
    db = mongo.database(media.settings, "media")

    async def disturbed() -> bool:
        row = await db["retentions"].find_one({"_id": f"{media.workspace}|{device.device}"})
        return row is not None and "token" not in row

    await until(disturbed)
    db.client.close()


@pytest.mark.parametrize("told", [True, False])
async def test_a_legal_hold_stops_who_had_asked_before(media: Media, told: bool) -> None:
    """A replica that was held up between its question and its deed does nothing by the old answer, also where it was
    not told yet.
    """
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), at=ago(hours=1)) == STORED
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Pictures):
        async def taken_before(self, *args: Any) -> list[str]:
            found = await super().taken_before(*args)
            asked.set()
            await go_on.wait()
            return found

    async with replica(media, A_WEEK_ON, Slow) as retention:
        work = asyncio.create_task(retention.look())
        await asyncio.wait_for(asked.wait(), 10)
        media.licensing.grants[media.workspace, device.device]["policy"] = SHOTS | {"legal_hold": True}
        if told:
            await tell_of_hold(media, device)
        go_on.set()
        await work
    assert len(mine(media, device)) == 1


async def test_many_replicas_say_each_once(media: Media) -> None:
    devices = [await media.device(policy=SHOTS) for _ in range(4)]
    for device in devices:
        for number in range(3):
            assert await device.offer(webp(640, 400), capture_id=f"{device.device}-{number}", at=ago(hours=1)) == STORED
    async with heard(media) as said:
        await asyncio.gather(*(look(media) for _ in range(4)))
    names = [one["capture_id"] for one in said]
    assert len(names) == len(set(names)) == 12
    assert media.objects() == {}


@pytest.mark.parametrize("dies_in", ["drop", "forget"])
async def test_who_dies_in_the_middle_is_taken_over(media: Media, dies_in: str) -> None:
    """Also where a legal hold came between: what was marked before it, is gone."""
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(hours=1)) == STORED

    class Killed(Pictures):
        async def die(self, *args: Any) -> Any:
            raise ConnectionError("killed")

    setattr(Killed, dies_in, Killed.die)
    async with heard(media) as said:
        async with replica(media, A_WEEK_ON, Killed) as retention:
            with pytest.raises(ConnectionError):
                await retention.look()
        media.licensing.grants[media.workspace, device.device]["policy"] = SHOTS | {"legal_hold": True}
        await look(media)
        assert "format" in await known(media, "shot"), "whoever is at it has five minutes"
        await look(media, A_WEEK_ON + timedelta(minutes=6))
    assert mine(media, device) == []
    assert "format" not in await known(media, "shot")
    assert {one["capture_id"] for one in said} == {"shot"}


async def test_while_the_store_is_away_nothing_is_said_and_it_comes_again(media: Media) -> None:
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(hours=1)) == STORED
    async with heard(media) as said:
        media.installation.s3.kill()
        try:
            with pytest.raises(Problem):
                await look(media)
        finally:
            media.installation.s3.start().wait_ready()
        await round_trip(media.operator)
        assert said == []
        assert len(mine(media, device)) == 1
        await look(media, A_WEEK_ON + timedelta(minutes=6))
    assert mine(media, device) == []
    assert len(said) == 1


async def test_a_replay_says_what_went(media: Media) -> None:
    """Projections can be built anew: first that it was there, then that it is gone."""
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(hours=1)) == STORED
    await look(media)
    async with heard(media) as said:
        wanted = {"workspace": media.workspace, "from": ago(days=1), "to": ago(days=-1)}
        answer = await media.operator.request("rpc.media.replay", json.dumps(wanted).encode(), timeout=10)
        assert json.loads(answer.data) == {"emitted": 2}
    assert [(one["reason"], one["days"]) for one in said] == [("retention", 7)]


async def test_an_installation_of_before_gets_its_rows(media: Media) -> None:
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), at=ago(hours=1)) == STORED
    db = mongo.database(media.settings, "media")
    await db["retentions"].drop()
    async with replica(media, A_WEEK_ON + timedelta(hours=2)) as retention:
        await retention.begin()
        await retention.stop()
    row = await db["retentions"].find_one({"_id": f"{media.workspace}|{device.device}"})
    db.client.close()
    assert row is not None
    await look(media, A_WEEK_ON + timedelta(hours=4))
    assert mine(media, device) == []


async def test_a_look_reads_no_more_than_what_is_over(media: Media) -> None:
    """The cost of a round goes by what is over, never by what is kept."""
    device = await media.device(policy=SHOTS)
    for number in range(3):
        assert await device.offer(webp(640, 400), at=ago(hours=number)) == STORED
    db = mongo.database(media.settings, "media")
    where = {"workspace": media.workspace, "device": device.device, "kind": "screen", "format": {"$exists": True}}
    before = NOW - timedelta(minutes=90)
    plan = await db.command(
        "explain",
        {"find": "pictures", "filter": where | {"taken": {"$lt": before}}, "sort": {"taken": 1}, "limit": 50},
        verbosity="executionStats",
    )
    db.client.close()
    assert plan["executionStats"]["totalKeysExamined"] <= 2
    assert plan["executionStats"]["totalDocsExamined"] == 1


async def test_what_a_restored_store_brings_back_is_taken_away_again(media: Media) -> None:
    """docs/operating.md, *Backup and restore*: by the two commands that stand there."""
    device = await media.device(policy=SHOTS)
    assert await device.offer(webp(640, 400), capture_id="shot", at=ago(hours=1)) == STORED
    backup = media.objects()
    await look(media)
    assert mine(media, device) == []
    objects = Objects(media.settings)
    for name, body in backup.items():
        await objects.put(name, body, "application/octet-stream")
    objects.close()
    db = mongo.database(media.settings, "media")
    gone = {"removed": {"$exists": True}, "sha256": {"$exists": True}}
    await db["pictures"].update_many(gone, {"$set": {"format": "again"}})
    await db["retentions"].update_many({"due": {"$exists": True}}, {"$set": {"due": A_WEEK_ON}})
    db.client.close()
    await look(media)
    assert mine(media, device) == []


async def test_an_upgrade_lets_media_hear_what_says_how_long(media: Media) -> None:
    """The durable of an installation of before takes more kinds of facts, and loses none of its own."""
    js = media.operator.jetstream()
    old = consumer_config(replace(DURABLE, subjects=("diary.edited.*.*", "workspace.deleted.*.*")))
    await js.add_consumer(DURABLE.stream, old)

    async def heard_of() -> set[str]:
        return set((await js.consumer_info(DURABLE.stream, DURABLE.name)).config.filter_subjects or ())

    assert await heard_of() < set(DURABLE.subjects)
    environment = media.installation.environment("migrate", mongo_prefix=media.settings.mongo_prefix)
    await migrate(settings_from(MigrateSettings, environment))
    assert await heard_of() == set(DURABLE.subjects)


async def test_a_process_that_is_killed_in_the_middle_leaves_nothing_half(media: Media) -> None:
    """SIGKILL while the store holds its requests: marked, and neither taken away nor said yet."""
    device = await media.device(policy=SHOTS)
    for number in range(3):
        assert await device.offer(webp(640, 400), capture_id=f"shot-{number}", at=ago(hours=1)) == STORED
    environment = media.installation.environment("media", mongo_prefix=media.settings.mongo_prefix, s3=True)
    environment |= {"DAYBOOK_S3_BUCKET": media.settings.s3_bucket}
    store, db = media.installation.s3.pid, mongo.database(media.settings, "media")
    marked = {"workspace": media.workspace, "removed.reason": "retention"}

    async def is_marked() -> bool:
        return await db["pictures"].count_documents(marked) == 3

    async with heard(media) as said:
        os.kill(store, signal.SIGSTOP)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.media.one_look", format_instant(A_WEEK_ON)),
                env=os.environ | environment,
                cwd=ROOT,
            )
            await until(is_marked, 60)
            process.kill()
            await process.wait()
        finally:
            os.kill(store, signal.SIGCONT)
        await look(media, A_WEEK_ON + timedelta(minutes=1))
        assert said == [], "nobody else takes it up while somebody may be at it"
        await look(media, A_WEEK_ON + timedelta(minutes=6))
    db.client.close()
    assert mine(media, device) == []
    assert sorted(one["capture_id"] for one in said) == ["shot-0", "shot-1", "shot-2"]

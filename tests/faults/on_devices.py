"""Faults of the computers: wrong clocks, full disks, kills, copies, and licences that end."""

import asyncio
import sqlite3
from random import Random

from agent.spool import SpoolError
from services.wire import slots
from tests.faults.book import EITHER, KEPT
from tests.faults.computers import Computer
from tests.faults.scenes import Scene, fault
from tests.faults.typist import Typist
from tests.support.stack import until
from tests.support.stranger import today

HOUR = 3600


@fault()
async def clock_hours_ahead_and_back(scene: Scene) -> None:
    """Ahead: quarantined, stopping nothing behind it. Backwards: minutes carried already are not carried again."""
    one = scene.crew.computers[0]
    async with scene.flowing(0.5):
        await scene.somewhere()
    right = one.clock.now()
    one.clock.jump((slots.slot_of(today()) - right).total_seconds() + 5 * HOUR)
    one.live(5, expected="clock_ahead")
    one.clock.jump((right - one.clock.now()).total_seconds() - 3 * HOUR)  # into slots that were lived before
    async with scene.flowing(0.5):
        await scene.after(1.0)


@fault()
async def started_again_in_the_same_slot(scene: Scene) -> None:
    """Stop, and Start again in the slot: two records, one segment, the first long in the diary."""
    for _ in range(max(2, scene.records // 20)):
        for one in scene.crew.computers:
            one.stretch(0, scene.random.randint(3, 5))
            one.wake()
        await scene.crew.drained()
        await until(scene.world.is_idle, 60)
        for one in scene.crew.computers:
            one.stretch(6, 10)
            one.live(1)


@fault()
async def disk_full(scene: Scene) -> None:
    """The spool's file takes no more: nothing is written by half, and what was closed before is whole."""
    one = scene.crew.computers[0]
    await one.switch_off()
    async with scene.flowing(0.5):
        await scene.after(0.5)
    pages = one.spool._one("PRAGMA page_count")
    one.spool._rows(f"PRAGMA max_page_count = {pages + 2}")
    refused = 0
    for _ in range(200):
        before = one.spool.head()
        try:
            one.live(1)
        except SpoolError:
            refused += 1
            assert one.spool.head() == before, "a refused record stands in the chain"
            if refused == 5:
                break
    assert refused, "the disk never was full"
    one.switch_on()
    await asyncio.sleep(1)  # it must go on sending from a full disk, as well as it can
    one.spool._rows("PRAGMA max_page_count = 1073741823")
    async with scene.flowing(0.5):
        await scene.after(1.0)


@fault(devices=1)
async def agent_killed(scene: Scene) -> None:
    """SIGKILL of the process that owns the spool, again and again: each costs the running minute at most (T-10)."""
    one = scene.crew.computers[0]
    await one.close()
    typist = Typist(scene.world, one, records=scene.records, seed=scene.random.randrange(10**6))
    try:
        kills = await typist.killed_until_done(Random(scene.random.random()), kills=max(2, scene.records // 25))
    finally:
        typist.end()
    one.book.read_again()
    one.open_spool()
    missing = typist.minutes_lost()
    assert missing <= kills, f"{missing} minutes that were kept are in no record, after {kills} kills"
    one.switch_on()


@fault(devices=1)
async def cloned_device(scene: Scene) -> None:
    """Key and spool copied, and both used: of two records with one seq the first is admitted, the other a conflict."""
    one = scene.crew.computers[0]
    async with scene.flowing(0.3):
        await scene.after(0.3)
    await scene.crew.drained()
    await one.switch_off()
    twin = _copy(scene, one)
    scene.crew.computers.append(twin)
    scene.crew.cloned.add(one.device)
    for first, pause in ((one, 0), (twin, 1)):  # both at once, and then one after the other
        for copy in (one, twin):
            await copy.switch_off()
            copy.live(round(scene.records * 0.2), expected=EITHER)
        first.switch_on()
        if pause:
            await scene.crew.drained(only=first)
        other = twin if first is one else one
        other.switch_on()
        await scene.crew.drained()


def _copy(scene: Scene, one: Computer) -> Computer:
    folder = one.folder.with_name(f"{one.device}-twin")
    folder.mkdir()
    with sqlite3.connect(one.folder / "spool.db") as source, sqlite3.connect(folder / "spool.db") as target:
        source.backup(target)
    source.close()
    target.close()
    twin = Computer(
        *(folder, one.activation, Random(scene.random.random()), one.clock.now()),
        contract=one.contract,
        claim=scene.crew.claim,
        name="twin",
    )
    twin.book = one.book
    return twin


@fault(devices=2)
async def licence_revoked_in_mid_flight_and_offline(scene: Scene) -> None:
    """What was signed before the revocation arrives, also from who was offline; what is signed after it does not."""
    here, away = scene.crew.computers[:2]
    await away.switch_off()
    async with scene.flowing():
        await scene.after(0.5)
        await scene.crew.members[0].change_licence(state="revoked", drain_hours=1)
    away.switch_on()
    await scene.crew.drained()
    _close_after_revocation(here)


def _close_after_revocation(one: Computer) -> None:
    """Closes one record whose ``closed_at`` is now, a little after the licence was revoked: that time decides."""
    opened = one.begin(slots.slot_of(today()), today())
    one.clock.jump((today() - one.clock.now()).total_seconds() + 2)
    opened.put(int(one.clock.now().minute % 10), one._minute(False), [], one.clock.uptime_ms())
    one.shut(opened, expected="revoked")
    one.wake()


@fault(devices=1)
async def licence_refused_at_once(scene: Scene) -> None:
    """Revoked without a drain: the bus refuses the device, its spool keeps what it has, and nothing of it is lost."""
    one = scene.crew.computers[0]
    async with scene.flowing(0.5):
        await scene.after(0.5)
    await scene.crew.drained()
    await scene.crew.members[0].change_licence(state="revoked", drain_hours=0)
    await until(lambda: one.uplink.state.state == "refused", 30)
    one.live(5, expected=KEPT)
    one.cut_off = True
    assert one.waiting()[0] == 5, "what may not be sent must stay"

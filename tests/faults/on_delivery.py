"""Faults of the way: cut connections, doubles, any order, hours late, poison, and receipts that cannot be trusted."""

import asyncio
import json
import secrets
from contextlib import suppress
from typing import Any

import nats.errors
from nacl.signing import SigningKey

from services.kit.bus import round_trip
from services.wire import proof
from tests.faults.computers import Computer
from tests.faults.scenes import Scene, fault
from tests.support.proxy import Proxy

POISON = 0.01


@fault()
async def cut_between_publish_and_puback(scene: Scene) -> None:
    """The bus has the records, their PubAcks and receipts are swallowed, and then the connection is gone."""
    async with Proxy(scene.world.bus_url) as proxy:
        for one in scene.crew.computers:
            await one.switch_off()
            one.switch_on([proxy.url])
        async with scene.flowing():
            for _ in range(3):
                await proxy.swallow_and_cut(scene.random.randint(1_500, 8_000))
                await asyncio.sleep(scene.random.uniform(0, 0.3))
        # through the proxy, which then passes everything, until all is safe
        await scene.crew.drained()
        for one in scene.crew.computers:
            await one.switch_off()
            one.switch_on([scene.world.bus_url])


@fault(members=1, devices=2)
async def doubled_and_shuffled(scene: Scene) -> None:
    """S-11: everything a second and third time, in any order, before, beside and after the agent's own sending."""
    for one in scene.crew.computers:
        await one.switch_off()
    await scene.crew.live(scene.records)
    sendings = [(one, line.body.encode()) for one in scene.crew.computers for line in one.book.lines]
    raw = {one.device: await one.raw() for one in scene.crew.computers}
    try:
        for one in scene.crew.computers:
            one.switch_on()
        doubled = scene.random.sample(sendings, len(sendings)) + scene.random.sample(sendings, len(sendings) // 2)
        for one, body in doubled:
            await raw[one.device].publish(one.subject, body)
        for client in raw.values():
            await round_trip(client, 10)
    finally:
        for client in raw.values():
            await client.close()


@fault()
async def hours_late_and_across_the_lock(scene: Scene) -> None:
    """T-10: one computer offline for weeks brings what lies in locked weeks, after the other had its say (S-03)."""
    late = scene.crew.computers[0]
    await late.switch_off()
    async with scene.flowing():
        await scene.after(1.0)
    late.switch_on()


@fault(devices=3)
async def two_devices_of_one_member_at_once(scene: Scene) -> None:
    """T-14: three computers live through the same slots, and their records arrive in turns."""
    async with scene.flowing():
        for one in scene.crew.computers:
            await one.switch_off()
            await asyncio.sleep(0.2)
            one.switch_on()


@fault()
async def poison(scene: Scene) -> None:
    """One in a hundred messages is none: garbage, broken signatures, wrong forms; their neighbours pass."""
    target = scene.crew.computers[0]
    client = await target.raw()
    sent: set[bytes] = set()
    try:
        async with scene.flowing():
            for number in range(max(5, round(scene.records * len(scene.crew.computers) * POISON))):
                await scene.after((number + 1) / (scene.records + 1) * 0.5)
                body = _rubbish(scene, target)
                sent.add(body)
                await client.publish(target.subject, body)
            await round_trip(client, 10)
    finally:
        await client.close()
    for change in (_extra, _fraction, _elsewhere):
        target.spoil(change, "invalid")
    target.spoil(_nobodys, "unknown_contract")
    target.live(3)
    scene.crew.litter[target.device] = len(sent)


def _rubbish(scene: Scene, target: Computer) -> bytes:
    kind, some = scene.random.randrange(4), str(scene.random.random())
    if kind == 0 or not target.book.lines:
        return b"\xff\x00" + some.encode()
    if kind == 1:
        return json.dumps({"v": 1, "stream": "SEGMENTS", "seq": some}).encode()
    envelope = json.loads(target.book.lines[0].body)
    if kind == 2:  # a sound signature on something else
        envelope["record"] = envelope["record"].replace("{", f'{{"some":{some},', 1)
    else:
        envelope["signature"] = secrets.token_hex(32)
    return json.dumps(envelope).encode()


def _extra(record: dict[str, Any]) -> None:
    record["extra"] = 1


def _fraction(record: dict[str, Any]) -> None:
    record["policy"] = 1.5


def _elsewhere(record: dict[str, Any]) -> None:
    record["workspace"] = "elsewhere"


def _nobodys(record: dict[str, Any]) -> None:
    record["contract"] = "nobodys"
    record["segment_id"] = f"nobodys:{record['device']}:{record['slot']}"


@fault()
async def receipts_forged_and_doubled(scene: Scene) -> None:
    """Receipts by a wrong key, for another device, and old ones again: nothing is freed by them."""
    one, other = scene.crew.computers[:2]
    heard: list[bytes] = []
    ears, mouth = await one.raw(), await scene.world.connect("ingest")
    subject = f"receipts.{one.identity.workspace}.{one.device}"
    foreign = f"receipts.{one.identity.workspace}.{other.device}"

    async def hear(message: Any) -> None:
        heard.append(message.data)

    try:
        await ears.subscribe(subject, cb=hear)
        await round_trip(ears)
        async with scene.world.frozen("ingest"):  # nothing is safe, whatever is promised
            async with scene.flowing(0.5):
                await _promise(mouth, subject, one, heard)
            with suppress(nats.errors.Error):
                assert one.waiting()[0] > 0, "a forged receipt freed records"
        async with scene.flowing(0.5):
            for _ in range(20):
                await _promise(mouth, subject, one, heard)
                for body in heard[-3:]:
                    await mouth.publish(foreign, body)
                await asyncio.sleep(0.05)
        assert one.uplink.state.ignored > 0
    finally:
        await ears.close()
        await mouth.close()


async def _promise(mouth: Any, subject: str, one: Computer, heard: list[bytes]) -> None:
    ids = {"workspace": one.identity.workspace, "device": one.device}
    promise = {"ledger": one.spool.ledger() or "x", **ids, "through": 10**6, "above": [], "quarantined": [], "now": ""}
    await mouth.publish(subject, proof.seal_notice(SigningKey.generate(), promise))
    for body in heard[:3] + heard[-3:]:
        await mouth.publish(subject, body)

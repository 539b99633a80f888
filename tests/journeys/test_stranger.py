"""A stranger who follows the documents gets in with a licence, and gets to nothing that is not theirs (L-06, B-04)."""

import asyncio
import json
from typing import Any

import nats.errors
import pytest
from nacl.signing import SigningKey

from services.kit.bus import round_trip
from tests.support.stack import Stack, until
from tests.support.stranger import Stranger, slot_before, today


async def test_with_a_licence_a_strangers_record_reaches_the_diary_and_is_receipted(stack: Stack) -> None:
    device = await stack.device()
    try:
        assert (await device.publish(device.record(slot_before(today(), 5)))).stream == "SEGMENTS"
        receipt = await device.settled()
        assert (receipt["through"], receipt["quarantined"]) == (1, [])
        await until(lambda: device.receipts)  # pushed as well as asked for
        entitlement = device.open((await device.ask("entitlement")).data)
        assert entitlement["state"] == "active"
        assert entitlement["policy"]["screenshots"]
    finally:
        await device.close()


async def test_without_one_nobody_gets_in(stack: Stack) -> None:
    nobody = Stranger(stack.web, key=SigningKey.generate(), bus=[stack.ready["nats"]], workspace="w", device="d")
    with pytest.raises((nats.errors.Error, OSError)):
        await nobody.connect(allow_reconnect=False)


FOREIGN_TO_PUBLISH = [
    "segments.closed.{ws}.{other}",
    "segments.closed.elsewhere.{me}",
    "presence.{ws}.{other}",
    "live.{ws}.{other}",
    "receipts.{ws}.{other}",
    "receipts.{ws}.{me}",
    "commands.{ws}.{other}",
    "commands.{ws}.{me}",
    "rpc.device.{ws}.{other}.receipts",
    "rpc.device.{ws}.{other}.picture",
    "rpc.licensing.grant",
    "rpc.licensing.change",
    "rpc.media.picture",
    "segment.recorded.{ws}.{member}",
    "diary.changed.{ws}.{member}",
    "licence.changed.{ws}.{member}",
    "_INBOX.{other}.x",
    "_INBOX.x",
    "$JS.API.STREAM.PURGE.SEGMENTS",
    "$JS.API.STREAM.DELETE.JOURNAL",
    "$JS.API.STREAM.MSG.GET.SEGMENTS",
    "$JS.API.CONSUMER.CREATE.SEGMENTS",
    "$JS.ACK.SEGMENTS.ingest.1.1.1.1.1",
    "$SYS.REQ.SERVER.PING",
]
FOREIGN_TO_HEAR = [
    ">",
    "*.>",
    "segments.closed.>",
    "segments.closed.{ws}.{me}",
    "receipts.>",
    "receipts.{ws}.*",
    "receipts.{ws}.{other}",
    "commands.{ws}.{other}",
    "presence.>",
    "live.>",
    "_INBOX.>",
    "_INBOX.*",
    "_INBOX.{other}.>",
    "segment.recorded.>",
    "rpc.>",
    "$JS.>",
    "$SYS.>",
]


async def test_every_foreign_subject_is_a_permission_error(stack: Stack) -> None:
    me, other = await stack.device(), await stack.device()
    names = {"ws": me.workspace, "me": me.device, "other": other.device, "member": me.member}
    try:
        assert me.client
        for kind, subjects in (("publish", FOREIGN_TO_PUBLISH), ("subscription", FOREIGN_TO_HEAR)):
            for pattern in subjects:
                subject = pattern.format(**names)
                me.errors.clear()
                if kind == "publish":
                    await me.client.publish(subject, b"{}")
                else:
                    await me.client.subscribe(subject)
                await round_trip(me.client)
                await until(lambda: me.errors, 5)
                assert "permissions violation" in me.errors[0].lower(), subject
                assert kind in me.errors[0].lower(), subject
        await me.publish(me.record(slot_before(today(), 5)))
        await me.settled()
    finally:
        await me.close()
        await other.close()


async def test_a_reply_subject_reaches_no_other_device(stack: Stack) -> None:
    me, other = await stack.device(), await stack.device()
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    try:
        assert me.client
        assert other.client
        await other.client.subscribe(f"commands.{other.workspace}.{other.device}", cb=hear)
        await other.client.subscribe(f"_INBOX.{other.device}.>", cb=hear)
        await round_trip(other.client)
        for reply in (
            f"receipts.{other.workspace}.{other.device}",
            f"commands.{other.workspace}.{other.device}",
            f"_INBOX.{other.device}.x",
        ):
            for verb in ("receipts", "entitlement", "picture"):
                subject = f"rpc.device.{me.workspace}.{me.device}.{verb}"
                await me.client.publish(subject, b"{}", reply=reply)
        await round_trip(me.client)
        await me.receipt()  # answered after those above, and only into the own inbox
        await other.receipt()
        assert heard == [] or all(message.subject.startswith(f"_INBOX.{other.device}.") for message in heard)
        assert not [one for one in heard if one.subject.endswith(".x")]
        assert other.receipts == []
    finally:
        await me.close()
        await other.close()


async def test_an_acknowledgement_aimed_at_the_bus_or_a_service_does_no_harm(stack: Stack) -> None:
    """A PubAck goes wherever the publisher says; nothing there may take it for an order."""
    me, witness = await stack.device(), await stack.device()
    try:
        assert me.client
        for reply in (
            "$JS.API.STREAM.PURGE.SEGMENTS",
            "$JS.API.STREAM.DELETE.SEGMENTS",
            "$JS.API.STREAM.DELETE.JOURNAL",
            "$JS.API.STREAM.PURGE.JOURNAL",
            "$JS.API.CONSUMER.DELETE.SEGMENTS.ingest",
            "$JS.API.CONSUMER.DELETE.JOURNAL.projector",
            "rpc.licensing.change",
            "rpc.ingest.release",
            f"segment.recorded.{me.workspace}.{me.member}",
            f"licence.changed.{me.workspace}.{me.member}",
            f"receipts.{witness.workspace}.{witness.device}",
        ):
            await me.client.publish(me.subject, me.record(slot_before(today(), 9), keep=False), reply=reply)
        await round_trip(me.client)
        try:
            await witness.publish(witness.record(slot_before(today(), 8)))
            await witness.settled()
        except json.JSONDecodeError:  # pragma: no cover - would mean that a PubAck was taken for a receipt
            pytest.fail("a PubAck was taken for a receipt")
        await me.publish(me.record(slot_before(today(), 7)))
        await asyncio.wait_for(me.settled(), 30)
    finally:
        await me.close()
        await witness.close()

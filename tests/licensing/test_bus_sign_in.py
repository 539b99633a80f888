"""The bus asks licensing who a device is, and enforces what it is told (L-05, L-06, B-04)."""

import asyncio
import json
from typing import Any

import nats.errors
import nkeys
import pytest

from services.kit.bus import round_trip
from services.licensing import kicks
from services.licensing.callout import Issuer, permissions
from services.wire import proof, subjects
from tests.licensing.support import Acme, Device, Licensing, connected, until
from tests.support.servers import Installation


async def test_a_device_reaches_its_own_subjects(licensing: Licensing, acme: Acme) -> None:
    """L-06: it publishes its segments, asks its questions, and hears what is its own."""
    device = await acme.activated()
    own = device.workspace, device.device
    client = await device.connect(licensing.url)
    ack = await client.jetstream().publish(subjects.segments_closed(*own), b"{}")
    assert ack.stream == subjects.SEGMENTS
    answer = await client.request(subjects.device_request(*own, "entitlement"), b"{}", timeout=5)
    assert proof.open_notice(licensing.notice_public, answer.data, *own)["state"] == "active"
    for subject in (subjects.receipts(*own), subjects.commands(*own)):
        heard = await client.subscribe(subject)
        await round_trip(client)
        await licensing.caller.publish(subject, b"for you")
        assert (await heard.next_msg(timeout=5)).data == b"for you"
    for subject in (subjects.presence(*own), subjects.live(*own)):
        await client.publish(subject, b"{}")
    await round_trip(client)
    assert device.errors == []
    await client.close()


async def test_a_device_reaches_nothing_else(licensing: Licensing, acme: Acme) -> None:
    """L-06: the bus itself refuses every other subject, to publish and to subscribe."""
    device, other = await acme.activated(1), await acme.activated(1)
    foreign = other.workspace, other.device
    client = await device.connect(licensing.url)
    forbidden_to_publish = [
        subjects.segments_closed(*foreign),
        subjects.segments_closed("ws-other", device.device),
        *(subjects.presence(*foreign), subjects.live(*foreign), subjects.receipts(*foreign)),
        *(subjects.commands(*foreign), subjects.device_request(*foreign, "entitlement")),
        *(subjects.receipts(device.workspace, device.device), subjects.commands(device.workspace, device.device)),
        *("rpc.licensing.read", "rpc.ingest.records", "rpc.diary.day", "segment.recorded.a.b", "licence.changed.a.b"),
        *("$JS.API.INFO", "$JS.API.STREAM.DELETE.SEGMENTS", "$JS.API.CONSUMER.MSG.NEXT.SEGMENTS.ingest"),
        *("$JS.ACK.SEGMENTS.ingest.1.1.1.1.1", "$SYS.REQ.USER.AUTH", "$SYS.REQ.SERVER.PING", "anything"),
        f"_INBOX.{other.device}.x",
    ]
    for subject in forbidden_to_publish:
        device.errors.clear()
        await client.publish(subject, b"{}")
        await round_trip(client)
        await until(lambda: _said(device, "permissions violation for publish"))
    forbidden_to_subscribe = [
        *(">", "*", "_INBOX.>", f"_INBOX.{other.device}.>", "receipts.>", f"receipts.{device.workspace}.*"),
        *(subjects.receipts(*foreign), subjects.commands(*foreign), subjects.segments_closed(*foreign)),
        *("segments.closed.>", "rpc.>", "rpc.licensing.sign_in", "licence.changed.>", "segment.recorded.>"),
        *("$JS.>", "$SYS.>", "presence.>", "diary.changed.>"),
        f"rpc.device.{device.workspace}.{device.device}.entitlement",
    ]
    for subject in forbidden_to_subscribe:
        device.errors.clear()
        await client.subscribe(subject)
        await round_trip(client)
        await until(lambda: _said(device, "permissions violation for subscription"))
    await client.close()


async def _said(device: Device, text: str) -> bool:
    return any(text in one.lower() for one in device.errors)


async def test_strangers_are_refused(licensing: Licensing, acme: Acme) -> None:
    """B-04: no key, an unknown key, a known key without its signature, a service's name without its key."""
    known = await acme.activated()
    with pytest.raises(nats.errors.Error):
        await connected(licensing.url)
    assert await Device().is_refused(licensing.url)
    thief = Device(known.key, known.workspace, known.device)
    assert await thief.is_refused(licensing.url, signature_cb=Device().sign)
    service = nkeys.from_seed(licensing.installation.keys.bus_seed("ingest").encode())
    assert await Device().is_refused(licensing.url, as_nkey=service.public_key.decode())
    assert not await known.is_refused(licensing.url)


async def test_an_injected_key_needs_the_signature_of_its_own_nonce(licensing: Licensing, acme: Acme) -> None:
    """A signature of another connection's nonce is worth nothing."""
    device = await acme.activated()
    replayed = device.sign("an-older-nonce")
    assert await device.is_refused(licensing.url, signature_cb=lambda nonce: replayed)


async def test_a_revoked_device_is_out_within_seconds(licensing: Licensing, acme: Acme) -> None:
    """L-04, B-04: with drain_hours 0 its connection ends and it is not let in again; it was told before."""
    device = await acme.activated()
    client = await device.connect(licensing.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    changed = await acme.change(
        "olga", "licences", acme.answer["licences"][0]["licence"], state="revoked", drain_hours=0
    )
    assert changed["state"] == "revoked"
    told = proof.open_notice(
        licensing.notice_public, (await commands.next_msg(timeout=5)).data, device.workspace, device.device
    )
    assert (told["command"], told["state"]) == ("entitlement", "revoked")
    await asyncio.wait_for(device.closed.wait(), 5)
    assert await device.is_refused(licensing.url)


async def test_a_draining_device_may_only_deliver(licensing: Licensing, acme: Acme) -> None:
    """Revoked with drain: its segments, what arrived, its pictures, how it stands; after that nothing."""
    device = await acme.activated()
    own = device.workspace, device.device
    client = await device.connect(licensing.url)
    await acme.change("olga", "licences", acme.answer["licences"][0]["licence"], state="revoked")
    await asyncio.wait_for(device.closed.wait(), 5)
    client = await device.connect(licensing.url)
    assert (await client.jetstream().publish(subjects.segments_closed(*own), b"{}")).stream == subjects.SEGMENTS
    answer = await client.request(subjects.device_request(*own, "entitlement"), b"{}", timeout=5)
    assert proof.open_notice(licensing.notice_public, answer.data, *own)["state"] == "revoked"
    for subject in (subjects.presence(*own), subjects.live(*own), subjects.device_request(*own, "else")):
        device.errors.clear()
        await client.publish(subject, b"{}")
        await round_trip(client)
        await until(lambda: _said(device, "permissions violation for publish"))
    await acme.change("olga", "licences", acme.answer["licences"][0]["licence"], state="revoked", drain_hours=0)
    await asyncio.wait_for(device.closed.wait(), 5)
    assert await device.is_refused(licensing.url)


async def test_a_suspended_device_comes_back_when_resumed(licensing: Licensing, acme: Acme) -> None:
    """L-04: suspending narrows a running connection, resuming widens it, both within seconds."""
    device = await acme.activated()
    licence = acme.answer["licences"][0]["licence"]
    await device.connect(licensing.url)
    assert (await acme.change("adam", "licences", licence, state="suspended"))["state"] == "suspended"
    await asyncio.wait_for(device.closed.wait(), 5)
    client = await device.connect(licensing.url)
    await client.publish(subjects.presence(device.workspace, device.device), b"{}")
    await round_trip(client)
    await until(lambda: _said(device, "permissions violation for publish"))
    assert (await acme.change("adam", "licences", licence, state="active"))["state"] == "active"
    await asyncio.wait_for(device.closed.wait(), 5)
    device.errors.clear()
    client = await device.connect(licensing.url)
    await client.publish(subjects.presence(device.workspace, device.device), b"{}")
    await round_trip(client)
    assert device.errors == []
    await client.close()


async def test_other_devices_stay_connected(licensing: Licensing, acme: Acme) -> None:
    """A revocation ends the connections of its own devices only, and each change of name none."""
    revoked, kept = await acme.activated(0), await acme.activated(1)
    await revoked.connect(licensing.url)
    client = await kept.connect(licensing.url)
    await acme.change("olga", "devices", kept.device, name="Emil's laptop")
    await acme.change("olga", "licences", acme.answer["licences"][0]["licence"], state="revoked", drain_hours=0)
    await asyncio.wait_for(revoked.closed.wait(), 5)
    await round_trip(client)
    assert not kept.closed.is_set()
    await client.close()


JETSTREAM_VERBS = [
    *("STREAM.PURGE.SEGMENTS", "STREAM.PURGE.JOURNAL", "STREAM.DELETE.JOURNAL", "STREAM.MSG.DELETE.SEGMENTS"),
    *("STREAM.MSG.DELETE.JOURNAL", "STREAM.UPDATE.JOURNAL", "CONSUMER.DELETE.SEGMENTS.ingest"),
    *("CONSUMER.PAUSE.SEGMENTS.ingest", "CONSUMER.MSG.NEXT.SEGMENTS.ingest", "STREAM.CREATE.EVIL"),
]


async def test_an_acknowledgement_aimed_elsewhere_does_no_harm(licensing: Licensing, acme: Acme) -> None:
    """Permissions do not cover the reply subject: a PubAck can be sent to JetStream's own API and to services.

    The bus carries out such a request with its own authority; what stops it is that a PubAck is no body of any of
    these verbs (``jetstream.strict``), and that the services read strictly. Acknowledgements of others' deliveries
    (``$JS.ACK``) and trace destinations the bus refuses by itself.
    """
    device = await acme.activated()
    own = device.workspace, device.device
    client = await device.connect(licensing.url)
    looking = licensing.caller.jetstream()
    await client.jetstream().publish(subjects.segments_closed(*own), b"first")
    [victim] = await (await looking.pull_subscribe_bind("ingest", subjects.SEGMENTS)).fetch(1)
    answers: list[Any] = []

    async def hear(message: Any) -> None:
        answers.append(json.loads(message.data))

    await licensing.caller.subscribe("$JS.EVENT.ADVISORY.API", cb=hear)
    await round_trip(licensing.caller)
    before = (await looking.stream_info(subjects.SEGMENTS)).state
    for verb in JETSTREAM_VERBS:
        await client.publish(subjects.segments_closed(*own), b"{}", reply=f"$JS.API.{verb}")
    for verb in ("change", "create", "sign_in", "activate", "replay"):
        await client.publish(subjects.segments_closed(*own), b"{}", reply=f"rpc.licensing.{verb}")
    await client.publish(subjects.segments_closed(*own), b"{}", reply=victim.reply)
    await client.publish(subjects.segments_closed(*own), b"{}", headers={"Nats-Trace-Dest": "receipts.a.b"})
    await round_trip(client)
    tried = len(JETSTREAM_VERBS) + 5

    async def arrived() -> bool:
        return (await looking.stream_info(subjects.SEGMENTS)).state.messages >= before.messages + tried

    await until(arrived)
    await until(lambda: _violations(device, 2))
    by_bus = [one for one in answers if one["client"]["kind"] == "JetStream"]
    assert all("error" in json.loads(one["response"]) for one in by_bus)
    assert (await looking.consumer_info(subjects.SEGMENTS, "ingest")).num_ack_pending == 1
    assert sorted(one.config.name or "" for one in await looking.streams_info()) == ["JOURNAL", "PRESENCE", "SEGMENTS"]
    [licence] = await acme.read("olga", "licences", acme.answer["licences"][0]["licence"])
    assert licence["state"] == "active"
    await client.close()


async def _violations(device: Device, count: int) -> bool:
    return sum("violation" in one.lower() for one in device.errors) >= count


def test_nothing_but_its_own_is_ever_permitted() -> None:
    """L-06: every permission names workspace and device, or is the device's inbox."""
    for admits in ("all", "drain"):
        publish, subscribe = permissions("ws-1", "dev-1", admits)
        for subject in publish + subscribe:
            assert "dev-1" in subject.split(".")
            assert subject.startswith("_INBOX.dev-1.") or "ws-1" in subject.split(".")


def test_the_issuer_is_the_one_the_bus_knows(installation: Installation) -> None:
    assert Issuer(installation.keys.issuer_seed).public == installation.keys.issuer_public


async def test_very_many_connections_are_ended_together(
    licensing: Licensing, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-04: found page by page among all; who kept their right stays connected."""
    monkeypatch.setattr(kicks, "_FEW", 0)
    monkeypatch.setattr(kicks, "_PAGE", 2)
    gone, stays = [await acme.activated(1) for _ in "ab"], await acme.activated()
    clients = [await device.connect(licensing.url) for device in (*gone, stays)]
    await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], state="revoked", drain_hours=0)
    for device in gone:
        await asyncio.wait_for(device.closed.wait(), 20)
    assert not stays.dropped.is_set()
    await round_trip(clients[-1], timeout=5)
    await clients[-1].close()

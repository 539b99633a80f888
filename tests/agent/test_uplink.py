"""The uplink against a real bus that knows the device by its nkey; the services are played (doubles.py)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from nacl.signing import SigningKey

from agent.bus import Backoff, Connection, Refused, Unreachable
from agent.chain import Identity
from agent.clock import HandClock
from agent.spool import Spool
from services.wire import proof, subjects
from tests.agent.doubles import QUICK, START, DeviceBus, Services, eventually, identity, record_slots, uplink_of


@pytest.fixture
def who() -> Identity:
    return identity()


@pytest.fixture
def bus(tmp_path: Path, who: Identity) -> Iterator[DeviceBus]:
    made = DeviceBus(tmp_path / "bus", [who])
    made.server.start().wait_ready()
    yield made
    made.server.kill()


@pytest_asyncio.fixture
async def services(bus: DeviceBus) -> AsyncIterator[Services]:
    client = await bus.connect()
    yield await Services(client).open()
    await client.close()


@pytest.fixture
def spool() -> Iterator[Spool]:
    made = Spool(":memory:")
    yield made
    made.close()


async def test_records_go_oldest_first_with_their_trace_and_a_receipt_frees_them(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """T-10, B-07."""
    records = record_slots(spool, who, 100)
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await uplink.drained()
    assert [seq for _, seq in services.arrivals] == list(range(1, 101))
    assert services.traces == [record.traceparent for record in records]
    chain = proof.examine(
        proof.Link(one.seq, records[one.seq - 1].hash, one.prev) for one in services.kept[who.device].values()
    )
    assert chain.whole
    assert spool.head().seq == 100


async def test_a_puback_alone_frees_nothing(bus: DeviceBus, services: Services, who: Identity, spool: Spool) -> None:
    services.push_receipts, services.deaf = False, True
    record_slots(spool, who, 3)
    async with uplink_of(bus.server.url, who, spool, services.key):
        await services.until(lambda: len(services.arrivals) >= 3)
        await eventually(lambda: not spool.unsent())
        assert spool.backlog().unsent == 3


async def test_what_the_stream_lost_goes_again(bus: DeviceBus, services: Services, who: Identity, spool: Spool) -> None:
    """A PubAck is not durable: what never reached the ledger is asked after and sent again (S-11)."""
    lost = {2: 2, 5: 1}

    def swallow(seq: int) -> bool:
        lost[seq] = lost.get(seq, 0) - 1
        return lost[seq] >= 0

    services.swallow = swallow
    record_slots(spool, who, 6)
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await uplink.drained()
    assert sorted(services.kept[who.device]) == [1, 2, 3, 4, 5, 6]
    assert [seq for _, seq in services.arrivals].count(2) == 3


async def test_an_answer_may_lower_and_a_push_may_not(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """A ledger restored from a backup gets again what the agent still has; a pushed receipt cannot ask for that."""
    record_slots(spool, who, 8)
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await uplink.drained()
        await services.push(services.receipt(who.workspace, who.device, through=2))
        await services.push(services.receipt(who.workspace, who.device, through=1, ledger="other"))
        await eventually(lambda: services.asked.count("receipts") >= 2)
        assert spool.backlog().unsent == 0
        for seq in range(5, 9):
            del services.kept[who.device][seq]
        services.ledger = "ledger-2"
        await services.push(services.receipt(who.workspace, who.device))
        await services.until(lambda: len(services.kept[who.device]) == 8)
        await uplink.drained()
        assert spool.ledger() == "ledger-2"


@pytest.mark.parametrize(
    "forgery", ["other key", "other device", "other workspace", "no envelope", "bad shape", "not json"]
)
async def test_forged_and_foreign_receipts_are_ignored(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool, forgery: str
) -> None:
    services.push_receipts = False
    services.swallow = lambda seq: True
    record_slots(spool, who, 2)
    async with uplink_of(bus.server.url, who, spool, services.key, pace=QUICK) as uplink:
        await eventually(lambda: spool.ledger() and not spool.unsent())
        everything = services.receipt(who.workspace, who.device, through=99)
        before, subject = uplink.state.ignored, subjects.receipts(who.workspace, who.device)
        bodies = {
            "other key": proof.seal_notice(SigningKey.generate(), everything),
            "other device": proof.seal_notice(services.key, everything | {"device": "dev-2"}),
            "other workspace": proof.seal_notice(services.key, everything | {"workspace": "ws-2"}),
            "no envelope": json.dumps(everything).encode(),
            "bad shape": proof.seal_notice(services.key, everything | {"above": "all"}),
            "not json": b"\xff{",
        }
        await services.client.publish(subject, bodies[forgery])
        await eventually(lambda: uplink.state.ignored > before)
        assert spool.backlog().unsent == 2


async def test_only_signed_commands_are_obeyed(bus: DeviceBus, services: Services, who: Identity, spool: Spool) -> None:
    """T-21: start from the web page, within seconds; from nobody else."""
    obeyed: list[str] = []
    options = {"on_command": lambda command: obeyed.append(command["contract"])}
    async with uplink_of(bus.server.url, who, spool, services.key, **options) as uplink:
        await services.until(lambda: "entitlement" in services.asked)
        await services.command(who, "start", SigningKey.generate(), contract="forged")
        await services.command(who, "start", contract="foreign", device="dev-2", workspace=who.workspace)
        await services.command(who, "start", contract="right", id="cmd-1")
        await services.command(who, "start", contract="replayed", id="cmd-1")
        await services.command(who, "start", contract="old", at="2026-01-01T00:00:00Z")
        await services.command(who, "start", contract="nameless", id=None)
        await services.command(who, "start", contract="next")
        await eventually(lambda: obeyed[-1:] == ["next"])
        assert (obeyed, uplink.state.ignored) == (["right", "next"], 5)


async def test_entitlements_are_asked_for_and_asked_again_when_told(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """L-04: a changed policy reaches a running agent within seconds."""
    services.entitlement = {"revision": 1}
    heard: list[int] = []
    options = {"on_entitlement": lambda entitlement: heard.append(entitlement["revision"])}
    async with uplink_of(bus.server.url, who, spool, services.key, **options):
        await eventually(lambda: heard == [1])
        await services.command(who, "entitlement", revision=2)
        await eventually(lambda: heard == [1, 2])
        services.entitlement = {"revision": 3}
        await services.command(who, "entitlement", revision=1)
        await eventually(lambda: heard == [1, 2, 3])


def hold(spool: Spool, who: Identity, capture_id: str, picture: bytes = b"picture") -> None:
    entry = {
        "capture_id": capture_id,
        "kind": "screen",
        "at": "2026-11-21T10:01:00Z",
        "sha256": "0" * 64,
        "bytes": len(picture),
        "width": 1,
        "height": 1,
        "monitor": 0,
        "blurred": False,
    }
    segment = f"contract:{who.device}:2026-11-21T10:00:00Z"
    spool.hold_picture(segment, entry, None, picture, b"thumb")


async def test_a_picture_goes_after_the_records_and_is_freed_when_stored(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """T-07: nothing of a capture leaves before its record is closed."""
    hold(spool, who, "cap-1")
    hold(spool, who, "cap-2")
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await services.until(lambda: "entitlement" in services.asked)
        assert services.pictures == []
        record_slots(spool, who, 2)
        uplink.wake()
        await uplink.drained()
    assert [(entry.capture_id, entry.thumbnail_bytes, body) for entry, body in services.pictures] == [
        ("cap-1", 5, b"picturethumb"),
        ("cap-2", 5, b"picturethumb"),
    ]
    assert spool.picture_bytes() == 0


async def test_records_do_not_wait_for_pictures(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """media is down; records get their receipts, and the picture goes when media is back."""
    services.picture_answer = None
    hold(spool, who, "cap-1")
    record_slots(spool, who, 1)
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await eventually(lambda: spool.backlog().unsent == 0)
        record_slots(spool, who, 5, START + timedelta(days=1))
        uplink.wake()
        await eventually(lambda: spool.backlog().unsent == 0)
        assert spool.backlog().pictures == 1
        services.picture_answer = {"state": "refused", "reason": "size"}
        await uplink.drained()


async def test_a_full_bus_holds_back_and_nothing_is_lost(bus: DeviceBus, who: Identity, spool: Spool) -> None:
    """discard new: 503/10077 is back-pressure; the spool is where records wait."""
    client = await bus.connect()
    services = await Services(client).open(max_msgs=4, ingest=False)
    record_slots(spool, who, 10)
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(20):
        await eventually(lambda: uplink.state.held_back and "10077" in uplink.state.held_back)
        assert len(spool.unsent()) >= 6
        await services.ingest()

        async def make_room() -> None:
            while True:
                await services.stream.purge_stream(subjects.SEGMENTS)
                await asyncio.sleep(0.05)

        room = asyncio.create_task(make_room())
        await uplink.drained()
        room.cancel()
        assert sorted(services.kept[who.device]) == list(range(1, 11))
        await eventually(lambda: uplink.state.held_back is None)
    await client.close()


async def test_it_comes_back_after_the_bus_was_killed_and_wiped(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    async with uplink_of(bus.server.url, who, spool, services.key) as uplink, asyncio.timeout(30):
        record_slots(spool, who, 3)
        uplink.wake()
        await uplink.drained()
        bus.server.kill()
        bus.server.wipe()
        record_slots(spool, who, 3, START + timedelta(days=1))
        uplink.wake()
        await eventually(lambda: uplink.state.state == "offline")
        bus.server.start().wait_ready()
        client = await bus.connect()
        again = await Services(client, key=services.key, kept=services.kept).open()
        await uplink.drained()
        assert sorted(again.kept[who.device]) == [1, 2, 3, 4, 5, 6]
        assert uplink.state.state == "online"
        await client.close()


async def test_presence_is_said_again_and_again_and_on_change(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    services.swallow = lambda seq: True
    record_slots(spool, who, 1)
    status = {"status": "working", "app": "code", "since": "2026-11-21T10:00:00Z"}
    async with uplink_of(bus.server.url, who, spool, services.key, presence=lambda: dict(status)) as uplink:
        await services.until(lambda: len(services.presences) >= 3)
        status["status"] = "break"
        uplink.presence_changed()
        await services.until(lambda: services.presences[-1].status == "break")
    assert services.presences[-1].unsent == 1
    assert services.presences[-1].oldest_unsent == "2026-11-21T10:00:00Z"


async def test_it_says_at_once_that_nothing_waits_any_more(
    bus: DeviceBus, services: Services, who: Identity, spool: Spool
) -> None:
    """B-02: not only with the next minute's presence; else the diary shows a record as waiting that has arrived."""
    services.swallow = lambda seq: True
    record_slots(spool, who, 1)
    status = {"status": "working", "app": "code", "since": "2026-11-21T10:00:00Z"}
    pace = replace(QUICK, presence_every=600)
    async with uplink_of(bus.server.url, who, spool, services.key, pace=pace, presence=lambda: dict(status)):
        await services.until(lambda: bool(services.presences) and services.presences[-1].unsent == 1)
        services.swallow = lambda seq: False
        await services.until(lambda: services.presences[-1].unsent == 0)
    assert services.presences[-1].oldest_unsent is None


async def test_an_unknown_key_is_refused_and_says_so(bus: DeviceBus, services: Services, spool: Spool) -> None:
    """L-05. The uplink goes on asking: a licence may be renewed."""
    stranger = identity()
    async with uplink_of(bus.server.url, stranger, spool, services.key) as uplink:
        await eventually(lambda: uplink.state.state == "refused")
        assert "Authorization Violation" in (uplink.state.problem or "")
        bus.devices.append(stranger)
        bus.server.restart()
        await eventually(lambda: uplink.state.state == "online")


async def test_a_device_cannot_speak_for_another(bus: DeviceBus, services: Services, who: Identity) -> None:
    """L-06: the bus itself refuses it; the connection goes on."""
    connection = Connection(who.key, who.device)
    await connection.open(bus.server.url, "test", 5)
    await connection.publish(subjects.segments_closed(who.workspace, "dev-2"), b"{}")
    await eventually(lambda: connection.last_error)
    assert "permissions violation" in (connection.last_error or "").lower()
    assert services.arrivals == []
    await connection.close()


async def test_a_challenge_that_looks_like_a_record_is_not_signed(who: Identity, spool: Spool) -> None:
    """A bus that is not ours sends a record as its nonce: the device hangs up without signing."""
    heard: list[bytes] = []
    nonce = proof.SEGMENT_DOMAIN.decode() + '{"seq":1}'

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"INFO " + json.dumps({"nonce": nonce, "auth_required": True, "max_payload": 1}).encode() + b"\r\n"
        )
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Unreachable, match="no nonce"):
            await Connection(who.key, who.device).open(url, "test", 5)
        await eventually(lambda: heard)
    assert b"CONNECT" not in heard[0]


async def test_no_server_at_all_is_said_in_one_line(who: Identity, bus: DeviceBus) -> None:
    bus.server.kill()
    with pytest.raises((Unreachable, Refused)) as caught:
        await Connection(who.key, who.device).open(bus.server.url, "test", 5)
    assert "\n" not in str(caught.value)


def test_waits_are_jittered_in_full_and_capped() -> None:
    import random

    backoff = Backoff(1, 60, random.Random(7))
    waits = [backoff.next() for _ in range(2000)]
    assert all(0 <= wait <= 60 for wait in waits)
    assert waits[0] <= 1
    assert min(waits[10:]) < 5
    assert max(waits[10:]) > 55
    backoff.reset()
    assert backoff.next() <= 1


async def test_many_devices_live_in_one_loop(tmp_path: Path) -> None:
    """What the simulated fleet stands on."""
    devices = [identity() for _ in range(20)]
    bus = DeviceBus(tmp_path / "bus", devices)
    bus.server.start().wait_ready()
    client = await bus.connect()
    services = await Services(client).open()
    clock = HandClock(START)

    async def live(who: Identity) -> None:
        spool = Spool(":memory:")
        record_slots(spool, who, 20)
        async with uplink_of(bus.server.url, who, spool, services.key, clock=clock) as uplink, asyncio.timeout(30):
            await uplink.drained()

    await asyncio.gather(*(live(who) for who in devices))
    assert {device: len(kept) for device, kept in services.kept.items()} == {who.device: 20 for who in devices}
    await client.close()
    bus.server.kill()

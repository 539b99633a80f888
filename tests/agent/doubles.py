"""What the agent talks to, played by the test: ingest's receipts, licensing's entitlements, media's answers.

A fake, because the services are other people's rooms; the bus is real, checks the device's nkey and holds it to a
device's subjects. What is played is the protocol of architecture.md and fine-print.md, no more.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats
import nkeys
from nacl.signing import SigningKey
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy, DiscardPolicy, RetentionPolicy, StreamConfig

from agent.chain import Identity, Record
from agent.clock import HandClock
from agent.slot import App, Minute, OpenSlot
from agent.spool import Spool
from agent.uplink import Pace, Uplink
from deploy.local.servers import Nats
from services.kit.bus import round_trip
from services.wire import events, proof, slots, subjects
from tests.support.servers import new_id

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
QUICK = Pace(
    connect_timeout=5,
    request_timeout=0.5,
    picture_timeout=0.5,
    retry_base=0.01,
    retry_cap=0.05,
    refused_cap=0.05,
    ask_every=0.05,
    presence_every=0.05,
    patience=timedelta(0),
)


def identity(workspace: str = "ws") -> Identity:
    return Identity(workspace, "member", new_id("dev"), "lic", SigningKey.generate())


def filled_slot(slot: datetime, minutes: int = 10, contract: str = "contract") -> OpenSlot:
    opened = OpenSlot(slot, contract, "session", slots.format_instant(slot), "UTC", 1, "boot", (0, 0), memo="a memo")
    front = App("code", "a title")
    for index in range(minutes):
        opened.put(index, Minute(5, 1, 1, 2, "work", front), [(front, 60_000)], (index + 1) * 60_000)
    return opened


def record_slots(spool: Spool, who: Identity, count: int, start: datetime = START) -> list[Record]:
    """Closes ``count`` slots in a row."""
    with spool.batch():
        made = [spool.close_slot(filled_slot(start + n * slots.SLOT), who, start) for n in range(count)]
    return [record for record in made if record]


def device_permissions(workspace: str, device: str) -> dict[str, list[str]]:
    """What architecture.md grants a device, and nothing else."""
    ids = workspace, device
    return {
        "publish": [
            subjects.segments_closed(*ids),
            subjects.presence(*ids),
            subjects.live(*ids),
            subjects.device_request(*ids, "x")[:-1] + ">",
        ],
        "subscribe": [
            subjects.receipts(*ids),
            subjects.commands(*ids),
            subjects.device_inbox(device) + ".>",
        ],
    }


class DeviceBus:
    """A bus that knows some devices by their nkeys, and an operator who may do everything."""

    def __init__(self, folder: Path, devices: list[Identity]) -> None:
        self.devices = devices
        self._seed = bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()
        self.server = Nats(folder, configure=self._configure)

    def _configure(self, port: int, monitor: int, name: str, store: Path) -> str:
        operator = bytes(nkeys.from_seed(self._seed.encode()).public_key).decode()
        users: list[dict[str, Any]] = [{"nkey": operator}] + [
            {
                "nkey": proof.user_nkey(bytes(one.key.verify_key)),
                "permissions": device_permissions(one.workspace, one.device),
            }
            for one in self.devices
        ]
        return (
            f"server_name: {name}\nlisten: 127.0.0.1:{port}\nhttp: 127.0.0.1:{monitor}\nmax_payload: 1MB\n"
            f"jetstream {{ store_dir: {json.dumps(str(store))}, sync_interval: always }}\n"
            f"authorization {{ users: {json.dumps(users)} }}\n"
        )

    async def connect(self) -> Client:
        return await nats.connect(self.server.url, nkeys_seed_str=self._seed)


@dataclass
class Services:
    """Ingest, licensing and media, as far as a device sees them."""

    client: Client
    key: SigningKey = field(default_factory=SigningKey.generate)
    ledger: str = "ledger-1"
    kept: dict[str, dict[int, events.Record]] = field(default_factory=dict)
    details: dict[str, dict[int, events.Detail]] = field(default_factory=dict)
    arrivals: list[tuple[str, int]] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    pictures: list[tuple[events.Picture, bytes]] = field(default_factory=list)
    presences: list[events.Presence] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    entitlement: dict[str, Any] = field(default_factory=dict)
    picture_answer: dict[str, Any] | None = field(default_factory=lambda: {"state": "stored"})
    push_receipts: bool = True
    deaf: bool = False
    swallow: Callable[[int], bool] = lambda seq: False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def open(self, *, max_msgs: int = -1, ingest: bool = True) -> "Services":
        self.stream = self.client.jetstream()
        await self.stream.add_stream(
            StreamConfig(
                name=subjects.SEGMENTS,
                subjects=["segments.closed.*.*"],
                retention=RetentionPolicy.LIMITS,
                discard=DiscardPolicy.NEW,
                max_msgs=max_msgs,
            )
        )
        await self.client.subscribe("rpc.device.*.*.*", cb=self._asked)
        await self.client.subscribe("presence.*.*", cb=self._present)
        if ingest:
            await self.ingest()
        await round_trip(self.client)
        return self

    async def ingest(self) -> None:
        await self.stream.subscribe(
            "segments.closed.*.*",
            stream=subjects.SEGMENTS,
            cb=self._closed,
            config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
            manual_ack=True,
        )

    async def _closed(self, message: Msg) -> None:
        _, _, _, device = message.subject.split(".")
        envelope = events.read(events.Envelope, message.data)
        record = events.read(events.Record, envelope.record)
        detail = events.read(events.Detail, envelope.detail)
        assert record.detail == proof.digest(envelope.detail)
        self.arrivals.append((device, record.seq))
        if not self.swallow(record.seq):
            self.kept.setdefault(device, {})[record.seq] = record
            self.details.setdefault(device, {})[record.seq] = detail
            self.traces.append((message.headers or {})["traceparent"])
            if self.push_receipts:
                await self.push(self.receipt(record.workspace, device))
        await message.ack()
        await self._notify()

    def receipt(self, workspace: str, device: str, **changes: Any) -> dict[str, Any]:
        have = sorted(self.kept.get(device, {}))
        through = 0
        while through + 1 in have:
            through += 1
        above = [[seq, seq] for seq in have if seq > through]
        return {
            "ledger": self.ledger,
            "workspace": workspace,
            "device": device,
            "through": through,
            "above": above[:100],
            "quarantined": [],
            "now": slots.format_instant(datetime.now(UTC)),
        } | changes

    async def push(self, receipt: dict[str, Any], key: SigningKey | None = None) -> None:
        subject = subjects.receipts(receipt["workspace"], receipt["device"])
        await self.client.publish(subject, proof.seal_notice(key or self.key, receipt))

    async def command(self, who: Identity, command: str, key: SigningKey | None = None, **more: Any) -> None:
        message = {"workspace": who.workspace, "device": who.device, "command": command}
        message |= {"id": new_id("cmd"), "at": slots.format_instant(datetime.now(UTC))} | more
        subject = subjects.commands(who.workspace, who.device)
        await self.client.publish(subject, proof.seal_notice(key or self.key, message))

    async def _asked(self, message: Msg) -> None:
        _, _, workspace, device, verb = message.subject.split(".")
        self.asked.append(verb)
        if self.deaf:
            return
        if verb == "receipts":
            await message.respond(proof.seal_notice(self.key, self.receipt(workspace, device)))
        elif verb == "entitlement":
            body = {"workspace": workspace, "device": device} | self.entitlement
            await message.respond(proof.seal_notice(self.key, body))
        elif verb == "picture" and self.picture_answer is not None:
            entry = events.read(events.Picture, (message.headers or {})["Daybook-Capture"])
            self.pictures.append((entry, message.data))
            await message.respond(json.dumps(self.picture_answer).encode())
        await self._notify()

    async def _present(self, message: Msg) -> None:
        self.presences.append(events.read(events.Presence, message.data))
        await self._notify()

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        """Waits until something is true, looking whenever a device was heard."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(true)


@asynccontextmanager
async def uplink_of(
    server: str, who: Identity, spool: Spool, notice_key: SigningKey, **options: Any
) -> AsyncIterator[Uplink]:
    """A running uplink; a defect in it fails the test."""
    uplink = Uplink(
        spool=spool,
        identity=who,
        servers=[server],
        notice_key=bytes(notice_key.verify_key),
        clock=options.pop("clock", None) or HandClock(START),
        pace=options.pop("pace", QUICK),
        random=random.Random(1),
        **options,
    )
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        if not task.done():
            task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


async def eventually(true: Callable[[], Any], seconds: float = 10) -> None:
    """Waits until something is true that no message tells of."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)

"""A client written from the documents alone: httpx, nats-py and PyNaCl, no code of the agent and none of wire.

It stands for whoever writes an agent of their own, and it keeps a ledger of what it closed, so that a test can hold the
diary against it.
"""

import asyncio
import base64
import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import randrange
from typing import Any

import httpx
import nats
import nkeys
from nacl.signing import SigningKey, VerifyKey
from nats.aio.client import Client
from nats.js import JetStreamContext

from services.kit.bus import round_trip

SLOT = timedelta(minutes=10)
Change = Callable[[dict[str, Any], dict[str, Any]], None]


def text_of(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def slot_before(now: datetime, slots: int = 1) -> datetime:
    """The start of the slot that ended ``slots`` slots ago or is running for 0."""
    start = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)
    return start - slots * SLOT


def busy(keys: int = 5, minutes: int = 10, app: int | None = 0) -> list[Any]:
    """Ten minutes of which the first ``minutes`` were worked."""
    return [[keys, 1, 0, 3, "work", app]] * minutes + [None] * (10 - minutes)


@dataclass
class Closed:
    """A record as it went out."""

    seq: int
    hash: str
    slot: str
    segment_id: str
    body: bytes


def _from_somewhere() -> httpx.AsyncHTTPTransport:
    """An address of one's own, where this machine has many: of one, thirty activations a minute are answered."""
    parts = (randrange(1, 255), randrange(256), randrange(1, 255))
    own = "127.{}.{}.{}".format(*parts) if sys.platform == "linux" else None
    return httpx.AsyncHTTPTransport(local_address=own)


@dataclass
class Stranger:
    """One device with its key, chain and connection."""

    web: str
    key: SigningKey = field(default_factory=SigningKey.generate)
    workspace: str = ""
    member: str = ""
    device: str = ""
    licence: str = "unknown"
    notice_key: bytes = b""
    contracts: list[str] = field(default_factory=list)
    seq: int = 0
    prev: str = "0" * 64
    closed: list[Closed] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    bus: list[str] = field(default_factory=list)
    client: Client | None = None

    # signing up -----------------------------------------------------------------------------------------------------

    @property
    def public_key(self) -> str:
        return base64.b64encode(bytes(self.key.verify_key)).decode()

    def offer(self, licence_key: str, **changes: Any) -> dict[str, Any]:
        proof = self.key.sign(b"daybook/activate/v1\0" + self.public_key.encode()).signature
        device = {"name": "stranger", "os": "linux", "kind": "desktop", "public_key": self.public_key}
        return {"licence_key": licence_key, "device": device, "proof": base64.b64encode(proof).decode(), **changes}

    async def activate(self, licence_key: str) -> "Stranger":
        async with httpx.AsyncClient(base_url=self.web, timeout=20, transport=_from_somewhere()) as http:
            answer = await http.post("/api/v1/activations", json=self.offer(licence_key))
        assert answer.is_success, answer.text
        given = answer.json()
        self.workspace, self.member, self.device = given["workspace"], given["member"], given["device"]
        self.bus, self.notice_key = given["bus"], base64.b64decode(given["notice_key"])
        self.learn(self.open(given["entitlement"]))
        return self

    def learn(self, entitlement: dict[str, Any]) -> None:
        self.licence = entitlement["licence"]
        self.contracts = [one["contract"] for one in entitlement["contracts"]]

    def open(self, notice: bytes | str | dict[str, Any]) -> dict[str, Any]:
        """The message of a signed notice; raises where the signature does not hold."""
        envelope = notice if isinstance(notice, dict) else json.loads(notice)
        VerifyKey(self.notice_key).verify(
            b"daybook/notice/v1\0" + envelope["message"].encode(), base64.b64decode(envelope["signature"])
        )
        message: dict[str, Any] = json.loads(envelope["message"])
        return message

    # the bus --------------------------------------------------------------------------------------------------------

    async def connect(self, **options: Any) -> "Stranger":
        seed = nkeys.encode_seed(bytes(self.key), nkeys.PREFIX_BYTE_USER).decode()

        async def on_error(error: Exception) -> None:
            self.errors.append(str(error))

        named: dict[str, Any] = {
            "inbox_prefix": f"_INBOX.{self.device}".encode(),
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.2,
            "error_cb": on_error,
        }
        self.client = await nats.connect(self.bus, nkeys_seed_str=seed, **{**named, **options})
        await self.client.subscribe(f"receipts.{self.workspace}.{self.device}", cb=self._receipt)
        await round_trip(self.client)
        return self

    async def _receipt(self, message: Any) -> None:
        receipt = self.open(message.data)
        assert (receipt["workspace"], receipt["device"]) == (self.workspace, self.device)
        self.receipts.append(receipt)

    async def close(self) -> None:
        if self.client:
            await self.client.close()

    @property
    def js(self) -> JetStreamContext:
        assert self.client
        return self.client.jetstream()

    @property
    def subject(self) -> str:
        return f"segments.closed.{self.workspace}.{self.device}"

    async def publish(self, body: bytes) -> Any:
        return await self.js.publish(self.subject, body, timeout=5)

    async def ask(self, verb: str, body: bytes = b"{}", **named: Any) -> Any:
        assert self.client
        subject = f"rpc.device.{self.workspace}.{self.device}.{verb}"
        return await self.client.request(subject, body, timeout=5, **named)

    async def receipt(self) -> dict[str, Any]:
        return self.open((await self.ask("receipts")).data)

    async def settled(self, seq: int | None = None, seconds: float = 30, *, resend: bool = False) -> dict[str, Any]:
        """Waits until a receipt covers ``seq`` (all that was closed), sending again what is not safe if asked to."""
        wanted, deadline, receipt = seq or self.seq, time.monotonic() + seconds, {}
        while time.monotonic() < deadline:
            try:
                receipt = await self.receipt()
                if receipt["through"] >= wanted:
                    return receipt
                if resend:
                    for one in self.closed:
                        if one.seq > receipt["through"]:
                            await self.publish(one.body)
            except Exception as error:  # the bus or a service may be away just now: that is what is being tested
                self.errors.append(repr(error))
            await asyncio.sleep(0.2)
        raise AssertionError(f"no receipt through {wanted}: {receipt}, {self.errors[-3:]}")

    # records --------------------------------------------------------------------------------------------------------

    def record(
        self,
        slot: datetime,
        minutes: list[Any] | None = None,
        *,
        contract: str | None = None,
        captures: list[dict[str, Any]] | None = None,
        memo: str | None = "a memo",
        label: str | None = None,
        session: str = "session-1",
        closed_at: datetime | None = None,
        change: Change | None = None,
        keep: bool = True,
    ) -> bytes:
        """Closes the next record; ``change`` may spoil record and detail before they are signed."""
        contract = contract or self.contracts[0]
        apps = [["Editor", "main.py", None, 540]]
        detail = {"salt": os.urandom(16).hex(), "memo": memo, "label": label, "apps": apps, "captures": captures or []}
        detail_text = json.dumps(detail)
        record: dict[str, Any] = {
            "segment_id": f"{contract}:{self.device}:{text_of(slot)}",
            "workspace": self.workspace,
            "member": self.member,
            "device": self.device,
            "licence": self.licence,
            "policy": 1,
            "contract": contract,
            "session": session,
            "session_started": text_of(slot - timedelta(minutes=3)),
            "slot": text_of(slot),
            "zone": "UTC",
            "minutes": busy() if minutes is None else minutes,
            "seq": self.seq + 1,
            "prev": self.prev,
            "detail": hashlib.sha256(detail_text.encode()).hexdigest(),
            "boot": "boot-1",
            "uptime_ms": [0, 600_000],
            "closed_at": text_of(closed_at or slot + SLOT),
            "agent": "stranger-1",
        }
        if change:
            change(record, detail)
            detail_text = json.dumps(detail)
            if record["detail"] is not None and "keep_detail" not in record:
                record["detail"] = hashlib.sha256(detail_text.encode()).hexdigest()
        record.pop("keep_detail", None)
        return self.seal(json.dumps(record), detail_text, record["slot"], record["segment_id"], keep=keep)

    def seal(self, record: str, detail: str, slot: str = "", segment_id: str = "", *, keep: bool = True) -> bytes:
        """Signs a record's text as it is; with ``keep`` it takes its place in the chain."""
        signature = base64.b64encode(self.key.sign(b"daybook/segment/v1\0" + record.encode()).signature).decode()
        body = json.dumps({"v": 1, "record": record, "detail": detail, "signature": signature}).encode()
        if keep:
            self.seq += 1
            self.prev = hashlib.sha256(record.encode()).hexdigest()
            self.closed.append(Closed(self.seq, self.prev, slot, segment_id, body))
        return body

    def capture(self, picture: bytes, at: datetime, width: int, height: int) -> dict[str, Any]:
        return {
            "capture_id": f"cap-{uuid.uuid4().hex[:20]}",
            "kind": "screen",
            "at": text_of(at),
            "sha256": hashlib.sha256(picture).hexdigest(),
            "bytes": len(picture),
            "width": width,
            "height": height,
            "monitor": 0,
            "blurred": False,
            "app": 0,
        }

    async def send_picture(self, capture: dict[str, Any], picture: bytes, thumbnail: bytes) -> dict[str, Any]:
        header = json.dumps({**capture, "thumbnail_bytes": len(thumbnail)})
        answer = await self.ask("picture", picture + thumbnail, headers={"Daybook-Capture": header})
        given: dict[str, Any] = json.loads(answer.data)
        return given


def today() -> datetime:
    return datetime.now(UTC)

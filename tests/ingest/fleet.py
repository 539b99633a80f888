"""Devices that seal records as an agent does, and licensing's answer about them."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from nacl.signing import SigningKey
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.kit.bus import round_trip
from services.wire import proof, subjects
from services.wire.slots import SLOT, format_instant, slot_of
from tests.support.servers import new_id


@dataclass(frozen=True)
class Sealed:
    """One body of ``segments.closed``."""

    seq: int
    hash: str
    slot: datetime
    body: bytes


@dataclass
class Device:
    """A device with its key and chain; ``first_slot`` is the slot of seq 1, and every record takes the next."""

    workspace: str
    device: str = field(default_factory=lambda: new_id("dev"))
    member: str = field(default_factory=lambda: new_id("mem"))
    licence: str = field(default_factory=lambda: new_id("lic"))
    contract: str = field(default_factory=lambda: new_id("con"))
    key: SigningKey = field(default_factory=lambda: SigningKey(os.urandom(32)))
    first_slot: datetime = field(default_factory=lambda: slot_of(datetime.now(UTC)) - timedelta(days=2))
    seq: int = 0
    prev: str = proof.GENESIS
    sealed: list[Sealed] = field(default_factory=list)

    @property
    def subject(self) -> str:
        return subjects.segments_closed(self.workspace, self.device)

    def detail(self, **changes: Any) -> dict[str, Any]:
        """A detail as an agent writes it."""
        return {
            "salt": secrets.token_hex(16),
            "memo": "importing invoices",
            "label": "development",
            "apps": [["code", "main.py", None, 320], ["firefox", "Pull request", "github.com", 180]],
            "captures": [],
        } | changes

    def record(self, detail: str, **changes: Any) -> dict[str, Any]:
        """The next record of the chain, not yet sealed."""
        slot = self.first_slot + self.seq * SLOT
        return {
            "segment_id": f"{self.contract}:{self.device}:{format_instant(slot)}",
            "workspace": self.workspace,
            "member": self.member,
            "device": self.device,
            "licence": self.licence,
            "policy": 1,
            "contract": self.contract,
            "session": "session-1",
            "session_started": format_instant(self.first_slot),
            "slot": format_instant(slot),
            "zone": "Europe/Berlin",
            "minutes": [[12, 3, 1, 40, "work", 0]] * 9 + [None],
            "seq": self.seq + 1,
            "prev": self.prev,
            "detail": proof.digest(detail),
            "boot": "boot-1",
            "uptime_ms": [1000, 601000],
            "closed_at": format_instant(slot + SLOT),
            "agent": "1.0.0",
        } | changes

    def close(
        self,
        *,
        detail: dict[str, Any] | None = None,
        record_text: Callable[[str], str] = lambda text: text,
        **changes: Any,
    ) -> Sealed:
        """Seals the next record; ``record_text`` may spoil its text before it is signed."""
        detail_text = compact(self.detail(**(detail or {})))
        record = self.record(detail_text, **changes)
        text = record_text(compact(record))
        one = Sealed(
            self.seq + 1,
            proof.digest(text),
            self.first_slot + self.seq * SLOT,
            proof.seal_record(self.key, text, detail_text),
        )
        self.seq, self.prev = self.seq + 1, one.hash
        self.sealed.append(one)
        return one

    def close_many(self, count: int) -> list[Sealed]:
        return [self.close() for _ in range(count)]

    def grant(self, **changes: Any) -> dict[str, Any]:
        """What licensing says of it."""
        return {
            "revision": 1,
            "workspace": self.workspace,
            "member": self.member,
            "device": self.device,
            "device_kind": "desktop",
            "public_key": proof.user_nkey(bytes(self.key.verify_key)),
            "licence": self.licence,
            "mode": "worklog",
            "state": "active",
            "not_before": format_instant(datetime.now(UTC) - timedelta(days=400)),
            "expires": None,
            "revoked_at": None,
            "drain_until": None,
            "policy": {"version": 1},
            "contracts": [
                {
                    "contract": self.contract,
                    "title": "Invoices",
                    "labels": ["development", "review"],
                    "memo_required": False,
                    "manual_time": True,
                }
            ],
        } | changes


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Licensing:
    """Answers ``rpc.licensing.grant`` with the user and the subjects of the real one, which these tests do not run."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.grants: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.doubts: list[dict[str, str]] = []
        self._subscription: Any = None

    def know(self, *devices: Device, **changes: Any) -> None:
        for one in devices:
            self.grants[one.workspace, one.device] = one.grant(**changes)

    async def come(self) -> None:
        self._subscription = await self.client.subscribe("rpc.licensing.grant", cb=self._answer)
        await self.client.subscribe("rpc.licensing.doubt", cb=self._doubted)
        await round_trip(self.client)

    async def _doubted(self, message: Msg) -> None:
        self.doubts.append(orjson.loads(message.data))

    async def go_away(self) -> None:
        await self._subscription.unsubscribe()
        await round_trip(self.client)

    async def _answer(self, message: Msg) -> None:
        asked = orjson.loads(message.data)
        device = asked["workspace"], asked["device"]
        self.asked.append(device)
        if device in self.grants:
            await self.client.publish(message.reply, orjson.dumps(self.grants[device]))
        else:
            problem = {"type": "urn:daybook:problem:not-found", "title": "There is no such device.", "status": 404}
            await self.client.publish(message.reply, orjson.dumps(problem), headers={"Daybook-Status": "404"})

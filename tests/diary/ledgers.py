"""A ledger of truly signed records, and licensing's keys, answering as those services would (B-01)."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from nacl.signing import SigningKey

from services.wire import proof
from services.wire.events import SegmentRecorded, check
from services.wire.slots import SLOT, format_instant, parse_slot
from tests.diary.facts import minutes
from tests.diary.running import Diary

_PAGE = 20


class Ledger:
    """Devices that sign records, and what ingest and licensing say of them."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self.kinds: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []
        self._keys: dict[str, SigningKey] = {}
        self._last: dict[str, tuple[int, str]] = {}

    def key(self, device: str) -> SigningKey:
        if device not in self._keys:
            self._keys[device] = SigningKey(proof.digest(f"{self.workspace}|{device}").encode()[:32])
        return self._keys[device]

    def close(
        self,
        member: str,
        slot: str,
        worked: Sequence[Any] | None = None,
        *,
        contract: str = "con",
        device: str = "dev",
        memo: str | None = "memo",
        kind: str = "desktop",
        session_started: str = "2026-11-16T08:00:00Z",
        captures: Sequence[dict[str, Any]] = (),
    ) -> SegmentRecorded:
        """A record closed, signed, admitted: what ingest says of it."""
        before, prev = self._last.get(device, (0, proof.GENESIS))
        seq = before + 1
        detail = json.dumps(
            {"salt": f"{seq:032x}", "memo": memo, "label": None, "apps": [["Editor", "Plan", None, 600]]}
            | {"captures": list(captures)}
        )
        who = {"workspace": self.workspace, "member": member, "device": device, "licence": "lic", "policy": 1}
        when = {"session": "ses", "session_started": session_started, "slot": slot, "zone": "UTC"}
        place = {"seq": seq, "prev": prev, "detail": proof.digest(detail)}
        end = {"uptime_ms": [0, 1], "closed_at": format_instant(parse_slot(slot) + SLOT), "agent": "1", "boot": "b"}
        what = {"contract": contract, "minutes": list(minutes() if worked is None else worked)}
        record = json.dumps({"segment_id": f"{contract}:{device}:{slot}"} | who | when | what | place | end)
        self._last[device], self.kinds[device] = (seq, proof.digest(record)), kind
        signature = proof.sign(self.key(device), proof.SEGMENT_DOMAIN, record.encode())
        row = {"device": device, "record": record, "detail": detail, "signature": signature, "seq": seq, "slot": slot}
        self.rows.append(row)
        fact = {name: value for name, value in who.items() if name in ("workspace", "member", "device")}
        fact |= {"device_kind": kind, "contract": contract, "segment_id": f"{contract}:{device}:{slot}", "slot": slot}
        fact |= {"seq": seq, "record_hash": proof.digest(record), "received_at": slot}
        fact |= {"record": json.loads(record), "detail": json.loads(detail)}
        return check(SegmentRecorded, fact)

    async def answer(self, diary: Diary) -> None:
        """Answers for ingest's records, twenty a page, and licensing's keys."""
        await diary.answer("ingest", "records", self._records)
        await diary.answer("licensing", "keys", self._told_keys)

    def _records(self, asked: dict[str, Any]) -> dict[str, Any]:
        rows = [
            (_place(row), {name: value for name, value in row.items() if name != "slot"})
            for row in self.rows
            if row["device"] in asked["devices"] and asked["from"] <= row["slot"] < asked["to"]
        ]
        rows.sort(key=lambda one: one[0])
        left = [row for row in rows if row[0] > (asked["after"] or "")]
        return {"records": [row for _, row in left[:_PAGE]], "next": left[_PAGE - 1][0] if len(left) > _PAGE else None}

    def _told_keys(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "devices": [
                {"device": device, "public_key": base64.b64encode(bytes(self.key(device).verify_key)).decode()}
                | {"kind": kind}
                for device, kind in self.kinds.items()
                if device in asked["devices"]
            ]
        }


def _place(row: dict[str, Any]) -> str:
    return f"{row['device']}|{row['seq']:016d}"

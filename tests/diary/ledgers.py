"""A ledger of truly signed records, and licensing's keys, answering as those services would (B-01)."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nacl.signing import SigningKey

from services.ingest import ledger
from services.ingest.admission import Decision, Terms
from services.ingest.reading import Arrival, Proved, read
from services.wire import proof
from services.wire.events import SegmentRecorded, check
from services.wire.slots import SLOT, format_instant, parse_slot
from tests.diary.facts import minutes
from tests.diary.running import Diary

_NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Ledger:
    """Devices that sign records, and what ingest and licensing say of them."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self.kinds: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []
        self._last: dict[str, str] = {}

    def key(self, device: str) -> SigningKey:
        return SigningKey(proof.digest(f"{self.workspace}|{device}").encode()[:32])

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
    ) -> SegmentRecorded:
        """A record closed, signed, admitted: what ingest says of it."""
        seq = sum(row["device"] == device for row in self.rows) + 1
        detail = json.dumps(
            {"salt": f"{seq:032x}", "memo": memo, "label": None, "apps": [["Editor", "Plan", None, 600]]}
            | {"captures": []}
        )
        who = {"workspace": self.workspace, "member": member, "device": device, "licence": "lic", "policy": 1}
        when = {"session": "ses", "session_started": session_started, "slot": slot, "zone": "UTC"}
        place = {"seq": seq, "prev": self._last.get(device, proof.GENESIS), "detail": proof.digest(detail)}
        end = {"uptime_ms": [0, 1], "closed_at": format_instant(parse_slot(slot) + SLOT), "agent": "1", "boot": "b"}
        what = {"contract": contract, "minutes": list(minutes() if worked is None else worked)}
        record = json.dumps({"segment_id": f"{contract}:{device}:{slot}"} | who | when | what | place | end)
        self._last[device] = proof.digest(record)
        self.kinds[device] = kind
        public = bytes(self.key(device).verify_key)
        arrival = Arrival(self.workspace, device, proof.seal_record(self.key(device), record, detail))
        proved = read(arrival, public)
        assert isinstance(proved, Proved), proved
        terms = Terms(public, member, kind, "lic", "active", None, None, None, {})  # type: ignore[arg-type]
        row = ledger.row_of(arrival, proved, terms, Decision("recorded"), _NOW)
        self.rows.append(row)
        _, body = ledger.stored_fact(row)
        return check(SegmentRecorded, json.loads(body))

    async def answer(self, diary: Diary) -> None:
        """Answers for ingest's records, two a page, and licensing's keys."""
        await diary.answer("ingest", "records", self._records)
        await diary.answer("licensing", "keys", self._keys)

    def _records(self, asked: dict[str, Any]) -> dict[str, Any]:
        rows = [
            row
            for row in sorted(self.rows, key=lambda one: one["_id"])
            if row["device"] in asked["devices"]
            and asked["from"] <= format_instant(row["slot"]) < asked["to"]
            and row["_id"] > (asked["after"] or "")
        ]
        names = ("device", "record", "detail", "signature")
        items = [{**{name: row[name] for name in names}, "seq": ledger.seq_of(row["_id"])} for row in rows[:20]]
        return {"records": items, "next": rows[19]["_id"] if len(rows) > 20 else None}

    def _keys(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "devices": [
                {"device": device, "public_key": base64.b64encode(bytes(self.key(device).verify_key)).decode()}
                | {"kind": kind}
                for device, kind in self.kinds.items()
                if device in asked["devices"]
            ]
        }

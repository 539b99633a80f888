"""Statements of a small week, made as the diary makes them: two devices, parts, a limit, edits, manual time."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from nacl.signing import SigningKey

from services.wire import proof, seals
from services.wire.edits import Edit, Signed, read_edit, write_edit
from services.wire.reckoning import Around, reckon
from services.wire.seals import About, Device, Seal, Terms
from services.wire.slots import SLOT, format_instant, parse_slot
from services.wire.statements import Bundle

SEAL_KEY, DEVICE_KEY, TABLET_KEY = (SigningKey(letter * 32) for letter in (b"s", b"d", b"t"))
WEEK = "2026-11-16"
TERMS = Terms("segment", 30, False, "EUR", 6100)
DEVICES = {
    name: Device(base64.b64encode(bytes(key.verify_key)).decode(), kind)  # type: ignore[arg-type]
    for name, key, kind in (("dev", DEVICE_KEY, "desktop"), ("tab", TABLET_KEY, "mobile"))
}
WORK, IDLE = [5, 0, 0, 3, "work", 0], [0, 0, 0, 0, "idle", None]


def slot_at(number: int, day: int = 17) -> str:
    return format_instant(parse_slot(f"2026-11-{day}T09:00:00Z") + number * SLOT)


class Chain:
    """One device closing records."""

    def __init__(self, device: str = "dev", key: SigningKey = DEVICE_KEY) -> None:
        self.device, self.key, self.seq, self.last = device, key, 0, proof.GENESIS

    def close(self, slot: str, minutes: Sequence[Any] | None = None, contract: str = "con", **more: Any) -> Signed:
        self.seq += 1
        apps = [["Editor", "Plan", None, 600]]
        detail = json.dumps(
            {"salt": f"{self.seq:032x}", "memo": "Späti", "label": None, "apps": apps, "captures": []},
            ensure_ascii=False,
        )
        body = {
            "segment_id": f"{contract}:{self.device}:{slot}",
            "workspace": "ws",
            "member": "mira",
            "device": self.device,
            "contract": contract,
            "slot": slot,
            "minutes": list([WORK] * 10 if minutes is None else minutes),
            "seq": self.seq,
            "prev": self.last,
            "detail": proof.digest(detail),
            "session": "s",
            "session_started": "2026-11-17T09:00:00Z",
        } | more
        text = json.dumps(body, separators=(",", ":"))
        self.last = proof.digest(text)
        return Signed(text, detail, proof.sign(self.key, proof.SEGMENT_DOMAIN, text.encode()))


def edit(kind: str, at: int, about: dict[str, Any], personal: dict[str, Any] | None = None, **more: Any) -> Signed:
    who: dict[str, Any] = {"workspace": "ws", "member": "mira", "contract": "con", "week": WEEK, "actor": "mira"}
    who |= {"id": f"e{at}", "change": f"c{at}", "at": f"2026-11-18T09:00:{at:02}Z", "role": "employee"} | more
    return write_edit(SEAL_KEY, Edit(kind=kind, about=about, personal=personal, **who))


def bundle(
    records: Sequence[Signed],
    edits: Sequence[Signed] = (),
    *,
    terms: Terms = TERMS,
    around: Around | None = None,
    key: SigningKey = SEAL_KEY,
    **more: Any,
) -> Bundle:
    """A sealed statement of these; ``more`` are fields of the seal that are to be others."""
    bodies = [json.loads(one.text) for one in records]
    read = [read_edit(bytes(SEAL_KEY.verify_key), one) for one in edits]
    around = around or Around()
    kinds = {name: device.kind for name, device in DEVICES.items()}
    about = seals.write_about(About("Harbour", "Mira", "Cleo", "Portal"))
    named: dict[str, Any] = {"workspace": "ws", "contract": "con", "member": "mira", "week": WEEK, "zone": "UTC"}
    named |= {"locks_at": "2026-11-23T12:00:00Z", "sealed_at": "2026-11-23T12:01:00Z", "version": 7, "rules": 1}
    named |= {"terms": terms, "devices": {name: DEVICES[name] for name in {one["device"] for one in bodies}}}
    named |= {"elsewhere": dict(around.elsewhere), "billed_before": sorted(around.billed.items())}
    named |= {"records": len(records), "edits": len(edits), "about": proof.digest(about)}
    named["root"] = seals.root_of(*([proof.digest(one.text) for one in group] for group in (records, edits)))
    named |= {"totals": reckon(bodies, read, terms, kinds, around).totals, "number": 1, "previous": proof.GENESIS}
    text, signature = seals.write_seal(key, Seal(**named | more))
    public = base64.b64encode(bytes(key.verify_key)).decode()
    return Bundle(text, signature, public, about, list(records), list(edits))


def small() -> Bundle:
    """Five segments of two devices, over the limit, with a note, a removal and manual time."""
    desk, tablet = Chain(), Chain("tab", TABLET_KEY)
    records = [
        desk.close(slot_at(0), [WORK] * 4 + [None] * 6),
        desk.close(slot_at(0), [None] * 4 + [IDLE] * 6),
        desk.close(slot_at(1)),
        desk.close(slot_at(2)),
    ]
    desk.close(slot_at(3), contract="other")
    records += [desk.close(slot_at(4)), tablet.close(slot_at(1))]
    manual = {"entry": "man", "manual_kind": "work", "start": "2026-11-17T08:05:00Z", "end": "2026-11-17T08:15:00Z"}
    edits = [
        edit("note", 1, {"segments": [f"con:dev:{slot_at(0)}"]}, {"memo": "Übergabe"}),
        edit("removal", 2, {"removed": [[f"con:dev:{slot_at(2)}", list(range(10)), 4]], "captures": []}, {}),
        edit("manual", 3, manual, {"reason": "Call"}),
    ]
    return bundle(records, edits)

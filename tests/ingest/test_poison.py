"""Whatever a device sends, it gets its reason, and its neighbours in the same batch go their way (fine-print.md).

The bad body always stands between two good records of the same device, and beside another device's.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.wire.slots import format_instant, slot_of
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually

Spoil = Callable[[Device], bytes]


def resigned(device: Device, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The envelope of a good record, changed."""
    envelope = orjson.loads(device.close().body)
    change(envelope)
    return orjson.dumps(envelope)


def signed_by_another(device: Device) -> bytes:
    stranger = Device(device.workspace, device=device.device, seq=device.seq, prev=device.prev)
    stranger.member, stranger.licence, stranger.contract = device.member, device.licence, device.contract
    device.close()
    return stranger.close().body


def future(device: Device) -> bytes:
    slot = slot_of(datetime.now(UTC) + timedelta(hours=3))
    return device.close(slot=format_instant(slot), segment_id=segment_id(device, slot)).body


def years_old(device: Device) -> bytes:
    slot = slot_of(datetime.now(UTC) - timedelta(days=900))
    return device.close(slot=format_instant(slot), segment_id=segment_id(device, slot)).body


def segment_id(device: Device, slot: datetime) -> str:
    return f"{device.contract}:{device.device}:{format_instant(slot)}"


def other_contract(device: Device) -> bytes:
    slot = device.first_slot + device.seq * timedelta(minutes=10)
    return device.close(contract="no-such", segment_id=f"no-such:{device.device}:{format_instant(slot)}").body


def too_large(device: Device) -> bytes:
    return device.close(detail={"apps": [["x" * 1000, None, None, 1]] * 100}).body


def closed_ahead(device: Device) -> bytes:
    return device.close(closed_at=format_instant(datetime.now(UTC) + timedelta(hours=1))).body


def spelled(old: str, new: str) -> Spoil:
    """A record that the device signs with another spelling."""
    return lambda device: device.close(record_text=lambda text: text.replace(old, new)).body


def longer(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda envelope: envelope.update({name: envelope[name] + " "})


#: name → what makes the bad body, its reason, and whether its seq is proved
BAD: dict[str, tuple[Spoil, str, bool]] = {
    "wrong signature": (signed_by_another, "bad_signature", False),
    "signature of other text": (lambda one: resigned(one, longer("record")), "bad_signature", False),
    "signature is no base64": (lambda one: resigned(one, lambda e: e.update(signature="é")), "bad_signature", False),
    "no JSON": (lambda one: one.close().body[:-5], "invalid", False),
    "not an object": (lambda one: (one.close(), b"[1]")[1], "invalid", False),
    "empty": (lambda one: (one.close(), b"")[1], "invalid", False),
    "a PubAck": (lambda one: (one.close(), b'{"stream":"SEGMENTS","seq":7}')[1], "invalid", False),
    "deeply nested": (lambda one: (one.close(), b"[" * 30_000)[1], "invalid", False),
    "extra key in the envelope": (lambda one: resigned(one, lambda e: e.update(more=1)), "invalid", False),
    "doubled key in the envelope": (lambda one: one.close().body.replace(b'{"v":1', b'{"v":1,"v":1'), "invalid", False),
    "a float for the version": (lambda one: one.close().body.replace(b'{"v":1', b'{"v":1.0'), "invalid", False),
    "another version": (lambda one: resigned(one, lambda e: e.update(v=2)), "invalid", False),
    "another detail": (lambda one: resigned(one, longer("detail")), "invalid", True),
    "a lone surrogate": (spelled("1.0.0", "\\ud800"), "invalid", True),
    "a float": (lambda one: one.close(policy=1.0).body, "invalid", True),
    "a float in a minute": (lambda one: one.close(minutes=[[1.5, 0, 0, 0, "work", 0]] * 10).body, "invalid", True),
    "an exponent": (spelled('"policy":1', '"policy":1e0'), "invalid", True),
    "NaN": (spelled('"policy":1', '"policy":NaN'), "invalid", True),
    "a huge integer": (lambda one: one.close(policy=2**80).body, "invalid", True),
    "text for a number": (lambda one: one.close(policy="1").body, "invalid", True),
    "an extra key": (lambda one: one.close(more="x").body, "invalid", True),
    "a doubled key": (spelled('"policy":1', '"policy":1,"policy":1'), "invalid", True),
    "a doubled seq": (spelled('"seq"', '"seq":9,"seq"'), "invalid", False),
    "nine minutes": (lambda one: one.close(minutes=[None] * 9).body, "invalid", True),
    "no such state": (lambda one: one.close(minutes=[[0, 0, 0, 0, "asleep", None]] * 10).body, "invalid", True),
    "a slot off the grid": (lambda one: one.close(slot="2026-11-21T10:11:00Z").body, "invalid", True),
    "another segment_id": (lambda one: one.close(segment_id="a:b:c").body, "invalid", True),
    "an extra key in the detail": (lambda one: one.close(detail={"more": 1}).body, "invalid", True),
    "a negative count": (lambda one: one.close(minutes=[[-1, 0, 0, 0, "work", None]] * 10).body, "invalid", True),
    "another device": (lambda one: one.close(device="other").body, "invalid", True),
    "another workspace": (lambda one: one.close(workspace="other").body, "invalid", True),
    "another member": (lambda one: one.close(member="other").body, "invalid", True),
    "another licence": (lambda one: one.close(licence="other").body, "outside_licence", True),
    "unknown contract": (other_contract, "unknown_contract", True),
    "future slot": (future, "clock_ahead", True),
    "closed in the future": (closed_ahead, "clock_ahead", True),
    "years old": (years_old, "too_old", True),
    "over the limit": (too_large, "invalid", True),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_body_gets_its_reason_and_its_neighbours_pass(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str, name: str
) -> None:
    """B-02, S-11: quarantined verbatim with its reason; a seq that is proved is safe, one that is not stays open."""
    spoil, reason, proved = BAD[name]
    device, neighbour = Device(workspace_id), Device(workspace_id)
    licensing.know(device, neighbour)
    before, bad, after = device.close().body, spoil(device), device.close().body
    assert device.seq == 3
    await observer.send(neighbour, [neighbour.close()])
    await observer.send(device, [before, bad, after])
    await observer.send(neighbour, [neighbour.close()])

    (held,) = await eventually(lambda: observer.quarantine(device))
    assert held["reason"] == reason
    assert held["body"] == bad
    assert held["seq"] == (2 if proved else None)
    assert held["_id"].startswith(f"{workspace_id}|{device.device}|")
    receipt = await eventually(lambda: told(observer, device, 2 + proved))
    assert (receipt["through"], receipt["above"]) == ((3, []) if proved else (1, [[3, 3]]))
    assert receipt["quarantined"] == ([[2, reason]] if proved else [])
    assert [row["hash"] for row in observer.ledger(device)] == [device.sealed[0].hash, device.sealed[2].hash]
    await eventually(lambda: len(observer.ledger(neighbour)) == 2)
    await eventually(observer.drained)
    await observer.send(device, [bad])  # again: still one entry
    await eventually(observer.drained)
    assert [one["_id"] for one in observer.quarantine(device)] == [held["_id"]]


async def told(observer: Observer, device: Device, safe: int) -> dict[str, Any] | None:
    """The receipt, once so many are safe."""
    receipt = await observer.receipt(device)
    total = receipt["through"] + sum(last - first + 1 for first, last in receipt["above"])
    return receipt if total >= safe else None


async def test_other_bytes_under_the_same_seq_are_a_conflict_and_overwrite_nothing(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """The ledger's key is unique for ever; in one batch as over batches the first takes it."""
    device = Device(workspace_id)
    licensing.know(device)
    clone = Device(
        **{name: getattr(device, name) for name in ("workspace", "device", "member", "licence", "contract", "key")}
    )
    first, second = device.close(), clone.close()
    await observer.send(device, [first, second])
    await eventually(lambda: observer.quarantine(device))
    await observer.send(device, [second, device.close(), first])
    await eventually(observer.drained)
    assert [row["hash"] for row in observer.ledger(device)] == [one.hash for one in device.sealed]
    (held,) = observer.quarantine(device)
    assert (held["seq"], held["reason"], held["body"]) == (1, "conflict", second.body)
    receipt = await observer.receipt(device)
    assert (receipt["through"], receipt["quarantined"]) == (2, [[1, "conflict"]])
    (synced,) = (await observer.ask("sync", {"workspace": workspace_id, "devices": [device.device]}))["devices"]
    assert 1 in synced["broken"]
    doubt = {"workspace": workspace_id, "device": device.device, "because": "conflict"}
    await eventually(lambda: doubt in licensing.doubts)  # L-06: licensing says so on the device's row


async def test_revoked_counts_from_closing(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """L-04, L-05: what was signed before the revocation is admitted and marked, what after is quarantined."""
    device = Device(workspace_id)
    before, after = device.close(), device.close()
    licensing.know(device, state="revoked", revoked_at=format_instant(device.first_slot + timedelta(minutes=15)))
    await observer.send(device, [before, after])
    await eventually(lambda: observer.reasons(device) == {2: "revoked"})
    (row,) = await eventually(lambda: observer.ledger(device))
    assert (row["hash"], row["arrived_after_revocation"]) == (before.hash, True)
    await eventually(observer.drained)
    (fact,) = await observer.journalled(workspace_id)
    assert orjson.loads(fact.data)["arrived_after_revocation"] is True


async def test_an_unlisted_label_is_kept_and_flagged(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    await observer.send(device, [device.close(detail={"label": "gardening"}), device.close()])
    await eventually(lambda: len(observer.ledger(device)) == 2)
    await eventually(observer.drained)
    facts = [orjson.loads(one.data) for one in await observer.journalled(workspace_id)]
    assert [(fact["detail"]["label"], fact["label_unlisted"]) for fact in facts] == [
        ("gardening", True),
        ("development", False),
    ]


async def test_a_record_replayed_in_another_devices_subject_proves_nothing(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """L-06: identity comes from the subject; a body stolen from somebody else's is nobody's."""
    victim, thief = Device(workspace_id), Device(workspace_id)
    licensing.know(victim, thief)
    await observer.send(thief, [victim.close()])
    await eventually(lambda: observer.reasons(thief) == {None: "bad_signature"})
    assert not observer.ledger(victim)
    assert (await observer.receipt(victim))["through"] == 0


async def test_nothing_personal_is_logged(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """Memo, title and site stand in no log line and no metric, also when the record is refused."""
    device = Device(workspace_id)
    licensing.know(device)
    canary = {"memo": "canary-memo", "apps": [["app", "canary-title", "canary.site", 1]], "label": "canary-label"}
    bad = device.close(detail=canary | {"canary-key": "x"})
    await observer.send(device, [device.close(detail=canary), bad])
    await eventually(lambda: observer.reasons(device) and observer.ledger(device))
    assert "canary" not in ingest.log()
    assert "canary" not in ingest.get("/metrics")[1]

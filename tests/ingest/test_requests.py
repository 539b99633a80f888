"""What other services ask of ingest, and what a device asks."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.wire import events, proof, subjects
from services.wire.slots import format_instant
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually
from tests.support.stack import until


async def recorded(observer: Observer, licensing: Licensing, device: Device, count: int) -> None:
    licensing.know(device)
    await observer.send(device, device.close_many(count))
    await eventually(lambda: len(observer.ledger(device)) == count)
    await eventually(observer.drained)


def span(device: Device, first: int, last: int) -> dict[str, str]:
    """From the slot of one seq to that of another, the latter left out."""
    slots = (device.first_slot + (seq - 1) * timedelta(minutes=10) for seq in (first, last))
    return dict(zip(("from", "to"), map(format_instant, slots), strict=True))


def principal(workspace: str, role: str) -> dict[str, Any]:
    return {
        "session": "s",
        "workspace": workspace,
        "member": "m",
        "role": role,
        "name": "n",
        "person": "p",
        "issued": 0,
        "expires": 2**40,
    }


async def test_records_are_given_verbatim(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """B-01: what a statement carries can be checked with the device's public key alone."""
    device, other = Device(workspace_id), Device(workspace_id)
    await recorded(observer, licensing, device, 5)
    await recorded(observer, licensing, other, 2)
    wanted = {"workspace": workspace_id, "devices": [device.device], **span(device, 2, 5)}
    answer = await observer.ask("records", wanted)
    assert [one["seq"] for one in answer["records"]] == [2, 3, 4]
    for one, sealed in zip(answer["records"], device.sealed[1:4], strict=True):
        proof.check(bytes(device.key.verify_key), proof.SEGMENT_DOMAIN, one["record"].encode(), one["signature"])
        assert (one["device"], proof.digest(one["record"])) == (device.device, sealed.hash)
        assert proof.digest(one["detail"]) == orjson.loads(one["record"])["detail"]
    assert answer["next"] is None
    elsewhere = await observer.ask("records", wanted | {"workspace": "another"})
    assert elsewhere["records"] == []


async def test_more_records_than_an_answer_holds_come_in_pages(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """Without asking for pages it is refused: a statement must never be cut short unseen."""
    device = Device(workspace_id)
    licensing.know(device)
    heavy = {"apps": [["x" * 1000, None, None, 1]] * 40}
    await observer.send(device, [device.close(detail=heavy) for _ in range(40)])
    await eventually(lambda: len(observer.ledger(device)) == 40)
    wanted = {"workspace": workspace_id, "devices": [device.device], **span(device, 1, 41)}
    refused = await observer.ask("records", wanted)
    assert (refused["status"], refused["type"]) == (413, "urn:daybook:problem:too-large")
    seqs, after = [], ""
    while after is not None:
        page = await observer.ask("records", wanted | {"after": after})
        seqs += [one["seq"] for one in page["records"]]
        after = page["next"]
    assert seqs == list(range(1, 41))


async def test_sync_says_what_is_missing_and_what_is_quarantined(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """B-02: gaps are ranges; a quarantined record has arrived, its link can be examined, and it is no gap."""
    device, silent = Device(workspace_id), Device(workspace_id)
    licensing.know(device)
    first, held, _, _, last = device.close(), device.close(member="other"), *device.close_many(3)
    await observer.send(device, [last, held, first])
    await eventually(lambda: len(observer.ledger(device)) == 2 and observer.quarantine(device))
    asked = {"workspace": workspace_id, "devices": [device.device, silent.device]}
    synced, nothing = (await observer.ask("sync", asked))["devices"]
    assert synced | {"last_received_at": None} == {
        "device": device.device,
        "records": 2,
        "through": 5,
        "missing": [[3, 4]],
        "broken": [],
        "quarantined": [[2, "invalid"]],
        "last_received_at": None,
    }
    assert synced["last_received_at"].endswith("Z")
    assert (nothing["records"], nothing["last_received_at"]) == (0, None)
    await observer.send(device, device.sealed[2:4])
    await eventually(lambda: len(observer.ledger(device)) == 4)

    async def whole() -> bool:
        (now,) = (await observer.ask("sync", asked | {"devices": [device.device]}))["devices"]
        return (now["missing"], now["broken"]) == ([], [])

    await until(whole)


async def test_an_admin_releases_what_can_be_admitted_now(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """Tried again as if just arrived: what holds now goes its whole way, what still fails stays; once each."""
    device = Device(workspace_id)
    licensing.know(device, contracts=[])
    await observer.send(device, [device.close(), device.close(more=1)])
    await eventually(lambda: observer.reasons(device) == {1: "unknown_contract", 2: "invalid"})

    async def held() -> Any:
        """As the service reads it, which is what a majority has: a moment later than the test does."""
        return (await observer.ask("quarantine", {"workspace": workspace_id, "device": device.device}))["items"]

    items = await eventually(held)
    ids = [one["id"] for one in items]
    assert {one["seq"]: one["reason"] for one in items} == {1: "unknown_contract", 2: "invalid"}
    assert (await observer.ask("quarantine", {"workspace": "another"}))["items"] == []

    licensing.know(device)
    stranger = {"principal": principal("another", "owner"), "ids": ids}
    employee = {"principal": principal(workspace_id, "employee"), "ids": ids}
    assert await observer.ask("release", stranger) == {"released": 0}
    assert (await observer.ask("release", employee))["status"] == 403
    assert observer.reasons(device) == {1: "unknown_contract", 2: "invalid"}

    admin = {"principal": principal(workspace_id, "admin"), "ids": ids}
    assert await observer.ask("release", admin) == {"released": 1}
    assert observer.reasons(device) == {2: "invalid"}
    assert [row["hash"] for row in observer.ledger(device)] == [device.sealed[0].hash]
    assert len(await observer.journalled(workspace_id)) == 1
    receipt = await observer.receipt(device)
    assert (receipt["through"], receipt["quarantined"]) == (2, [[2, "invalid"]])
    assert await observer.ask("release", admin) == {"released": 0}


async def test_a_record_that_comes_again_when_it_may_leaves_quarantine(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """Accepted or quarantined, each once: never both."""
    device = Device(workspace_id)
    licensing.know(device, contracts=[])
    await observer.send(device, [device.close()])
    await eventually(lambda: observer.reasons(device) == {1: "unknown_contract"})
    licensing.know(device)
    await observer.send(device, device.sealed)
    await eventually(lambda: observer.ledger(device) and not observer.quarantine(device))


async def test_replay_says_the_very_same_facts_again(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device, other = Device(workspace_id), Device(workspace_id)
    await recorded(observer, licensing, device, 6)
    await recorded(observer, licensing, other, 6)
    before = [(one.subject, one.data) for one in await observer.journalled(workspace_id)]
    wanted = {"workspace": workspace_id, **span(device, 2, 5)}
    assert await observer.ask("replay", wanted) == {"emitted": 6}
    after = [(one.subject, one.data) for one in await observer.journalled(workspace_id)]
    again = after[len(before) :]
    assert len(again) == 6
    assert set(again) <= set(before)
    facts = [events.read_fact(subject, body) for subject, body in again]
    assert sorted({fact.seq for fact in facts if isinstance(fact, events.SegmentRecorded)}) == [2, 3, 4]


async def test_an_erased_detail_is_replayed_empty(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """G-03: the proof stays, the personal part does not come back."""
    device = Device(workspace_id)
    await recorded(observer, licensing, device, 1)
    observer.db.ledger.update_one({"_id": observer.ledger(device)[0]["_id"]}, {"$set": {"detail": None}})
    wanted = {"workspace": workspace_id, **span(device, 1, 2)}
    assert await observer.ask("replay", wanted) == {"emitted": 1}
    last = (await observer.journalled(workspace_id))[-1]
    fact = events.read_fact(last.subject, last.data)
    assert isinstance(fact, events.SegmentRecorded)
    assert (fact.detail["memo"], fact.detail["apps"], fact.part().memo) == (None, [], None)
    (one,) = (await observer.ask("records", wanted | {"devices": [device.device]}))["records"]
    assert one["detail"] is None


async def test_a_device_is_answered_only_into_its_own_inbox(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """L-06: another device's inbox or a service's subject as reply gets nothing."""
    device, victim = Device(workspace_id), Device(workspace_id)
    await recorded(observer, licensing, device, 1)
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.subject)

    targets = [f"_INBOX.{victim.device}.1", subjects.receipts(workspace_id, victim.device), f"_INBOX.{device.device}"]
    for target in targets:
        await observer.client.subscribe(target, cb=hear)
        subject = subjects.device_request(workspace_id, device.device, "receipts")
        await observer.client.publish(subject, b"{}", reply=target)
    assert (await observer.receipt(device))["through"] == 1  # asked last, answered: the others were passed over
    assert heard == []


@pytest.mark.parametrize("verb", ["records", "sync", "quarantine", "release", "replay"])
async def test_a_foreign_body_is_refused(ingest: Ingest, observer: Observer, verb: str) -> None:
    for body in (b'{"stream":"JOURNAL","seq":1}', b"", b"[]", b"7"):
        answer = await observer.client.request(f"rpc.ingest.{verb}", body, timeout=20)
        assert orjson.loads(answer.data)["status"] == 422


async def test_ledger_names_its_generation_once(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """Another ledger database is another generation; the same one says the same for ever."""
    device = Device(workspace_id)
    await recorded(observer, licensing, device, 1)
    first, second = await asyncio.gather(observer.receipt(device), observer.receipt(Device(workspace_id)))
    assert first["ledger"] == second["ledger"] == observer.db.meta.find_one()["generation"]
    observer.db.meta.delete_many({})
    assert (await observer.receipt(device))["ledger"] != first["ledger"]

"""The way of one record, from the bus to its receipt (architecture.md, *The way of one segment*)."""

import asyncio

from services.wire import events, proof, subjects
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually


async def test_a_record_reaches_the_ledger_the_journal_and_its_device(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """B-01: kept verbatim, said on JOURNAL, receipted with a signature."""
    device = Device(workspace_id)
    licensing.know(device)
    pushed: asyncio.Queue = asyncio.Queue()
    await observer.client.subscribe(subjects.receipts(workspace_id, device.device), cb=pushed.put)
    await observer.send(device, device.close_many(3))

    receipt = proof.open_notice(
        observer.notice_key, (await asyncio.wait_for(pushed.get(), 30)).data, workspace_id, device.device
    )
    while receipt["through"] < 3:
        receipt = proof.open_notice(
            observer.notice_key, (await asyncio.wait_for(pushed.get(), 30)).data, workspace_id, device.device
        )
    events.check(events.Receipt, receipt)
    rows = observer.ledger(device)
    assert [row["hash"] for row in rows] == [one.hash for one in device.sealed]
    for row, sealed in zip(rows, device.sealed, strict=True):
        envelope = events.read(events.Envelope, sealed.body)
        assert (row["record"], row["detail"], row["signature"]) == (
            envelope.record,
            envelope.detail,
            envelope.signature,
        )
        proof.check(bytes(device.key.verify_key), proof.SEGMENT_DOMAIN, row["record"].encode(), row["signature"])
    facts = [events.read_fact(one.subject, one.data) for one in await observer.journalled(workspace_id)]
    assert [fact.seq for fact in facts if isinstance(fact, events.SegmentRecorded)] == [1, 2, 3]
    await eventually(observer.drained)

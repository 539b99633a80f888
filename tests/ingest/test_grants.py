"""Licensing may change its mind, be slow to hear, or be away (fine-print.md, *Records*; L-04)."""

import asyncio
import time

from services.ingest import grants
from services.ingest.grants import AWAY, Grants
from services.kit.bus import round_trip
from services.kit.problems import not_found, unavailable
from services.wire import subjects
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually


async def test_while_licensing_is_away_known_devices_go_on_and_unknown_ones_wait(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    known, unknown = Device(workspace_id), Device(workspace_id)
    licensing.know(known, unknown)
    await observer.send(known, [known.close()])
    await eventually(lambda: observer.ledger(known))
    await licensing.go_away()
    await licensing.client.publish(
        subjects.fact("licence.changed", workspace_id, "-"), b"{}"
    )  # the snapshot is old now
    await observer.send(unknown, [unknown.close()])
    await observer.send(known, [known.close()])
    await eventually(lambda: len(observer.ledger(known)) == 2)
    assert not observer.ledger(unknown)
    assert not observer.quarantine(unknown)
    await licensing.come()
    await eventually(lambda: observer.ledger(unknown))


async def test_an_unknown_contract_is_asked_for_before_it_is_refused(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """A contract made a moment ago is not refused by what was remembered of the time before."""
    device = Device(workspace_id)
    licensing.know(device)
    await observer.send(device, [device.close()])
    await eventually(lambda: observer.ledger(device))
    device.contract = "con-made-just-now"
    licensing.know(device)
    await observer.send(device, [device.close()])
    await eventually(lambda: len(observer.ledger(device)) == 2)
    assert not observer.quarantine(device)


async def test_a_revocation_is_heard_at_once(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    """L-04: what was remembered as allowed ends with ``licence.changed``, not with its half minute."""
    device = Device(workspace_id)
    licensing.know(device)
    await observer.send(device, [device.close()])
    await eventually(lambda: observer.ledger(device))
    licensing.know(device, state="revoked", revoked_at="2020-01-01T00:00:00Z")
    await licensing.client.publish(subjects.fact("licence.changed", workspace_id, device.member), b"{}")
    await round_trip(licensing.client)
    await eventually(lambda: revoked_by_now(observer, device))
    assert len(observer.ledger(device)) < device.seq


async def revoked_by_now(observer: Observer, device: Device) -> bool:
    await observer.send(device, [device.close()])
    return "revoked" in observer.reasons(device).values()


async def test_snapshots_are_remembered_for_half_a_minute_and_until_a_change(monkeypatch) -> None:
    device, asked = Device("ws"), []

    async def ask(_: object) -> object:
        asked.append(1)
        return device.grant()

    cache, one = Grants(ask), ("ws", device.device)
    for _ in range(3):
        (snapshot,) = (await cache.of([one])).values()
        assert snapshot.terms is not None
        assert snapshot.terms.contracts[device.contract] == {"development", "review"}
    assert len(asked) == 1
    await cache.changed("contract.changed.other.member", b"")
    await cache.of([one])
    assert len(asked) == 1
    await cache.changed("contract.changed.ws.member", b"")
    await cache.of([one])
    assert len(asked) == 2
    later = time.monotonic() + grants.TTL_SECONDS + 1
    monkeypatch.setattr("time.monotonic", lambda: later)
    await cache.of([one])
    assert len(asked) == 3


async def test_away_is_not_the_same_as_unknown() -> None:
    """404 is licensing's word and final; no answer, or one that is none, is not."""
    answers: list[object] = [not_found("device"), unavailable("licensing"), {"no": "grant"}]

    async def ask(_: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    started = time.monotonic()
    cache = Grants(ask)
    (unknown,) = (await cache.of([("ws", "dev")])).values()
    assert unknown.terms is None
    assert unknown.asked_at >= started
    assert (await cache.of([("ws", "dev")])) == {("ws", "dev"): AWAY}
    assert len(answers) == 1
    assert (await Grants(ask).of([("ws", "dev")])) == {("ws", "dev"): AWAY}


async def test_each_device_of_a_batch_is_asked_for_at_once() -> None:
    """A batch of five hundred devices does not wait for five hundred answers in turn."""
    waiting, release = 0, asyncio.Event()
    devices = [Device("ws") for _ in range(50)]
    granted = {one.device: one.grant() for one in devices}

    async def ask(request) -> object:
        nonlocal waiting
        waiting += 1
        if waiting == len(devices):
            release.set()
        await release.wait()
        return granted[request.device]

    async with asyncio.timeout(10):
        assert len(await Grants(ask).of([("ws", one.device) for one in devices])) == 50

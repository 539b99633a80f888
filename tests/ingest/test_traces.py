"""One trace follows a segment from the computer on (B-07), and carries nothing personal."""

from collections.abc import Iterator

import pytest

from services.ingest.traces import well_formed
from services.wire.slots import SLOT
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually
from tests.support.collector import Collector

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector().listening() as listening:
        yield listening


async def test_the_agents_span_and_ingests_stand_in_the_agents_trace(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str, collector: Collector
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    canary = {"memo": "canary-memo", "apps": [["app", "canary-title", "canary.site", 1]], "label": "canary-label"}
    one = device.close(detail=canary)
    await observer.js.publish(device.subject, one.body, headers={"traceparent": TRACEPARENT})
    stopped_ingest.start(**collector.environment()).wait_ready()
    names = {"segment", "segment recorded"}
    await eventually(lambda: names <= {span.name for span in collector.spans()})
    found = {span.name: span for span in collector.spans() if span.name in names}

    closed, recorded = found["segment"], found["segment recorded"]
    assert closed.resource["service.name"] == "daybook-agent"
    assert recorded.resource["service.name"] == "daybook-ingest"
    assert (closed.trace, closed.span, closed.parent) == (TRACE, SPAN, "")
    assert closed.start == int(one.slot.timestamp()) * 10**9
    assert closed.end == int((one.slot + SLOT).timestamp()) * 10**9
    assert (recorded.trace, recorded.parent) == (TRACE, SPAN)

    (fact,) = await observer.journalled(workspace_id)
    assert (fact.headers or {})["traceparent"] == f"00-{TRACE}-{recorded.span}-01"
    assert not any(b"canary" in body for body in collector.bodies)


async def test_without_a_collector_the_trace_is_passed_on(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    for header in (TRACEPARENT, "not a traceparent"):
        await observer.js.publish(device.subject, device.close().body, headers={"traceparent": header})
    await eventually(lambda: len(observer.ledger(device)) == 2)
    await eventually(observer.drained)
    first, second = await observer.journalled(workspace_id)
    assert (first.headers or {})["traceparent"] == TRACEPARENT
    assert "traceparent" not in (second.headers or {})


async def test_metrics_name_outcomes_and_never_ids(
    ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    good = device.close()
    await observer.send(device, [good, device.close(more=1)])
    await eventually(observer.drained)
    await observer.send(device, [good])
    await observer.receipt(device)
    await eventually(lambda: 'daybook_segments_total{outcome="duplicate"}' in ingest.get("/metrics")[1])
    scraped = ingest.get("/metrics")[1]
    for outcome in ("recorded", "invalid"):
        assert f'daybook_segments_total{{outcome="{outcome}"}}' in scraped
    assert 'daybook_freshness_seconds_count{stage="recorded"}' in scraped
    for name in (workspace_id, device.device, device.member, device.contract, device.licence):
        assert name not in scraped


@pytest.mark.parametrize(
    "text", [None, "", "00-x", TRACEPARENT.upper(), TRACEPARENT + "\r\nx", f"01-{TRACE}-{SPAN}-01"]
)
def test_only_a_well_formed_traceparent_is_passed_on(text: str | None) -> None:
    assert well_formed(text) is None
    assert well_formed(TRACEPARENT) == TRACEPARENT

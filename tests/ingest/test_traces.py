"""One trace follows a segment from the computer on (B-07), and carries nothing personal.

The collector is a small sink of this test that speaks OTLP over HTTP.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.ingest.traces import well_formed
from services.wire.slots import SLOT
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


class Collector:
    """Keeps every exported body."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[tuple[str, Span]]:
        """(service, span) of everything that came."""
        found = []
        for body in list(self.bodies):
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {one.key: one.value.string_value for one in group.resource.attributes}["service.name"]
                found += [(service, span) for scope in group.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    yield one
    one.server.shutdown()
    one.server.server_close()


async def test_the_agents_span_and_ingests_stand_in_the_agents_trace(
    stopped_ingest: Ingest, licensing: Licensing, observer: Observer, workspace_id: str, collector: Collector
) -> None:
    device = Device(workspace_id)
    licensing.know(device)
    canary = {"memo": "canary-memo", "apps": [["app", "canary-title", "canary.site", 1]], "label": "canary-label"}
    one = device.close(detail=canary)
    await observer.js.publish(device.subject, one.body, headers={"traceparent": TRACEPARENT})
    stopped_ingest.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100").wait_ready()
    names = {"segment", "segment recorded"}
    await eventually(lambda: names <= {span.name for _, span in collector.spans()})
    found = {span.name: (service, span) for service, span in collector.spans() if span.name in names}

    service, closed = found["segment"]
    assert service == "daybook-agent"
    assert (closed.trace_id.hex(), closed.span_id.hex(), closed.parent_span_id) == (TRACE, SPAN, b"")
    assert closed.start_time_unix_nano == int(one.slot.timestamp()) * 10**9
    assert closed.end_time_unix_nano == int((one.slot + SLOT).timestamp()) * 10**9

    service, recorded = found["segment recorded"]
    assert service == "daybook-ingest"
    assert (recorded.trace_id.hex(), recorded.parent_span_id.hex()) == (TRACE, SPAN)

    (fact,) = await observer.journalled(workspace_id)
    assert (fact.headers or {})["traceparent"] == f"00-{TRACE}-{recorded.span_id.hex()}-01"
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

"""A collector of traces for tests: it takes OTLP over HTTP and keeps every span."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.kit import declared

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True)
class Caught:
    """One span as it was exported; ids in hex."""

    service: str
    name: str
    kind: str
    trace: str
    span: str
    parent: str
    links: frozenset[tuple[str, str]]
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    start: int
    end: int
    events: int
    error: str


class Collector:
    """Listens on a port of its own."""

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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def listening(self) -> Iterator["Collector"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def environment(self) -> dict[str, str]:
        """What sends a service's spans here, soon and without packing."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def spans(self, trace: str | None = None) -> list[Caught]:
        """Everything that came, or all of one trace."""
        found = [one for body in list(self.bodies) for one in _spans(body)]
        return [one for one in found if trace in (None, one.trace)]


def _spans(body: bytes) -> Iterator[Caught]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {one.key: one.value.string_value for one in group.resource.attributes}
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Caught(
                    service=resource["service.name"].removeprefix("daybook-"),
                    name=span.name,
                    kind=_KINDS[span.kind],
                    trace=span.trace_id.hex(),
                    span=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=frozenset((one.trace_id.hex(), one.span_id.hex()) for one in span.links),
                    attributes={one.key: one.value.string_value or one.value.int_value for one in span.attributes},
                    resource=resource,
                    scope=scope.scope.name,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    events=len(span.events),
                    error=span.status.message,
                )


def declaration(span: Caught) -> declared.Span | None:
    """What declares a span, if anything does."""
    return next((one for one in declared.SPANS if _pattern(one.name).fullmatch(span.name)), None)


def undeclared(span: Caught) -> str | None:
    """What is wrong with a span by services/kit/declared.py; None where nothing is."""
    what = declaration(span)
    if what is None:
        return f"no such span: {span.name}"
    if span.service not in what.by:
        return f"{span.name} is not {span.service}'s"
    if span.kind != what.kind:
        return f"{span.name} is a {what.kind} span, not {span.kind}"
    if unknown := span.attributes.keys() - what.attributes.keys():
        return f"{span.name} has undeclared attributes {sorted(unknown)}"
    if missing := what.attributes.keys() - span.attributes.keys():
        return f"{span.name} lacks {sorted(missing)}"
    if span.scope != declared.INSTRUMENTATION:
        return f"{span.name} is of {span.scope}"
    if span.events:
        return f"{span.name} has events, and none is declared"
    if unknown := {one for one in span.resource if not one.startswith("telemetry.")} - set(declared.RESOURCE):
        return f"{span.name} comes with undeclared {sorted(unknown)}"
    return None


def _pattern(name: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", name)
    return re.compile("".join(f"({declared.WORDS[x]})" if n % 2 else re.escape(x) for n, x in enumerate(parts)))

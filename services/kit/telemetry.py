"""Traces and logs with trace ids. Without ``OTEL_EXPORTER_OTLP_ENDPOINT`` spans cost nothing and go nowhere."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
tracer = trace.get_tracer("daybook")

Headers = Mapping[str, str] | None


class JsonLines(logging.Formatter):
    """One JSON object a line, with the ids of the trace it belongs to."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def setup(service: str, level: str = "INFO") -> None:
    """Turns on log lines, and spans where the environment names a collector."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("uvicorn.access", "faststream", "nats"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider = TracerProvider(resource=Resource.create({"service.name": f"daybook-{service}"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)


def tracing() -> bool:
    """True where spans go somewhere, so that the work of making many can be spared where they do not."""
    return isinstance(trace.get_tracer_provider(), TracerProvider)


def context_of(headers: Headers) -> Context:
    """The context that ``traceparent`` in a message's headers names; an empty one where there is none."""
    return _propagator.extract(dict(headers or {}))


def headers_of(context: Context | None = None) -> dict[str, str]:
    """``traceparent`` of a context (the current one), as headers of the next message."""
    headers: dict[str, str] = {}
    _propagator.inject(headers, context)
    return headers


def links_to(contexts: list[Context]) -> list[trace.Link]:
    """Links to the spans of a batch's messages, at most 128."""
    spans = (trace.get_current_span(context).get_span_context() for context in contexts[:128])
    return [trace.Link(span) for span in spans if span.is_valid]

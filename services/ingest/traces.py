"""The spans of a record's way, written where a collector listens: the agent's own, and ingest's below it (B-07).

The agent carries no telemetry: it sends a ``traceparent`` with the ids of a span that nobody wrote yet. Ingest writes
that span from the times in the record. Attributes are ids and numbers, never content.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

from services.ingest.admission import Fields
from services.kit import declared, telemetry
from services.wire.slots import parse_instant

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class _Given(IdGenerator):
    """Hands out the ids of the span that is to be written next."""

    def __init__(self) -> None:
        self.span: trace.SpanContext = trace.INVALID_SPAN_CONTEXT

    def generate_span_id(self) -> int:
        return self.span.span_id

    def generate_trace_id(self) -> int:
        return self.span.trace_id


def well_formed(traceparent: str | None) -> str | None:
    """A W3C traceparent as it came, or None: what a device sends is passed on only in that form."""
    return traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None


class Traces:
    """Writes the spans of records; only where ``telemetry.tracing()``."""

    def __init__(self, processor: SpanProcessor | None = None) -> None:
        """``processor`` takes the agents' spans; by default they are sent to the collector."""
        self._processor, self._ids = processor, _Given()
        self._agents: TracerProvider | None = None

    def begin(self, step: telemetry.Steps, traceparent: str | None, record: Fields) -> str | None:
        """Writes the agent's span and starts ingest's own below it; gives the traceparent for what follows."""
        if not step.on:
            return traceparent
        context = telemetry.context_of({"traceparent": traceparent} if traceparent else None)
        attributes = {f"daybook.{name}": record[name] for name in ("workspace", "device", "seq")}
        self._write_agents(trace.get_current_span(context).get_span_context(), record, attributes)
        return step.start(declared.SEGMENT_RECORDED, context, attributes)

    def _write_agents(self, given: trace.SpanContext, record: Fields, attributes: Mapping[str, Any]) -> None:
        if not given.is_valid or not given.trace_flags.sampled:
            return
        start, end = parse_instant(record["slot"]), parse_instant(record["closed_at"])
        self._ids.span = given
        tracer = self._provider().get_tracer(declared.INSTRUMENTATION)
        span = tracer.start_span(
            declared.SEGMENT.name,
            Context(),
            kind=trace.SpanKind.PRODUCER,
            attributes=attributes,
            start_time=_nanoseconds(start),
        )
        span.end(_nanoseconds(max(start, end)))

    def _provider(self) -> TracerProvider:
        if self._agents is None:
            resource = Resource.create({"service.name": "daybook-agent"})
            self._agents = TracerProvider(id_generator=self._ids, resource=resource)
            self._agents.add_span_processor(self._processor or BatchSpanProcessor(OTLPSpanExporter()))
        return self._agents

    def close(self) -> None:
        """Sends what is left."""
        if self._agents is not None:
            telemetry.send_rest(self._agents)


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1e9)

"""Traces and logs with trace ids. Without ``OTEL_EXPORTER_OTLP_ENDPOINT`` spans cost nothing and go nowhere.

Spans are made of their declarations (``declared``) and of nothing else. Neither they nor the log lines carry content:
of an exception its type and place are told, and its text only where that cannot quote what somebody wrote.
"""

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import nats.errors
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pymongo.errors import ConnectionFailure

from services.kit import declared
from services.kit.problems import Problem

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer(declared.INSTRUMENTATION)
_LINKS = 128
_SEND_REST_SECONDS = 1.0

Headers = Mapping[str, str] | None
Attributes = Mapping[str, str | int]

#: Exceptions whose text is about connections, time and ourselves. Others may quote a document: MongoDB's write errors
#: hold the whole of it, pydantic's the value.
_SPEAK_OF_NO_CONTENT = (OSError, nats.errors.Error, ConnectionFailure, Problem, RuntimeError, ImportError)


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
        if record.exc_info and record.exc_info[1]:
            line["exception"] = told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def told(error: BaseException) -> str:
    """Where an exception and its causes came from and of which type they are; their text where it is no content."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{told(cause)}\n\nthen:\n\n" if cause else ""
    within = "".join(f"\n\none of them:\n\n{told(one)}" for one in getattr(error, "exceptions", ()))
    text = f": {error}" if isinstance(error, _SPEAK_OF_NO_CONTENT) else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__qualname__}{text}{within}"


def setup(service: str, level: str = "INFO") -> None:
    """Turns on log lines, and spans where the environment names a collector."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("uvicorn.access", "faststream", "nats"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        _export(service)


def _export(service: str) -> None:
    # imported only where spans go somewhere: a tenth of what a process takes to start
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"daybook-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def send_rest(provider: trace.TracerProvider | None = None) -> None:
    """Sends the spans that are left (of the process's provider), for a second at most.

    At the end of a process nobody else does: uvicorn gives it the signal again that it ended by. And a collector that
    hangs must not hold that end up.
    """
    sender: Any = provider or trace.get_tracer_provider()
    if not isinstance(sender, trace.ProxyTracerProvider):
        rest = threading.Thread(target=sender.shutdown, name="the last spans", daemon=True)
        rest.start()
        rest.join(_SEND_REST_SECONDS)


def tracing() -> bool:
    """True where spans go somewhere, so that the work of making many can be spared where they do not."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def context_of(headers: Headers) -> Context:
    """The context that ``traceparent`` in a message's headers names; an empty one where there is none."""
    return _propagator.extract(dict(headers or {}), Context())


def traceparent_of(context: Context | None = None) -> str | None:
    """``traceparent`` of a context (the current one), for the next message."""
    headers: dict[str, str] = {}
    _propagator.inject(headers, context)
    return headers.get("traceparent")


def headers_of(context: Context | None = None) -> dict[str, str]:
    """``traceparent`` of a context (the current one), as headers of the next message."""
    traceparent = traceparent_of(context)
    return {"traceparent": traceparent} if traceparent else {}


@contextmanager
def span(
    what: declared.Span,
    context: Context | None = None,
    *,
    links: Sequence[trace.Link] = (),
    attributes: Attributes | None = None,
    **words: str,
) -> Iterator[trace.Span]:
    """The current span while the block lasts; ``words`` fill those of its name."""
    with _tracer.start_as_current_span(
        what.name.format(**words),
        context,
        kind=_kind(what),
        attributes=attributes,
        links=links,
        record_exception=False,  # its text may be content
        set_status_on_exception=False,
    ) as one:
        try:
            yield one
        except BaseException as error:
            failed(one, error)
            raise


def failed(one: trace.Span, error: BaseException) -> None:
    """Marks a span as failed, by the type of what failed it."""
    one.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__qualname__))


def links_to(messages: Sequence[Headers]) -> list[trace.Link]:
    """Links to the spans of a batch's messages, at most 128; none where nothing listens."""
    if not tracing():
        return []
    spans = (trace.get_current_span(context_of(one)).get_span_context() for one in messages[:_LINKS])
    return [trace.Link(span) for span in spans if span.is_valid]


class Steps:
    """Spans of single messages in a batch: each in its message's own trace, linked to the batch they went with.

    All start when this is made and end with the block. Where nothing listens, and for messages without a trace
    (replays), there are none.
    """

    def __init__(self) -> None:
        self._started, self._open = time.time_ns(), list[trace.Span]()
        self.on = tracing()
        batch = trace.get_current_span().get_span_context()
        self._links = [trace.Link(batch)] if batch.is_valid else []

    def below(self, what: declared.Span, traceparent: str | None) -> str | None:
        """Starts one below what the message names; gives the ``traceparent`` of what is said because of it."""
        if not self.on or traceparent is None:
            return traceparent
        return self.start(what, context_of({"traceparent": traceparent}))

    def start(self, what: declared.Span, context: Context, attributes: Attributes | None = None) -> str | None:
        """As ``below``, in a context; in an empty one a new trace begins."""
        one = _tracer.start_span(
            what.name,
            context,
            kind=_kind(what),
            attributes=attributes,
            links=self._links,
            start_time=self._started,
        )
        self._open.append(one)
        return traceparent_of(trace.set_span_in_context(one, context))

    def __enter__(self) -> "Steps":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for one in self._open:
            if error is not None:
                failed(one, error)
            one.end()


def _kind(what: declared.Span) -> trace.SpanKind:
    return trace.SpanKind[what.kind.upper()]

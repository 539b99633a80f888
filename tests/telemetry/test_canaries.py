"""Personal content stands in no span, no metric and no log line, whatever went wrong on the way (quality.md)."""

import base64
import json
import logging
import secrets

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ValidationError
from pymongo.errors import AutoReconnect, BulkWriteError

from deploy.local.services import MODULES
from services.kit import declared, telemetry
from tests.telemetry.conftest import Followed, Traced


def test_no_canary_in_any_span(traced: Traced, followed: Followed) -> None:
    emitted = b"\n".join(traced.collector.bodies)
    assert followed.trace in {span.trace for span in followed.spans}
    for where, text in followed.canaries.items():
        assert text.encode() not in emitted, where
    assert followed.picture[40:72] not in emitted


@pytest.mark.parametrize("service", MODULES)
def test_no_canary_in_any_metric_or_log_line(traced: Traced, followed: Followed, service: str) -> None:
    log, scraped = traced.logs()[service], traced.scrape(service)
    for where, text in followed.canaries.items():
        assert text not in log, where
        assert text not in scraped, where
    assert base64.b64encode(followed.picture)[:40].decode() not in log
    assert repr(followed.picture[40:60])[2:-1] not in log


def test_what_went_wrong_was_logged(traced: Traced, followed: Followed) -> None:
    """Else the tests above would say nothing."""
    logs = traced.logs()
    assert "cannot be folded" in logs["projector"]
    assert "a picture was refused" in logs["media"]
    assert "cannot be folded" in logs["scoring"]


CANARY = secrets.token_hex(8)


class _Strict(BaseModel):
    memo: int


def _quoting() -> list[Exception]:
    found: list[Exception] = [
        BulkWriteError({"writeErrors": [{"code": 121, "op": {"memo": CANARY}}]}),
        ValueError(CANARY),
        KeyError(CANARY),
        ExceptionGroup(CANARY, [ValueError(CANARY)]),
    ]
    try:
        _Strict.model_validate({"memo": CANARY})
    except ValidationError as error:
        found.append(error)
    return found


@pytest.mark.parametrize("error", _quoting(), ids=lambda error: type(error).__name__)
def test_a_logged_exception_does_not_quote_what_it_was_about(error: Exception) -> None:
    assert CANARY in str(error)
    try:
        try:
            raise error
        except Exception as caught:
            raise AutoReconnect("mongo-0:27017: connection closed") from caught
    except AutoReconnect as raised:
        info = (type(raised), raised, raised.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "a batch failed", (), info)
        line = telemetry.JsonLines("ingest").format(record)
    assert CANARY not in line
    told = json.loads(line)["exception"]
    assert type(error).__qualname__ in told
    assert "AutoReconnect: mongo-0:27017: connection closed" in told
    assert "test_canaries.py" in told


def test_a_failed_span_names_the_type_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    caught, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(caught))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("daybook"))
    with pytest.raises(ValueError), telemetry.span(declared.ANSWER, verb="grant"):
        raise ValueError(CANARY)
    (span,) = caught.get_finished_spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == "ValueError"
    assert not span.events

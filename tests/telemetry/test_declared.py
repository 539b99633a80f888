"""Nothing is emitted that services/kit/declared.py does not declare, and nothing declared is left unsaid."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.services import MODULES
from services.kit import declared, metrics
from services.wire.subjects import STREAMS
from tests.support.collector import declaration, undeclared
from tests.support.servers import ROOT
from tests.telemetry.conftest import Followed, Traced


def test_every_span_is_declared(followed: Followed) -> None:
    assert sorted({wrong for span in followed.spans if (wrong := undeclared(span))}) == []


def test_every_declared_span_was_emitted(followed: Followed) -> None:
    """So that this test and the declaration say something: a declared span that nobody makes is a promise broken."""
    seen = {what.name for span in followed.spans if (what := declaration(span))}
    assert {one.name for one in declared.SPANS} - seen == set()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "segment seen"},
        {"name": "take segments.closed.ws.dev"},
        {"service": "media"},
        {"kind": "internal"},
        {"attributes": {"daybook.memo": "x"}},
        {"attributes": {}},
        {"scope": "opentelemetry.instrumentation.pymongo"},
        {"events": 1},
        {"resource": {"service.name": "daybook-ingest", "host.name": "x"}},
    ],
    ids=str,
)
def test_a_span_that_is_not_declared_is_noticed(followed: Followed, change: dict[str, object]) -> None:
    span = next(one for one in followed.spans if one.name == "segment recorded")
    assert undeclared(span) is None
    assert undeclared(replace(span, **change)) is not None  # type: ignore[arg-type]


def problems_of(service: str, scraped: str) -> Iterator[str]:
    """What a scrape says that is not declared."""
    known = {one.name.removesuffix("_total"): one for one in declared.METRICS}
    for family in text_string_to_metric_families(scraped):
        if family.name.startswith(declared.OF_THE_PROCESS):
            continue
        what = known.get(family.name.removesuffix("_created"))
        if what is None:
            yield f"{service}: no such metric: {family.name}"
            continue
        if not family.name.endswith("_created") and family.type != what.kind:
            yield f"{service}: {family.name} is a {what.kind}, not a {family.type}"
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            if labels.keys() != what.labels.keys():
                yield f"{service}: {family.name} has the labels {sorted(labels)}"
            for name, value in labels.items():
                if not re.fullmatch(what.labels.get(name, ""), value):
                    yield f"{service}: {family.name} says {name}={value}"


@pytest.mark.parametrize("service", MODULES)
def test_every_metric_of_a_service_is_declared(traced: Traced, followed: Followed, service: str) -> None:
    scraped = traced.scrape(service)
    assert list(problems_of(service, scraped)) == []
    for name in (followed.device.workspace, followed.device.device, followed.device.member):
        assert name not in scraped


@pytest.mark.parametrize(
    "line",
    [
        "# TYPE daybook_other_total counter\ndaybook_other_total 1",
        "# TYPE daybook_live_pages counter\ndaybook_live_pages_total 1",
        '# TYPE daybook_sign_ins counter\ndaybook_sign_ins_total{kind="device",outcome="dev-1"} 1',
        '# TYPE daybook_live_pages gauge\ndaybook_live_pages{workspace="ws"} 1',
    ],
)
def test_a_metric_that_is_not_declared_is_noticed(line: str) -> None:
    assert list(problems_of("any", line + "\n"))


def test_metrics_are_made_of_their_declarations_alone() -> None:
    made = {name: value for name, value in vars(metrics).items() if hasattr(value, "_labelnames")}
    assert made.keys() == {name for name, value in vars(declared).items() if isinstance(value, declared.Metric)}
    assert {id(value) for value in vars(declared).values() if isinstance(value, declared.Metric)} == set(
        map(id, declared.METRICS)
    )
    assert {id(value) for value in vars(declared).values() if isinstance(value, declared.Span)} == set(
        map(id, declared.SPANS)
    )


def test_every_durable_is_a_declared_source() -> None:
    """Its batches have spans and metrics from the first message, which may be a kind that no other test sends."""
    sources = {durable.source for stream in STREAMS for durable in stream.durables}
    assert sources == set(declared.WORDS["source"].split("|"))


def test_spans_and_metrics_are_made_in_kit_alone() -> None:
    """Else one could be emitted on a way that no test walks. Ingest makes the agent's span, which has its ids given."""
    found = set()
    for path in (ROOT / "services").rglob("*.py"):
        if re.search(r"get_tracer|start_span|start_as_current_span|prometheus_client import .*\b(Counter|Gauge|Hist)",
                     path.read_text()):  # fmt: skip
            found.add(str(path.relative_to(ROOT)))
    assert found == {"services/kit/telemetry.py", "services/kit/metrics.py", "services/ingest/traces.py"}

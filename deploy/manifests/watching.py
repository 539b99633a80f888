"""Alert rules and dashboards: their syntax by promtool, and that every metric and label they name exists."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import Counter, Gauge, Histogram

from deploy.grafana import overview
from deploy.manifests.render import ROOT, tool
from services.kit import metrics

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "rules_test.yaml"
RUNBOOK = ROOT / "docs" / "operating.md"

#: Metrics that are not ours: their labels, and who says them.
EXPORTERS: dict[str, tuple[set[str], str]] = {
    "up": ({"job", "instance"}, "Prometheus"),
    "nats_consumer_num_pending": ({"stream_name", "consumer_name"}, "prometheus-nats-exporter -jsz=all -prefix=nats"),
    "nats_consumer_num_ack_pending": ({"stream_name", "consumer_name"}, "prometheus-nats-exporter"),
    "nats_stream_total_bytes": ({"stream_name"}, "prometheus-nats-exporter"),
    "process_cpu_seconds_total": (set(), "prometheus_client"),
    "process_resident_memory_bytes": (set(), "prometheus_client"),
}
#: Labels that a scrape adds to each of them.
_SCRAPED = {"job", "instance", "le"}

_METRIC = re.compile(r"\b([a-z_][a-z0-9_:]*)\s*(?:\{([^}]*)\})?(?=\s*[\[)\s,<>=*/+-]|$)")
_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"}


def known() -> dict[str, set[str]]:
    """Every metric by the name it is scraped under, with its labels."""
    found = {name: labels for name, (labels, _) in EXPORTERS.items()}
    for one in vars(metrics).values():
        labels = set(getattr(one, "_labelnames", ()))
        if isinstance(one, Counter):
            found[f"{one._name}_total"] = labels
        elif isinstance(one, Histogram):
            found |= {f"{one._name}_{suffix}": labels for suffix in ("bucket", "sum", "count")}
        elif isinstance(one, Gauge):
            found[one._name] = labels
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        found |= {rule["record"]: {"stage"} for rule in group["rules"] if "record" in rule}
    return found


def expressions() -> dict[str, str]:
    """Where → PromQL, of all rules and dashboards."""
    found: dict[str, str] = {}
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        found |= {f"rule {rule.get('alert') or rule['record']}": rule["expr"] for rule in group["rules"]}
    for path, text in overview.files().items():
        for panel in json.loads(text)["panels"]:
            for number, target in enumerate(panel.get("targets", [])):
                found[f"{path.stem}: {panel['title']} {number}"] = target["expr"]
    return found


def used(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics of an expression, each with the labels it is asked by."""
    bare = re.sub(r'"[^"]*"', '""', re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", expression))
    for match in _METRIC.finditer(bare):
        name, selector = match[1], match[2] or ""
        if name in _WORDS or re.match(r"\s*\(", bare[match.end() :]):
            continue
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))


def problems() -> Iterator[str]:
    """What rules and dashboards get wrong."""
    metrics_, labels_ = known(), set().union(*known().values()) | _SCRAPED
    for where, expression in expressions().items():
        for name, labels in used(expression):
            if name not in metrics_:
                yield f"{where}: no such metric: {name}"
            elif unknown := labels - metrics_[name] - _SCRAPED:
                yield f"{where}: {name} has no label {', '.join(sorted(unknown))}"
        for grouping in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            for label in filter(None, (one.strip() for one in grouping.split(","))):
                if label not in labels_:
                    yield f"{where}: groups by {label}, a label of nothing"
    yield from _stale()
    yield from _runbooks()
    yield from _promtool()


def written() -> dict[Path, str]:
    """The files that are made of others: dashboards, and the rules as the Prometheus operator takes them."""
    groups = RULES.read_text().split("groups:\n", 1)[1]
    rules = (
        "# Made of deploy/prometheus/rules.yaml by `python -m deploy.manifests --write`.\n"
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: daybook\nspec:\n  groups:\n"
        + "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))
    )
    return overview.files() | {ROOT / "deploy/k8s/components/monitoring/rules.yaml": rules}


def _stale() -> Iterator[str]:
    for path, text in written().items():
        if not path.exists() or path.read_text() != text:
            yield f"{path.relative_to(ROOT)} is not up to date: python -m deploy.manifests --write"


def _runbooks() -> Iterator[str]:
    text = RUNBOOK.read_text()
    for name in known().keys() - EXPORTERS.keys():
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        if ":" not in name and f"| `{family}` |" not in text:
            yield f"{family}: docs/operating.md does not say what it means"
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            if "alert" in rule and f"### {rule['alert']}\n" not in text:
                yield f"rule {rule['alert']}: docs/operating.md has no runbook for it"


def _promtool() -> Iterator[str]:
    promtool = tool("promtool")
    if promtool is None:
        yield "NOT CHECKED: the rules, their tests and the dashboards' PromQL: promtool is missing (Debian: prometheus)"
        return
    asked: list[dict[str, Any]] = [
        {"record": "checked", "labels": {"at": where}, "expr": expression.replace("$__rate_interval", "5m")}
        for where, expression in expressions().items()
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}, file)
        file.flush()
        for command in (["check", "rules", str(RULES), file.name], ["test", "rules", str(RULE_TESTS)]):
            done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
            if done.returncode:
                yield f"promtool {' '.join(command[:2])}:\n{done.stdout}{done.stderr}"

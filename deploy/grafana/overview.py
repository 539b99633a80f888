"""The overview dashboard as code; ``python -m deploy.manifests --write`` makes the JSON that Grafana reads.

Every metric here is checked against services/kit/metrics.py, every query by promtool.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "dashboards"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_WIDTH, _HEIGHT = 24, 8


@dataclass(frozen=True)
class Graph:
    """A time series panel: queries by legend, the unit, what it tells."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    tells: str = ""
    width: int = 8
    limit: float | None = None
    kind: str = "timeseries"


def _rate(metric: str, by: str, selector: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def _quantile(share: float, metric: str, by: str, selector: str = "") -> str:
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{{{selector}}}[$__rate_interval])))"


OVERVIEW: dict[str, list[Graph]] = {
    "Service level": [
        Graph(
            "Within a minute",
            {"{{stage}}": "daybook:freshness_within_minute:ratio5m"},
            "percentunit",
            "Share of segments recorded, and visible in the diary, within a minute of their end. Computers that come "
            "back from offline count as late: look at Ingest by outcome before looking for a fault.",
            kind="stat",
            limit=0.9,
        ),
        Graph(
            "Freshness",
            {
                "{{stage}} half": _quantile(0.5, "daybook_freshness_seconds", "stage"),
                "{{stage}} 99 %": _quantile(0.99, "daybook_freshness_seconds", "stage"),
            },
            "s",
            "From a segment's end on the computer to the ledger, and to the diary.",
            width=16,
        ),
    ],
    "Ingest": [
        Graph(
            "Ingest by outcome",
            {"{{outcome}}": _rate("daybook_segments_total", "outcome")},
            "ops",
            "Records a second: recorded, duplicate, or the reason of quarantine.",
        ),
        Graph(
            "Quarantined share",
            {
                "share": 'sum(rate(daybook_segments_total{outcome!~"recorded|duplicate|postponed"}[$__rate_interval]))'
                " / sum(rate(daybook_segments_total[$__rate_interval]))"
            },
            "percentunit",
            limit=0.01,
        ),
        Graph(
            "Waiting on the bus",
            {
                "{{consumer_name}}": "max by (consumer_name) (nats_consumer_num_pending"
                '{consumer_name=~"ingest|scoring|projector|media"})',
                "{{consumer_name}} in hand": "max by (consumer_name) (nats_consumer_num_ack_pending"
                '{consumer_name=~"ingest|scoring|projector|media"})',
            },
            tells="What KEDA scales by; media scales by its CPU.",
            limit=20_000,
        ),
        Graph(
            "Messages by outcome",
            {"{{subject}} {{outcome}}": _rate("daybook_messages_total", "subject, outcome")},
            "ops",
            "done; postponed for a while; failed, to come again.",
        ),
        Graph("A batch takes, 99 %", {"{{subject}}": _quantile(0.99, "daybook_batch_seconds", "subject")}, "s"),
        Graph("Facts overdue", {"{{job}}": "max by (job) (daybook_outbox_staged)"}, limit=1),
    ],
    "Requests": [
        Graph("Requests by verb", {"{{verb}}": _rate("daybook_request_seconds_count", "verb")}, "ops"),
        Graph("A request takes, 99 %", {"{{verb}}": _quantile(0.99, "daybook_request_seconds", "verb")}, "s", limit=1),
        Graph(
            "Failed requests",
            {"{{verb}} {{status}}": _rate("daybook_request_seconds_count", "verb, status", 'status=~"5.."')},
            "ops",
        ),
    ],
    "People, devices, pictures": [
        Graph("Sign-ins", {"{{kind}} {{outcome}}": _rate("daybook_sign_ins_total", "kind, outcome")}, "ops"),
        Graph("Pictures arriving", {"{{outcome}}": _rate("daybook_pictures_total", "outcome")}, "ops"),
        Graph("Pictures looked at", {"{{source}}": _rate("daybook_picture_views_total", "source")}, "ops"),
        Graph(
            "Pictures expiring", {"taken away": "sum(rate(daybook_pictures_expired_total[$__rate_interval]))"}, "ops"
        ),
        Graph(
            "Pictures overdue",
            {"the longest": "max(daybook_pictures_behind_seconds)"},
            "s",
            "How long the device that waits longest should have been looked at: a round comes every minute.",
            limit=7200,
        ),
        Graph("Open pages", {"pages": "sum(daybook_live_pages)"}),
        Graph("CPU", {"{{job}}": "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))"}, "short"),
        Graph("Memory", {"{{job}}": "sum by (job) (process_resident_memory_bytes)"}, "bytes"),
    ],
}


def _panel(graph: Graph, number: int, x: int, y: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if graph.limit is not None:
        steps.append({"color": "red", "value": graph.limit})
    if graph.kind == "stat":  # the more the better
        steps = [{"color": "red", "value": None}, {"color": "green", "value": graph.limit}]
    custom = {"thresholdsStyle": {"mode": "line" if graph.limit is not None else "off"}}
    return {
        "id": number,
        "type": graph.kind,
        "title": graph.title,
        "description": graph.tells,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": graph.width, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": graph.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": custom if graph.kind == "timeseries" else {},
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(65 + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(graph.queries.items())
        ],
    }


def _panels(rows: dict[str, list[Graph]]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    y = 0
    for title, graphs in rows.items():
        place = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": place})
        x, y = 0, y + 1
        for graph in graphs:
            if x + graph.width > _WIDTH:
                x, y = 0, y + _HEIGHT
            panels.append(_panel(graph, len(panels) + 1, x, y))
            x += graph.width
        y += _HEIGHT
    return panels


def _dashboard(uid: str, title: str, rows: dict[str, list[Graph]]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["daybook"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}],
        },
        "annotations": {"list": []},
        "panels": _panels(rows),
    }


def files() -> dict[Path, str]:
    """Every dashboard's file and text."""
    overview = _dashboard("daybook-overview", "Daybook: overview", OVERVIEW)
    return {_FOLDER / "overview.json": json.dumps(overview, indent=1, ensure_ascii=False) + "\n"}

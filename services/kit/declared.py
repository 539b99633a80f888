"""Everything that Daybook tells its operators: each span and each metric, declared here before it is emitted (B-07).

``telemetry`` makes spans of these declarations and ``metrics`` makes metrics of them; ``tests/telemetry`` catches what
the running services emit and fails on whatever is not declared here. Attributes and labels are ids, numbers and classes
of things, never content; labels moreover never name a device, a member or a workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# spans --------------------------------------------------------------------------------------------------------------

#: What every span says of who emitted it, beside what the SDK says of itself (``telemetry.*``).
RESOURCE = ("service.name", "service.instance.id")
INSTRUMENTATION = "daybook"


@dataclass(frozen=True, slots=True)
class Span:
    """One kind of span. ``{words}`` in a name stand for classes; ``parent`` and ``link`` name other spans."""

    name: str
    by: tuple[str, ...]
    """``service.name`` without ``daybook-``."""
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    meaning: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    link: str | None = None


_EVERYONE = ("ingest", "media", "scoring", "licensing", "diary", "projector")
_RECORD = {
    "daybook.workspace": "id",
    "daybook.device": "id",
    "daybook.seq": "the record's number in its device's chain",
}

SEGMENT = Span(
    "segment",
    ("agent",),
    "producer",
    "A record, from the start of its slot to when it was closed on the computer; written by ingest from its times",
    _RECORD,
)
SEGMENT_RECORDED = Span(
    "segment recorded",
    ("ingest",),
    "consumer",
    "A record that is in the ledger, until the journal has it too",
    _RECORD,
    parent="segment",
    link="take {source}",
)
SEGMENT_SCORED = Span(
    "segment scored",
    ("scoring",),
    "consumer",
    "A record's fact, from when it was taken until its scores are said",
    parent="segment recorded",
    link="take {source}",
)
SEGMENT_VISIBLE = Span(
    "segment visible",
    ("projector",),
    "consumer",
    "A record's fact, from when it was taken until its time is in the diary and open pages were told",
    parent="segment recorded",
    link="take {source}",
)
SCORE_VISIBLE = Span(
    "score visible",
    ("projector",),
    "consumer",
    "A score, from when it was taken until it is in the diary and open pages were told",
    parent="segment scored",
    link="take {source}",
)
PICTURE_VISIBLE = Span(
    "picture visible",
    ("projector",),
    "consumer",
    "A stored picture, from when its fact was taken until the diary shows it and open pages were told",
    parent="answer device.{verb}",
    link="take {source}",
)
BATCH = Span(
    "take {source}",
    ("ingest", "scoring", "projector", "media"),
    "consumer",
    "A batch from a stream until it was committed; linked to the traces of its messages, at most 128",
    {"daybook.messages": "how many there were"},
    link="segment, segment recorded, segment scored, answer device.{verb}",
)
ASK = Span("ask {service}.{verb}", _EVERYONE, "client", "A request to another service until its answer came")
ANSWER = Span(
    "answer {verb}", _EVERYONE, "server", "A request of another service being answered", parent="ask {service}.{verb}"
)
ANSWER_DEVICE = Span(
    "answer device.{verb}", ("ingest", "media", "licensing"), "server", "A request of a device being answered"
)

SPANS = (
    SEGMENT,
    SEGMENT_RECORDED,
    SEGMENT_SCORED,
    SEGMENT_VISIBLE,
    SCORE_VISIBLE,
    PICTURE_VISIBLE,
    BATCH,
    ASK,
    ANSWER,
    ANSWER_DEVICE,
)

#: What the ``{words}`` of names stand for, as regular expressions.
WORDS = {
    "source": "segments.closed|scoring|projector|media|workspace.deleted",
    "service": "ingest|media|scoring|licensing|diary",
    "verb": "[a-z]+(_[a-z]+)*",
}

# metrics ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``labels`` says which values each label takes, as regular expressions."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()


_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WAIT = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400)
_REASONS = (
    "invalid|bad_signature|unknown_contract|outside_licence|clock_ahead|too_old|conflict|revoked"  # fine-print.md
)

MESSAGES = Metric(
    "daybook_messages_total",
    "counter",
    "messages",
    "Messages taken from a stream, by source and outcome",
    {"subject": WORDS["source"], "outcome": "done|postponed|failed|poison|stray"},
)
BATCH_SECONDS = Metric(
    "daybook_batch_seconds",
    "histogram",
    "seconds",
    "Time a batch from a stream took until it was committed",
    {"subject": WORDS["source"]},
    _FAST,
)
REQUEST_SECONDS = Metric(
    "daybook_request_seconds",
    "histogram",
    "seconds",
    "Time a request over the bus took, by verb and status",
    {"verb": rf"(device\.)?{WORDS['verb']}", "status": "[2-5][0-9]{2}"},
    _FAST,
)
SEGMENTS = Metric(
    "daybook_segments_total",
    "counter",
    "records",
    "Records ingest decided on: recorded, duplicate, postponed, or the quarantine reason",
    {"outcome": f"recorded|duplicate|postponed|{_REASONS}"},
)
FRESHNESS_SECONDS = Metric(
    "daybook_freshness_seconds",
    "histogram",
    "seconds",
    "Time from a segment's end on the computer to each stage, once a record: recorded, visible",
    {"stage": "recorded|visible"},
    _WAIT,
)
PICTURES = Metric(
    "daybook_pictures_total",
    "counter",
    "pictures",
    "Pictures offered by devices: stored, again, or why refused",
    {"outcome": "stored|again|hash|format|size|not_allowed|expired"},
)
PICTURES_EXPIRED = Metric(
    "daybook_pictures_expired_total", "counter", "pictures", "Pictures taken away for good because their time was over"
)
PICTURES_BEHIND = Metric(
    "daybook_pictures_behind_seconds",
    "gauge",
    "seconds",
    "How long overdue the device is that waits longest for somebody to take away its pictures whose time is over",
)
PICTURE_VIEWS = Metric(
    "daybook_picture_views_total",
    "counter",
    "pictures",
    "Pictures served, from the cache or encoded anew",
    {"source": "cache|encoder"},
)
SIGN_INS = Metric(
    "daybook_sign_ins_total",
    "counter",
    "sign-ins",
    "Sign-ins of people and devices by outcome",
    {"kind": "person|device", "outcome": "admitted|refused"},
)
WEEKS_SEALED = Metric(
    "daybook_weeks_sealed_total",
    "counter",
    "weeks",
    "Tries to seal a locked week: sealed, waiting for a record or key, disagreeing with its records, or a failure",
    {"outcome": "sealed|waiting|disagrees|failed"},
)
WEEKS_UNSEALED = Metric(
    "daybook_weeks_unsealed",
    "gauge",
    "weeks",
    "Locked weeks that could not be sealed at the last look: their statements are not to be had (look at the log)",
    {"outcome": "waiting|disagrees|failed"},
)
OUTBOX_STAGED = Metric(
    "daybook_outbox_staged", "gauge", "facts", "Facts staged that should be published by now, up to 10,000"
)
LIVE_PAGES = Metric("daybook_live_pages", "gauge", "pages", "Open pages that listen for changes")

METRICS = (
    MESSAGES,
    BATCH_SECONDS,
    REQUEST_SECONDS,
    SEGMENTS,
    FRESHNESS_SECONDS,
    PICTURES,
    PICTURES_EXPIRED,
    PICTURES_BEHIND,
    PICTURE_VIEWS,
    SIGN_INS,
    WEEKS_SEALED,
    WEEKS_UNSEALED,
    OUTBOX_STAGED,
    LIVE_PAGES,
)

#: What prometheus_client says of the process itself.
OF_THE_PROCESS = ("process_", "python_")

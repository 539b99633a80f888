"""Every metric, named once with its meaning. Labels are classes of things, never a device, member or workspace."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WAIT = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400)

MESSAGES = Counter(
    "daybook_messages_total", "Messages taken from a stream, by class of subject and outcome", ["subject", "outcome"]
)
BATCH_SECONDS = Histogram(
    "daybook_batch_seconds", "Time a batch from a stream took until it was committed", ["subject"], buckets=_FAST
)
REQUEST_SECONDS = Histogram(
    "daybook_request_seconds", "Time a request over the bus took, by verb and status", ["verb", "status"], buckets=_FAST
)
SEGMENTS = Counter(
    "daybook_segments_total", "Records ingest decided on: recorded, duplicate, or the quarantine reason", ["outcome"]
)
FRESHNESS_SECONDS = Histogram(
    "daybook_freshness_seconds",
    "Time from a segment's end on the computer to each stage: recorded, visible",
    ["stage"],
    buckets=_WAIT,
)
PICTURES = Counter("daybook_pictures_total", "Pictures offered by devices: stored, again, or refused", ["outcome"])
PICTURE_VIEWS = Counter("daybook_picture_views_total", "Pictures served, from the cache or encoded anew", ["source"])
SIGN_INS = Counter("daybook_sign_ins_total", "Sign-ins of people and devices by outcome", ["kind", "outcome"])
OUTBOX_STAGED = Gauge("daybook_outbox_staged", "Facts staged that should be published by now, up to 10,000")
LIVE_PAGES = Gauge("daybook_live_pages", "Open pages that listen for changes")

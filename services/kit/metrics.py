"""Every metric as it is counted with; ``declared`` says what each means, its unit and its labels."""

from prometheus_client import Counter, Gauge, Histogram

from services.kit import declared
from services.kit.declared import Metric


def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.meaning, list(metric.labels))


def _gauge(metric: Metric) -> Gauge:
    return Gauge(metric.name, metric.meaning, list(metric.labels))


def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.meaning, list(metric.labels), buckets=metric.buckets)


MESSAGES = _counter(declared.MESSAGES)
BATCH_SECONDS = _histogram(declared.BATCH_SECONDS)
REQUEST_SECONDS = _histogram(declared.REQUEST_SECONDS)
SEGMENTS = _counter(declared.SEGMENTS)
FRESHNESS_SECONDS = _histogram(declared.FRESHNESS_SECONDS)
PICTURES = _counter(declared.PICTURES)
PICTURES_EXPIRED = _counter(declared.PICTURES_EXPIRED)
PICTURES_BEHIND = _gauge(declared.PICTURES_BEHIND)
PICTURE_VIEWS = _counter(declared.PICTURE_VIEWS)
SIGN_INS = _counter(declared.SIGN_INS)
WEEKS_SEALED = _counter(declared.WEEKS_SEALED)
WEEKS_UNSEALED = _gauge(declared.WEEKS_UNSEALED)
OUTBOX_STAGED = _gauge(declared.OUTBOX_STAGED)
LIVE_PAGES = _gauge(declared.LIVE_PAGES)

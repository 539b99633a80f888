"""The streams and durables of ``services.wire.subjects`` as nats-py wants them."""

from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from services.wire.subjects import Durable, Stream


def stream_config(stream: Stream, replicas: int = 1) -> StreamConfig:
    """A stream as nats-py wants it."""
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=RetentionPolicy.WORK_QUEUE if stream.retention == "workqueue" else RetentionPolicy.LIMITS,
        storage=StorageType.MEMORY if stream.storage == "memory" else StorageType.FILE,
        discard=DiscardPolicy.NEW if stream.discard_new else DiscardPolicy.OLD,
        max_age=stream.max_age_seconds,
        max_bytes=stream.max_bytes,
        max_msgs_per_subject=1 if stream.last_per_subject else -1,
        allow_direct=stream.last_per_subject,  # the last of many subjects in one question (diary/presence.py)
        num_replicas=replicas,
        allow_atomic=stream.batches or None,
        duplicate_window=0 if stream.storage == "memory" else 120,
    )


def consumer_config(durable: Durable) -> ConsumerConfig:
    """A durable as the migration makes it: explicit acks, no limit on deliveries."""
    return ConsumerConfig(
        name=durable.name,
        durable_name=durable.name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=durable.ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=durable.max_ack_pending,
        filter_subjects=list(durable.subjects),
    )

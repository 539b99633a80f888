"""The acknowledgements of JetStream, which a publisher may have sent to any subject (field-notes.md). Pure."""

import orjson

_PUB_ACK = frozenset({"stream", "seq", "domain", "duplicate", "val", "batch", "count", "error", "type"})


def is_pub_ack(body: bytes) -> bool:
    """Whether a body is a PubAck of JetStream, or its refusal; no fact has any of its keys."""
    if len(body) > 1000 or b'"stream"' not in body:
        return False
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(content, dict) and content.keys() <= _PUB_ACK

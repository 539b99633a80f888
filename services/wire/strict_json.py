"""JSON as it is read here: no doubled keys, no floats, nothing nested without end. Stdlib only."""

import json
from typing import Any


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_float(text: str) -> Any:
    raise ValueError(f"numbers are integers here: {text[:20]}")


def read_json(text: str | bytes) -> Any:
    """JSON without doubled keys and without floats; anything else is a ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_float=_no_float, parse_constant=_no_float)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error

"""What the API's collections take: licensing's models decide, the edge puts them into the OpenAPI document (V-04).

``collections.json`` holds, by collection, the names of its filters and the JSON Schema of the bodies that create and
change one. It is written by ``python -m services.licensing.schemas``; a test compares.
"""

import json
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
_FILE = Path(__file__).with_name("collections.json")


def read() -> dict[str, Schema]:
    """By collection: ``filters`` (names), ``create`` and ``change`` (JSON Schema, or null where nobody does)."""
    found: dict[str, Schema] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def inlined(schema: Schema) -> Schema:
    """A model's JSON Schema in one piece: every ``$ref`` into its own ``$defs`` is replaced by what it names."""
    definitions = schema.get("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return whole(definitions[part["$ref"].rsplit("/", 1)[1]])
            return {name: whole(value) for name, value in part.items() if name != "$defs"}
        return [whole(one) for one in part] if isinstance(part, list) else part

    found: Schema = whole(schema)
    return found

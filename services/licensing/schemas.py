"""``python -m services.licensing.schemas > services/wire/collections.json``: what the API's collections take (V-04)."""

import json
import sys
from typing import Any

from pydantic import BaseModel

from services.licensing.collections import KINDS
from services.wire.collections import inlined


def document() -> dict[str, dict[str, Any]]:
    """The filters and bodies of every collection, from the models that licensing reads them by."""
    return {
        collection: {"filters": list(kind.filters), "create": _schema(kind.new), "change": _schema(kind.patch)}
        for collection, kind in sorted(KINDS.items())
    }


def _schema(model: type[BaseModel] | None) -> dict[str, Any] | None:
    return inlined(model.model_json_schema()) if model else None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")

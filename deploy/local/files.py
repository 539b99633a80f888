"""Small files of a data folder, each replaced whole and readable by its owner only."""

import json
import os
from pathlib import Path
from typing import Any


def write_private(path: Path, content: Any) -> None:
    """Write JSON (0600) so that a reader sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)


def read(path: Path) -> Any:
    """The JSON of a file, or None where there is none."""
    return json.loads(path.read_text()) if path.exists() else None

"""What a simulated computer knows it has closed: one line a record, in a file outside its spool."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EITHER = "admitted or conflict"
"""What is expected of both records where two closed the same seq: one is admitted, and the other a conflict."""

KEPT = "kept in the spool"
"""What is expected of a record that the bus may not take."""


@dataclass(frozen=True)
class Line:
    """A closed record; ``expected``: None to be admitted, a reason to be quarantined for it, EITHER or KEPT."""

    device: str
    seq: int
    hash: str
    segment: str
    body: str
    expected: str | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The signed text, parsed."""
        found: dict[str, Any] = json.loads(json.loads(self.body)["record"])
        return found

    @property
    def detail(self) -> dict[str, Any]:
        """The detail text, parsed."""
        found: dict[str, Any] = json.loads(json.loads(self.body)["detail"])
        return found


class Book:
    """The lines of one device; several copies of a device write into one book."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: list[Line] = list(self._kept())

    def _kept(self) -> Iterator[Line]:
        if self._path.exists():
            for text in self._path.read_text().splitlines():
                yield Line(**json.loads(text))

    def write(self, line: Line) -> None:
        """Adds a line; it stands in the file when this returns."""
        with self._path.open("a") as file:
            file.write(json.dumps(line.__dict__) + "\n")
        self.lines.append(line)

    def read_again(self) -> None:
        """Reads what another process has written."""
        self.lines = list(self._kept())

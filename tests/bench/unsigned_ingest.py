"""Ingest as it is, but for the check of signatures: for comparison with a loop that checks none."""

from services.ingest.app import IngestSettings, build
from services.kit.service import run
from services.wire import proof


def _believe(*_: object) -> None:
    """Takes any signature."""


if __name__ == "__main__":
    proof.check = _believe  # type: ignore[assignment]
    run(build(IngestSettings()))  # type: ignore[call-arg]

"""Seeded defects: one function of one service made wrong, as a careless change might. Each must turn the oracle red.

``DEFECTS[name]``: what is planted, into which service, under which fault it shows, and the word of the finding.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.defects import counting, keeping, settling


@dataclass(frozen=True)
class Defect:
    """``plant`` is called in the service's process before it starts; ``options`` are further ones of ``altered``."""

    service: str
    plant: Callable[[], None]
    finding: str
    """How the finding that names it begins."""
    fault: str | None = None
    options: tuple[str, ...] = ()
    devices: int = 1
    pictures: float = 0.0


_FOLD = "services.diary.folding:Folder.fold"
DEFECTS: dict[str, Defect] = {
    "ack_before_commit": Defect("projector", settling.ack_first, "diary: lacks", options=(f"--die=before {_FOLD} 2",)),
    "reject_on_error": Defect("projector", settling.reject, "diary: lacks", options=(f"--fail=before {_FOLD} 2",)),
    "no_unique_key": Defect("ingest", keeping.no_unique_key, "doubled:", fault="doubled_and_shuffled"),
    "overwriting": Defect("ingest", keeping.overwrite, "lost:", fault="cloned_device"),
    "receipt_before_ledger": Defect(
        "ingest",
        keeping.promise_first,
        "receipt: it promised",
        options=("--die=before services.ingest.ledger:Ledger.write 2",),
    ),
    "losing_pictures": Defect("media", keeping.lose_pictures, "picture:", pictures=0.5),
    "adding_up": Defect("projector", counting.add_up, "week:", fault="started_again_in_the_same_slot"),
    "every_device_counts": Defect("projector", counting.every_device, "diary:", devices=2),
}

"""A device's watermark: which of its records are safe (admitted and journalled, or quarantined). Pure arithmetic.

``through`` is the highest seq below which all are safe, ``above`` the later safe ranges, both ends included.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

Range = tuple[int, int]

MAX_RANGES = 1000
"""Ranges remembered. What is forgotten beyond is not receipted, so the agent sends it again."""
MAX_TOLD = 100
"""Ranges, and quarantined seqs, that a receipt carries; the back office can read them all."""


class Mark(NamedTuple):
    """Where a device's records stand; ``quarantined`` are the newest pairs of seq and reason."""

    through: int = 0
    above: tuple[Range, ...] = ()
    quarantined: tuple[tuple[int, str], ...] = ()

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and (
            1 <= seq <= self.through or any(first <= seq <= last for first, last in self.above)
        )

    def total(self) -> int:
        """How many records are safe."""
        return self.through + sum(last - first + 1 for first, last in self.above)


def advance(mark: Mark, admitted: Collection[int], quarantined: Mapping[int, str] | None = None) -> Mark:
    """The mark after these seqs became safe. Order and repetition do not matter; it never goes back."""
    refused = quarantined or {}
    if not mark.above and not refused and not mark.quarantined and len(admitted) == 1:
        (seq,) = admitted
        if seq == mark.through + 1:
            return Mark(seq)
    through, above = _join([(1, mark.through), *mark.above, *_ranges({*admitted, *refused})])
    # What is admitted now, after a release or because it came again, is no longer quarantined; but a conflict is with
    # the record that was admitted, and stays told.
    still = {seq: reason for seq, reason in mark.quarantined if reason == "conflict" or seq not in admitted}
    listed = still | dict(refused)
    return Mark(through, above, tuple(sorted(listed.items())[-MAX_TOLD:]))


def keep(mark: Mark, present: Collection[int]) -> Mark:
    """The mark of what is safe by the mark and also present: a restored store has lost the rest."""
    through, above = _join(_ranges({seq for seq in present if seq in mark}))
    return Mark(through, above, tuple((seq, reason) for seq, reason in mark.quarantined if seq in present))


def _ranges(seqs: Iterable[int]) -> list[Range]:
    ranges: list[Range] = []
    for seq in sorted(seqs):
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges


def _join(ranges: Iterable[Range]) -> tuple[int, tuple[Range, ...]]:
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        elif last >= first:
            joined.append((first, last))
    if joined and joined[0][0] == 1:
        return joined[0][1], tuple(joined[1 : 1 + MAX_RANGES])
    return 0, tuple(joined[:MAX_RANGES])


def receipt(mark: Mark, ledger: str, workspace: str, device: str, now: str) -> dict[str, Any]:
    """The receipt of a mark (fine-print.md, *Records*); ``ledger`` names the ledger's generation."""
    return {
        "ledger": ledger,
        "workspace": workspace,
        "device": device,
        "through": mark.through,
        "above": [list(one) for one in mark.above[:MAX_TOLD]],
        "quarantined": [list(one) for one in mark.quarantined],
        "now": now,
    }

"""What comes late for a segment that is sealed already: billed beside it, in the week that is open then. Pure.

A further record of a segment (Start pressed again in its ten minutes, or a record that was held up) may come when the
segment's week is sealed. The seal does not move; what the record adds is an adjustment (fine-print.md, *Records*), and
is billed like a segment of its own, by its own activity. Such a segment has ``further``, one for each such week, in the
order they came: ``week``, ``seqs`` (its records), and what they come to: ``counted``, ``figures``, ``claim``.

So that a seal never moves, records that were sealed together stay together: a minute is first of what was sealed, then
of what came late (T-14). Within each, the lowest seq's minute stays, as in every segment.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.wire.segments import Merged, Minute, Part, merge
from services.wire.slots import SLOT_MINUTES

Document = dict[str, Any]
_RANK_BITS = 53
"""A seq is less than 2^53 (``wire.events.Record``)."""


def further(document: Mapping[str, Any]) -> Sequence[Document]:
    """What of a segment is billed in other weeks than its own; nearly always nothing."""
    found: Sequence[Document] = document.get("further", ())
    return found


def add(document: Document, weeks: Mapping[int, str]) -> None:
    """Books these records, by seq, in these weeks."""
    known = {one["week"]: dict(one) for one in further(document)}
    for seq, week in weeks.items():
        one = known.setdefault(week, {"week": week, "seqs": []})
        one["seqs"] = sorted({*one["seqs"], seq})
    document["further"] = sorted(known.values(), key=lambda one: str(one["week"]))


def parts_in(document: Mapping[str, Any], parts: Iterable[Part], week: str) -> list[Part]:
    """Those of a segment's parts that are billed in a week: the late ones of it, or all but the late ones."""
    seqs = {seq: one["week"] for one in further(document) for seq in one["seqs"]}
    return [part for part in parts if seqs.get(part.seq, document["week"]) == week]


def merged(document: Mapping[str, Any], parts: Sequence[Part]) -> Merged:
    """The parts of a segment as one, as ``wire.segments.merge``: what was sealed first."""
    whole = merge(parts)
    if not further(document):
        return whole
    ranks = {seq: rank for rank, one in enumerate(further(document), 1) for seq in one["seqs"]}
    ranked = (part._replace(seq=ranks.get(part.seq, 0) << _RANK_BITS | part.seq) for part in parts)
    return merge(ranked)._replace(memo=whole.memo, label=whole.label, seq=whole.seq)


def brought_in(document: Mapping[str, Any], parts: Sequence[Part], week: str) -> tuple[Sequence[Minute | None], str]:
    """The minutes that the records of one week bring, whoever they count for, and when their session began (T-14)."""
    if own := parts_in(document, parts, week):
        alone = merge(own)
        return alone.minutes, alone.session_started
    return [None] * SLOT_MINUTES, str(document["session_started"])


def sum_figures(document: Mapping[str, Any]) -> list[int]:
    """The figures of a segment with all that came late for it."""
    own: list[int] = document["figures"]
    if not further(document):
        return own
    return [sum(column) for column in zip(own, *(one["figures"] for one in further(document)), strict=True)]

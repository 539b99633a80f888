"""What days are added up from, packed: reading a day decodes one value of a segment where it would decode twenty. Pure.

A segment's ``brief`` says again what its other fields say, and is written with them (documents.py); of its score the
``tally`` is packed. Both are read by the hundred, by whoever looks at a day.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.diary import late
from services.wire.scores import Tally

_BRIEF = struct.Struct(">Q10s7I")
_TALLY = struct.Struct(">6Q")
Told = tuple[int, bytes, int, int, int, int, int, int, int]
"""Of a segment: its claim, the Monday of its week as ASCII, and its figures with all that came late for it."""


def brief(document: Mapping[str, Any]) -> bytes:
    """The brief of a segment that is counted."""
    return _BRIEF.pack(document["claim"], document["week"].encode(), *late.sum_figures(document))


def told(briefs: Iterable[bytes]) -> list[Told]:
    """What briefs say, one after the other."""
    return list(_BRIEF.iter_unpack(b"".join(briefs)))


def week_of(brief: bytes) -> str:
    """The Monday of the week that a segment is billed in, ``2026-11-16``."""
    return str(_BRIEF.unpack(brief)[1], "ascii")


def tally(figures: Sequence[int]) -> bytes:
    """A tally as a segment keeps it."""
    return _TALLY.pack(*figures)


def total(tallies: Iterable[bytes | Sequence[int]]) -> Tally:
    """The sum of tallies, field by field; those that were kept before they were packed are lists."""
    packed = b"".join([one if isinstance(one, bytes) else tally(one) for one in tallies])
    return Tally(*map(sum, zip(Tally(), *_TALLY.iter_unpack(packed), strict=True)))

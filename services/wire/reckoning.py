"""A contract-week's bill worked out from its records and edits alone (S-01, S-03, S-05, S-08, T-14; B-01).

Pure, and needs nothing personal: who seals a week and who checks a statement come to the same figures by it, whether
or not the details are still there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.wire.billing import Claim, Recorded, amount_minor, bill, count_slot, status_of
from services.wire.edits import Edit, entered_by, removed_by
from services.wire.seals import Terms, Totals
from services.wire.segments import MANUAL, NOTHING_GONE, Gone, Minute, Part, left_of, merge, unite_gone
from services.wire.slots import SLOT_MINUTES


class Around(NamedTuple):
    """What the rest of the member's diary takes from a week: the word of who seals it; it only takes time away.

    ``elsewhere``: minutes by slot that count on another contract, or in an earlier seal. ``billed``: minutes by slot
    that an earlier seal of the contract bills where segments are billed whole.
    """

    elsewhere: Mapping[str, Sequence[int]] = {}
    billed: Mapping[str, int] = {}


_ALONE = Around()


class Line(NamedTuple):
    """One segment on the bill; ``device`` None: manual time. ``minutes`` are what of it is billed."""

    slot: str
    segment_id: str
    device: str | None
    status: str
    minutes: int
    over_minutes: int
    tracked_minutes: int
    active_minutes: int


class Reckoned(NamedTuple):
    """The totals of a week, and its lines in the order of the clock."""

    totals: Totals
    lines: list[Line]


class _Segment(NamedTuple):
    slot: str
    device: str
    kind: str
    parts: list[Part]


def reckon(
    records: Iterable[Mapping[str, Any]],
    edits: Sequence[Edit],
    terms: Terms,
    kinds: Mapping[str, str],
    around: Around = _ALONE,
) -> Reckoned:
    """The bill of one contract-week; in any order, and twice, the same.

    ``records`` are parsed record texts, ``kinds`` says ``desktop`` or ``mobile`` of every device.
    """
    segments = _segments(records, edits, kinds)
    counted = _count(segments, _gone(edits), terms, around)
    claims = [
        Claim(one.slot, key, whole, figures["exact"], one.kind == MANUAL)
        for key, (one, whole, figures) in counted.items()
    ]
    hourly, term = terms.rate_minor is not None, terms.term
    billed = bill(claims, terms.limit_minutes, terms.billing_unit, hourly=hourly, term=term)
    over = frozenset(billed.over)
    lines = []
    for claim in sorted(claims):
        one, _, figures = counted[claim.key]
        wanted = claim.minutes(terms.billing_unit) if hourly and term.holds(one.slot) else 0
        status, minutes = status_of(wanted, over=claim.key in over, manual=claim.manual)
        device = None if claim.manual else one.device
        beyond = wanted if claim.key in over else 0
        figured = figures["tracked_minutes"], figures["active_minutes"]
        lines.append(Line(one.slot, claim.key, device, status, minutes, beyond, *figured))
    tracked, active = (sum(getattr(line, name) for line in lines) for name in ("tracked_minutes", "active_minutes"))
    amount = amount_minor(billed.billable_minutes, terms.rate_minor or 0)
    return Reckoned(Totals(*billed[:4], tracked, active, amount), lines)


def _segments(
    records: Iterable[Mapping[str, Any]], edits: Iterable[Edit], kinds: Mapping[str, str]
) -> dict[str, _Segment]:
    segments: dict[str, _Segment] = {}
    for record in records:
        key, device = record["segment_id"], record["device"]
        one = segments.setdefault(key, _Segment(record["slot"], device, kinds[device], []))
        one.parts.append(
            Part(
                *(record["seq"], record["minutes"], None, None, (), ()),
                *(record["session"], record["session_started"]),
            )
        )
    for edit in edits:
        for key, (slot, part) in entered_by(edit).items():
            segments[key] = _Segment(slot, edit.about["entry"], MANUAL, [part])
    return segments


def _gone(edits: Iterable[Edit]) -> dict[str, Gone]:
    gone: dict[str, Gone] = {}
    for edit in edits:
        for key, taken in removed_by(edit).items():
            gone[key] = unite_gone(gone.get(key, NOTHING_GONE), taken)
    return gone


def _count(
    segments: Mapping[str, _Segment], gone: Mapping[str, Gone], terms: Terms, around: Around
) -> dict[str, tuple[_Segment, int, dict[str, int]]]:
    """Segment, what it claims where segments are billed whole, and its figures with ``exact``; by segment id."""
    slots: defaultdict[str, list[Recorded]] = defaultdict(list)
    for key, one in segments.items():
        if left := left_of(one.parts, gone.get(key, NOTHING_GONE)):
            merged = merge(left)
            minutes = _own(merged.minutes, around.elsewhere.get(one.slot, ()))
            if one.kind == MANUAL and not any(minutes):
                continue  # entered in one edit with time of this week, and billed in another
            contract = key.split(":", 1)[0]
            slots[one.slot].append(Recorded(key, contract, one.device, one.kind, merged.session_started, minutes))
    counted = {}
    for slot, recorded in slots.items():
        billed = {one.contract: around.billed.get(slot, 0) for one in recorded}
        for key, count in count_slot(recorded, movement_counts=terms.movement_counts, billed=billed).items():
            counted[key] = segments[key], count.whole, {**count.figures, "exact": count.exact}
    return counted


def _own(minutes: Sequence[Minute | None], taken: Sequence[int]) -> list[Minute | None]:
    return [None if index in taken else minute for index, minute in enumerate(minutes)][:SLOT_MINUTES]

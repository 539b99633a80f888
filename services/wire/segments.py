"""Records become a segment, and a member's segments become counted minutes (fine-print.md, *Records*, *Minutes*).

Pure and free of I/O: scoring, the diary and the checker of statements must all get the same answer from the same
records in whatever order they came.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.wire.slots import SLOT_MINUTES

Minute = Sequence[Any]
"""``[keys, clicks, scrolls, moves, state, app]``."""

KEYS, CLICKS, SCROLLS, MOVES, STATE, APP = range(6)
STATES = ("work", "idle", "break", "private", "locked")
_TRACKED = frozenset({"work", "idle", "locked"})


def is_tracked(minute: Minute | None) -> bool:
    """Tracked minutes are those in state work, idle or locked."""
    return minute is not None and minute[STATE] in _TRACKED


def is_active(minute: Minute | None, *, movement_counts: bool = False) -> bool:
    """A work minute with a key, click or scroll (T-03); movement counts only where the workspace says so."""
    if minute is None or minute[STATE] != "work":
        return False
    return bool(minute[KEYS] or minute[CLICKS] or minute[SCROLLS] or (movement_counts and minute[MOVES]))


class Part(NamedTuple):
    """What one record adds to its segment."""

    seq: int
    minutes: Sequence[Minute | None]
    memo: str | None
    label: str | None
    apps: Sequence[Sequence[Any]]
    captures: Sequence[Mapping[str, Any]]
    session: str
    session_started: str


def part_of(record: Mapping[str, Any], detail: Mapping[str, Any]) -> Part:
    """The part of a segment that a parsed record and its parsed detail carry."""
    return Part(
        record["seq"],
        record["minutes"],
        detail["memo"],
        detail["label"],
        detail["apps"],
        detail["captures"],
        record["session"],
        record["session_started"],
    )


Gone = Sequence[int]
"""Of each of a segment's ten minutes the highest seq that removals cover; -1: nobody removed it (S-08)."""

NOTHING_GONE: Gone = (-1,) * SLOT_MINUTES


def unite_gone(one: Gone, other: Gone) -> list[int]:
    """What two removals cover together; in any order, and twice, the same."""
    return [max(pair) for pair in zip(one, other, strict=True)]


def without(part: Part, gone: Gone, captures: Collection[str] = ()) -> Part:
    """What removals leave of a part: not the covered minutes, not the captures that went with them.

    Of a part that lost all its minutes nothing is left, neither memo nor apps nor captures.
    """
    minutes = [None if part.seq <= seq else minute for minute, seq in zip(part.minutes, gone, strict=True)]
    if any(part.minutes) and not any(minutes):
        return part._replace(minutes=minutes, memo=None, label=None, apps=[], captures=[])
    return part._replace(minutes=minutes, captures=[one for one in part.captures if one["capture_id"] not in captures])


def left_of(parts: Iterable[Part], gone: Gone, captures: Collection[str] = ()) -> list[Part]:
    """The parts of which removals left something; none, where the whole segment is gone."""
    left = [(part, without(part, gone, captures)) for part in parts]
    return [now for part, now in left if any(now.minutes) or not any(part.minutes)]


class Merged(NamedTuple):
    """A segment put together from its parts; ``apps`` united, the minutes' and captures' indices following."""

    minutes: list[list[Any] | None]
    memo: str | None
    label: str | None
    apps: list[list[Any]]
    captures: list[dict[str, Any]]
    session: str
    session_started: str
    seq: int


def merge(parts: Iterable[Part]) -> Merged:
    """Merges the parts of one segment, whatever their order and however often they came.

    Minute by minute the lowest seq's non-null minute stays; captures unite; the highest seq's memo and label count, a
    null one replaces nothing; seconds of the same app, title and site add up.
    """
    ordered = sorted({part.seq: part for part in parts}.values())
    minutes: list[list[Any] | None] = [None] * SLOT_MINUTES
    apps: dict[tuple[Any, ...], int] = {}
    places: dict[tuple[Any, ...], int] = {}
    captures: dict[str, dict[str, Any]] = {}
    memo = label = None
    for part in ordered:
        place = []
        for *name, seconds in part.apps:
            key = tuple(name)
            apps[key] = apps.get(key, 0) + seconds
            place.append(places.setdefault(key, len(places)))
        for index, minute in enumerate(part.minutes):
            if minute is not None and minutes[index] is None:
                minutes[index] = [*minute[:APP], _moved(minute[APP], place)]
        for capture in part.captures:
            captures.setdefault(capture["capture_id"], {**capture, "app": _moved(capture["app"], place)})
        memo = part.memo if part.memo is not None else memo
        label = part.label if part.label is not None else label
    return Merged(
        minutes,
        memo,
        label,
        [[*name, seconds] for name, seconds in apps.items()],
        sorted(captures.values(), key=lambda one: (one["at"], one["capture_id"])),
        ordered[0].session,
        ordered[0].session_started,
        ordered[-1].seq,
    )


def _moved(app: int | None, place: Sequence[int]) -> int | None:
    return place[app] if app is not None and 0 <= app < len(place) else None


MANUAL = "manual"
"""The ``kind`` of what no device recorded (S-05)."""

_RANKS = {"desktop": 0, "mobile": 1, MANUAL: 2}


class Claim(NamedTuple):
    """One segment's claim on the minutes of a slot, with what decides between two devices (T-14).

    ``kind``: desktop, mobile or manual. ``sealed``: its week is sealed, so what it counts it has counted for good.
    """

    segment_id: str
    device: str
    kind: str
    session_started: str
    minutes: Sequence[Minute | None]
    sealed: bool = False

    @property
    def precedence(self) -> tuple[bool, int, str, str, str]:
        """Who is served first, lowest first: sealed, desktop, mobile, manual; the earlier session; the lower id."""
        return not self.sealed, _RANKS[self.kind], self.session_started, self.device, self.segment_id


def counted(claims: Iterable[Claim]) -> dict[str, list[bool]]:
    """Which minutes of each segment count for the member: a minute counts once (T-14).

    All claims are of one member and one slot. Desktop before mobile, both before manual time, then the earlier
    ``session_started``, then the lower device id, then the lower segment id; before all of them what is sealed. Gives
    ``{segment_id: ten booleans}``; a null minute never counts.
    """
    taken = [False] * SLOT_MINUTES
    result: dict[str, list[bool]] = {}
    for claim in sorted(claims, key=lambda one: one.precedence):
        mine = [minute is not None and not taken[index] for index, minute in enumerate(claim.minutes)]
        taken = [was or now for was, now in zip(taken, mine, strict=True)]
        result[claim.segment_id] = mine
    return result


def count_minutes(
    minutes: Sequence[Minute | None], counts: Sequence[bool], *, movement_counts: bool = False
) -> dict[str, int]:
    """Integer minutes of a segment by kind, of those minutes that count (fine-print.md, *Minutes*; A-01)."""
    own = [minute for minute, yes in zip(minutes, counts, strict=True) if yes and minute is not None]
    states = [minute[STATE] for minute in own]
    idle = states.count("idle") + states.count("locked")
    paused, private = states.count("break"), states.count("private")
    return {
        "tracked_minutes": states.count("work") + idle,
        "active_minutes": sum(is_active(minute, movement_counts=movement_counts) for minute in own),
        "idle_minutes": idle,
        "break_minutes": paused,
        "private_minutes": private,
        "office_minutes": len(own),
        "work_minutes": len(own) - paused - private,
    }

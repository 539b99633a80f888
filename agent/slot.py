"""The open slot: what has been recorded of the running ten minutes, minute by minute (T-03, T-04, T-05).

Pure: no clock, no disk. ``sampler.py`` makes its minutes, ``chain.py`` closes it into a record.
"""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from services.wire import slots

TITLE_CHARS = 200
MOST_APPS = 300
"""Applications and titles that one slot tells apart."""
_COUNT_MAX = 2**31 - 1
_MINUTE = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


class App(NamedTuple):
    """What is in front: the application, and where policy lets it be known its window's title and its site."""

    name: str
    title: str | None = None
    site: str | None = None


OTHER = App("other")
"""What stands for the smallest where there are too many."""


class Minute(NamedTuple):
    """One minute of the meter; ``app`` is what was most in front, None where not captured."""

    keys: int
    clicks: int
    scrolls: int
    moves: int
    state: str
    app: App | None = None


def clean(text: str, limit: int = TITLE_CHARS) -> str:
    """A text that every reader can decode: no control characters, no lone surrogates, at most ``limit`` characters."""
    if text.isprintable():
        return text.strip()[:limit]
    sound = text[: limit * 2].encode("utf-8", "replace").decode()
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in sound).strip()[:limit]


def minute_of(slot: datetime, instant: datetime) -> int:
    """Which of the slot's ten minutes an instant falls in; outside 0..9 it is not in this slot."""
    return (instant - slot) // _MINUTE


def capture_moments(slot: datetime, captures: int, since: datetime, random: Random) -> dict[int, datetime]:
    """n captures: n equal parts of the slot, each with one random moment in what is left of it from ``since`` (T-05).

    Gives ``{part: moment}`` of the parts that are not over: who starts late in a part still has its capture.
    """
    moments = {}
    for part in range(captures):
        begin, end = max(slot + _part_begin(part, captures), since), slot + _part_begin(part + 1, captures)
        if begin < end:
            moments[part] = begin + _MICROSECOND * int((end - begin) // _MICROSECOND * random.random())
    return moments


def _part_begin(part: int, captures: int) -> timedelta:
    return -(-(slots.SLOT * part) // captures)


def part_of(slot: datetime, captures: int, instant: datetime) -> int:
    """Which of the n equal parts of a slot an instant falls in."""
    return (instant - slot) * captures // slots.SLOT


@dataclass
class OpenSlot:
    """The running slot of one contract within one session."""

    slot: datetime
    contract: str
    session: str
    session_started: str
    zone: str
    policy: int
    boot: str
    uptime_ms: tuple[int, int]
    memo: str | None = None
    label: str | None = None
    carried: int = 0
    """Bit i: minute i went with an earlier record of this segment, and is not carried again."""
    minutes: list[Minute | None] = field(default_factory=lambda: [None] * slots.SLOT_MINUTES)
    apps: dict[App, int] = field(default_factory=dict)
    """Milliseconds in front."""

    def put(self, index: int, minute: Minute, front_ms: Iterable[tuple[App, int]], uptime_ms: int) -> None:
        """Takes a finished minute. One that was carried before, or is there already, stays as it was."""
        self.uptime_ms = (self.uptime_ms[0], max(self.uptime_ms[0], uptime_ms))
        if not 0 <= index < slots.SLOT_MINUTES or self.carried >> index & 1 or self.minutes[index] is not None:
            return
        keys, clicks, scrolls, moves = (min(count, _COUNT_MAX) for count in minute[:4])
        app = self._known(minute.app, 0) if minute.app is not None else None
        self.minutes[index] = Minute(keys, clicks, scrolls, moves, minute.state, app)
        for one, ms in front_ms:
            self._known(one, ms)

    def _known(self, app: App, ms: int) -> App:
        known = app if app in self.apps or len(self.apps) < MOST_APPS else OTHER
        self.apps[known] = self.apps.get(known, 0) + ms
        return known

    @property
    def tracked(self) -> int:
        """Bit i: minute i is in this slot."""
        return sum(1 << index for index, minute in enumerate(self.minutes) if minute is not None)

    @property
    def end(self) -> datetime:
        """The instant the slot is over."""
        return self.slot + slots.SLOT

    def drop(self) -> None:
        """Takes the time recorded so far out, for good: what a discarded capture costs (T-07, S-08)."""
        self.carried |= self.tracked
        self.minutes = [None] * slots.SLOT_MINUTES
        self.apps = {}


def dump(slot: OpenSlot) -> str:
    """The open slot as text, for the spool's checkpoint."""
    apps = list(slot.apps)
    place = {app: index for index, app in enumerate(apps)}
    return json.dumps(
        {
            **{name: getattr(slot, name) for name in _PLAIN},
            "slot": slots.format_instant(slot.slot),
            "uptime_ms": list(slot.uptime_ms),
            "minutes": [m and [*m[:5], None if m.app is None else place[m.app]] for m in slot.minutes],
            "apps": [[*app, slot.apps[app]] for app in apps],
        }
    )


def load(text: str) -> OpenSlot:
    """The open slot of a checkpoint."""
    found: dict[str, Any] = json.loads(text)
    apps = [App(*app[:3]) for app in found["apps"]]
    return OpenSlot(
        **{name: found[name] for name in _PLAIN},
        slot=slots.parse_slot(found["slot"]),
        uptime_ms=(found["uptime_ms"][0], found["uptime_ms"][1]),
        minutes=[m and Minute._make([*m[:5], None if m[5] is None else apps[m[5]]]) for m in found["minutes"]],
        apps={app: row[3] for app, row in zip(apps, found["apps"], strict=True)},
    )


_PLAIN = ("contract", "session", "session_started", "zone", "policy", "boot", "memo", "label", "carried")

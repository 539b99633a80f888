"""The demo company: who works there, on what, and how their days go. Pure: a seed and a date give the same day again.

A *day* is a list of sessions (from start to stop), a session a list of stretches of one kind of doing; ``minute`` turns
any minute of a stretch into what the agent would have counted.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from agent.slot import App, Minute
from deploy.local.desk import BOOKKEEPER, BREAK, CALL, DESIGNER, DEVELOPER, Trade, Use
from services.wire import slots

MINUTE = timedelta(minutes=1)
ON_CALL_MINUTES = 140

#: What the demo's licences allow; kept longer than the fortnight that the demo shows.
OPEN_POLICY: Mapping[str, Any] = {
    "screenshots": {"enabled": True, "per_segment": 1, "blur": False},
    "apps": True,
    "titles": True,
    "site": "domain",
    "live": True,
    "capture_days": 90,
}
#: What the unused licences allow: whoever tries an agent of their own sees a picture within a minute or two.
TRIAL_POLICY: Mapping[str, Any] = {**OPEN_POLICY, "screenshots": {"enabled": True, "per_segment": 10, "blur": False}}
BLURRED_POLICY: Mapping[str, Any] = {**OPEN_POLICY, "screenshots": {"enabled": True, "per_segment": 1, "blur": True}}


@dataclass(frozen=True)
class Persona:
    """A member with a contract and habits; minutes and minor units are integers, hours are local."""

    name: str
    team: str
    zone: str
    trade: Trade
    project: str
    currency: str = "EUR"
    rate_minor: int = 6000
    weekly_limit_minutes: int | None = 2400
    manual_time: bool = True
    memo_required: bool = False
    labels: Sequence[str] = ("Delivery", "Meeting", "Review")
    policy: Mapping[str, Any] = field(default_factory=lambda: OPEN_POLICY)
    starts_at: time = time(9)
    day_minutes: int = 465
    long_day_minutes: int = 465
    """In the one long week."""
    forgets_memo: float = 0.1
    pictured_days: int = 14
    """How many days before the seeding captures were turned on."""

    @property
    def blurred(self) -> bool:
        """Whether pictures are blurred on the computer."""
        return bool(self.policy["screenshots"]["blur"])

    def random(self, *what: object) -> Random:
        """A source of chance of its own for each day or purpose."""
        return Random(zlib.crc32("|".join([self.name, *map(str, what)]).encode()))


JONAS = Persona(
    "Jonas Falk",
    "Product",
    "Europe/Berlin",
    DEVELOPER,
    "Booking platform",
    rate_minor=8500,
    weekly_limit_minutes=3000,
    starts_at=time(8, 50),
)
PRIYA = Persona(
    *("Priya Nair", "Design", "Asia/Kolkata", DESIGNER, "Brand refresh"),
    rate_minor=7200,
    weekly_limit_minutes=1200,
    memo_required=True,
    day_minutes=215,
    long_day_minutes=290,
    starts_at=time(10),
    forgets_memo=0.2,
)
TOM = Persona(
    *("Tom Okafor", "Office", "America/New_York", BOOKKEEPER, "Year-end books"),
    currency="USD",
    rate_minor=5500,
    manual_time=False,
    policy=BLURRED_POLICY,
    pictured_days=6,
    day_minutes=400,
    long_day_minutes=400,
    starts_at=time(8, 30),
)
NEWCOMER = Persona("Robin Castell", "Product", "UTC", DEVELOPER, "Onboarding", weekly_limit_minutes=None)
OTHER = Persona("Elif Demir", "Workshop", "UTC", DESIGNER, "Shop window", day_minutes=180, long_day_minutes=180)

_FIRST = ("Ada", "Bruno", "Chiara", "Daniel", "Esra", "Felix", "Greta", "Hugo", "Ines", "Jakub", "Kira", "Leon", "Maya")
_LAST = ("Albers", "Bianchi", "Costa", "Dahl", "Ek", "Ferrari", "Garcia", "Hansen", "Ivanov", "Jansen", "Kaya", "Lund")
_ZONES = ("Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Australia/Sydney")


def personas(count: int) -> list[Persona]:
    """The first so many people of the company; the three of the demo first."""
    named = [JONAS, PRIYA, TOM]
    return named[:count] + [_further(index) for index in range(count - len(named))]


def _further(index: int) -> Persona:
    model = (JONAS, PRIYA, TOM)[index % 3]
    first, last = _FIRST[index % len(_FIRST)], _LAST[index % len(_LAST)]
    cycle = index // (len(_FIRST) * len(_LAST))
    return Persona(
        f"{first} {last}{cycle or ''}", model.team, _ZONES[index % len(_ZONES)], model.trade, f"Project {index + 1}"
    )


def devices(people: Sequence[Persona]) -> list[int]:
    """Whose each device is: everybody has a computer, and the first has a laptop for travelling besides."""
    return [*range(len(people)), 0]


# a day ----------------------------------------------------------------------------------------------------------------


class Stretch(NamedTuple):
    """A span of one kind of doing: a minute's state, or ``meeting``. Memo and label are those in force."""

    start: datetime
    end: datetime
    doing: str
    memo: str | None
    label: str | None


class Session(NamedTuple):
    """From start to stop."""

    name: str
    stretches: list[Stretch]

    @property
    def started(self) -> datetime:
        """The instant Start was pressed."""
        return self.stretches[0].start


@dataclass(frozen=True)
class Calendar:
    """What makes a fortnight of the demo special, relative to the day it was seeded."""

    seeded_at: datetime

    @property
    def long_week(self) -> date:
        """The Monday of the last whole week before: the one in which a limit is passed."""
        return slots.week_of(self.seeded_at, ZoneInfo("UTC")) - timedelta(days=7)

    @property
    def travel_day(self) -> date:
        """The day that the first member worked on a laptop without a connection."""
        return self.long_week + timedelta(days=2)


def day(persona: Persona, on: date, calendar: Calendar, *, travelling: bool = False) -> list[Session]:
    """The sessions of a local day, in order; weekends are free. ``travelling``: on the laptop."""
    away = persona.name == JONAS.name and on == calendar.travel_day
    if on.weekday() > 4 or away != travelling:
        return []
    random = persona.random(on)
    long = on - timedelta(days=on.weekday()) == calendar.long_week
    total = (persona.long_day_minutes if long else persona.day_minutes) + random.randint(-25, 20)
    begin = datetime.combine(on, persona.starts_at, ZoneInfo(persona.zone)).astimezone(UTC)
    begin += random.randint(-12, 18) * MINUTE
    morning = total * random.randint(42, 52) // 100
    first = session(persona, begin, morning, random)
    back = first.stretches[-1].end + timedelta(minutes=random.randint(32, 55))
    second = session(persona, back, total - morning, random)
    return [_lock_before_lunch(first, random), second]


def on_call(persona: Persona, planned: Sequence[Session], since: datetime, now: datetime) -> Session | None:
    """The last hours of somebody who was called to work, in a session from ``since`` at the earliest until now.

    None where they worked today (in their zone) as planned. So a demo that is begun on a Sunday, or in the night, shows
    a company at work.
    """
    today = now.astimezone(ZoneInfo(persona.zone)).date()
    if any(one.started < now and one.started.astimezone(ZoneInfo(persona.zone)).date() == today for one in planned):
        return None
    start = max(since, now - timedelta(minutes=ON_CALL_MINUTES))
    minutes = (now - start) // MINUTE
    return session(persona, start, minutes, persona.random("on call", start)) if minutes > 0 else None


def session(persona: Persona, start: datetime, minutes: int, random: Random) -> Session:
    """So many minutes of work with what belongs to it: meetings, short breaks, staring out of the window."""
    stretches: list[Stretch] = []
    at, end = start, start + minutes * MINUTE
    while at < end:
        memo, label = _task(persona, random)
        until = min(end, at + random.randint(45, 110) * MINUTE)
        while at < until:
            doing, length = _next_doing(random)
            stop = min(until, at + length * MINUTE)
            stretches.append(Stretch(at, stop, doing, memo, "Meeting" if doing == "meeting" and label else label))
            at = stop
    return Session(f"ses-{zlib.crc32(f'{persona.name}{start}'.encode()):08x}", stretches)


def _task(persona: Persona, random: Random) -> tuple[str | None, str | None]:
    if random.random() < persona.forgets_memo:
        return None, None
    return random.choice(persona.trade.memos), random.choice([label for label in persona.labels if label != "Meeting"])


def _next_doing(random: Random) -> tuple[str, int]:
    """A kind of doing and its length in minutes."""
    kinds = {"work": 74, "meeting": 9, "break": 6, "idle": 8, "private": 2}
    doing = random.choices(list(kinds), list(kinds.values()))[0]
    longest = {"work": (18, 55), "meeting": (20, 45), "break": (4, 12), "idle": (5, 14), "private": (4, 9)}
    return doing, random.randint(*longest[doing])


def _lock_before_lunch(first: Session, random: Random) -> Session:
    """Some lock the screen and go, and press Stop only minutes later."""
    last = first.stretches[-1]
    locked = last._replace(start=last.end, end=last.end + random.randint(1, 6) * MINUTE, doing="locked")
    return first._replace(stretches=[*first.stretches, locked]) if random.random() < 0.4 else first


def phone_call(contract: str, after: datetime) -> dict[str, Any]:
    """Manual time as somebody enters it who took a call when the computer was off already (S-05)."""
    start = after + 25 * MINUTE
    return {
        "contract": contract,
        "kind": "work",
        "start": slots.format_instant(start),
        "end": slots.format_instant(start + 35 * MINUTE),
        "reason": "The client called after I had stopped.",
        "memo": "Call: what is left before the launch",
        "label": "Meeting",
    }


# a minute -------------------------------------------------------------------------------------------------------------


class Lived(NamedTuple):
    """One minute: the meter's counts, the applications in front with their milliseconds, and what the screen shows."""

    minute: Minute
    front_ms: list[tuple[App, int]]
    use: Use | None


def minute(persona: Persona, stretch: Stretch, random: Random, before: Use | None) -> Lived:
    """What the agent counts in one minute of a stretch; mostly in the application of the minute before."""
    if stretch.doing in ("break", "private", "locked"):
        return Lived(Minute(0, 0, 0, 0, stretch.doing), [], None)
    if stretch.doing == "meeting":
        use: Use = CALL
    elif before is not None and before is not CALL and random.random() < 0.8:
        use = before
    else:
        use = random.choices([*persona.trade.uses, BREAK], [*(one.weight for one in persona.trade.uses), 6])[0]
    counts = _counts(stretch, use, random)
    return Lived(Minute(*counts, "idle" if stretch.doing == "idle" else "work", use.app), [(use.app, 60_000)], use)


def _counts(stretch: Stretch, use: Use, random: Random) -> tuple[int, int, int, int]:
    if stretch.doing == "idle":
        return 0, 0, 0, 0
    if stretch.doing == "meeting":  # mostly listening
        return (0, random.randint(0, 2), 0, random.randint(0, 12)) if random.random() < 0.5 else (0, 0, 0, 0)
    if random.random() < 0.08:  # reading
        return 0, 0, 0, random.randint(0, 6)
    keys, clicks, scrolls = (max(0, round(random.gauss(mean, mean / 2))) for mean in use.pace)
    return keys, clicks, scrolls, random.randint(5, 60)

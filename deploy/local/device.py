"""A computer of the demo company: the agent's slot, chain, spool and uplink, fed by ``company`` instead of by hands."""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nacl.signing import SigningKey

from agent.chain import Identity, Record
from agent.clock import Clock, HandClock, SystemClock
from agent.slot import Minute, OpenSlot, capture_moments
from agent.uplink import Uplink
from deploy.local import company
from deploy.local.album import Album
from deploy.local.company import MINUTE, Calendar, Lived, Persona, Session, Stretch
from deploy.local.desk import Use
from deploy.local.files import read, write_private
from deploy.local.screens import Screens
from services.wire import proof, slots

_SLEPT_IN = timedelta(minutes=3)


@dataclass(frozen=True)
class Activation:
    """What a device is given when its licence is activated, and the key it did that with."""

    key: SigningKey
    answer: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> "Activation | None":
        """The activation kept in a file."""
        kept = read(path)
        return cls(SigningKey(bytes.fromhex(kept["seed"])), kept["answer"]) if kept else None

    def keep(self, path: Path) -> None:
        """Keep it beside the spool."""
        write_private(path, {"seed": bytes(self.key).hex(), "answer": self.answer})

    @property
    def notice_key(self) -> bytes:
        """The public key of the services' receipts and commands."""
        return proof.read_public_key(self.answer["notice_key"])

    @property
    def entitlement(self) -> dict[str, Any]:
        """What the licence allowed when it was activated."""
        sealed = self.answer["entitlement"]
        body = sealed.encode() if isinstance(sealed, str) else json.dumps(sealed).encode()
        return proof.open_notice(self.notice_key, body, self.answer["workspace"], self.answer["device"])

    @property
    def identity(self) -> Identity:
        """Who signs the records."""
        given = self.answer
        return Identity(given["workspace"], given["member"], given["device"], self.entitlement["licence"], key=self.key)


@dataclass
class Device:
    """One computer. ``live_through`` makes the past in one go, ``live`` goes on minute by minute."""

    folder: Path
    persona: Persona
    calendar: Calendar
    screens: Screens
    activation: Activation
    travelling: bool = False
    segments: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the segments closed since this process began, by UTC day."""
    pictured: str | None = None
    """The id of one capture."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # a killed process loses nothing by it, only a power cut would; and the fleet is a simulation
        self.spool = Album(self.folder / "spool.db", durable=False)
        self.identity = self.activation.identity
        entitlement = self.activation.entitlement
        self.contract: str = entitlement["contracts"][0]["contract"]
        self._policy: dict[str, Any] = entitlement["policy"]
        self._open: OpenSlot | None = None
        self._moments: list[datetime] = []
        self._doing: dict[str, Any] | None = None
        self._working = True
        self.uplink = Uplink(
            self.spool,
            self.identity,
            self.activation.answer["bus"],
            self.activation.notice_key,
            SystemClock(),
            on_command=self._obey,
            presence=lambda: self._doing,
        )

    # the past ---------------------------------------------------------------------------------------------------------

    def live_through(self, since: datetime, until: datetime, *, on_call: bool = False) -> None:
        """Live the planned days from ``since``, or from where an earlier process stopped, until an instant.

        ``on_call``: and be called to work in the last hours, where none was planned.
        """
        if left_open := self.spool.open_slot():
            self._open = left_open
            self._close(left_open.end)
        lived = self.spool.note("lived")
        since = max(since, slots.parse_instant(lived)) if lived else since
        if until <= since:
            return
        with self.spool.batch():
            for session, clock in self._sessions(since, until, on_call):
                for stretch, lived_minute in self._minutes(session, clock, since, until):
                    self._put(clock, session, stretch, lived_minute)
                self._close(min(clock.now(), until))
            self.spool.write_note("lived", slots.format_instant(until))

    def _sessions(self, since: datetime, until: datetime, on_call: bool) -> Iterator[tuple[Session, HandClock]]:
        zone = ZoneInfo(self.persona.zone)
        day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
        while day <= last:
            sessions = company.day(self.persona, day, self.calendar, travelling=self.travelling)
            clock = self._switched_on(day, sessions)
            for session in sessions:
                if session.started < until:
                    clock.move((session.started - clock.now()).total_seconds())
                    yield session, clock
            if on_call and day == last and (called := company.on_call(self.persona, sessions, since, until)):
                yield called, HandClock(called.started, f"{self.identity.device}-{called.name}")
            day += timedelta(days=1)

    def _switched_on(self, day: date, sessions: list[Session]) -> HandClock:
        boot = f"{self.identity.device}-{day}"
        return HandClock(sessions[0].started - _SLEPT_IN if sessions else self.calendar.seeded_at, boot)

    def _minutes(
        self, session: Session, clock: HandClock, since: datetime, until: datetime
    ) -> Iterator[tuple[Stretch, Lived]]:
        """Each minute of a session with what was done in it; the clock stands at its end."""
        random = self.persona.random(session.name)
        use: Use | None = None
        for stretch in session.stretches:
            while clock.now() < min(stretch.end, until):
                lived = company.minute(self.persona, stretch, random, use)
                use = lived.use
                started = clock.now()
                clock.move(60)
                if started >= since:
                    yield stretch, lived

    # a minute ---------------------------------------------------------------------------------------------------------

    def _put(self, clock: Clock, session: Session, stretch: Stretch, lived: Lived) -> None:
        """Take the minute that has just ended into its slot; the slot is closed with its last minute."""
        start = (clock.now() - MINUTE).replace(second=0, microsecond=0)
        slot = slots.slot_of(start)
        if self._open is None or self._open.slot != slot:
            self._begin(clock, session, slot)
        assert self._open is not None
        self._open.memo, self._open.label = stretch.memo, stretch.label
        self._open.put((start - slot) // MINUTE, lived.minute, lived.front_ms, clock.uptime_ms())
        self._capture(slot, start, lived)
        if start + MINUTE >= slot + slots.SLOT:
            self._close(clock.now())

    def _begin(self, clock: Clock, session: Session, slot: datetime) -> None:
        segment = f"{self.contract}:{self.identity.device}:{slots.format_instant(slot)}"
        self._open = OpenSlot(
            slot=slot,
            contract=self.contract,
            session=session.name,
            session_started=slots.format_instant(session.started),
            zone=self.persona.zone,
            policy=self._policy["version"],
            boot=clock.boot,
            uptime_ms=(max(0, clock.uptime_ms() - 60_000), clock.uptime_ms()),
            carried=self.spool.carried(segment),
        )
        captures = self._policy["screenshots"]
        since = self.calendar.seeded_at - timedelta(days=self.persona.pictured_days)
        count = captures["per_segment"] if captures["enabled"] and slot >= since else 0
        self._moments = list(capture_moments(slot, count, slot, self.persona.random(slot)).values())

    def _capture(self, slot: datetime, start: datetime, lived: Lived) -> None:
        """Take the pictures whose moment was in this minute; nothing is captured in a break or in private time."""
        for moment in self._moments:
            if start <= moment < start + MINUTE and lived.use is not None:
                picture = self.screens.of(lived.use, blurred=self.persona.blurred)
                entry: dict[str, Any] = {
                    "capture_id": f"cap-{secrets.token_hex(12)}",
                    "kind": "screen",
                    "at": slots.format_instant(moment),
                    "sha256": picture.sha256,
                    "bytes": len(picture.data),
                    "width": picture.width,
                    "height": picture.height,
                    "monitor": 0,
                    "blurred": self.persona.blurred,
                }
                segment = f"{self.contract}:{self.identity.device}:{slots.format_instant(slot)}"
                self.spool.hold_picture(segment, entry, lived.use.app, picture.data, picture.thumbnail)
                self.pictured = entry["capture_id"]

    def _close(self, at: datetime) -> None:
        if self._open is not None:
            record = self.spool.close_slot(self._open, self.identity, at)
            if record is not None:
                day = slots.format_instant(self._open.slot)[:10]
                self.segments[day].add(record.segment_id)
                self._closed(record)
            self._open = None

    def _closed(self, record: Record) -> None:
        """For who writes down what was closed."""

    # the present ------------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Work on in real time, whatever the hour: a demo is looked at when it is looked at."""
        clock = SystemClock()
        while True:
            start = _next_minute(clock.now())
            session = company.session(self.persona, start, 240, self.persona.random(start))
            random = self.persona.random(session.name)
            use: Use | None = None
            for stretch in session.stretches:
                at = stretch.start
                while at < stretch.end:
                    lived = company.minute(self.persona, stretch, random, use)
                    use = lived.use
                    self._say(lived.minute, at)
                    at += MINUTE
                    await clock.sleep((at - clock.now()).total_seconds())
                    if self._working:
                        self._live_minute(clock, session, stretch, lived)

    def _live_minute(self, clock: SystemClock, session: Session, stretch: Stretch, lived: Lived) -> None:
        self._put(clock, session, stretch, lived)
        if self._open is None:
            self.spool.write_note("lived", slots.format_instant(slots.slot_of(clock.now())))
            self.uplink.wake()
        else:
            self.spool.checkpoint(self._open)

    def _say(self, minute: Minute, since: datetime) -> None:
        """Let the others know what is being done; ``since`` stays while it is the same."""
        status = "stopped" if not self._working else "working" if minute.state == "work" else minute.state
        app = minute.app.name if minute.app and self._working else None
        if self._doing is None or self._doing["status"] != status:
            self._doing = {"status": status, "app": app, "since": slots.format_instant(since)}
            self.uplink.presence_changed()
        self._doing["app"] = app

    def _obey(self, command: dict[str, Any]) -> None:
        """Start and Stop as pressed on the web (T-21)."""
        if command["command"] in ("start", "stop"):
            self._working = command["command"] == "start"
            if not self._working:
                self._close(SystemClock().now())
                self.uplink.wake()


def _next_minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) + MINUTE


async def drained(devices: Sequence[Device]) -> None:
    """Wait until every record of these has its receipt and every picture is stored or refused."""
    await asyncio.gather(*(device.uplink.drained() for device in devices))

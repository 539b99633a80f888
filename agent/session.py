"""From start to stop: turns what is seen of the computer into minutes (T-01, T-10, T-11, T-18).

Reads the desk and the clock when it is told to (``tick``, about once a second), and keeps the open slot in its book.
It does not wait, and knows nothing of the bus, so that days can be lived through in milliseconds.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Any, NamedTuple, Protocol

from agent.book import Book
from agent.chain import VERSION, Identity
from agent.clock import Clock
from agent.policy import Entitlement
from agent.sampler import Counts, Sampler
from agent.shutter import Plan
from agent.slot import App, OpenSlot
from agent.spool import Spool, SpoolError
from services.wire import slots
from services.wire.language import N_, _

MINUTE = timedelta(minutes=1)
JUMP_MS = 2_000
"""Wall clock and uptime may drift apart by this much between two ticks; more is a clock that was set, or sleep."""
GAP_MS = 90_000
"""Longer without a tick, nobody watched: such minutes are not recorded."""
#: What a device does, for people.
STATUS_WORDS = N_("working"), N_("idle"), N_("break"), N_("private"), N_("locked"), N_("stopped")
_PRESENCE = {"work": "working", "break": "break", "private": "private", "locked": "locked", "stopped": "stopped"}


class Desk(Protocol):
    """What is seen of the computer. None is *unknown*."""

    def take(self) -> Counts:
        """Counts since the last call."""

    def front(self) -> App | None:
        """The window in front."""

    def idle_ms(self) -> int | None:
        """Milliseconds since the last input."""

    def locked(self) -> bool:
        """Whether the screen is locked or its saver on."""


class NotAllowed(Exception):
    """What was asked for cannot be done; the text says why, for the member to read."""


@dataclass
class Running:
    """The session since Start; ``state`` is ``work``, ``break`` or ``private``."""

    session: str
    started: str
    contract: str
    memo: str | None
    label: str | None
    state: str = "work"


class Glance(NamedTuple):
    """The clocks and the desk at one tick."""

    now: datetime
    uptime_ms: int
    asleep_ms: int
    state: str
    front: App | None
    idle: bool


class Session:
    """One device's tracking. ``changed`` is called when there is something new to send or to say."""

    def __init__(
        self,
        spool: Spool,
        identity: Identity,
        clock: Clock,
        desk: Desk,
        entitlement: Entitlement,
        *,
        confirmed_at: datetime | None = None,
        zone: str = "UTC",
        trusted: Callable[[], datetime] | None = None,
        changed: Callable[[], None] = lambda: None,
        random: Random | None = None,
    ) -> None:
        self.book = Book(spool, identity, clock, changed)
        self.entitlement, self.confirmed_at = entitlement, confirmed_at
        self._trusted = trusted or clock.now
        """The time that licences are held against (``evidence.py``); a slot goes by the computer's clock."""
        self.running: Running | None = None
        self.stopped_because: str | None = None
        self.cuts: list[str] = []
        """Where the clock was set, or nobody watched: the last ten, for the status page."""
        self._spool, self._clock, self._desk, self._zone, self._changed = spool, clock, desk, zone, changed
        self._sampler, self._plan = Sampler(), Plan(random or SystemRandom())
        self._input_at_ms = clock.uptime_ms()
        self._glance = self._look()
        self._since = self._glance.now
        self._shown = self._status()

    # what the member and the back office ask --------------------------------------------------------------------------

    def start(self, contract: str | None, memo: str | None = None, label: str | None = None) -> None:
        """Starts, or goes over to another contract within the session (T-01); NotAllowed says why not."""
        if obstacle := self._obstacle():
            raise NotAllowed(obstacle)
        try:
            chosen = self.entitlement.contract(contract).contract
        except ValueError as error:
            raise NotAllowed(error.args[0]) from error
        self.tick()  # what came before Start is nobody's business, or belongs to the contract before
        if self.running and self.running.contract == chosen:
            self.annotate(memo, label)
            return
        self._end_slot(self._glance)
        if self.running:
            self.running.contract, self.running.memo, self.running.label = chosen, memo, label
        else:
            started = slots.format_instant(self._glance.now)
            self.running = Running(secrets.token_hex(10), started, chosen, memo, label)
        self.stopped_because = None
        self._begin_slot()

    def stop(self, because: str | None = None) -> None:
        """Closes the running slot into its record; harmless where nothing runs."""
        self.tick()
        if self.running:
            self._end_slot(self._glance)
            self.running, self.stopped_because = None, because
            self._look_again()

    def switch(self, state: str) -> None:
        """``work``, ``break`` or ``private`` (T-18)."""
        if not self.entitlement.policy.may_pause:
            raise NotAllowed(_("the policy of this computer does not let breaks and private time be marked"))
        self.tick()
        self._now_running().state = state
        self._look_again()

    def annotate(self, memo: str | None, label: str | None) -> None:
        """Memo and label while time runs (T-20); None leaves what is there."""
        if not self.entitlement.policy.may_annotate:
            raise NotAllowed(_("the policy of this computer asks for no memo or label"))
        running = self._now_running()
        running.memo = memo if memo is not None else running.memo
        running.label = label if label is not None else running.label
        if self.book.slot:
            self.book.slot.memo, self.book.slot.label = running.memo, running.label
            self.book.checkpoint()

    def discard(self) -> None:
        """Takes the running segment and its captures back before they leave the computer (T-07, S-08)."""
        if not self.entitlement.policy.may_discard:
            raise NotAllowed(_("the policy of this computer does not let captures be discarded"))
        self._now_running()
        self.tick()
        self.book.discard()

    def entitle(self, entitlement: Entitlement, confirmed_at: datetime) -> None:
        """A newly heard entitlement; what was recorded so far stays under the policy it was recorded under (L-04)."""
        self.tick()
        other_policy = entitlement.policy != self.entitlement.policy
        self.entitlement, self.confirmed_at = entitlement, confirmed_at
        if self.running and self.running.contract not in {one.contract for one in entitlement.contracts}:
            self.stop(_("the contract does not run any more"))
        elif self.running and other_policy:
            self._end_slot(self._glance)
            self._begin_slot()
        self.tick()

    def _now_running(self) -> Running:
        if not self.running:
            raise NotAllowed(_("nothing is running"))
        return self.running

    def _obstacle(self) -> str | None:
        return self.entitlement.obstacle(self._trusted(), self.confirmed_at, VERSION)

    # time passes ------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Takes in what has happened since the last tick."""
        self.book.flush()
        before, counts = self._glance, self._desk.take()
        if any(counts):
            self._input_at_ms = self._clock.uptime_ms()
        now = self._glance = self._look()
        if self.running:
            if because := _untrusted(before, now):
                self._cut(before, because)
                self._sampler.count(counts, now.state)
            else:
                self._sampler.count(counts, before.state)
                self._pass(before, now)
            if obstacle := self._obstacle():
                self._end_slot(self._glance)
                self.running, self.stopped_because = None, obstacle
        self._say_changes()

    def _look(self) -> Glance:
        uptime_ms, idle_ms = self._clock.uptime_ms(), self._desk.idle_ms()
        if idle_ms is None:
            idle_ms = uptime_ms - self._input_at_ms
        state = self.running.state if self.running else "stopped"
        return Glance(
            now=self._clock.now(),
            uptime_ms=uptime_ms,
            asleep_ms=self._clock.asleep_ms(),
            state="locked" if state == "work" and self._desk.locked() else state,
            front=self.entitlement.policy.visible(self._desk.front()) if state == "work" else None,
            idle=idle_ms >= self.entitlement.policy.idle_minutes * 60_000,
        )

    def _look_again(self) -> None:
        """After a change that the member made: the next span is in the new state."""
        self._glance = self._look()
        self._say_changes()

    def _pass(self, before: Glance, now: Glance) -> None:
        """Divides the span between two ticks among the minutes it touches."""
        at = before.now
        while at < now.now:
            upto = min(now.now, _minute(at) + MINUTE)
            self._sampler.span(_ms(upto - at), before.state, before.front)
            at = upto
            if at == _minute(at):
                uptime_ms = before.uptime_ms + _ms(at - before.now)
                self._put_minute(at - MINUTE, uptime_ms, idle=now.idle)
                if self.book.slot and at >= self.book.slot.end:
                    self.book.close()
                    self._open_slot(at, uptime_ms)

    def _put_minute(self, start: datetime, uptime_ms: int, *, idle: bool) -> None:
        minute, front = self._sampler.finish(idle=idle)
        self.book.put(start, minute, front, uptime_ms)

    def _cut(self, last: Glance, because: str) -> None:
        """What the clocks say since the last tick cannot be trusted: the slot ends there, and a new one begins now."""
        self.cuts = [*self.cuts[-9:], f"{slots.format_instant(self._glance.now)} {because}"]
        self._end_slot(last)
        self._begin_slot()

    # the slot ---------------------------------------------------------------------------------------------------------

    def _begin_slot(self) -> None:
        self._sampler = Sampler()
        self._look_again()
        self._open_slot(self._glance.now, self._glance.uptime_ms)

    def _open_slot(self, at: datetime, uptime_ms: int) -> None:
        running, policy = self._now_running(), self.entitlement.policy
        slot = OpenSlot(
            slot=slots.slot_of(at),
            contract=running.contract,
            session=running.session,
            session_started=running.started,
            zone=self._zone,
            policy=policy.version,
            boot=self._clock.boot,
            uptime_ms=(uptime_ms, uptime_ms),
            memo=running.memo,
            label=running.label,
        )
        self.book.open(slot)
        try:
            self._plan.make(slot, policy.captures, at, self._spool.captures_between(slot.slot, slot.end))
        except SpoolError:
            self._plan.make(slot, 0, at, ())

    def _end_slot(self, seen: Glance) -> None:
        """Puts the minute that runs, however short it was (it counts as its minute), and closes the slot."""
        if self._sampler.begun:
            self._put_minute(_minute(seen.now), seen.uptime_ms, idle=seen.idle)
        self.book.close()

    def capture_due(self) -> tuple[str, App | None] | None:
        """The segment and what is in front, when a capture is to be taken now; nothing on break, in private, locked."""
        if not self.book.slot or not self._plan.due(self._glance.now) or self._glance.state != "work":
            return None
        return self.book.segment_of(self.book.slot), self._glance.front

    def may_keep(self, segment_id: str) -> bool:
        """Whether a capture for that segment may still be kept: it runs, and the member is at work."""
        slot = self.book.slot
        return slot is not None and self.book.segment_of(slot) == segment_id and self._glance.state == "work"

    # what is said of it -----------------------------------------------------------------------------------------------

    def presence(self) -> dict[str, Any]:
        """What the device says it is doing."""
        status, app = self._shown
        return {"status": status, "app": app, "since": slots.format_instant(self._since)}

    def _status(self) -> tuple[str, str | None]:
        state, front = self._glance.state, self._glance.front
        if state == "work" and self._glance.idle:
            return "idle", front.name if front else None
        return _PRESENCE[state], front.name if front and state == "work" else None

    def _say_changes(self) -> None:
        shown = self._status()
        if shown != self._shown:
            if shown[0] != self._shown[0]:
                self._since = self._glance.now
            self._shown = shown
            self._changed()


def _untrusted(before: Glance, now: Glance) -> str | None:
    """Why the span between two glances cannot be recorded as it stands; None where it can."""
    elapsed_ms = now.uptime_ms - before.uptime_ms
    if now.asleep_ms - before.asleep_ms > JUMP_MS:
        return "asleep"
    if abs(_ms(now.now - before.now) - elapsed_ms) > JUMP_MS:
        return "clock set"
    return "not watched" if elapsed_ms > GAP_MS else None


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _minute(instant: datetime) -> datetime:
    return datetime.fromtimestamp(instant.timestamp() // 60 * 60, UTC)

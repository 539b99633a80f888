"""What time it is, by more than this computer's clock, and which commands were carried out (L-02, L-04).

Whoever sets the clock back must not bring an expired licence back. So the latest time seen is remembered, and what the
services sign (receipts, entitlements, commands) carries theirs: from there on the time is counted by the uptime, which
nobody can set. A signed time also corrects a clock that was ahead for a while.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from agent.clock import Clock
from agent.spool import Spool, SpoolError
from services.wire import slots

LATE = timedelta(minutes=2)
"""A signed message that is older than this when it comes is no news of the time, and no command to act on."""
_WRITTEN_EVERY = timedelta(minutes=10)
_REMEMBERED = 100


class Signed(NamedTuple):
    """A time the services signed, and where this computer's uptime stood when it came."""

    at: datetime
    boot: str
    uptime_ms: int


class Evidence:
    """The time that holds, and the commands that came; kept in the spool."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool, self._clock = spool, clock
        self._signed: Signed | None = None
        self._seen: datetime | None = None
        self._commands: dict[str, str] = {}
        self._written: datetime | None = None
        with suppress(SpoolError, ValueError, KeyError, TypeError):
            self._load(json.loads(spool.note("evidence") or "null"))

    def _load(self, kept: Mapping[str, Any] | None) -> None:
        if kept is None:
            return
        if signed := kept["signed"]:
            self._signed = Signed(slots.parse_instant(signed[0]), str(signed[1]), int(signed[2]))
        self._seen = slots.parse_instant(kept["seen"]) if kept["seen"] else None
        self._commands = dict(kept["commands"])

    def now(self) -> datetime:
        """The time that holds: since a signed time in this run of the computer its own count, else the latest seen."""
        if (counted := self._counted()) is not None:
            return counted
        known = [self._clock.now(), self._seen, self._signed.at if self._signed else None]
        return max(one for one in known if one is not None)

    def _counted(self) -> datetime | None:
        if self._signed is None or self._signed.boot != self._clock.boot:
            return None
        return self._signed.at + timedelta(milliseconds=self._clock.uptime_ms() - self._signed.uptime_ms)

    def look(self) -> None:
        """Remembers the latest time seen; call it now and then."""
        self._seen = self.now()
        if self._written is None or abs(self._seen - self._written) >= _WRITTEN_EVERY:
            self._write()

    def heard(self, message: Mapping[str, Any]) -> None:
        """Takes the time out of a message whose signature holds; one that comes late, or again, says nothing new."""
        text = message.get("now") or message.get("at")
        try:
            at = slots.parse_instant(text) if isinstance(text, str) else None
        except ValueError:
            return
        counted = self._counted()
        if at is None or (self._signed and at <= self._signed.at) or (counted and at < counted - LATE):
            return
        news = counted is None
        self._signed, self._seen = Signed(at, self._clock.boot, self._clock.uptime_ms()), None
        if news or self._written is None or abs(at - self._written) >= _WRITTEN_EVERY:
            self._write()

    def admits(self, command: Mapping[str, Any]) -> bool:
        """Whether a signed command is to be carried out: never twice, never late, never without its id and time."""
        id, at = command.get("id"), command.get("at")
        if not isinstance(id, str) or not isinstance(at, str) or id in self._commands:
            return False
        try:
            said = slots.parse_instant(at)
        except ValueError:
            return False
        # against the last signed time, not the count from it: uptime and the services' clock may drift apart
        if self._signed and said < self._signed.at - LATE:
            return False
        kept = [*self._commands.items(), (id, at)][-_REMEMBERED:]
        self._commands = dict(kept)
        self._write()
        return True

    def _write(self) -> None:
        signed = self._signed
        kept = {
            "signed": [slots.format_instant(signed.at), signed.boot, signed.uptime_ms] if signed else None,
            "seen": slots.format_instant(self._seen) if self._seen else None,
            "commands": self._commands,
        }
        with suppress(SpoolError):  # it is tried again soon
            self._spool.write_note("evidence", json.dumps(kept))
            self._written = self.now()

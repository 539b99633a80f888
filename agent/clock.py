"""The only way the agent reads a clock, so that a test or a simulated fleet can live through days in milliseconds."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What the agent asks of time. Milliseconds are integers."""

    boot: str
    """Names this run of the computer; uptimes of two boots cannot be compared."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""

    def uptime_ms(self) -> int:
        """Milliseconds since boot, sleep included; never goes back."""

    def asleep_ms(self) -> int:
        """Milliseconds the computer has slept since boot; 0 where that cannot be known."""

    async def sleep(self, seconds: float) -> None:
        """Waits seconds of this clock."""


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        # elsewhere the instant of booting, to ten seconds, tells two boots apart
        return f"boot-{int((time.time() - time.monotonic()) // 10)}"


class SystemClock:
    """The computer's clocks; sleep shows as CLOCK_BOOTTIME running ahead of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self.boot = _boot_id()

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return datetime.now(UTC)

    def uptime_ms(self) -> int:
        """Milliseconds since boot, sleep included where the system tells it."""
        return _boottime_ns() // 1_000_000

    def asleep_ms(self) -> int:
        """Milliseconds of sleep since boot."""
        return max(0, _boottime_ns() - time.monotonic_ns()) // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


def _boottime_ns() -> int:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class FastClock(SystemClock):
    """The computer's clocks, ``rate`` times as fast since ``anchor``: a test lives through an hour in a minute.

    The anchor is a fixed instant, so that a process started again goes on where the killed one was.
    """

    def __init__(self, rate: float, anchor: datetime) -> None:
        super().__init__()
        self._rate, self._anchor = rate, anchor

    def now(self) -> datetime:
        """The wall clock of this faster world."""
        return self._anchor + timedelta(seconds=(super().now() - self._anchor).total_seconds() * self._rate)

    def uptime_ms(self) -> int:
        """Uptime in this faster world."""
        return int(super().uptime_ms() * self._rate)

    def asleep_ms(self) -> int:
        """Never: a scaled reading would magnify the noise between the two clocks."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Waits seconds of this faster world."""
        await asyncio.sleep(seconds / self._rate)


class HandClock:
    """A clock that stands still until it is moved: for tests and simulations; ``sleep`` only yields and moves it."""

    def __init__(self, start: datetime, boot: str = "boot") -> None:
        self.boot = boot
        self._now, self._uptime, self._asleep = start, 0, 0

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self._now

    def uptime_ms(self) -> int:
        """Milliseconds it was moved by."""
        return self._uptime

    def asleep_ms(self) -> int:
        """Milliseconds it was made to sleep."""
        return self._asleep

    async def sleep(self, seconds: float) -> None:
        """Moves on at once."""
        self.move(seconds)
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        """Time passes."""
        self._now += timedelta(seconds=seconds)
        self._uptime += round(seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, forwards or back."""
        self._now += timedelta(seconds=seconds)

    def suspend(self, seconds: float) -> None:
        """The computer sleeps."""
        self.move(seconds)
        self._asleep += round(seconds * 1000)

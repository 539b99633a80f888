"""Rounds: over and over, after a failure too, at once when woken, and over when stopped."""

import asyncio
import contextlib
import logging

import pytest

from services.kit.rounds import Rounds

log = logging.getLogger(__name__)
_LONG = 3600.0


class Work:
    """Counts its rounds; the first fails."""

    def __init__(self) -> None:
        self.done = 0
        self.reached = asyncio.Condition()

    async def round(self) -> None:
        self.done += 1
        async with self.reached:
            self.reached.notify_all()
        if self.done == 1:
            raise RuntimeError("the first fails")

    async def reaches(self, rounds: int) -> None:
        async with asyncio.timeout(10), self.reached:
            await self.reached.wait_for(lambda: self.done >= rounds)


async def test_a_round_that_fails_is_told_of_and_the_next_comes(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    rounds = Rounds(work.round, 0.001, log, "it is done later")
    rounds.start()
    await work.reaches(3)
    await rounds.stop()
    assert [one.message for one in caplog.records] == ["it is done later"]
    done = work.done
    await asyncio.sleep(0.01)
    assert work.done == done


async def test_who_is_woken_does_not_wait() -> None:
    work, wake = Work(), asyncio.Event()
    rounds = Rounds(work.round, _LONG, log, "later", wake=wake, at_once=False)
    rounds.start()
    for number in (1, 2, 3):
        assert work.done == number - 1
        wake.set()
        await work.reaches(number)
    await rounds.stop()


async def test_what_never_began_can_be_stopped() -> None:
    await Rounds(Work().round, _LONG, log, "later").stop()


async def test_it_ends_where_the_cancellation_is_lost_in_the_pause() -> None:
    """It is in Python 3.11, where it meets the waking."""
    work, wake = Work(), asyncio.Event()
    rounds = Rounds(work.round, _LONG, log, "later", wake=wake)
    rounds.start()
    await work.reaches(1)
    await asyncio.sleep(0)
    wake.set()
    async with asyncio.timeout(10):
        await rounds.stop()
    assert work.done == 1


async def test_it_ends_where_the_cancellation_is_lost_in_the_work() -> None:
    began = asyncio.Event()

    async def deaf() -> None:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(_LONG)

    rounds = Rounds(deaf, _LONG, log, "later")
    rounds.start()
    await began.wait()
    async with asyncio.timeout(10):
        await rounds.stop()

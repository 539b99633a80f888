"""Work that every replica does again and again in the background: one way to begin, to fail, to wait and to end."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable


class Rounds:
    """Calls ``work`` and pauses ``seconds``, or until ``wake`` is set, over and over.

    A round that fails is logged by ``log`` with the words ``late``, and the next one comes all the same. Where
    ``at_once`` is false, the pause comes first.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        seconds: float,
        log: logging.Logger,
        late: str,
        *,
        wake: asyncio.Event | None = None,
        at_once: bool = True,
    ) -> None:
        self._work, self._seconds, self._log, self._late = work, seconds, log, late
        self._wake, self._at_once = wake or asyncio.Event(), at_once
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends, also in the middle of a round: what that leaves, the next who starts takes up.

        ``asyncio.wait_for`` loses a cancellation that meets its result, here or in the work (Python 3.11): so it is
        said twice.
        """
        self._over = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> None:
        """One round now, by the caller."""
        try:
            await self._work()
        except Exception:
            self._log.warning(self._late, exc_info=True)

    async def _run(self) -> None:
        if not self._at_once:
            await self._pause()
        while not self._over:
            await self.once()
            await self._pause()

    async def _pause(self) -> None:
        if self._over:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._seconds)
        self._wake.clear()

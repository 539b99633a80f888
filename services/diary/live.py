"""What open pages are told (SSE): each replica hears ``diary.changed`` once and passes it on to whom it concerns."""

import asyncio
import contextlib
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from services.kit import metrics
from services.kit.bus import Bus
from services.wire.events import DiaryChanged, read

_HEARTBEAT_SECONDS = 15.0
_WAITING_MOST = 256


class Listener:
    """One open page's queue of changes. A page that reads too slowly is told to reload instead."""

    def __init__(self) -> None:
        self._changes: asyncio.Queue[DiaryChanged | None] = asyncio.Queue(_WAITING_MOST)
        self.missed = False

    def offer(self, change: DiaryChanged | None) -> None:
        """Queues a change; None ends the page's stream."""
        try:
            self._changes.put_nowait(change)
        except asyncio.QueueFull:
            self.missed = True

    async def next(self, seconds: float) -> DiaryChanged | None:
        """The next change; TimeoutError after ``seconds``; None where the stream ends."""
        return await asyncio.wait_for(self._changes.get(), seconds)


class Live:
    """All open pages of this replica."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self.closing = False

    def attach(self, bus: Bus) -> None:
        """Hears every change once."""
        bus.listen("diary.changed.>", self._hear)

    async def _hear(self, subject: str, body: bytes) -> None:
        try:
            change = read(DiaryChanged, body)
        except ValueError:
            return
        if subject == f"diary.changed.{change.workspace}.{change.member}":
            for listener in self._listeners.get(change.workspace, ()):
                listener.offer(change)

    @contextlib.contextmanager
    def listening(self, workspace: str) -> Iterator[Listener]:
        """A listener to a workspace's changes, while the context lasts."""
        listener = Listener()
        self._listeners[workspace].add(listener)
        metrics.LIVE_PAGES.inc()
        try:
            yield listener
        finally:
            metrics.LIVE_PAGES.dec()
            self._listeners[workspace].discard(listener)
            if not self._listeners[workspace]:
                del self._listeners[workspace]

    async def changes(self, workspace: str) -> AsyncIterator[DiaryChanged | None]:
        """A workspace's changes while they come; None now and then, so that a dead connection is noticed."""
        with self.listening(workspace) as listener:
            while not self.closing:
                try:
                    change = await listener.next(_HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield None
                    continue
                if change is None or listener.missed:
                    return  # the browser comes again by itself and reads afresh
                yield change

    def close(self) -> None:
        """Ends all streams, so that the server need not wait for pages that never leave."""
        self.closing = True
        for listeners in list(self._listeners.values()):
            for listener in listeners:
                listener.offer(None)

    @contextlib.contextmanager
    def closing_on_signals(self) -> Iterator[None]:
        """Ends all streams as soon as the process is told to stop: uvicorn only calls its hooks after they ended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def told(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(self.close)
            if callable(handler := before[signal.Signals(number)]):
                handler(number, frame)

        for number in before:
            signal.signal(number, told)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def event(name: str, data: Any) -> bytes:
    """One server-sent event; JSON has no line breaks, so one ``data`` line carries it."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


HEARTBEAT = b": still here\n\n"

"""Counting by pynput's listeners: Windows, macOS, and X servers without XInput2. They only add one, and never look."""

import sys
from typing import Any

from agent.meter import Meter, Unavailable
from agent.sampler import Counts
from services.wire.language import _


class Pynput:
    """Two listening threads and a meter."""

    name = "pynput"

    def __init__(self) -> None:
        try:
            from pynput import keyboard, mouse
        except Exception as problem:  # its backends raise whatever their system raises
            raise Unavailable(_("input cannot be counted: {problem}", problem=str(problem))) from problem
        self._meter, self._held = Meter(), set[int]()
        self._mouse = mouse.Controller()
        self._listeners = [
            keyboard.Listener(on_press=self._pressed, on_release=self._released),
            _quiet(mouse.Listener)(on_click=self._clicked, on_scroll=self._scrolled),
        ]
        for listener in self._listeners:
            listener.start()

    def _pressed(self, key: Any) -> None:
        # pynput reports each repeat of a key held down; which keys are down is all that is remembered, and only so long
        mark = hash(key)
        if mark not in self._held:
            self._held.add(mark)
            self._meter.keys += 1

    def _released(self, key: Any) -> None:
        self._held.discard(hash(key))

    def _clicked(self, _x: int, _y: int, _button: Any, pressed: bool) -> None:
        self._meter.clicks += pressed

    def _scrolled(self, _x: int, _y: int, dx: int, dy: int) -> None:
        self._meter.scrolls += max(1, abs(dx) + abs(dy))

    def take(self) -> Counts:
        """The counts since the last call."""
        return self._meter.take(self._where())

    def _where(self) -> tuple[int, int] | None:
        try:
            x, y = self._mouse.position
        except Exception:  # its backends raise whatever their system raises
            return None
        return int(x), int(y)

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer was last seen."""
        return self._meter.place

    def close(self) -> None:
        """Ends the listening threads."""
        for listener in self._listeners:
            listener.stop()


def _quiet(listener: Any) -> Any:
    """On X11 pynput's mouse listener subscribes to motion too, ten times the CPU; this one to buttons only."""
    if sys.platform != "linux":
        return listener
    from Xlib import X

    return type("Quiet", (listener,), {"_EVENTS": (X.ButtonPress, X.ButtonRelease)})

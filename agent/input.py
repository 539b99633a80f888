"""How much was typed, clicked, scrolled and moved, and never what (T-03): one small module per way of counting."""

from typing import TYPE_CHECKING, Protocol

from agent.sampler import Counts

if TYPE_CHECKING:
    from agent.x11 import X11

COARSE = 8
"""Pixels that the pointer must have gone since it was last looked at to count as a movement."""


class Unavailable(Exception):
    """A source of what happens on this computer cannot be had; the text says why (T-17)."""


class InputSource(Protocol):
    """Counts since it was opened."""

    name: str

    def take(self) -> Counts:
        """What was counted since the last call; ``moves`` is 1 where the pointer has gone a coarse step since."""

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer was last seen."""

    def close(self) -> None:
        """Stops counting."""


class Meter:
    """What every way of counting adds to; nothing but four numbers and the pointer's last place."""

    def __init__(self) -> None:
        self.keys = self.clicks = self.scrolls = 0
        self.place: tuple[int, int] | None = None

    def take(self, place: tuple[int, int] | None) -> Counts:
        """The counts since the last call."""
        moved = place is not None and (
            self.place is None or max(abs(place[0] - self.place[0]), abs(place[1] - self.place[1])) >= COARSE
        )
        counts = Counts(self.keys, self.clicks, self.scrolls, int(moved and self.place is not None))
        self.keys = self.clicks = self.scrolls = 0
        if moved:
            self.place = place
        return counts


def open_input(x11: "X11 | None") -> InputSource:
    """The best way of counting that this computer has; Unavailable says why there is none (never a silent 0)."""
    if x11 is not None:
        from agent.input_x11 import XInput2

        try:
            return XInput2(x11)
        except Unavailable:
            pass  # a server without XInput2: pynput counts by the RECORD extension
    from agent.input_pynput import Pynput

    return Pynput()

"""How much was typed, clicked, scrolled and moved, and never what (T-03): one small module per way of counting."""

from typing import TYPE_CHECKING, Protocol

from agent.meter import Unavailable
from agent.sampler import Counts

if TYPE_CHECKING:
    from agent.x11 import X11


class InputSource(Protocol):
    """Counts since it was opened."""

    name: str

    def take(self) -> Counts:
        """What was counted since the last call; ``moves`` is 1 where the pointer has gone a coarse step since."""

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer was last seen."""

    def close(self) -> None:
        """Stops counting."""


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

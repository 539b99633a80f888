"""What is in front, and whether anybody is there (T-04, T-11): one small module per operating system, one desk."""

import sys
from typing import TYPE_CHECKING, Protocol

from agent.input import InputSource, open_input
from agent.meter import Unavailable
from agent.sampler import Counts
from agent.slot import App
from services.wire.language import _

if TYPE_CHECKING:
    from agent.x11 import X11


class Foreground(Protocol):
    """The window in front, and the computer's own idea of idleness."""

    name: str

    def front(self) -> App | None:
        """The application and its window's title; None where there is none."""

    def idle_ms(self) -> int | None:
        """Milliseconds since the last input; None where the system does not say."""

    def locked(self) -> bool:
        """Whether the screen is locked, or its saver on."""


class ComputersDesk:
    """What is seen of this computer. A source that cannot be had is named in ``missing``, and the rest goes on."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self.x11: X11 | None = None
        self._input: InputSource | None = None
        self._foreground: Foreground | None = None
        self.open()

    def open(self) -> None:
        """Opens what is not open; called again now and then, because a permission or a server may come back."""
        self.missing = {}
        try:
            if sys.platform == "linux" and self.x11 is None:
                from agent.x11 import connect

                self.x11 = connect()
        except Unavailable as problem:
            # without an X server there is nothing else to ask
            self.missing = {"input": problem.args[0], "windows": problem.args[0]}
            return
        try:
            self._input = self._input or open_input(self.x11)
        except Unavailable as problem:
            self.missing["input"] = problem.args[0]
        try:
            self._foreground = self._foreground or _open_foreground(self.x11)
        except Unavailable as problem:
            self.missing["windows"] = problem.args[0]

    @property
    def sources(self) -> dict[str, str]:
        """What works, by what."""
        found = {"input": self._input, "windows": self._foreground}
        return {kind: source.name for kind, source in found.items() if source}

    def close(self) -> None:
        """Stops looking."""
        if self._input:
            self._input.close()
        if self.x11:
            self.x11.close()
        self.x11 = self._input = self._foreground = None

    def take(self) -> Counts:
        """Counts since the last call."""
        counts = self._input.take() if self._input else Counts()
        if self.x11 and self.x11.lost:
            reason = self.x11.lost
            self.close()
            self.missing = {"input": reason, "windows": reason}
        return counts

    def front(self) -> App | None:
        """The window in front."""
        return self._foreground.front() if self._foreground else None

    def idle_ms(self) -> int | None:
        """Milliseconds since the last input; 0 where nothing can be seen, because idleness is then not known either."""
        if self._foreground:
            return self._foreground.idle_ms()
        return None if self._input else 0

    def locked(self) -> bool:
        """Whether the screen is locked, or its saver on."""
        return self._foreground.locked() if self._foreground else False

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer was last seen."""
        return self._input.pointer() if self._input else None


def _open_foreground(x11: "X11 | None") -> Foreground:
    if x11 is not None:
        from agent.foreground_x11 import X11Foreground

        return X11Foreground(x11)
    if sys.platform == "win32":
        from agent.foreground_windows import WindowsForeground

        return WindowsForeground()
    if sys.platform == "darwin":
        from agent.foreground_macos import MacForeground

        return MacForeground()
    raise Unavailable(_("windows cannot be seen without an X server"))

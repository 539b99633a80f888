"""One connection to the X server, shared by all that looks at the desk; python-xlib alone."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from Xlib import X, display, error, ext

from agent.meter import Unavailable
from services.wire.language import _

_NEEDED = {"Generic Event Extension", "XInputExtension", "MIT-SCREEN-SAVER"}
Handler = Callable[[Any], None]


class X11:
    """An X display whose events are handed to handlers. ``lost`` is the reason once the server is gone."""

    def __init__(self, name: str | None = None) -> None:
        self.lost: str | None = None
        self.handlers: list[Handler] = []
        try:
            self.display = _open(name)
        except (error.DisplayError, error.XauthError, OSError) as problem:
            raise Unavailable(_("no X server: {problem}", problem=str(problem))) from problem
        # a window may be gone before what we asked about it arrives; that is no error of ours
        self.display.set_error_handler(lambda *_: None)
        self.root = self.display.screen().root

    def fileno(self) -> int:
        """Readable when events wait."""
        return int(self.display.fileno())

    def drain(self) -> None:
        """Hands on the events that have arrived."""
        events = self.ask(self._pending) or []
        for event in events:
            for handle in self.handlers:
                handle(event)

    def _pending(self) -> list[Any]:
        return [self.display.next_event() for _ in range(self.display.pending_events())]

    def ask(self, question: Callable[[], Any]) -> Any:
        """The answer, or None where a window is gone or the server is."""
        try:
            return question()
        except (error.ConnectionClosedError, OSError) as problem:
            self.lost = _("the X server is gone: {problem}", problem=str(problem))
        except (error.XError, AttributeError, IndexError, TypeError):
            pass  # python-xlib turns what it cannot read into these
        return None

    def close(self) -> None:
        """Leaves."""
        self.ask(self.display.close)


def _open(name: str | None) -> Any:
    """A display with the extensions that are needed: python-xlib would load each that the server has, 2 MB of them."""
    every = ext.__extensions__
    ext.__extensions__ = [one for one in every if one[0] in _NEEDED]
    try:
        return display.Display(name)
    finally:
        ext.__extensions__ = every


def connect(environment: Mapping[str, str] = os.environ) -> X11:
    """The user's X server; Unavailable under Wayland, where XWayland shows its own windows only and counts nothing."""
    if environment.get("XDG_SESSION_TYPE") == "wayland" or environment.get("WAYLAND_DISPLAY"):
        raise Unavailable(_("this is a Wayland session: input and windows cannot be seen; log in with Xorg"))
    if sys.platform != "linux" or not environment.get("DISPLAY"):
        raise Unavailable(_("there is no X server (DISPLAY is not set)"))
    return X11(environment["DISPLAY"])


ANY = X.AnyPropertyType

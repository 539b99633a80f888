"""The window in front by X11's properties: the window manager says when it changes, and only then it is read again."""

import time
from typing import Any

from Xlib import X

from agent.slot import App
from agent.x11 import ANY, X11

_IDLE_EVERY = 5.0
"""Seconds between two looks at the screen saver: idleness is a matter of minutes."""


class X11Foreground:
    """Follows ``_NET_ACTIVE_WINDOW`` and the active window's title; the state of the screen by the saver extension."""

    name = "X11"

    def __init__(self, x11: X11) -> None:
        self._x11 = x11
        self._active, self._name, self._old_name = (
            x11.display.intern_atom(atom) for atom in ("_NET_ACTIVE_WINDOW", "_NET_WM_NAME", "WM_NAME")
        )
        self._window: Any = None
        self._front: App | None = None
        self._stale = self._moved = True
        self._looked_at, self._idle_ms, self._saver_on = 0.0, 0, False
        self._has_saver = bool(x11.display.has_extension("MIT-SCREEN-SAVER"))
        x11.root.change_attributes(event_mask=X.PropertyChangeMask)
        x11.handlers.append(self._handle)

    def _handle(self, event: Any) -> None:
        if event.type == X.DestroyNotify:
            # not every window manager takes back what it said of a window that is gone
            if event.window == self._window:
                self._window, self._stale = None, True
        elif event.type == X.PropertyNotify and event.window == self._x11.root:
            self._moved = self._moved or event.atom == self._active
        elif event.type == X.PropertyNotify:
            self._stale = self._stale or event.atom in (self._name, self._old_name)

    def front(self) -> App | None:
        """The application's class in lower case, and its window's title."""
        if self._moved:
            self._follow()
        if self._stale:
            self._front, self._stale = self._x11.ask(self._read), False
        return self._front

    def _follow(self) -> None:
        found = self._x11.ask(lambda: self._x11.root.get_full_property(self._active, ANY).value[0])
        if self._window is not None:
            self._x11.ask(lambda: self._window.change_attributes(event_mask=X.NoEventMask))
        self._window = self._x11.display.create_resource_object("window", found) if found else None
        if self._window is not None:
            mask = X.PropertyChangeMask | X.StructureNotifyMask
            self._x11.ask(lambda: self._window.change_attributes(event_mask=mask))
        self._moved, self._stale = False, True

    def _read(self) -> App | None:
        if self._window is None:
            return None
        names = self._window.get_wm_class()
        title = self._text(self._name) or self._text(self._old_name)
        return App((names[1] or names[0]).lower() if names else "unknown", title)

    def _text(self, atom: int) -> str | None:
        found = self._window.get_full_property(atom, ANY)
        if found is None or not found.value:
            return None
        value = found.value
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def _look(self) -> None:
        if not self._has_saver or time.monotonic() - self._looked_at < _IDLE_EVERY:
            return
        found = self._x11.ask(self._x11.root.screensaver_query_info)
        if found is not None:
            self._looked_at, self._idle_ms, self._saver_on = time.monotonic(), int(found.idle), found.state == 1

    def idle_ms(self) -> int | None:
        """Since the last input, to five seconds; None without the screen saver extension."""
        self._look()
        return self._idle_ms if self._has_saver else None

    def locked(self) -> bool:
        """Whether the screen saver is on; a locker that does not tell it cannot be seen."""
        self._look()
        return self._saver_on

"""Counting by XInput2 raw events: the lightest way on X11, and it holds under another client's grab."""

from typing import Any

from Xlib.ext import ge, xinput

from agent.meter import Meter, Unavailable
from agent.sampler import Counts
from agent.x11 import X11
from services.wire.language import _

_DETAIL = slice(6, 10)
_WHEEL = range(4, 8)


class XInput2:
    """Counts presses only. The event's detail is read for buttons, to tell a wheel from a click; for keys it is not."""

    name = "XInput2"

    def __init__(self, x11: X11) -> None:
        self._x11, self._meter = x11, Meter()
        if not x11.display.has_extension(xinput.extname):
            raise Unavailable(_("the X server has no XInput2"))
        # raw events reach us under another client's grab from version 2.2 on; python-xlib asks for 2.0
        version = x11.ask(
            lambda: xinput.XIQueryVersion(
                display=x11.display.display,
                opcode=x11.display.display.get_extension_major(xinput.extname),
                major_version=2,
                minor_version=2,
            )
        )
        if version is None or (version.major_version, version.minor_version) < (2, 2):
            raise Unavailable(_("the X server has no XInput 2.2"))
        x11.root.xinput_select_events(
            [(xinput.AllMasterDevices, xinput.RawKeyPressMask | xinput.RawButtonPressMask)],
        )
        x11.display.flush()
        x11.handlers.append(self._handle)

    def _handle(self, event: Any) -> None:
        if event.type != ge.GenericEventCode:
            return
        if event.evtype == xinput.RawKeyPress:
            self._meter.keys += 1
        elif event.evtype == xinput.RawButtonPress:
            if int.from_bytes(event.data[_DETAIL], "little") in _WHEEL:
                self._meter.scrolls += 1
            else:
                self._meter.clicks += 1

    def take(self) -> Counts:
        """The counts since the last call."""
        self._x11.drain()
        return self._meter.take(self._where())

    def _where(self) -> tuple[int, int] | None:
        # asked for, not subscribed to: a mouse says where it is 125 times a second
        found = self._x11.ask(self._x11.root.query_pointer)
        return (found.root_x, found.root_y) if found else None

    def pointer(self) -> tuple[int, int] | None:
        """Where the pointer was last seen."""
        return self._meter.place

    def close(self) -> None:
        """Nothing to stop: the events end with the connection."""

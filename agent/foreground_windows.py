"""The window in front on Windows, by user32. Written from its documentation, not run by our tests."""

import ctypes
import sys
from pathlib import PureWindowsPath

from agent.slot import App

assert sys.platform == "win32"

_QUERY_LIMITED = 0x1000
_TITLE = 512


class _LastInput(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("at", ctypes.c_uint))


class WindowsForeground:
    """Asks user32 each time; a title costs microseconds there."""

    name = "user32"

    def __init__(self) -> None:
        self._user, self._kernel = ctypes.windll.user32, ctypes.windll.kernel32

    def front(self) -> App | None:
        """The program's file name without ``.exe``, and its window's title."""
        window = self._user.GetForegroundWindow()
        if not window:
            return None
        title = ctypes.create_unicode_buffer(_TITLE)
        self._user.GetWindowTextW(window, title, _TITLE)
        process = ctypes.c_ulong()
        self._user.GetWindowThreadProcessId(window, ctypes.byref(process))
        return App(self._program(process.value), title.value or None)

    def _program(self, process: int) -> str:
        handle = self._kernel.OpenProcess(_QUERY_LIMITED, False, process)
        if not handle:
            return "unknown"
        try:
            path, size = ctypes.create_unicode_buffer(1024), ctypes.c_ulong(1024)
            if not self._kernel.QueryFullProcessImageNameW(handle, 0, path, ctypes.byref(size)):
                return "unknown"
            return PureWindowsPath(path.value).stem.lower()
        finally:
            self._kernel.CloseHandle(handle)

    def idle_ms(self) -> int | None:
        """Since the last input of this session."""
        last = _LastInput(ctypes.sizeof(_LastInput), 0)
        if not self._user.GetLastInputInfo(ctypes.byref(last)):
            return None
        return int((self._kernel.GetTickCount() - last.at) & 0xFFFFFFFF)

    def locked(self) -> bool:
        """The lock screen is a desktop of its own, which a program may not open."""
        desktop = self._user.OpenInputDesktop(0, False, 0)
        if not desktop:
            return True
        self._user.CloseDesktop(desktop)
        return False

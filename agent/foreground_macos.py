"""The application in front on macOS, by AppKit and Quartz. Written from documentation, not run by our tests."""

from importlib import import_module
from typing import Any

from agent.slot import App

_ANY_INPUT = 0xFFFFFFFF


class MacForeground:
    """The application's name; titles need the accessibility permission, and are left out."""

    name = "AppKit"

    def __init__(self) -> None:
        self._workspace: Any = import_module("AppKit").NSWorkspace.sharedWorkspace()
        self._quartz: Any = import_module("Quartz")

    def front(self) -> App | None:
        """The application's name in lower case."""
        found = self._workspace.frontmostApplication()
        return App(str(found.localizedName()).lower()) if found else None

    def idle_ms(self) -> int | None:
        """Since the last input of this session."""
        quartz = self._quartz
        seconds = quartz.CGEventSourceSecondsSinceLastEventType(
            quartz.kCGEventSourceStateCombinedSessionState, _ANY_INPUT
        )
        return int(seconds * 1000)

    def locked(self) -> bool:
        """Whether the session's dictionary says that the screen is locked."""
        session = self._quartz.CGSessionCopyCurrentDictionary() or {}
        return bool(session.get("CGSSessionScreenIsLocked", False))

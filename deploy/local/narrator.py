"""What the person at the terminal is told while the stack comes up."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress

_EVERY_SECONDS = 5.0


def say(*lines: str) -> None:
    """Tell the person at the terminal, if there is one."""
    with suppress(OSError):
        print(*lines, sep="\n", flush=True)


class Narrator:
    """How far the fleet is: one line that changes on a terminal, a line now and then in a log."""

    def __init__(self) -> None:
        self._told = ""
        self._at = 0.0

    def tell(self, progress: Mapping[str, object]) -> None:
        """Say it when it is new; ``progress`` is the fleet's, empty while it has not said anything."""
        line, now = _line(progress), time.monotonic()
        if line == self._told:
            return
        counting = line[:1].isdigit() and self._told[:1].isdigit()
        if counting and sys.stdout.isatty():
            line_up = "\x1b[1A\x1b[2K"
            say(line_up + line)
        elif not counting or now - self._at > _EVERY_SECONDS:
            say(line)
        else:
            return
        self._told, self._at = line, now


def _line(progress: Mapping[str, object]) -> str:
    if not progress:
        return "The demo people switch on their computers …"
    records, pictures = progress["records_waiting"], progress["pictures_waiting"]
    if progress["arrived"]:
        lived = progress["segments"]
        return f"All {lived} segments and their pictures have arrived." if lived else "The demo people go on."
    if progress["caught_up"] and pictures:
        return f"{pictures} pictures, most of them from before {progress['fresh_since']}, are still arriving …"
    if records or pictures:
        return (
            f"{progress['segments']} segments of a fortnight lived; to send: {records} records, {pictures} pictures …"
        )
    return "Waiting for the diary to show it all …"

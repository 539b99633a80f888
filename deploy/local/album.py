"""The spool of a demo computer: of what waits in it, the pictures that somebody will look at first go first.

An agent sends the oldest first, having nothing else to do. The demo has somebody before the screen who waits for today
and the working day before, and not for last week. Records keep their order, as ever.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from agent.spool import Picture, Spool

_LOOK_SECONDS = 0.1
_FRIDAY = 4


def fresh_since(now: datetime) -> date:
    """The first day of those that are looked at first: the last one before today that is no weekend."""
    yesterday = now.date() - timedelta(days=1)
    return yesterday - timedelta(days=max(0, yesterday.weekday() - _FRIDAY))


class Album(Spool):
    """``fresh`` (an instant as text) divides the pictures that go first from those that wait for ``older``."""

    fresh = ""
    older = False

    def next_picture(self) -> Picture | None:
        """The oldest that may go."""
        if self.older:
            return super().next_picture()
        rows = self._rows(
            "SELECT capture_id, entry, picture, thumbnail FROM pictures WHERE state = 'ready' AND at >= ?"
            " ORDER BY at, capture_id LIMIT 1",
            self.fresh,
        )
        return Picture(rows[0][0], json.loads(rows[0][1]), *rows[0][2:]) if rows else None

    def fresh_waiting(self) -> int:
        """How many fresh pictures are neither stored nor refused."""
        return int(self._one("SELECT count(*) FROM pictures WHERE state = 'ready' AND at >= ?", self.fresh))


async def sent(albums: Sequence[Album], *, pictures: bool) -> None:
    """Wait until every record of these has its receipt; ``pictures``: and every fresh picture is stored or refused."""
    while True:
        if not any(album.backlog().unsent or (pictures and album.fresh_waiting()) for album in albums):
            return
        await asyncio.sleep(_LOOK_SECONDS)

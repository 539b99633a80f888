"""What every way of counting input shares: four numbers and the pointer's last place (T-03)."""

from agent.sampler import Counts

COARSE = 8
"""Pixels that the pointer must have gone since it was last looked at to count as a movement."""


class Unavailable(Exception):
    """A source of what happens on this computer cannot be had; the text says why (T-17)."""


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

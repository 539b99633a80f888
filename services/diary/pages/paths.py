"""The addresses of the pages of a day. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """The addresses of one day's page; ``query`` (``?zone=…``) keeps the reader's zone. Ids need no quoting."""

    member: str
    date: str
    query: str

    @property
    def day(self) -> str:
        """The page of the day, without the zone."""
        return f"/diary/{self.member}/{self.date}"

    @property
    def page(self) -> str:
        """The page of the day."""
        return f"{self.day}{self.query}"

    @property
    def answer(self) -> str:
        """The same day from the API (V-04)."""
        return f"/api/v1/diary/{self.member}/days/{self.date}{self.query}"

    def to(self, step: str) -> str:
        """What is done on the page of the day: ``note``, ``removal``, ``manual`` …"""
        return f"{self.day}/{step}{self.query}"

    def until(self, date: str) -> str:
        """The days from this one to another."""
        return f"{self.day}{self.query}{'&' if self.query else '?'}to={date}"

    def table(self, date: object) -> str:
        """The segments of the days from this one to another as a file; ``&format=`` says of which kind (V-04)."""
        begin = f"/api/v1/diary/{self.member}/table{self.query}{'&' if self.query else '?'}"
        return f"{begin}from={self.date}&to={date}"

    def over(self, date: str, step: str) -> str:
        """What is done to all days from this one to another: ``note``, ``removal`` …"""
        return f"{self.to(f'range/{step}')}{'&' if self.query else '?'}to={date}"

    def capture(self, capture_id: str) -> str:
        """One picture in its set."""
        return self.to(f"captures/{capture_id}")

    def minutes(self, segment_id: str) -> str:
        """The counts of each minute of a segment."""
        return self.to(f"minutes/{segment_id}")

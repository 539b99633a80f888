"""Work on very many documents, cut into bites of few that replicas take one by one. Pure."""

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Ids from after ``after`` through ``through``; None: all that come after."""

    after: str
    through: str | None

    def where(self) -> dict[str, str]:
        """The condition on a field."""
        return {"$gt": self.after} | ({} if self.through is None else {"$lte": self.through})

    def of(self, ids: Sequence[str]) -> list[str]:
        """Those of some ids that lie in it."""
        return [id for id in ids if self.after < id and (self.through is None or id <= self.through)]


def spans(ids: Sequence[str], size: int, after: str = "", through: str | None = None) -> list[Span]:
    """Spans of so many of these sorted ids each, without a gap: an id that comes between is in one of them too."""
    ends = ids[size - 1 : -1 : size]
    return [Span(*one) for one in zip([after, *ends], [*ends, through], strict=True)]

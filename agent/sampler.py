"""The running minute: counts and states come in, a finished minute goes out (T-03, T-11, T-18). Pure."""

from dataclasses import dataclass, field
from typing import NamedTuple

from agent.slot import App, Minute


class Counts(NamedTuple):
    """What the input source has counted since it was last asked."""

    keys: int = 0
    clicks: int = 0
    scrolls: int = 0
    moves: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(one + two for one, two in zip(self, other, strict=True)))


NONE = Counts()
# of two states that share a minute evenly, the one that shows less
_ORDER = ("private", "break", "locked", "work")


@dataclass
class Sampler:
    """Gathers one minute; spans are milliseconds."""

    counts: Counts = NONE
    states: dict[str, int] = field(default_factory=dict)
    front: dict[App, int] = field(default_factory=dict)

    def span(self, ms: int, state: str, front: App | None) -> None:
        """Time passed in a state: ``work``, ``break``, ``private`` or ``locked``."""
        self.states[state] = self.states.get(state, 0) + ms
        if state == "work" and front is not None:
            self.front[front] = self.front.get(front, 0) + ms

    def count(self, counts: Counts, state: str) -> None:
        """Input came; only at work it counts."""
        if state == "work":
            self.counts = self.counts.plus(counts)

    @property
    def begun(self) -> bool:
        """Whether anything of this minute has been seen."""
        return any(self.states.values()) or any(self.counts)

    def finish(self, *, idle: bool) -> tuple[Minute, dict[App, int]]:
        """The minute and the milliseconds each application was in front; starts the next one.

        The state is the one that took most of the minute. Nothing is shown of a minute on break or in private. A
        minute is ``idle`` where the last input is longer ago than the policy's idle minutes; its app is still named,
        its seconds are nobody's.
        """
        state = max(_ORDER, key=lambda one: self.states.get(one, 0)) if any(self.states.values()) else "work"
        counts, front = (self.counts, self.front) if state == "work" else (NONE, {})
        app = max(front, key=lambda one: front[one]) if front else None
        if state == "work" and idle and not any(counts):
            state, front = "idle", {}
        self.counts, self.states, self.front = NONE, {}, {}
        return Minute(*counts, state, app), front

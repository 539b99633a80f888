"""What a device may do at a moment, from its licence alone. Pure (L-04, L-05; fine-print.md, *Records*)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Self

Stored = Literal["issued", "active", "suspended", "revoked"]
State = Literal["issued", "active", "suspended", "revoked", "expired"]
Admits = Literal["all", "drain", "nothing"]

DRAIN_HOURS = 24
"""How long a revoked device may still deliver what it had signed, unless the revocation says otherwise."""


class Standing(NamedTuple):
    """The state in words, what the bus admits, and until when that is so (None: until something is changed)."""

    state: State
    admits: Admits
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Right:
    """A licence's hold on time, as stored; ``late_until`` is how long after its end signed work may still arrive."""

    state: Stored
    not_before: datetime | None = None
    expires: datetime | None = None
    late_until: datetime | None = None
    revoked_at: datetime | None = None
    drain_until: datetime | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """The right as a licence's or device's document carries it."""
        times = ("not_before", "expires", "late_until", "revoked_at", "drain_until")
        return cls(stored["state"], *(stored.get(name) for name in times))

    def stored(self) -> dict[str, Any]:
        """The fields as kept in documents."""
        return {name: getattr(self, name) for name in self.__slots__}

    def at(self, now: datetime) -> Standing:
        """What it allows now.

        A revoked device drains until its hours are over. An expired one drains as long as an agent may record offline
        (the policy's grace days): what it signed in time must not be lost (T-10). A suspended one drains without end,
        and hears at once when it may go on.
        """
        if self.state == "revoked":
            draining = self.drain_until is not None and now < self.drain_until
            return Standing("revoked", "drain", self.drain_until) if draining else Standing("revoked", "nothing", None)
        if self.not_before is not None and now < self.not_before:
            return Standing("issued", "nothing", self.not_before)
        if self.expires is not None and now >= self.expires:
            late = self.late_until is not None and now < self.late_until
            return Standing("expired", "drain", self.late_until) if late else Standing("expired", "nothing", None)
        if self.state == "suspended":
            return Standing("suspended", "drain", self.expires)
        return Standing(self.state, "all", self.expires)


def revoke(right: Right, now: datetime, drain_hours: int) -> Right:
    """The right after a revocation; revoking again can shorten the drain, never lengthen it, nor move the moment."""
    until = now + timedelta(hours=drain_hours)
    if right.drain_until is not None:
        until = min(until, right.drain_until)
    return Right("revoked", right.not_before, right.expires, right.late_until, right.revoked_at or now, until)


def renew(right: Right, not_before: datetime | None, expires: datetime | None, grace_days: int) -> Right:
    """The right with another span."""
    late = expires + timedelta(days=grace_days) if expires else None
    return Right(right.state, not_before, expires, late, right.revoked_at, right.drain_until)

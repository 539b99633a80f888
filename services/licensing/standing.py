"""What a device may do at a moment, from its licence alone. Pure (L-04, L-05; fine-print.md, *Records*)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Self

from services.wire.language import _

Stored = Literal["draft", "issued", "active", "suspended", "revoked"]
State = Literal["draft", "issued", "active", "suspended", "revoked", "expired"]
Seat = Literal["reserved", "active", "grace", "stale", "released"]
Wish = Literal["issued", "active", "suspended", "revoked"]
Admits = Literal["all", "drain", "nothing"]

DRAIN_HOURS = 24
"""How long a revoked device may still deliver what it had signed, unless the revocation says otherwise."""

SIGNS_IN_EVERY = timedelta(hours=26)
"""A device that is up renews its sign-in within this; longer without a word, and it lives on its grace."""

MOVES: dict[Stored, frozenset[Wish]] = {
    "draft": frozenset({"issued", "revoked"}),
    "issued": frozenset({"suspended", "revoked"}),
    "active": frozenset({"suspended", "revoked"}),
    "suspended": frozenset({"active", "revoked"}),
    "revoked": frozenset(),
}
"""What the back office may wish of a licence in a state. Activation alone makes an issued one active, and time alone
makes one expired; a suspended one that nobody activated goes back to issued."""


class Forbidden(ValueError):
    """A move that a licence in its state cannot make."""


def move(state: Stored, wish: Wish, *, taken: bool) -> Stored:
    """The state after a wish; the same wish again changes nothing. Forbidden where the table has no such move."""
    if wish == state or (wish == "active" and state == "issued" and not taken):
        return state
    if wish not in MOVES[state]:
        raise Forbidden(_("A licence that is {state} cannot become {wish}.", state=state, wish=wish))
    return "issued" if wish == "active" and not taken else wish


def seat(released: bool, heard: datetime | None, grace_days: int, now: datetime) -> Seat:
    """How the seat of a device stands, by when it was last heard of: reserved until it was heard for the first time,
    in its grace while it may record offline (L-04), stale when even that is over. Nothing is culled by itself.
    """
    if released:
        return "released"
    if heard is None:
        return "reserved"
    silence = now - heard
    if silence <= SIGNS_IN_EVERY:
        return "active"
    return "grace" if silence <= timedelta(days=grace_days) else "stale"


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
    archived: bool = False
    """Its workspace or its member is archived: as suspended, until they are restored (W-02, W-03)."""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """The right as a licence's or device's document carries it."""
        get = stored.get
        span = get("not_before"), get("expires"), get("late_until")
        return cls(stored["state"], *span, get("revoked_at"), get("drain_until"), bool(get("archived")))

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
        if self.state == "draft":
            return Standing("draft", "nothing", None)
        if self.not_before is not None and now < self.not_before:
            return Standing("issued", "nothing", self.not_before)
        if self.expires is not None and now >= self.expires:
            late = self.late_until is not None and now < self.late_until
            return Standing("expired", "drain", self.late_until) if late else Standing("expired", "nothing", None)
        if self.state == "suspended" or (self.archived and self.state in ("issued", "active")):
            return Standing("suspended", "drain", self.expires)
        return Standing(self.state, "all", self.expires)


def revoke(right: Right, now: datetime, drain_hours: int) -> Right:
    """The right after a revocation; revoking again can shorten the drain, never lengthen it, nor move the moment."""
    until = now + timedelta(hours=drain_hours)
    if right.drain_until is not None:
        until = min(until, right.drain_until)
    return replace(right, state="revoked", revoked_at=right.revoked_at or now, drain_until=until)


def renew(right: Right, not_before: datetime | None, expires: datetime | None, grace_days: int) -> Right:
    """The right with another span."""
    late = expires + timedelta(days=grace_days) if expires else None
    return replace(right, not_before=not_before, expires=expires, late_until=late)

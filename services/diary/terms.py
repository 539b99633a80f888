"""What a bill is computed with: a workspace's settings, and what a contract says of money, now and then (S-03).

A contract-week takes the present terms while it is open, and keeps those it locks with. Time that comes for the first
time when a week is locked takes the terms that held at its lock too, whatever was agreed since.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from services.diary.people import Workspace
from services.diary.weeks import locks_at
from services.kit.mongo import Database, Session
from services.wire.billing import term_of
from services.wire.slots import format_instant

Document = dict[str, Any]


class Agreed(NamedTuple):
    """What a contract says of money as of a revision; revision None where the contract is not known yet.

    ``since``: the instant from which it said so; empty where that is not known, so that it always did.
    """

    revision: int | None = None
    limit_minutes: int | None = None
    rate_minor: int | None = None
    currency: str | None = None
    starts_on: str | None = None
    ends_on: str | None = None
    since: str = ""

    @property
    def hourly(self) -> bool:
        """Only hourly contracts bill (S-03); one that is not known yet is taken for hourly."""
        return self.revision is None or self.rate_minor is not None


_AGREED = ("revision", "weekly_limit_minutes", "rate_minor", "currency", "starts_on", "ends_on")


def _versions(contract: Document) -> list[Agreed]:
    """A contract's versions by revision; the present one alone where no others were told."""
    found = [
        Agreed._make([*(one[name] for name in _AGREED), one.get("changed_at") or ""])
        for one in contract.get("versions") or [contract]
    ]
    return sorted(found, key=lambda one: one.revision or 0)


class Terms:
    """The settings and limits that a fold was computed with; of a contract all versions, in their order."""

    def __init__(self, workspaces: dict[str, Workspace], agreed: dict[str, list[Agreed]]) -> None:
        self._workspaces, self._agreed = workspaces, agreed

    @classmethod
    async def read(cls, db: Database, session: Session | None, segments: Iterable[Document]) -> "Terms":
        """What is known now of the segments' workspaces and contracts."""
        keys = [one["_id"].split("|") for one in segments]
        workspaces = {key[0] for key in keys}
        contracts = {f"{key[0]}|{key[3]}" for key in keys}
        return await cls._of(db, session, workspaces, contracts)

    @classmethod
    async def _of(cls, db: Database, session: Session | None, workspaces: set[str], contracts: set[str]) -> "Terms":
        known = dict.fromkeys(workspaces, Workspace())
        if workspaces:
            async for one in db["workspaces"].find({"_id": {"$in": [f"{w}|" for w in workspaces]}}, session=session):
                known[one["workspace"]] = Workspace.of(one)
        agreed = {contract: [Agreed()] for contract in contracts}
        if contracts:
            wanted = dict.fromkeys((*_AGREED, "changed_at", "versions"), 1)
            async for one in db["contracts"].find({"_id": {"$in": list(contracts)}}, wanted, session=session):
                agreed[one["_id"]] = _versions(one)
        return cls(known, agreed)

    async def still_hold(self, db: Database) -> bool:
        """Whether nothing of it has changed since."""
        now = await self._of(db, None, set(self._workspaces), set(self._agreed))
        return now._workspaces == self._workspaces and now._agreed == self._agreed

    def workspace(self, workspace: str) -> Workspace:
        """A workspace's settings."""
        return self._workspaces[workspace]

    def of_week(self, workspace: str, contract: str, week: str, now: datetime) -> Document:
        """The terms as a contract-week keeps them: the present ones, or those that held when it locked (S-03, S-06)."""
        settings, versions = self._workspaces[workspace], self._agreed[f"{workspace}|{contract}"]
        lock = locks_at(date.fromisoformat(week), settings.billing, settings.lock_hour)
        held = versions
        if lock <= now:
            held = [one for one in versions if one.since < format_instant(lock)] or versions[:1]
        agreed = held[-1]
        return {
            "billing_unit": settings.billing_unit,
            "movement_counts": settings.movement_counts,
            "limit_minutes": agreed.limit_minutes,
            "hourly": agreed.hourly,
            "rate_minor": agreed.rate_minor,
            "currency": agreed.currency,
            **term_of(agreed.starts_on, agreed.ends_on, settings.billing)._asdict(),
            "workspace": settings.revision,
            "contract": agreed.revision,
        }

"""Pictures whose time is over go for good, from the object store too (M-05).

``retentions``  ``_id`` = workspace|device: when its pictures are looked at next (``due``), who is at it (``token``,
                until ``claimed``), and the pictures that are just being taken away (``in_hand``)

The policy that holds now decides, so licensing is asked for each bite: nothing of it is kept here. A bite is marked
in one transaction with its row, then its objects go, then it is said, then the row lets go of it; so a crash anywhere
is taken up by whoever comes next, and what was marked goes even if the policy is another by then. Whatever may change
how long (a policy, a legal hold) takes the token from the rows concerned: a replica that had asked before, and was
held up since, cannot mark any more.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import UpdateMany

from services.kit import metrics
from services.kit.bus import Bus, Delivery
from services.kit.mongo import Database, Session, transaction
from services.kit.rounds import Rounds
from services.media.grants import Grants
from services.media.pictures import Document, Pictures, removal_message
from services.wire import retention
from services.wire.events import LicenceChanged, MemberChanged, WorkspaceChanged, read_fact
from services.wire.slots import format_instant

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
_EVERY_SECONDS = 60.0
_BITE = 50
_AT_ONCE = 4
"""Pictures whose objects go at the same time: looks and arrivals want the store as well."""
_CLAIM = timedelta(minutes=5)
_SOONEST, _LATEST = timedelta(hours=1), timedelta(hours=6)
"""How often the pictures of one device are looked at, at the most and at the least."""
_PACE_SECONDS = 0.05
"""Between two looks: a change of ten thousand licences is licensing's hour, and not the time to ask it about each."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SEEDED = "-|"
_MOST_KNOWN = 50_000


def utc_now() -> datetime:
    """Now, by this machine's clock."""
    return datetime.now(UTC)


class Retention(Rounds):
    """The background round of every replica; a device's pictures are one replica's at a time."""

    def __init__(self, db: Database, bus: Bus, pictures: Pictures, grants: Grants, clock: Clock = utc_now) -> None:
        self._db, self._rows, self._bus, self._pictures = db, db["retentions"], bus, pictures
        self._grants, self._clock = grants, clock
        self._known: set[tuple[str, str]] = set()
        self._wanted = asyncio.Event()
        late = "pictures stay for longer than they should: tried again"
        super().__init__(self.look, _EVERY_SECONDS, log, late, wake=self._wanted, at_once=False)

    async def begin(self) -> None:
        """Makes the indexes, and begins; the first round comes once the bus is there."""
        await self._rows.create_index("due")
        await self._rows.create_index([("workspace", 1), ("member", 1)])
        if not await self._rows.find_one({"_id": _SEEDED}):
            await self._seed()
        self.start()

    async def _seed(self) -> None:
        """The devices of an installation of before there was retention get their rows."""
        async for device in self._pictures.devices():
            await self._keep_row(device["workspace"], device["device"], device["member"])
        await self._rows.update_one({"_id": _SEEDED}, {"$set": {"at": self._clock()}}, upsert=True)

    def over(self, policy: dict[str, Any], kind: str, taken: datetime) -> int | None:
        """The days that a capture was to be kept, where they are over already; None where it is still kept."""
        if not retention.is_over(policy, kind, taken, self._clock()):
            return None
        return retention.days_of(policy, kind)

    async def expect(self, workspace: str, device: str, member: str) -> None:
        """A device has pictures: they are looked at from now on."""
        if (workspace, device) in self._known:
            return
        await self._keep_row(workspace, device, member)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add((workspace, device))

    async def _keep_row(self, workspace: str, device: str, member: str) -> None:
        row = {"workspace": workspace, "device": device, "member": member, "due": self._clock() + _SOONEST}
        new = {"$setOnInsert": row | {"claimed": _LONG_AGO, "in_hand": []}}
        await self._rows.update_one({"_id": f"{workspace}|{device}"}, new, upsert=True)

    async def hear(self, batch: Sequence[Delivery]) -> None:
        """How long may be another now: those concerned are looked at at once, and what was asked before is void."""
        changes = []
        again = {"$set": {"due": self._clock()}, "$unset": {"token": ""}}
        for delivery in batch:
            if delivery.replayed:  # said before, and heard then
                continue
            if (where := _concerned(delivery)) is not None:
                changes.append(UpdateMany(where, again))
        if changes:
            await self._rows.bulk_write(changes, ordered=False)
            self._wanted.set()

    async def look(self) -> None:
        """Takes away what is due, a bite of a device's at a time; what fails ends the round, and comes again."""
        try:
            while (row := await self._claim()) is not None:
                metrics.PICTURES_BEHIND.set((self._clock() - row["due"]).total_seconds())
                try:
                    due = await self._take(row)
                except LostClaim:
                    due = self._clock()
                await self._release(row, due)
                await asyncio.sleep(_PACE_SECONDS)
        finally:
            metrics.PICTURES_BEHIND.set(await self._behind())

    async def _claim(self) -> Document | None:
        now = self._clock()
        found: Document | None = await self._rows.find_one_and_update(
            {"due": {"$lte": now}, "claimed": {"$lte": now}},
            {"$set": {"claimed": now + _CLAIM, "token": secrets.token_hex(8)}},
            sort=[("due", 1)],
            return_document=True,
        )
        return found

    async def _take(self, row: Document) -> datetime:
        """One bite; gives when to look again, which is at once where there is more."""
        await self._finish(row, row["in_hand"])
        grant = await self._grants.fresh(row["workspace"], row["device"])
        now = self._clock()
        if grant is None or grant.policy.get("legal_hold"):
            return now + _LATEST
        soonest = now + _LATEST
        for kind in retention.FIELDS:
            days = retention.days_of(grant.policy, kind)
            if days is None:
                continue
            over = await self._pictures.taken_before(row, kind, retention.kept_since(now, days), _BITE)
            if over:
                await self._mark(row, over, days, grant.policy)
                await self._finish(row, over)
            if len(over) == _BITE:
                return now
            if oldest := await self._pictures.oldest(row, kind):
                soonest = min(soonest, oldest + timedelta(days=days))
        return max(soonest, now + _SOONEST)

    async def _mark(self, row: Document, over: Sequence[str], days: int, policy: Document) -> None:
        """Notes that they are gone, in the row first; raises where the claim is lost, or the policy another by now.

        Licensing is asked again as the last thing before it holds: no legal hold that was set before is overlooked,
        whether or not anybody has told of it yet.
        """
        removed = {"at": format_instant(self._clock()), "reason": "retention", "days": days}

        async def work(session: Session) -> None:
            mine = {"_id": row["_id"], "token": row["token"]}
            if not await self._rows.find_one_and_update(mine, {"$set": {"in_hand": list(over)}}, session=session):
                raise LostClaim
            await self._pictures.mark_over(over, removed, session)
            now = await self._grants.fresh(row["workspace"], row["device"])
            if now is None or now.policy != policy:
                raise LostClaim

        await transaction(self._db, work)

    async def _finish(self, row: Document, names: Sequence[str]) -> None:
        """No object of these is left, everybody has heard of it, and nobody looks at them again."""
        if not names:
            return
        documents = await self._pictures.of_names(names)
        for start in range(0, len(documents), _AT_ONCE):
            await asyncio.gather(*(self._pictures.drop(one) for one in documents[start : start + _AT_ONCE]))
        mine = [one for one in documents if one["removed"]["reason"] == "retention"]
        await self._bus.journal([removal_message(one) for one in mine])
        await self._pictures.forget(names)
        # not what another has in hand by now, who took over from one that was held up here
        await self._rows.update_one({"_id": row["_id"], "in_hand": list(names)}, {"$set": {"in_hand": []}})
        metrics.PICTURES_EXPIRED.inc(len(mine))

    async def _release(self, row: Document, due: datetime) -> None:
        """The next look; where the token was taken away meanwhile, the row is due already and stays so."""
        free: dict[str, Any] = {"claimed": _LONG_AGO}
        mine = {"_id": row["_id"], "token": row["token"]}
        done = await self._rows.update_one(mine, {"$set": free | {"due": due}, "$unset": {"token": ""}})
        if not done.matched_count:
            await self._rows.update_one({"_id": row["_id"], "token": {"$exists": False}}, {"$set": free})

    async def _behind(self) -> float:
        """Seconds since the longest overdue device should have been looked at."""
        now = self._clock()
        first = await self._rows.find_one({"due": {"$lte": now}}, {"due": 1}, sort=[("due", 1)])
        return (now - first["due"]).total_seconds() if first else 0.0


class LostClaim(Exception):
    """What was asked before is void: how long is another now, or another replica took over."""


def _concerned(delivery: Delivery) -> Document | None:
    """The rows that a fact is about; None where it says nothing of how long."""
    try:
        fact = read_fact(delivery.subject, delivery.body)
    except ValueError:
        metrics.MESSAGES.labels("media", "poison").inc()
        return None
    match fact:
        case LicenceChanged(device=str(device)):
            return {"_id": f"{fact.workspace}|{device}"}
        case LicenceChanged() | MemberChanged():
            return {"workspace": fact.workspace, "member": fact.member}
        case WorkspaceChanged():
            return {"workspace": fact.workspace}
    return None

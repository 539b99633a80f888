"""What time alone changes for devices, told as it happens: a licence begins or ends, a contract's first or last day
comes round (L-04, S-03).

One mark says until when this was looked after. What a span brought is written down in the transaction that moves the
mark over it: of any replicas one does it, and what passed while none ran is made up for by the first that starts.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.kit.mongo import Session
from services.kit.rounds import Rounds
from services.licensing.settling import follow
from services.licensing.store import NOBODY, Document, Store, key, now

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_MARKED_EVERY = timedelta(minutes=1)
"""While nothing happens; a span that is looked at again brings nothing but the same pushes again."""


class Turned(NamedTuple):
    """What a span brought: workspaces with licences that turned, members of workspaces whose contracts did."""

    licences: Sequence[str]
    contracts: Mapping[str, set[str]]


class Turns(Rounds):
    """The one walk of a replica along the clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        super().__init__(self.look, _LOOK_SECONDS, log, "what time has changed is told later")

    async def look(self, moment: datetime | None = None) -> None:
        """Tells of what came round until now; nearly always nothing did, and then nothing is written."""
        until, mark = moment or now(), {"_id": key(NOBODY, "turns")}
        marks = self._store["marks"]
        row = await marks.find_one(mark)
        if row is None:
            await marks.update_one(mark, {"$setOnInsert": {"at": until}}, upsert=True)
        elif any(await _turned(self._store, None, row["at"], until)):
            await self._tell(mark, until)
        elif until - row["at"] > _MARKED_EVERY:
            await marks.update_one(mark, {"$max": {"at": until}})

    async def _tell(self, mark: Document, until: datetime) -> None:
        store = self._store

        async def work(session: Session) -> None:
            later = mark | {"at": {"$lt": until}}
            row = await store["marks"].find_one_and_update(later, {"$set": {"at": until}}, session=session)
            if row is None:
                return
            turned = await _turned(store, session, row["at"], until)
            for workspace in turned.licences:
                await follow(store, session, "carry", {"workspace": workspace, **_ends(row["at"], until)})
            for workspace, members in turned.contracts.items():
                await store.push(session, {"workspace": workspace, "member": {"$in": sorted(members)}})

        await store.change(work)


async def _turned(store: Store, session: Session | None, start: datetime, end: datetime) -> Turned:
    """What came round after ``start`` and by ``end``."""
    licences = await store["licences"].distinct("workspace", _ends(start, end), session=session)
    return Turned(licences, await _contracts(store, session, start, end))


def _ends(start: datetime, end: datetime) -> Document:
    """Licences that began, or ended, in the span."""
    span = {"$gt": start, "$lte": end}
    states = {"$in": ["issued", "active", "suspended"]}
    return {"$or": [{"not_before": span}, {"expires": span}], "state": states}


async def _contracts(store: Store, session: Session | None, start: datetime, end: datetime) -> Mapping[str, set[str]]:
    """Whose contracts began their first day, or ended their last, in their workspace's billing zone."""
    zones: list[str] = await store["workspaces"].distinct("billing_zone", session=session)
    turned = {zone: days for zone in zones if (days := passed(start, end, zone))}
    members: defaultdict[str, set[str]] = defaultdict(set)
    if not turned:
        return members
    first, last = min(days[0] for days in turned.values()), max(days[1] for days in turned.values())
    where = {"$or": [{"starts_on": {"$gt": first, "$lte": last}}, {"ends_on": {"$gte": first, "$lt": last}}]}
    found = await store["contracts"].find(where, session=session).to_list(None)
    ids = sorted({key(doc["workspace"]) for doc in found})
    tenants = await store["workspaces"].find({"_id": {"$in": ids}}, session=session).to_list(None)
    zone_of = {doc["id"]: doc["billing_zone"] for doc in tenants}
    for doc in found:
        if comes_round(doc, turned.get(zone_of.get(doc["workspace"], ""))):
            members[doc["workspace"]].add(doc["member"])
    return members


def passed(start: datetime, end: datetime, zone: str) -> tuple[str, str] | None:
    """The day before and the day after, where the day of a zone changed between two instants; else None. Pure."""
    before, after = (moment.astimezone(ZoneInfo(zone)).date() for moment in (start, end))
    return (before.isoformat(), after.isoformat()) if before != after else None


def comes_round(contract: Document, days: tuple[str, str] | None) -> bool:
    """Whether a contract is offered on one of two days and not on the other, or began and ended between. Pure."""
    if days is None:
        return False
    before, after = days
    begins, ends = contract["starts_on"], contract["ends_on"]
    return bool((begins and before < begins <= after) or (ends and before <= ends < after))

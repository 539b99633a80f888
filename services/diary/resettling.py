"""What changes when licensing tells of a workspace's settings or a contract: open weeks are settled anew (S-03)."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from services.diary.folding import Folder, Touched
from services.diary.late import further
from services.diary.people import Workspace, newer, place_of
from services.diary.sheets import WeekBook, is_settled
from services.diary.terms import Terms
from services.diary.weeks import week_key
from services.kit.mongo import Database, Session, prefix_range, transaction
from services.wire.events import ContractChanged, Fact, WorkspaceChanged

_CHUNK = 200


class Resettler:
    """Keeps people, contracts, devices and settings, and computes anew what hangs on them."""

    def __init__(self, db: Database, folder: Folder) -> None:
        self._db, self._folder = db, folder

    async def tell(self, facts: Sequence[Fact]) -> Touched:
        """Takes every telling of licensing among the facts; others are not its business.

        ValueError or KeyError where a workspace's zone or lock hour is none: all its time would stumble over it.
        """
        for fact in facts:
            if isinstance(fact, WorkspaceChanged):
                ZoneInfo(fact.billing_zone), time(fact.lock_hour)
        touched, places = Touched(), [(place, fact) for fact in facts if (place := place_of(fact))]
        for collection in dict.fromkeys(place[0] for place, _ in places):
            # ordered: of two tellings of one thing in a batch the second must meet the first
            updates = [newer(place[1], fact) for place, fact in places if place[0] == collection]
            await self._db[collection].bulk_write(updates)
        for workspace in {fact.workspace for fact in facts if isinstance(fact, WorkspaceChanged)}:
            touched.merge(await self._resettle_workspace(workspace))
        for workspace, contract in {(one.workspace, one.contract) for one in facts if isinstance(one, ContractChanged)}:
            touched.merge(await self._resettle_contract(workspace, contract))
        return touched

    async def _resettle_workspace(self, workspace: str) -> Touched:
        """Counts all segments of open weeks anew; once for each revision, and again where that was cut off."""
        known = await self._db["workspaces"].find_one({"_id": f"{workspace}|"})
        touched = Touched()
        if known is None or known.get("settled") == known["revision"]:
            return touched
        done = await self._settled_weeks(workspace, Workspace.of(known))
        moments: set[str] = set()
        async for one in self._db["segments"].find({"_id": prefix_range(workspace)}, {"week": 1, "further.week": 1}):
            weeks = [one.get("week"), *(more["week"] for more in further(one))]
            if any(week and week_key(workspace, one["_id"].split("|")[3], week) not in done for week in weeks):
                moments.add(one["_id"].rsplit("|", 2)[0])
            if len(moments) >= _CHUNK:
                touched.merge(await self._folder.refold(moments))
                moments = set()
        if moments:
            touched.merge(await self._folder.refold(moments))
        seen = {"_id": f"{workspace}|", "revision": known["revision"]}
        await self._db["workspaces"].update_one(seen, {"$set": {"settled": known["revision"]}})
        return touched

    async def _settled_weeks(self, workspace: str, settings: Workspace) -> set[str]:
        now = datetime.now(UTC)
        weeks = self._db["weeks"].find({"_id": prefix_range(workspace)}, {"claims": 0})
        return {week["_id"] async for week in weeks if is_settled(week, settings, now)}

    async def _resettle_contract(self, workspace: str, contract: str) -> Touched:
        """Rolls up the contract's open weeks with its present limit."""
        weeks = self._db["weeks"].find({"_id": prefix_range(workspace, contract)}, {"_id": 1})
        keys = {week["_id"] async for week in weeks}
        touched = Touched()
        if not keys:
            return touched

        async def work(session: Session) -> set[str]:
            terms = await Terms.read(self._db, session, [{"_id": f"{workspace}|-|-|{contract}|-"}])
            book = WeekBook(self._db, terms, datetime.now(UTC))
            rolled = book.roll(await book.read(session, keys), {})
            await book.write(session, rolled)
            return {segment for week in rolled for segment in week.moved}

        for segment in await transaction(self._db, work):
            touched.add(segment)
        return touched

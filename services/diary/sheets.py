"""The contract-weeks that a fold touches: read, entered into, rolled up and written within the fold's transaction."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from pymongo import DeleteOne, InsertOne, UpdateOne

from services.diary.people import Workspace
from services.diary.weeks import monday_of, roll_up, sheet_key, state_of, week_key
from services.kit.mongo import Database, Session

Document = dict[str, Any]
Moved = set[str]
"""``_id`` of segments that are over the limit now and were not before, or the other way."""


class StaleWeek(Exception):
    """A week is not at the version it was read in; trying again helps."""


class Limit(NamedTuple):
    """A contract's weekly limit as of a revision; None where the contract is not known yet."""

    revision: int | None = None
    minutes: int | None = None


class Terms:
    """The settings and limits that a fold was computed with."""

    def __init__(self, workspaces: dict[str, Workspace], limits: dict[str, Limit]) -> None:
        self._workspaces, self._limits = workspaces, limits

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
        limits = dict.fromkeys(contracts, Limit())
        if contracts:
            wanted = {"revision": 1, "weekly_limit_minutes": 1}
            async for one in db["contracts"].find({"_id": {"$in": list(contracts)}}, wanted, session=session):
                limits[one["_id"]] = Limit(one["revision"], one["weekly_limit_minutes"])
        return cls(known, limits)

    async def still_hold(self, db: Database) -> bool:
        """Whether nothing of it has changed since."""
        now = await self._of(db, None, set(self._workspaces), set(self._limits))
        return now._workspaces == self._workspaces and now._limits == self._limits

    def workspace(self, workspace: str) -> Workspace:
        """A workspace's settings."""
        return self._workspaces[workspace]

    def of_week(self, workspace: str, contract: str) -> Document:
        """The terms as a contract-week keeps them."""
        settings, limit = self._workspaces[workspace], self._limits[f"{workspace}|{contract}"]
        return {
            "billing_unit": settings.billing_unit,
            "limit_minutes": limit.minutes,
            "workspace": settings.revision,
            "contract": limit.revision,
        }


def is_settled(week: Document, settings: Workspace, now: datetime) -> bool:
    """A locked week that was computed with known settings and a known contract keeps these terms (S-03)."""
    terms = week["terms"]
    if not terms or not terms["workspace"] or terms["contract"] is None:
        return False
    return state_of(date.fromisoformat(week["week"]), settings.billing, settings.lock_hour, now) == "locked"


class WeekBook:
    """Enters segments into their contract-weeks and rolls those up."""

    def __init__(self, db: Database, terms: Terms, now: datetime) -> None:
        self._weeks, self._terms, self._now = db["weeks"], terms, now

    async def enter(self, session: Session, before: Mapping[str, Document], segments: Mapping[str, Document]) -> Moved:
        """Brings the weeks of these segments up to date, and notes each segment's week in it."""
        counted = {key: one for key, one in segments.items() if "claim" in one}
        weeks = await self.read(session, {key for one in counted.values() for key in self._candidates(one)})
        changes: dict[str, dict[str, int | None]] = {key: {} for key in weeks}
        for key, segment in counted.items():
            week = self._week_of(segment, weeks)
            weeks[self._key(segment, week)].setdefault("member", key.split("|")[1])
            old = before.get(key, {})
            _, _, slot, _, device = key.split("|")
            sheet = sheet_key(slot, device)
            if old.get("week") and old["week"] != week:
                changes[self._key(segment, old["week"])][sheet] = None
            if (old.get("week"), old.get("claim")) != (week, segment["claim"]):
                changes[self._key(segment, week)][sheet] = segment["claim"]
            segment["week"] = week
        return await self.write(session, weeks, changes)

    def _candidates(self, segment: Document) -> set[str]:
        return {self._key(segment, week) for week in (self._due(segment), segment["week"]) if week}

    def _due(self, segment: Document) -> str:
        workspace, _, slot, *_ = segment["_id"].split("|")
        return monday_of(slot, self._terms.workspace(workspace).billing)

    def _week_of(self, segment: Document, weeks: Mapping[str, Document]) -> str:
        """The week a segment is billed in: of a settled week nothing is moved by a new billing zone."""
        settings = self._terms.workspace(segment["_id"].split("|", 1)[0])
        if (week := segment["week"]) and is_settled(weeks[self._key(segment, week)], settings, self._now):
            return str(week)
        return self._due(segment)

    @staticmethod
    def _key(segment: Document, week: str) -> str:
        workspace, _, _, contract, _ = segment["_id"].split("|")
        return week_key(workspace, contract, week)

    async def read(self, session: Session, keys: set[str]) -> dict[str, Document]:
        """Weeks by ``_id``; those that are not there yet begin with version 0."""
        weeks = {key: _new_week(key) for key in keys}
        if keys:
            async for one in self._weeks.find({"_id": {"$in": list(keys)}}, session=session):
                weeks[one["_id"]] = one
        return weeks

    async def write(
        self, session: Session, weeks: Mapping[str, Document], changes: Mapping[str, Mapping[str, int | None]]
    ) -> Moved:
        """Rolls up the weeks that changed, or whose terms did, each against the version it was read in."""
        moved: Moved = set()
        writes = []
        for key, week in weeks.items():
            terms = self._terms_of(week)
            if not changes.get(key) and (week["terms"] == terms or not week["version"]):
                continue
            claims = {**week["claims"], **changes.get(key, {})}
            sheet = {name: packed for name, packed in claims.items() if packed is not None}
            rolled = roll_up(week["contract"], sheet, terms["limit_minutes"], terms["billing_unit"])
            moved |= _moved(week, rolled["over"])
            writes.append(_write(week, changes.get(key, {}), sheet, {**rolled, "terms": terms}))
        if writes:
            done = await self._weeks.bulk_write(writes, ordered=False, session=session)
            if done.matched_count + done.inserted_count + done.deleted_count != len(writes):
                raise StaleWeek("a week was written by somebody else meanwhile")
        return moved

    def _terms_of(self, week: Document) -> Document:
        settings = self._terms.workspace(week["workspace"])
        if is_settled(week, settings, self._now):
            return dict(week["terms"])
        return self._terms.of_week(week["workspace"], week["contract"])


def _new_week(key: str) -> Document:
    workspace, contract, week = key.split("|")
    return {
        "_id": key,
        "workspace": workspace,
        "contract": contract,
        "week": week,
        "version": 0,
        "claims": {},
        "terms": {},
        "over": [],
    }


def _write(
    week: Document, changes: Mapping[str, int | None], sheet: Mapping[str, int], rolled: Document
) -> InsertOne[Document] | UpdateOne | DeleteOne:
    if not week["version"]:
        return InsertOne({**week, **rolled, "claims": dict(sheet), "version": 1})
    seen = {"_id": week["_id"], "version": week["version"]}
    if not sheet:
        return DeleteOne(seen)
    entered = {f"claims.{name}": packed for name, packed in changes.items() if packed is not None}
    update: Document = {"$set": {**rolled, **entered, "version": week["version"] + 1}}
    if gone := {f"claims.{name}": "" for name, packed in changes.items() if packed is None}:
        update["$unset"] = gone
    return UpdateOne(seen, update)


def _moved(week: Document, over: list[str]) -> Moved:
    flipped = set(week["over"]) ^ set(over)
    parts = [one.split(":", 2) for one in flipped]
    return {"|".join((week["workspace"], week["member"], slot, contract, device)) for contract, device, slot in parts}

"""The contract-weeks that a fold touches: read, entered into, rolled up and written within the fold's transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from pymongo import DeleteOne, InsertOne, UpdateOne

from services.diary import late
from services.diary.people import Workspace
from services.diary.projections import parts_of
from services.diary.terms import Terms
from services.diary.weeks import monday_of, roll_up, sheet_key, state_of, term_in, week_key
from services.kit.mongo import Database, Session
from services.wire.segments import MANUAL, NOTHING_GONE, left_of
from services.wire.slots import format_instant, slot_of

Document = dict[str, Any]
Moved = set[str]
"""``_id`` of segments that are over the limit or outside the term now and were not before, or the other way."""


class StaleWeek(Exception):
    """A week is not at the version it was read in; trying again helps."""


class Rolled(NamedTuple):
    """A week as it was read, the sheet's changes, and the figures it comes to (``weeks.roll_up`` and its terms)."""

    week: Document
    changes: Mapping[str, int | None]
    sheet: Mapping[str, int]
    figures: Document
    moved: Moved
    keep: bool


def is_settled(week: Document, settings: Workspace, now: datetime) -> bool:
    """A locked week that was computed with known settings and a known contract keeps these terms (S-03); a sealed one
    keeps all.
    """
    if week.get("sealed"):
        return True
    terms = week["terms"]
    if not terms or not terms["workspace"] or terms["contract"] is None:
        return False
    return state_of(date.fromisoformat(week["week"]), settings.billing, settings.lock_hour, now) == "locked"


class WeekBook:
    """Enters segments into their contract-weeks and rolls those up."""

    def __init__(self, db: Database, terms: Terms, now: datetime) -> None:
        self._weeks, self._adjustments, self._seals = db["weeks"], db["adjustments"], db["seals"]
        self._timesheets = db["timesheets"]
        self._terms, self._now = terms, now
        self._adjusted: dict[str, str] = {}

    async def place(
        self, session: Session, before: Mapping[str, Document], segments: Mapping[str, Document]
    ) -> tuple[dict[str, Document], set[str]]:
        """Notes in each segment the week it is billed in; gives the weeks concerned, and the segments that got further
        records after they were sealed (late.py), both by ``_id``.

        Nothing enters a sealed week: what comes late for one is billed in the week of now, and stays there.
        """
        weeks = await self.read(session, {key for one in segments.values() for key in self._candidates(one)})
        whole: list[Document] = []
        fresh: dict[str, set[int]] = {}
        for key, segment in segments.items():
            if "shown" not in segment:
                continue
            week = self._week_of(segment, weeks)
            if self._is_late(segment, weeks[self._key(segment, week)]):
                whole.append(segment)
                continue
            segment["week"] = week
            if weeks[self._key(segment, week)].get("sealed") and (seqs := _new_seqs(before.get(key, {}), segment)):
                fresh[key] = seqs
        if whole:
            await self._adjust(session, whole, weeks)
        changed = await self._book_further(session, fresh, segments, weeks) if fresh else set[str]()
        return weeks, changed

    async def _adjust(self, session: Session, whole: list[Document], weeks: dict[str, Document]) -> None:
        """Late time of sealed weeks; where it was billed already, before the projection was built anew, it stays."""
        known = await self._booked_before(session, [one["_id"] for one in whole])
        for segment in whole:
            week = known.get(segment["_id"]) or await self._open_week(session, segment, weeks)
            segment["week"] = segment["adjustment"] = week
            if segment["_id"] not in known:
                self._adjusted[segment["_id"]] = week
        await self._read_more(session, {self._key(one, one["week"]) for one in whole}, weeks)

    async def _book_further(
        self,
        session: Session,
        fresh: Mapping[str, set[int]],
        segments: Mapping[str, Document],
        weeks: dict[str, Document],
    ) -> set[str]:
        """Of new records of sealed segments those that are not in the seal; built anew, all of them are new."""
        keys = {self._key(segments[key], segments[key]["week"]) for key in fresh}
        wanted = {"_id": {"$in": list(keys)}}
        sealed = {one["_id"]: one["records"] async for one in self._seals.find(wanted, {"records": 1}, session=session)}
        known = await self._booked_before(session, [f"{key}|{seq}" for key, seqs in fresh.items() for seq in seqs])
        changed = set()
        for key, seqs in fresh.items():
            segment, device = segments[key], key.rsplit("|", 1)[1]
            places = {seq for name, seq in sealed.get(self._key(segment, segment["week"]), ()) if name == device}
            if seqs & places:
                segment.pop("counted", None)  # it was sealed with more than was there until now
            found = {}
            for seq in sorted(seqs - places):
                place = f"{key}|{seq}"
                found[seq] = known.get(place) or await self._open_week(session, segment, weeks)
                if place not in known:
                    self._adjusted[place] = found[seq]
            if found:
                late.add(segment, found)
                changed.add(key)
        more = {self._key(segments[key], one["week"]) for key in changed for one in late.further(segments[key])}
        await self._read_more(session, more, weeks)
        return changed

    async def _booked_before(self, session: Session, keys: list[str]) -> dict[str, str]:
        found = self._adjustments.find({"_id": {"$in": keys}}, session=session)
        return {one["_id"]: one["week"] async for one in found}

    async def _open_week(self, session: Session, segment: Document, weeks: dict[str, Document]) -> str:
        """The week of now, or the next where that is sealed: of two clocks one may be ahead."""
        zone = self._terms.workspace(segment["_id"].split("|", 1)[0]).billing
        week = date.fromisoformat(monday_of(format_instant(slot_of(self._now)), zone))
        while True:
            key = self._key(segment, week.isoformat())
            await self._read_more(session, {key}, weeks)
            if not weeks[key].get("sealed"):
                return week.isoformat()
            week += timedelta(days=7)

    async def _read_more(self, session: Session, keys: set[str], weeks: dict[str, Document]) -> None:
        if more := keys - weeks.keys():
            weeks.update(await self.read(session, more))

    @staticmethod
    def _is_late(segment: Document, week: Document) -> bool:
        _, _, slot, _, device = segment["_id"].split("|")
        return bool(week.get("sealed")) and sheet_key(slot, device) not in week["claims"]

    def is_sealed(self, segment: Document, week: str, weeks: Mapping[str, Document]) -> bool:
        """Whether what of the segment is billed in a week is in its seal, so that what it counts stays."""
        return bool(week and weeks[self._key(segment, week)].get("sealed"))

    def enter(
        self, before: Mapping[str, Document], segments: Mapping[str, Document], weeks: Mapping[str, Document]
    ) -> Mapping[str, Mapping[str, int | None]]:
        """What changes in the sheets of these weeks, by the weeks' ``_id``; None: no longer there."""
        changes: dict[str, dict[str, int | None]] = {key: {} for key in weeks}
        for key, segment in segments.items():
            old = before.get(key, {})
            _, member, slot, _, device = key.split("|")
            sheet = sheet_key(slot, device)
            was = self._key(segment, old["week"]) if "claim" in old and old.get("week") else None
            now = self._key(segment, segment["week"]) if "claim" in segment else None
            self._enter_further(old, segment, weeks, changes)
            if was and was != now and not weeks[was].get("sealed"):
                changes[was][sheet] = None
            if not now:
                continue
            if weeks[now].get("sealed"):
                segment["claim"] = weeks[now]["claims"][sheet]
                continue
            weeks[now].setdefault("member", member)
            if was != now or old["claim"] != segment["claim"]:
                changes[now][sheet] = segment["claim"]
        return changes

    def _enter_further(
        self,
        old: Document,
        segment: Document,
        weeks: Mapping[str, Document],
        changes: dict[str, dict[str, int | None]],
    ) -> None:
        _, member, slot, _, device = segment["_id"].split("|")
        was = {one["week"]: one["claim"] for one in late.further(old)}
        for one in late.further(segment):
            key, sheet = self._key(segment, one["week"]), sheet_key(slot, device)
            if weeks[key].get("sealed"):
                one["claim"] = weeks[key]["claims"][sheet]
                continue
            weeks[key].setdefault("member", member)
            if was.get(one["week"]) != one["claim"]:
                changes[key][sheet] = one["claim"]

    def _candidates(self, segment: Document) -> set[str]:
        weeks = {segment["week"], self._due(segment) if "shown" in segment else None}
        weeks |= {one["week"] for one in late.further(segment)}
        return {self._key(segment, week) for week in weeks if week}

    def _due(self, segment: Document) -> str:
        workspace, _, slot, *_ = segment["_id"].split("|")
        return monday_of(slot, self._terms.workspace(workspace).billing)

    def _week_of(self, segment: Document, weeks: Mapping[str, Document]) -> str:
        """The week a segment is billed in: of a settled week nothing is moved by a new billing zone."""
        if segment.get("adjustment"):
            return str(segment["week"])
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
        if new := [key for key, one in weeks.items() if not one["version"]]:
            # decided before it was here, or before the projection was built anew: that holds (S-08, S-10)
            async for one in self._timesheets.find({"_id": {"$in": new}}, {"state": 1}, session=session):
                weeks[one["_id"]] |= {name: one["state"] == name for name in ("approved", "submitted")}
        return weeks

    def roll(
        self,
        weeks: Mapping[str, Document],
        changes: Mapping[str, Mapping[str, int | None]],
        bump: Collection[str] = (),
    ) -> list[Rolled]:
        """Rolls up the weeks that changed, or whose terms did; ``bump``: those that change in any case."""
        found = []
        for key, week in weeks.items():
            if week.get("sealed"):
                continue
            terms = self._terms_of(week)
            if key not in bump and not changes.get(key) and (week["terms"] == terms or not week["version"]):
                continue
            claims = {**week["claims"], **changes.get(key, {})}
            sheet = {name: packed for name, packed in claims.items() if packed is not None}
            unit, hourly = terms["billing_unit"], terms.get("hourly", True)
            rolled = roll_up(week["contract"], sheet, terms["limit_minutes"], unit, hourly=hourly, term=term_in(terms))
            moved = _moved(week, rolled["over"]) | _outside_now(week, sheet, terms)
            keep = key in bump or week.get("edited", False)
            figures = {**rolled, "terms": terms} | ({"edited": True} if keep else {})
            found.append(Rolled(week, changes.get(key, {}), sheet, figures, moved, keep))
        return found

    async def write(self, session: Session, weeks: Iterable[Rolled]) -> None:
        """Writes rolled weeks, each against the version it was read in; StaleWeek where that is another now."""
        writes = [_write(one) for one in weeks]
        if writes:
            done = await self._weeks.bulk_write(writes, ordered=False, session=session)
            if done.matched_count + done.inserted_count + done.deleted_count != len(writes):
                raise StaleWeek("a week was written by somebody else meanwhile")
        adjusted = [
            UpdateOne({"_id": key}, {"$setOnInsert": {"week": week}}, True) for key, week in self._adjusted.items()
        ]
        if adjusted:
            await self._adjustments.bulk_write(adjusted, ordered=False, session=session)

    def _terms_of(self, week: Document) -> Document:
        settings = self._terms.workspace(week["workspace"])
        if is_settled(week, settings, self._now):
            return dict(week["terms"])
        return self._terms.of_week(week["workspace"], week["contract"], week["week"], self._now)


def _new_seqs(before: Document, segment: Document) -> set[int]:
    """The records of a segment that were not there before, are booked nowhere, and of which removals left something; of
    manual time none.
    """
    new = {seq for seq in segment["parts"] if seq not in before.get("parts", {})}
    if not new or segment["kind"] == MANUAL:
        return set()
    left = left_of((part for part in parts_of(segment) if str(part.seq) in new), segment.get("gone", NOTHING_GONE))
    return {part.seq for part in left} - {seq for one in late.further(segment) for seq in one["seqs"]}


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


def _write(one: Rolled) -> InsertOne[Document] | UpdateOne | DeleteOne:
    week = one.week
    if not week["version"]:
        return InsertOne({**week, **one.figures, "claims": dict(one.sheet), "version": 1})
    seen = {"_id": week["_id"], "version": week["version"]}
    if not one.sheet and not one.keep:
        return DeleteOne(seen)
    entered = {f"claims.{name}": packed for name, packed in one.changes.items() if packed is not None}
    update: Document = {"$set": {**one.figures, **entered, "version": week["version"] + 1}}
    if gone := {f"claims.{name}": "" for name, packed in one.changes.items() if packed is None}:
        update["$unset"] = gone
    return UpdateOne(seen, update)


def _moved(week: Document, over: list[str]) -> Moved:
    flipped = set(week["over"]) ^ set(over)
    parts = [one.split(":", 2) for one in flipped]
    return {"|".join((week["workspace"], week["member"], slot, contract, device)) for contract, device, slot in parts}


def _outside_now(week: Document, sheet: Mapping[str, int], terms: Document) -> Moved:
    """Segments that a new term of the contract leaves out, or takes in."""
    before, now = term_in(week["terms"]), term_in(terms)
    if before == now or "member" not in week:
        return set()
    places = (key.split("|") for key in sheet if before.holds(key[:20]) != now.holds(key[:20]))
    return {"|".join((week["workspace"], week["member"], slot, week["contract"], device)) for slot, device in places}

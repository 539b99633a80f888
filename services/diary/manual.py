"""Manual time: entered by the member, or by an admin for them, where the contract allows it (S-05)."""

import re
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.diary.editing import Draft, Entry, Table, visible
from services.diary.projections import Document, shown_of
from services.diary.weeks import monday_of
from services.kit.mongo import Database
from services.kit.problems import Problem, invalid, not_found
from services.wire.language import N_, _
from services.wire.segments import MANUAL
from services.wire.slots import SLOT, SLOT_MINUTES, format_instant, parse_instant, slot_of, slots_between

LONGEST = timedelta(hours=24)
_MINUTE = timedelta(minutes=1)
_FIRST = datetime(1970, 1, 5, tzinfo=UTC)
"""The first Monday that ids count from (``_ENTRY``) and calendars name."""
_ENTRY = re.compile(r"man_([0-9a-f]{1,8})_[0-9a-f]{16}")


@dataclass(frozen=True)
class ManualTime:
    """An entry that is to be; ``start`` and ``end`` as asked for, on the minute."""

    contract: str
    kind: Literal["work", "break", "private"]
    start: str
    end: str
    reason: str | None = None
    memo: str | None = None
    label: str | None = None
    random: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def entry(self) -> str:
        """Its id, which says where on the clock to look for it."""
        return f"man_{int(parse_instant(self.start).timestamp()) // 60:x}_{self.random}"

    async def draft(self, table: Table) -> list[Draft]:
        """One edit a contract-week; 404 unknown contract, 409 not allowed or overlapping, 422 no such span."""
        start, end = self._span(table.now)
        await self._require_contract(table, start, end)
        spans = list(slots_between(slot_of(start), end))
        await table.held.read_segments({table.moment(format_instant(slot)) for slot in spans})
        _require_free(table, start, end)
        weeks: dict[str, list[datetime]] = defaultdict(list)
        for slot in spans:
            weeks[monday_of(format_instant(slot), table.settings.billing)].append(slot)
        return [self._of_week(week, max(start, own[0]), min(end, own[-1] + SLOT)) for week, own in weeks.items()]

    def _span(self, now: datetime) -> tuple[datetime, datetime]:
        try:
            start, end = parse_instant(self.start), parse_instant(self.end)
        except ValueError as error:
            raise invalid(_("start, end: instants like 2026-11-21T10:10:00Z"), field="start") from error
        for name, instant in (("start", start), ("end", end)):
            if instant.second or instant.microsecond:
                raise invalid(_("{field}: on the minute", field=name), field=name)
        if start >= end:
            raise invalid(_("end: after start"), field="end")
        if end > now:
            raise invalid(_("end: not in the future"), field="end")
        if start < _FIRST:
            raise invalid(_("start: not before {date}", date=str(_FIRST.date())), field="start")
        if end - start > LONGEST:
            raise invalid(_("end: at most 24 hours after start"), field="end")
        return start, end

    async def _require_contract(self, table: Table, start: datetime, end: datetime) -> None:
        key = f"{table.viewer.workspace}|{self.contract}"
        contract = await table.db["contracts"].find_one({"_id": key}, session=table.session)
        if contract is None or contract["member"] != table.member:
            raise not_found(N_("contract"))
        if not contract["manual_time"]:
            raise Problem(
                409,
                "no-manual-time",
                _("This contract allows no manual time."),
                _("An admin may allow it in the contract's terms (S-05)."),
                rule="S-05",
            )
        first, last = (_day(time, table.settings.billing) for time in (start, end - _MINUTE))
        if (contract["starts_on"] or first) > first or last > (contract["ends_on"] or last):
            words = _("The contract does not run then."), _("Choose days within its term.")
            raise Problem(409, "outside-contract", *words, rule="S-05")
        if self.label and contract["labels"] and self.label not in contract["labels"]:
            raise invalid(_("label: one of the contract's labels"), field="label", labels=contract["labels"])

    def _of_week(self, week: str, start: datetime, end: datetime) -> Draft:
        about = {
            "entry": self.entry,
            "manual_kind": self.kind,
            "start": format_instant(start),
            "end": format_instant(end),
        }
        personal = {"memo": self.memo, "label": self.label, "reason": self.reason}
        return Draft("manual", self.contract, week, about, {name: said for name, said in personal.items() if said})

    def note(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Its length and kind; the audit log has no reasons and memos."""
        spans = [(parse_instant(one.about["start"]), parse_instant(one.about["end"])) for one in drafts]
        minutes = int(sum((end - start for start, end in spans), timedelta()).total_seconds()) // 60
        slots = (slot for start, end in spans for slot in slots_between(slot_of(start), end))
        names = [f"{self.contract}:{self.entry}:{format_instant(slot)}" for slot in slots]
        return [Entry("time.added", f"{minutes} minutes of {self.kind} by hand", segments=names)]


def _day(time: datetime, zone: ZoneInfo) -> str:
    """The day of the contract's timesheet that a minute lies in: that of its slot's start, in the billing zone."""
    return str(slot_of(time).astimezone(zone).date())


def _require_free(table: Table, start: datetime, end: datetime) -> None:
    """Manual time overlaps no time that is there, recorded or entered, on whatever contract (S-05)."""
    overlapping = []
    for key in table.held.segments.now:
        shown = visible(table.held.segments.now, key)
        if shown is None:
            continue
        slot = parse_instant(shown["slot"])
        times = (slot + index * _MINUTE for index in range(SLOT_MINUTES) if shown["minutes"][index] is not None)
        if any(start <= time < end for time in times):
            overlapping.append(shown["segment_id"])
    if overlapping:
        raise Problem(
            409,
            "overlap",
            _("There is time already."),
            _(
                "Segments in this span: {count}, the first at {instant}. "
                "Choose a span without them, or remove them first (S-05).",
                count=len(overlapping),
                instant=overlapping[0].split(":", 2)[2],
            ),
            rule="S-05",
            overlaps=sorted(overlapping),
        )


async def segments_of_entry(db: Database, workspace: str, member: str, entry: str) -> list[str]:
    """The ids of what is left of an entry; 404 where nothing is."""
    if not (found := _ENTRY.fullmatch(entry)):
        raise not_found(N_("manual entry"))
    start = slot_of(datetime.fromtimestamp(int(found[1], 16) * 60, UTC))
    head = f"{workspace}|{member}|"
    span = {"$gte": head + format_instant(start), "$lt": head + format_instant(start + LONGEST + SLOT)}
    documents = await db["segments"].find({"_id": span, "entry.id": entry}, {"shown": 1}).to_list(None)
    left = [shown_of(one)["segment_id"] for one in documents if "shown" in one]
    if not left:
        raise not_found(N_("manual entry"))
    return left


async def listed(db: Database, workspace: str, member: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The member's entries that have time in [start, end), by the clock."""
    head = f"{workspace}|{member}|"
    span = {"$gte": head + format_instant(slot_of(start)), "$lt": head + format_instant(end)}
    found = db["segments"].find({"_id": span, "kind": MANUAL, "shown": {"$exists": True}}).sort("_id", 1)
    entries: dict[str, dict[str, Any]] = {}
    async for document in found:
        shown, entry = shown_of(document), document["entry"]
        one = entries.setdefault(shown["entry"], _listed(shown, entry))
        one["segments"].append(shown["segment_id"])
        one["minutes"] += sum(minute is not None for minute in shown["minutes"])
        one["start"], one["end"] = min(one["start"], entry["start"]), max(one["end"], entry["end"])
    return list(entries.values())


def _listed(shown: dict[str, Any], entry: Document) -> dict[str, Any]:
    own = {name: entry[name] for name in ("kind", "start", "end", "reason", "actor", "at")}
    said = {name: shown[name] for name in ("contract", "memo", "label")}
    return {"id": shown["entry"], **said, **own, "segments": [], "minutes": 0}

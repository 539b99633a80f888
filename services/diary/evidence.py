"""What a contract-week's bill is made of: its records from ingest, its edits, the keys that signed, what lies around.

Read for sealing a week, and again for the statement of a sealed one (S-06, B-01).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson

from services.diary import late
from services.diary.edits import segments_of
from services.diary.projections import counted_of, parts_of, segment_id_of, shown_of
from services.diary.weeks import Sheet
from services.kit.bus import Bus
from services.kit.mongo import Database
from services.wire import requests, slots
from services.wire.billing import Recorded, count_slot
from services.wire.edits import Edit, Signed, entered_by, parse_edit, read_edit, removed_by
from services.wire.proof import digest
from services.wire.reckoning import Around
from services.wire.seals import Device
from services.wire.segments import NOTHING_GONE, Minute, Part, left_of
from services.wire.slots import SLOT

Document = dict[str, Any]
Place = tuple[str, int]
"""Device and seq: a record's place in the ledger."""
_PAGE_SECONDS = 20.0
_AT_ONCE = 1000
_NEAR_WEEKS = 2


class Missing(Exception):
    """Something the diary has folded cannot be had from its owner just now; the text says what."""


class Signature(NamedTuple):
    """A record as its device signed it; ``detail`` None: erased (G-03)."""

    place: Place
    record: str
    detail: str | None
    signature: str

    @property
    def hash(self) -> str:
        """What stands for it in a seal."""
        return digest(self.record)

    @property
    def body(self) -> dict[str, Any]:
        """The record, parsed."""
        body: dict[str, Any] = orjson.loads(self.record)
        return body


async def records(bus: Bus, workspace: str, wanted: Collection[Place], span: tuple[str, str]) -> list[Signature]:
    """These records from the ledger, by device and seq; ``span``: first and last slot. Missing where one is not there.

    ``wanted`` are the seqs of folded parts, so what the ledger has beyond them is not in the answer.
    """
    if not wanted:
        return []
    left, found, after = set(wanted), [], ""
    end = slots.format_instant(slots.parse_slot(span[1]) + SLOT)
    while after is not None:
        asked = requests.RecordsOf(
            workspace=workspace,
            devices=sorted({device for device, _ in wanted}),
            after=after,
            **{"from": span[0], "to": end},
        )
        page = await bus.ask("ingest", "records", asked, timeout=_PAGE_SECONDS)
        for one in page["records"]:
            place = one["device"], one["seq"]
            if place in left:
                left.discard(place)
                found.append(Signature(place, one["record"], one["detail"], one["signature"]))
        after = page["next"]
    if left:
        raise Missing(f"{len(left)} records are not in the ledger")
    return sorted(found)


async def edits(db: Database, week: Document) -> list[tuple[str, Signed]]:
    """The edits of a contract-week with their ids, as they are kept: those about segments that are billed in it.

    Where a new billing zone moves segments into another week (S-03), the edits about them go along; what is about
    segments of two weeks is in both. Where its segments never came, or it is about pictures alone, the week that an
    edit was made in counts.
    """
    workspace, contract = week["workspace"], week["contract"]
    weeks = near(week["week"])
    span = {"$gte": f"{workspace}|{contract}|{weeks[0]}|", "$lt": f"{workspace}|{contract}|{weeks[-1]}}}"}
    kept = await db["edits"].find({"_id": span}).sort("_id", 1).to_list(None)
    found = [(one["_id"].split("|"), Signed(one["text"], one["detail"], one["signature"])) for one in kept]
    about = [segments_of(parse_edit(signed)) for _, signed in found]
    billed = await _weeks_of(db, set[str]().union(*about))
    return [
        (key[-1], signed)
        for (key, signed), own in zip(found, about, strict=True)
        if week["week"] in ({billed[one] for one in own if one in billed} or {key[2]})
    ]


async def _weeks_of(db: Database, segments: Collection[str]) -> dict[str, str]:
    """The week in which each of these segments is billed, or was before it was removed."""
    ordered, found = sorted(segments), dict[str, str]()
    for start in range(0, len(ordered), _AT_ONCE):
        where = {"_id": {"$in": ordered[start : start + _AT_ONCE]}}
        found |= {one["_id"]: one["week"] async for one in db["segments"].find(where, {"week": 1}) if one.get("week")}
    return found


async def edits_of_seal(db: Database, seal: Document) -> list[Signed]:
    """The edits that were sealed, whatever week each was made in."""
    head = f"{seal['workspace']}|{seal['contract']}"
    keys = [f"{head}|{week}|{edit}" for edit in seal["edits"] for week in near(seal["week"])]
    found = db["edits"].find({"_id": {"$in": keys}})
    return [Signed(one["text"], one["detail"], one["signature"]) async for one in found]


def near(week: str) -> list[str]:
    """The weeks in which edits of a week's segments may have been made: billing zones are no more than a day apart,
    and late time of one is billed in the week after it.
    """
    monday = date.fromisoformat(week)
    return [(monday + timedelta(days=7 * step)).isoformat() for step in range(-_NEAR_WEEKS, _NEAR_WEEKS + 1)]


def read_edits(public: bytes, signed: Iterable[Signed]) -> list[Edit]:
    """The edits, read; ProofError where one is not as it was signed."""
    return [read_edit(public, one) for one in signed]


async def devices(bus: Bus, workspace: str, names: Collection[str]) -> dict[str, Device]:
    """Public keys and kinds from licensing; Missing where one is unknown there."""
    if not names:
        return {}
    asked = requests.KeysOf(workspace=workspace, devices=sorted(names))
    answer = await bus.ask("licensing", "keys", asked)
    found = {one["device"]: Device(one["public_key"], one["kind"]) for one in answer["devices"]}
    if unknown := set(names) - set(found):
        raise Missing(f"{len(unknown)} devices are not known to licensing")
    return found


def places_of(seen: Iterable[Document], week: str) -> set[Place]:
    """The records that were folded into these segments and are billed in this week.

    Of late time without those that were removed whole before: that is said in the seal of the week it was removed in.
    """
    return {
        (document["_id"].rsplit("|", 1)[1], part.seq)
        for document in seen
        if not is_manual(document)
        for part in _parts(document, week)
    }


def _parts(document: Document, week: str) -> list[Part]:
    parts = late.parts_in(document, parts_of(document), week)
    is_late = document["week"] != week or "adjustment" in document
    return left_of(parts, document["gone"]) if is_late and "gone" in document else parts


def span_of(seen: Iterable[Document]) -> tuple[str, str]:
    """The first and the last slot of the recorded ones among these segments."""
    moments = [document["_id"].split("|")[2] for document in seen if not is_manual(document)]
    return min(moments), max(moments)


def is_manual(document: Mapping[str, Any]) -> bool:
    """Whether a segment was entered by hand (S-05)."""
    return document.get("kind") == "manual"


async def folded(db: Database, week: Document) -> list[Document]:
    """The segments that are billed in a week."""
    head, contract = f"{week['workspace']}|{week['member']}|", week["contract"]
    keys = [f"{head}{slot}|{contract}|{device}" for slot, _, device in (key.partition("|") for key in week["claims"])]
    found = db["segments"].find({"_id": {"$in": keys}})
    return [document async for document in found if "shown" in document]


def around(seen: Sequence[Document], week: str, edits: Sequence[Edit] = (), *, movement_counts: bool) -> Around:
    """What the rest of the member's diary takes from a week's segments: as it stood when they were counted (T-14).

    ``edits``: the week's; what these enter by hand in another week counts there.
    """
    others = _entered_elsewhere(seen, edits)
    elsewhere: dict[str, list[int]] = {slot: sorted(minutes) for slot, minutes in others.items()}
    billed: dict[str, int] = {}
    for slot, together in _by_slot(seen).items():
        booked = [_booked(one, week) for one in together]
        counted = {index for one in booked for index in one.counted}
        there = {index for one in booked for index in one.there}.union(others.get(slot, ()))
        if there - counted:
            elsewhere[slot] = sorted(there - counted)
        else:
            elsewhere.pop(slot, None)
        alone = count_slot(
            (_recorded(one, of, counted) for one, of in zip(together, booked, strict=True)),
            movement_counts=movement_counts,
        )
        if before := sum(one.whole for one in alone.values()) - sum(one.claim.whole for one in booked):
            billed[slot] = before
    return Around(elsewhere, billed)


def _entered_elsewhere(seen: Iterable[Document], edits: Iterable[Edit]) -> dict[str, set[int]]:
    """Minutes by slot that these edits enter by hand and that are billed in another week, or that an edit which is
    billed there removed.
    """
    own = {segment_id_of(one["_id"]) for one in seen}
    gone = {segment for edit in edits for segment in removed_by(edit)}
    found: defaultdict[str, set[int]] = defaultdict(set)
    for edit in edits:
        for segment, (slot, part) in entered_by(edit).items():
            if segment not in own and segment not in gone:
                found[slot] |= {index for index, minute in enumerate(part.minutes) if minute is not None}
    return dict(found)


class _Booked(NamedTuple):
    """What of a segment is billed in a week; ``there``: minutes that its records have, by their place."""

    minutes: Sequence[Minute | None]
    started: str
    there: set[int]
    counted: list[int]
    claim: Sheet


def _booked(document: Document, week: str) -> _Booked:
    for one in late.further(document):
        if one["week"] == week:
            own = _parts(document, week)  # an edit of another week may have taken some of their minutes
            there = {index for part in own for index, minute in enumerate(part.minutes) if minute is not None}
            left = left_of(own, document.get("gone", NOTHING_GONE))
            brought = late.brought_in(document, left, week)
            return _Booked(*brought, there, counted_of(one), Sheet.unpack(one["claim"]))
    minutes, started = shown_of(document)["minutes"], document["session_started"]
    if late.further(document):
        left = left_of(parts_of(document), document.get("gone", NOTHING_GONE))
        minutes, started = late.brought_in(document, left, week)
    there = {index for index, minute in enumerate(minutes) if minute is not None}
    return _Booked(minutes, started, there, counted_of(document), Sheet.unpack(document["claim"]))


def _by_slot(documents: Iterable[Document]) -> dict[str, list[Document]]:
    found: defaultdict[str, list[Document]] = defaultdict(list)
    for document in documents:
        found[document["_id"].split("|")[2]].append(document)
    return found


def _recorded(document: Document, booked: _Booked, counted: Collection[int]) -> Recorded:
    _, _, _, contract, device = document["_id"].split("|")
    return Recorded(
        segment_id_of(document["_id"]),
        contract,
        device,
        document["kind"],
        booked.started,
        [minute if index in counted else None for index, minute in enumerate(booked.minutes)],
    )

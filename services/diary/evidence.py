"""What a contract-week's bill is made of: its records from ingest, its edits, the keys that signed, what lies around.

Read for sealing a week, and again for the statement of a sealed one (S-06, B-01).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from services.diary.projections import segment_id_of, shown_of
from services.kit.bus import Bus
from services.kit.mongo import Database, prefix_range
from services.wire import requests, slots
from services.wire.billing import Count, Recorded, count_slot
from services.wire.edits import Edit, Signed, read_edit
from services.wire.proof import digest
from services.wire.reckoning import Around
from services.wire.seals import Device
from services.wire.slots import SLOT

Document = dict[str, Any]
Place = tuple[str, int]
"""Device and seq: a record's place in the ledger."""
_PAGE_SECONDS = 20.0


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


async def edits(db: Database, workspace: str, contract: str, week: str) -> list[tuple[str, Signed]]:
    """The edits of a contract-week with their ids, as they are kept."""
    found = db["edits"].find({"_id": prefix_range(workspace, contract, week)}).sort("_id", 1)
    return [(one["_id"].rsplit("|", 1)[1], Signed(one["text"], one["detail"], one["signature"])) async for one in found]


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


class Folded(NamedTuple):
    """What the diary folded of a contract-week: its segments, and the others of the member in the same slots."""

    own: list[Document]
    others: list[Document]

    @property
    def places(self) -> set[Place]:
        """The records that were folded into the week."""
        return {
            (document["_id"].rsplit("|", 1)[1], int(seq))
            for document in self.own
            if not is_manual(document)
            for seq in document["parts"]
        }

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last slot of its recorded segments."""
        moments = [document["_id"].split("|")[2] for document in self.own if not is_manual(document)]
        return min(moments), max(moments)


def is_manual(document: Mapping[str, Any]) -> bool:
    """Whether a segment was entered by hand (S-05)."""
    return document.get("kind") == "manual"


async def folded(db: Database, week: Document) -> Folded:
    """The segments that are billed in a week, and their neighbours in time."""
    moments = sorted({key.split("|", 1)[0] for key in week["claims"]})
    if not moments:
        return Folded([], [])
    head = f"{week['workspace']}|{week['member']}|"
    span = {"_id": {"$gte": f"{head}{moments[0]}|", "$lt": f"{head}{moments[-1]}}}"}}
    own: list[Document] = []
    others: list[Document] = []
    wanted = set(moments)
    async for document in db["segments"].find(span):
        _, _, slot, contract, device = document["_id"].split("|")
        if slot not in wanted or "shown" not in document:
            continue
        billed = contract == week["contract"] and f"{slot}|{device}" in week["claims"]
        (own if billed else others).append(document)
    return Folded(own, others)


def around(seen: Folded, week: str, *, movement_counts: bool) -> Around:
    """What the member's other segments take from the week that begins on the Monday ``week`` (T-14).

    Time that is billed late finds what earlier weeks counted, which stays theirs.
    """
    elsewhere: dict[str, list[int]] = {}
    billed: set[str] = set()
    beside = _by_slot(seen.others, week)
    for slot, own in _by_slot(seen.own, week).items():
        if slot not in beside:
            continue
        alone = count_slot(own, movement_counts=movement_counts)
        whole = count_slot([*own, *beside[slot]], movement_counts=movement_counts)
        taken = _taken(own, alone, whole)
        if taken:
            elsewhere[slot] = taken
        if any(alone[one.segment_id].whole > whole[one.segment_id].whole for one in own) and any(
            one.contract == own[0].contract for one in beside[slot]
        ):
            billed.add(slot)
    return Around(elsewhere, frozenset(billed))


def _taken(own: Sequence[Recorded], alone: Mapping[str, Count], whole: Mapping[str, Count]) -> list[int]:
    return sorted(
        {
            index
            for one in own
            for index, (before, now) in enumerate(
                zip(alone[one.segment_id].counted, whole[one.segment_id].counted, strict=True)
            )
            if before and not now
        }
    )


def _by_slot(documents: Iterable[Document], week: str) -> dict[str, list[Recorded]]:
    slots_: defaultdict[str, list[Recorded]] = defaultdict(list)
    for document in documents:
        slots_[document["_id"].split("|")[2]].append(_recorded(document, week))
    return slots_


def _recorded(document: Document, week: str) -> Recorded:
    _, _, _, contract, device = document["_id"].split("|")
    return Recorded(
        segment_id_of(document["_id"]),
        contract,
        device,
        document["kind"],
        document["session_started"],
        shown_of(document)["minutes"],
        sealed=(document["week"] or week) < week,
    )

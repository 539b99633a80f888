"""The diary's documents, and how facts change them. Pure: folding.py reads and writes them.

``segments`` ``workspace|member|slot|contract|device``: the parts by seq (JSON), and what they come to: ``shown``, the
segment of the answer for a day as JSON that goes out as it is, but for billing and score, which change by themselves;
the counted ``figures``; the ``claim`` on the week's bill; the ``score``.
``pictures`` ``workspace|capture|device``: which segments name it with which hash, and what media said of it.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from services.diary.weeks import Sheet
from services.wire import slots
from services.wire.billing import Recorded, count_slot, unprotected_because
from services.wire.events import CaptureRemoved, CaptureStored, SegmentRecorded, SegmentScored
from services.wire.scores import Tally
from services.wire.segments import Part, merge

Document = dict[str, Any]
#: ``figures`` of a segment, in this order: what ``count_minutes`` gives.
FIGURES = (
    *("tracked_minutes", "active_minutes", "office_minutes", "work_minutes"),
    *("break_minutes", "private_minutes", "idle_minutes"),
)


@lru_cache(4096)
def canonical_slot(text: str) -> str:
    """A slot as it is written here, whatever zeros it came with."""
    return slots.format_instant(slots.parse_slot(text))


def moment_key(workspace: str, member: str, slot: str) -> str:
    """The prefix of all of a member's segments in one slot."""
    return f"{workspace}|{member}|{slot}"


def segment_key(fact: SegmentRecorded | SegmentScored) -> str:
    """The ``_id`` of the segment a fact is about."""
    return "|".join((fact.workspace, fact.member, canonical_slot(fact.slot), fact.contract, fact.device))


def picture_key(workspace: str, capture: str, device: str) -> str:
    """The ``_id`` of a capture's picture."""
    return f"{workspace}|{capture}|{device}"


# segments -----------------------------------------------------------------------------------------------------------


def new_segment(key: str) -> Document:
    """The document of a segment of which nothing is known yet."""
    return {"_id": key, "parts": {}, "week": None}


def segment_id_of(key: str) -> str:
    """The id that a segment's ``_id`` stands for, ``contract:device:slot``."""
    _, _, slot, contract, device = key.split("|")
    return f"{contract}:{device}:{slot}"


def add_part(document: Document, fact: SegmentRecorded) -> None:
    """Keeps a record's part; the same record again changes nothing."""
    document["kind"] = fact.device_kind
    document["parts"] = {**document["parts"], str(fact.seq): orjson.dumps([*fact.part()])}


def put_together(document: Document, pictures: Mapping[str, Document]) -> None:
    """Merges a document's parts into ``shown``. Each capture is as ``pictures`` (by ``_id``) say, or as it was."""
    workspace, _, slot, contract, device = document["_id"].split("|")
    merged = merge(Part(*orjson.loads(part)) for part in document["parts"].values())
    before = {one["capture_id"]: one["state"] for one in shown_of(document)["captures"]}
    captures = []
    for one in merged.captures:
        picture = pictures.get(picture_key(workspace, one["capture_id"], device))
        state = picture_state(picture, one["sha256"]) if picture else before.get(one["capture_id"], "pending")
        captures.append(_capture(one, state))
        if picture:
            picture["named"] = {**picture["named"], document["_id"]: one["sha256"]}
    document["session_started"] = merged.session_started
    document["shown"] = orjson.dumps(
        {
            "segment_id": f"{contract}:{device}:{slot}",
            "slot": slot,
            "contract": contract,
            "device": device,
            "memo": merged.memo,
            "label": merged.label,
            "minutes": merged.minutes,
            "apps": merged.apps,
            "captures": captures,
            "session": merged.session,
        }
    )


def _capture(capture: Mapping[str, Any], state: str) -> dict[str, Any]:
    names = ("capture_id", "kind", "at", "state", "width", "height")
    return {name: state if name == "state" else capture[name] for name in names}


def shown_of(document: Document) -> dict[str, Any]:
    """What a document shows, read again."""
    shown: dict[str, Any] = orjson.loads(document["shown"]) if "shown" in document else {"captures": []}
    return shown


def captures_of(fact: SegmentRecorded) -> list[str]:
    """The ``_id`` of every picture a record names."""
    return [picture_key(fact.workspace, one["capture_id"], fact.device) for one in fact.detail["captures"]]


def count(documents: Iterable[Document], *, movement_counts: bool) -> None:
    """Counts one member's segments of one slot together (T-14) and writes down what each may claim."""
    there = [(one, shown_of(one)) for one in documents if "shown" in one]
    counts = count_slot(
        (
            Recorded(
                shown["segment_id"],
                shown["contract"],
                shown["device"],
                one["kind"],
                one["session_started"],
                shown["minutes"],
            )
            for one, shown in there
        ),
        movement_counts=movement_counts,
    )
    for one, shown in there:
        mine = counts[shown["segment_id"]]
        tracked, active = mine.figures["tracked_minutes"], mine.figures["active_minutes"]
        because = unprotected_because(
            active, [capture["state"] for capture in shown["captures"]], shown["memo"], shown["label"]
        )
        figures = {"active_minutes": active, "protected": because is None, "unprotected_because": because}
        one["shown"] = orjson.dumps(shown | figures)
        one["figures"] = [mine.figures[name] for name in FIGURES]
        one["claim"] = Sheet(mine.whole, mine.exact, tracked, active).pack()


def score_rank(fact: SegmentScored) -> list[int]:
    """What decides between two scores of one segment: the classes' version, the slot's stamp, then the seq."""
    return [fact.classes_version, *fact.stamp, fact.seq]


def score_of(fact: SegmentScored) -> Document:
    """A score as a segment keeps it; the tally in the order of ``services.wire.scores.Tally``."""
    shown = {"activity": fact.activity, "productivity": fact.productivity, "tracko": fact.tracko}
    return {
        "rank": score_rank(fact),
        "tally": [getattr(fact.tally, name) for name in Tally._fields],
        "shown": orjson.dumps(shown),
    }


# pictures -----------------------------------------------------------------------------------------------------------


def new_picture(key: str) -> Document:
    """The document of a picture of which nothing is known yet."""
    return {"_id": key, "named": {}, "stored": {}}


def note_picture(picture: Document, fact: CaptureStored | CaptureRemoved) -> None:
    """Media says that a picture is stored, or gone for good."""
    if isinstance(fact, CaptureRemoved):
        picture["removed"] = {"reason": fact.reason, "at": fact.removed_at}
    else:
        picture["stored"] = {**picture["stored"], fact.sha256: fact.stored_at}


def picture_state(picture: Mapping[str, Any], sha256: str) -> str:
    """``removed`` for ever after a removal; ``stored`` only where media has the very bytes the record names."""
    if picture.get("removed"):
        return "removed"
    return "stored" if sha256 in picture["stored"] else "pending"

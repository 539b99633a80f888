"""The diary's documents, and how facts change them. Pure: folding.py reads and writes them.

``segments`` ``workspace|member|slot|contract|device``: the parts by seq (JSON), and what they come to: minutes, apps
and captures as JSON that goes out as it is, the counted figures, the claim on the week's bill.
``pictures`` ``workspace|capture|device``: which segments name it with which hash, and what media said of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from services.diary.billing import Recorded, count_slot
from services.diary.weeks import Sheet
from services.wire import slots
from services.wire.events import CaptureRemoved, CaptureStored, SegmentRecorded, SegmentScored
from services.wire.segments import Merged, Part, merge

Document = dict[str, Any]
_CAPTURE = ("capture_id", "kind", "at", "width", "height", "monitor", "app")


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
    _, _, slot, contract, device = key.split("|")
    return {
        "_id": key,
        "slot": slot,
        "contract": contract,
        "device": device,
        "segment_id": f"{contract}:{device}:{slot}",
        "parts": {},
        "week": None,
    }


def add_part(document: Document, fact: SegmentRecorded) -> None:
    """Keeps a record's part; the same record again changes nothing."""
    document["kind"] = fact.device_kind
    document["parts"] = {**document["parts"], str(fact.seq): orjson.dumps([*fact.part()])}


def put_together(document: Document, pictures: Mapping[str, Document]) -> None:
    """Merges a document's parts. Each capture is as ``pictures`` (by ``_id``) say, or else as it was."""
    merged = merged_of(document)
    workspace = document["_id"].split("|", 1)[0]
    before = {one["capture_id"]: one["state"] for one in orjson.loads(document.get("captures", b"[]"))}
    captures = []
    for one in merged.captures:
        picture = pictures.get(picture_key(workspace, one["capture_id"], document["device"]))
        state = picture_state(picture, one["sha256"]) if picture else before.get(one["capture_id"], "pending")
        captures.append({**{name: one[name] for name in _CAPTURE}, "state": state})
        if picture:
            picture["named"] = {**picture["named"], document["_id"]: one["sha256"]}
    document |= {
        "minutes": orjson.dumps(merged.minutes),
        "apps": orjson.dumps(merged.apps),
        "captures": orjson.dumps(captures),
        "capture_states": [one["state"] for one in captures],
        "memo": merged.memo,
        "label": merged.label,
        "session": merged.session,
        "session_started": merged.session_started,
        "seq": merged.seq,
    }


def merged_of(document: Document) -> Merged:
    """A document's parts as one segment (S-11)."""
    return merge(Part(*orjson.loads(part)) for part in document["parts"].values())


def captures_of(fact: SegmentRecorded) -> list[str]:
    """The ``_id`` of every picture a record names."""
    return [picture_key(fact.workspace, one["capture_id"], fact.device) for one in fact.detail["captures"]]


def count(documents: Iterable[Document], *, movement_counts: bool) -> None:
    """Counts one member's segments of one slot together (T-14) and writes down what each may claim."""
    there = {one["segment_id"]: (one, orjson.loads(one["minutes"])) for one in documents if "minutes" in one}
    counts = count_slot(
        (
            Recorded(name, one["contract"], one["device"], one["kind"], one["session_started"], minutes)
            for name, (one, minutes) in there.items()
        ),
        movement_counts=movement_counts,
    )
    for name, (one, minutes) in there.items():
        mine = counts[name]
        pairs = enumerate(zip(minutes, mine.counted, strict=True))
        one["elsewhere"] = [index for index, (minute, counts_here) in pairs if minute is not None and not counts_here]
        one["figures"] = mine.figures
        tracked, active = mine.figures["tracked_minutes"], mine.figures["active_minutes"]
        one["claim"] = Sheet(mine.whole, mine.exact, tracked, active).pack()


def score_rank(fact: SegmentScored) -> list[int]:
    """What decides between two scores of one segment: the classes' version, then the seq."""
    return [fact.classes_version, fact.seq]


def score_of(fact: SegmentScored) -> Document:
    """A score as a segment keeps it; the tally in the order of ``services.wire.scores.Tally``."""
    return {
        "rank": score_rank(fact),
        "tally": list(fact.tally.model_dump().values()),
        "activity": fact.activity,
        "productivity": fact.productivity,
        "tracko": fact.tracko,
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

"""The diary's documents, and how facts change them. Pure: folding.py reads and writes them.

``segments`` ``workspace|member|slot|contract|device``: the parts by seq (JSON), and what they come to: minutes, apps
and captures as JSON that goes out as it is, the counted figures, the claim on the week's bill.
``pictures`` ``workspace|capture|device``: whose segment names it with which hash, and what media said of it.
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
    document["parts"][str(fact.seq)] = orjson.dumps(fact.part())


def put_together(document: Document, states: Mapping[str, str]) -> None:
    """Merges a document's parts; ``states`` gives each capture's."""
    merged = merged_of(document)
    captures = [{**_shown(one), "state": states[one["capture_id"]]} for one in merged.captures]
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


def _shown(capture: Mapping[str, Any]) -> dict[str, Any]:
    return {name: capture[name] for name in ("capture_id", "kind", "at", "width", "height", "monitor", "app")}


def count(documents: Iterable[Document], *, movement_counts: bool) -> None:
    """Counts one member's segments of one slot together (T-14) and writes down what each may claim."""
    there = [one for one in documents if "minutes" in one]
    counts = count_slot(
        (
            Recorded(
                one["segment_id"],
                one["contract"],
                one["device"],
                one["kind"],
                one["session_started"],
                orjson.loads(one["minutes"]),
            )
            for one in there
        ),
        movement_counts=movement_counts,
    )
    for one in there:
        mine = counts[one["segment_id"]]
        one["elsewhere"] = [
            index
            for index, (minute, yes) in enumerate(zip(orjson.loads(one["minutes"]), mine.counted, strict=True))
            if minute is not None and not yes
        ]
        one["figures"] = mine.figures
        one["claim"] = Sheet(
            mine.whole, mine.exact, mine.figures["tracked_minutes"], mine.figures["active_minutes"]
        ).pack()


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
    _, capture, device = key.split("|")
    return {"_id": key, "capture": capture, "device": device, "stored": {}}


def claim_picture(picture: Document, segment: Document, member: str, capture: Mapping[str, Any]) -> None:
    """A signed record names the picture: which segment it belongs to, and the hash it must have."""
    picture |= {
        "segment": segment["_id"],
        "member": member,
        "contract": segment["contract"],
        "at": capture["at"],
        "kind": capture["kind"],
        "sha256": capture["sha256"],
    }


def note_picture(picture: Document, fact: CaptureStored | CaptureRemoved) -> None:
    """Media says that a picture is stored, or gone for good."""
    if isinstance(fact, CaptureRemoved):
        picture["removed"] = {"reason": fact.reason, "at": fact.removed_at}
    else:
        picture["stored"][fact.sha256] = fact.stored_at


def picture_state(picture: Mapping[str, Any]) -> str:
    """``removed`` for ever after a removal; ``stored`` only where media has the very bytes the record names."""
    if picture.get("removed"):
        return "removed"
    return "stored" if picture.get("sha256") in picture["stored"] else "pending"

"""The diary's documents, and how facts change them. Pure: folding.py reads and writes them.

``segments`` ``workspace|member|slot|contract|device``: the parts by seq (JSON), and what they come to: ``shown``, the
segment of the answer for a day as JSON that goes out as it is, but for billing and score, which change by themselves;
the ``counted`` minutes and their ``figures``; the ``claim`` on the week's bill; the ``score``; and the ``brief`` of all
that a day is added up from (packed.py). What edits did to it is
kept in it too: ``gone`` and ``dropped`` (removed minutes and captures), ``said`` (memo and label), ``entry`` (manual
time). What came for it when it was sealed is in ``further`` (late.py).
``pictures`` ``workspace|capture|device``: which segments name it with which hash, what media said of it, and whether it
was ``taken`` by a removal of time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from services.diary import late, packed
from services.diary.people import Workspace
from services.diary.weeks import Sheet
from services.wire import slots
from services.wire.billing import Count, Recorded, count_slot, unprotected_because
from services.wire.events import CaptureRemoved, CaptureStored, SegmentRecorded, SegmentScored
from services.wire.plain import as_plain
from services.wire.scores import Tally
from services.wire.segments import MANUAL, NOTHING_GONE, STATE, Gone, Merged, Minute, Part, left_of, without
from services.wire.slots import SLOT_MINUTES

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
    if fact.arrived_after_revocation:
        document["after_revocation"] = True
    if fact.label_unlisted:
        document["unlisted"] = sorted({*document.get("unlisted", ()), fact.detail["label"]})


def parts_of(document: Document) -> list[Part]:
    """The parts of a segment, removed ones too."""
    return [Part(*orjson.loads(part)) for part in document.get("parts", {}).values()]


def put_together(document: Document, pictures: Mapping[str, Document]) -> None:
    """Merges what edits left of a document's parts into ``shown``; where they left nothing, nothing is shown.

    Each capture is as ``pictures`` (by ``_id``) say, or as it was.
    """
    parts = parts_of(document)
    if "gone" in document:
        parts = [_bare(part, document["gone"]) for part in parts]
        document["parts"] = {str(part.seq): orjson.dumps([*part]) for part in parts}
        document["dropped"] = _dropped(document, parts, pictures)
        parts = left_of(parts, document["gone"], document["dropped"])
    if not parts:
        for name in ("shown", "figures", "claim", "counted", "session_started", "existed"):
            document.pop(name, None)
        return
    merged = late.merged(document, parts)
    shown = _shown(document, merged)
    shown["captures"] = _captures(document, merged, pictures)
    document["session_started"] = merged.session_started
    document["shown"] = orjson.dumps(shown)


def _dropped(document: Document, parts: Iterable[Part], pictures: Mapping[str, Document]) -> list[str]:
    """Its own captures that went with their time. An edit of a whole week names those of all segments: each keeps no
    more than its own, or a week's documents would grow with the square of it.
    """
    workspace, *_, device = document["_id"].split("|")
    known = document.get("dropped", ())
    names = {one["capture_id"] for part in parts for one in part.captures}
    return sorted(
        name for name in names if name in known or pictures.get(picture_key(workspace, name, device), {}).get("taken")
    )


def _bare(part: Part, gone: Gone) -> Part:
    """A part that was removed whole keeps when there was time, and nothing of what was in it."""
    if not any(part.minutes) or any(without(part, gone).minutes):
        return part
    minutes = [minute and [0, 0, 0, 0, minute[STATE], None] for minute in part.minutes]
    return part._replace(minutes=minutes, memo=None, label=None, apps=[], captures=[])


def _shown(document: Document, merged: Merged) -> dict[str, Any]:
    _, _, slot, contract, device = document["_id"].split("|")
    said = document.get("said", {})
    manual = document["kind"] == MANUAL
    shown = {
        "segment_id": f"{contract}:{device}:{slot}",
        "slot": slot,
        "contract": contract,
        "device": None if manual else device,
        "memo": said["memo"][2] if "memo" in said else as_plain(merged.memo),
        "label": said["label"][2] if "label" in said else as_plain(merged.label),
        "minutes": merged.minutes,
        "apps": merged.apps,
        "captures": [],
        "session": None if manual else merged.session,
    }
    if manual:
        shown["entry"] = device
    if document.get("after_revocation"):
        shown["arrived_after_revocation"] = True
    if "label" not in said and shown["label"] in document.get("unlisted", ()):
        shown["label_unlisted"] = True
    return shown


_OF_CAPTURES = ("capture_id", "kind", "at", "width", "height")


def _captures(document: Document, merged: Merged, pictures: Mapping[str, Document]) -> list[dict[str, Any]]:
    """The captures as they are shown; ``existed`` notes whose picture was stored once: they protect for ever (M-05)."""
    workspace, *_, device = document["_id"].split("|")
    before = {one["capture_id"]: one for one in shown_of(document)["captures"]}
    captures, existed = [], []
    for one in merged.captures:
        name = one["capture_id"]
        if picture := pictures.get(picture_key(workspace, name, device)):
            picture["named"] = {**picture["named"], document["_id"]: one["sha256"]}
            said, there = _said_of(picture, one), one["sha256"] in picture["stored"]
        else:
            was = before.get(name, {"state": "pending"})
            said = {field: was[field] for field in ("state", "blurred", "expired_after_days") if field in was}
            there = name in document.get("existed", ())
        captures.append({field: one[field] for field in _OF_CAPTURES} | said)
        existed += [name] if there else []
    if existed or "existed" in document:
        document["existed"] = existed
    return captures


def _said_of(picture: Document, capture: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a capture's picture; ``expired_after_days`` where its time was over (M-05)."""
    said: dict[str, Any] = {"state": picture_state(picture, capture["sha256"])}
    if picture.get("blurred"):
        said["blurred"] = True
    if (days := kept_days(picture)) is not None:
        said["expired_after_days"] = days
    return said


def shown_of(document: Document) -> dict[str, Any]:
    """What a document shows, read again."""
    shown: dict[str, Any] = orjson.loads(document["shown"]) if "shown" in document else {"captures": []}
    return shown


def captures_of(fact: SegmentRecorded) -> list[str]:
    """The ``_id`` of every picture a record names."""
    return [picture_key(fact.workspace, one["capture_id"], fact.device) for one in fact.detail["captures"]]


def tell_in_brief(document: Document) -> None:
    """Says in ``brief`` what a segment has come to, now that it is counted and in its week."""
    if "shown" in document:
        document["brief"] = packed.brief(document)
    else:
        document.pop("brief", None)


IsSealed = Callable[[Document, str], bool]
"""Whether what of a segment is billed in a week is part of that week's seal."""


def count_all(documents: Iterable[Document], settings: Callable[[str], Workspace], is_sealed: IsSealed) -> None:
    """Counts segments slot by slot (T-14); ``settings`` by workspace."""
    slots_: dict[str, list[Document]] = {}
    for document in documents:
        slots_.setdefault(document["_id"].rsplit("|", 2)[0], []).append(document)
    for moment, together in slots_.items():
        count(together, movement_counts=settings(moment.split("|", 1)[0]).movement_counts, is_sealed=is_sealed)


def count(
    documents: Iterable[Document],
    *,
    movement_counts: bool,
    is_sealed: IsSealed = lambda document, week: False,
) -> None:
    """Counts one member's segments of one slot together (T-14) and writes down what each may claim."""
    there = [(one, shown_of(one)) for one in documents if "shown" in one]
    recorded = [claim for one, shown in there for claim in _recorded(one, shown, is_sealed)]
    counts = count_slot(recorded, movement_counts=movement_counts)
    for one, shown in there:
        shown.pop("elsewhere", None)
        manual = one["kind"] == MANUAL
        one |= _counted(counts[shown["segment_id"]], manual)
        if late.further(one):
            own = (counts[_late_id(shown["segment_id"], more["week"])] for more in one["further"])
            one["further"] = [more | _counted(mine, manual) for more, mine in zip(one["further"], own, strict=True)]
        elsewhere = _elsewhere(one, shown["minutes"])
        if late.further(one) and not late.parts_in(one, parts_of(one), one["week"]):
            del one["counted"]  # built anew: what was sealed is still to come
        active = late.sum_figures(one)[FIGURES.index("active_minutes")]
        figures = {"active_minutes": active, **_protection(one, shown, active)}
        figures |= {"adjustment": one["adjustment"]} if "adjustment" in one else {}
        figures |= {"elsewhere": elsewhere} if elsewhere else {}
        one["shown"] = orjson.dumps(shown | figures)


def _elsewhere(document: Document, minutes: Sequence[Minute | None]) -> list[int]:
    """The minutes of a segment, by their place, that count on another device or contract of the member (T-14)."""
    mine = {place for booked in (document, *late.further(document)) for place in counted_of(booked)}
    return [place for place, minute in enumerate(minutes) if minute is not None and place not in mine]


def _counted(mine: Count, manual: bool) -> Document:
    tracked, active = mine.figures["tracked_minutes"], mine.figures["active_minutes"]
    return {
        "counted": sum(yes << index for index, yes in enumerate(mine.counted)),
        "figures": [mine.figures[name] for name in FIGURES],
        "claim": Sheet(mine.whole, mine.exact, tracked, active, int(manual)).pack(),
    }


def _recorded(document: Document, shown: Mapping[str, Any], is_sealed: IsSealed) -> list[Recorded]:
    """What a segment claims of its slot: itself, and beside it what came late for it, week by week."""
    name, device = shown["segment_id"], document["_id"].rsplit("|", 1)[1]
    who = shown["contract"], device, document["kind"]
    if not late.further(document):
        brought = shown["minutes"], document["session_started"]
        return [_claim(document, name, who, brought, is_sealed(document, document["week"]))]
    parts = left_of(parts_of(document), document.get("gone", NOTHING_GONE))
    weeks = [(name, document["week"], document)]
    weeks += [(_late_id(name, one["week"]), one["week"], one) for one in document["further"]]
    return [
        _claim(booked, id_, who, late.brought_in(document, parts, week), is_sealed(document, week))
        for id_, week, booked in weeks
    ]


def _claim(
    booked: Mapping[str, Any],
    name: str,
    who: tuple[str, str, str],
    brought: tuple[Sequence[Minute | None], str],
    sealed: bool,
) -> Recorded:
    minutes, started = brought
    return Recorded(name, *who, started, _counted_for_good(booked, minutes) if sealed else minutes, sealed)


def _late_id(segment_id: str, week: str) -> str:
    return f"{segment_id}|{week}"


def counted_of(booked: Mapping[str, Any]) -> list[int]:
    """Which of the ten minutes count for a segment, or for what came late for it, by their place."""
    return [index for index in range(SLOT_MINUTES) if booked["counted"] >> index & 1]


def _counted_for_good(booked: Mapping[str, Any], minutes: Sequence[Minute | None]) -> list[Minute | None]:
    """What a segment of a sealed week counts: what it counted when the week was sealed, neither more nor less."""
    if "counted" not in booked:
        return list(minutes)  # built anew since
    mine = counted_of(booked)
    return [minute if index in mine else None for index, minute in enumerate(minutes)]


def _protection(document: Document, shown: Mapping[str, Any], active: int) -> dict[str, Any]:
    if document["kind"] == MANUAL:
        return {"protected": False, "unprotected_because": "manual"}
    existed = document.get("existed", ())
    states = ["stored" if one["capture_id"] in existed else "pending" for one in shown["captures"]]
    because = unprotected_because(active, states, shown["memo"], shown["label"])
    return {"protected": because is None, "unprotected_because": because}


def score_rank(fact: SegmentScored) -> list[int]:
    """What decides between two scores of one segment: the classes' version, the slot's stamp, then the seq."""
    return [fact.classes_version, *fact.stamp, fact.seq]


def score_of(fact: SegmentScored) -> Document:
    """A score as a segment keeps it; the tally in the order of ``services.wire.scores.Tally``, packed."""
    shown = {"activity": fact.activity, "productivity": fact.productivity, "tracko": fact.tracko}
    return {
        "rank": score_rank(fact),
        "tally": packed.tally([getattr(fact.tally, name) for name in Tally._fields]),
        "shown": orjson.dumps(shown),
    }


# pictures -----------------------------------------------------------------------------------------------------------


_NONE = "unreadable"


def new_picture(key: str) -> Document:
    """The document of a picture of which nothing is known yet."""
    return {"_id": key, "named": {}, "stored": {}}


def note_picture(picture: Document, fact: CaptureStored | CaptureRemoved) -> None:
    """Media says that a picture is stored, or gone for good."""
    if isinstance(fact, CaptureRemoved):
        remove_picture(picture, fact.reason, fact.removed_at, fact.days)
    else:
        picture["stored"] = {**picture["stored"], fact.sha256: fact.stored_at}


def kept_days(picture: Mapping[str, Any]) -> int | None:
    """How many days a picture was kept whose time was over; None where that is not what became of it (M-05)."""
    removed = picture.get("removed") or {}
    return int(removed["days"]) if removed.get("days") and removed["reason"] == "retention" else None


def remove_picture(picture: Document, reason: str, at: str, days: int | None = None) -> None:
    """A picture is to be seen no more; of several who say so, the first is kept, and a removal before a refusal."""
    known = picture.get("removed")
    if known is None or (reason == _NONE, at, reason) < (known["reason"] == _NONE, known["at"], known["reason"]):
        picture["removed"] = {"reason": reason, "at": at} | ({"days": days} if days else {})


def picture_state(picture: Mapping[str, Any], sha256: str) -> str:
    """``removed`` for ever after a removal; ``stored`` only where media has the very bytes the record names.

    ``refused`` where these are no picture, which shows when somebody looks for the first time (M-09).
    """
    if removed := picture.get("removed"):
        return "refused" if removed["reason"] == _NONE else "removed"
    return "stored" if sha256 in picture["stored"] else "pending"

"""What an edit is kept as, which documents it touches, and what it does to them. Pure: editing.py and folding.py write.

Documents: ``edits`` ``workspace|contract|week|edit``: the signed text, its personal part and signature verbatim, and
beside them who did what to whose week, to be asked for. What an edit does to a segment is kept in the segment too, so
that nobody who folds has to look for edits; each of these marks is the highest or latest of its kind, so edits may come
in any order, twice, and before the segments they are about (S-11).
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson

from services.diary.projections import Document, new_segment, picture_key, remove_picture
from services.wire.edits import Edit, Signed, captures_of, entered_by, removed_by
from services.wire.events import DiaryEdited
from services.wire.segments import MANUAL, NOTHING_GONE, unite_gone

_ASKED_BY = ("workspace", "member", "contract", "week", "at", "actor", "role", "kind", "change")


def edit_key(edit: Edit) -> str:
    """The ``_id`` of an edit."""
    return f"{edit.workspace}|{edit.contract}|{edit.week}|{edit.id}"


def document_of(edit: Edit, signed: Signed) -> Document:
    """The document an edit is kept as."""
    return {"_id": edit_key(edit), **signed._asdict(), **{name: getattr(edit, name) for name in _ASKED_BY}}


def signed_of(kept: Document | DiaryEdited) -> Signed:
    """The signed text of a kept edit, or of the fact that tells of one."""
    if isinstance(kept, DiaryEdited):
        return Signed(kept.edit, kept.detail, kept.signature)
    return Signed(kept["text"], kept["detail"], kept["signature"])


def fact_of(kept: Document) -> DiaryEdited:
    """``diary.edited`` of a kept edit."""
    names = ("workspace", "member", "contract", "week", "detail", "signature")
    return DiaryEdited(edit_id=kept["_id"].rsplit("|", 1)[1], edit=kept["text"], **{name: kept[name] for name in names})


def segment_key(workspace: str, member: str, segment_id: str) -> str:
    """The ``_id`` that ``contract:device:slot`` of a member stands for; ValueError where that is no segment's id."""
    contract, device, slot = segment_id.split(":", 2)
    return f"{workspace}|{member}|{slot}|{contract}|{device}"


def segments_of(edit: Edit) -> set[str]:
    """The ``_id`` of every segment an edit is about."""
    named = [*edit.about.get("segments", ()), *removed_by(edit), *entered_by(edit)]
    return {segment_key(edit.workspace, edit.member, one) for one in named}


def pictures_of(edit: Edit) -> set[str]:
    """The ``_id`` of every picture an edit is about."""
    return {picture_key(edit.workspace, capture, device) for capture, device in captures_of(edit)}


def apply(edit: Edit, segments: MutableMapping[str, Document], pictures: Mapping[str, Document]) -> None:
    """Does to the documents what the edit says; a segment that is not there yet keeps the mark for when it comes."""
    for key in segments_of(edit):
        segments[key] = new_segment(key) | segments.get(key, {})
    for capture, device in captures_of(edit):
        picture = pictures[picture_key(edit.workspace, capture, device)]
        if edit.kind == "picture_blur":
            picture["blurred"] = True
        else:
            remove_picture(picture, "member" if edit.actor == edit.member else "admin", edit.at)
        if edit.kind == "removal":
            picture["taken"] = True
    if edit.kind == "note":
        for key in segments_of(edit):
            _say(segments[key], edit)
    for segment, gone in removed_by(edit).items():
        document = segments[segment_key(edit.workspace, edit.member, segment)]
        document["gone"] = unite_gone(document.get("gone", NOTHING_GONE), gone)
    for segment, (_, part) in entered_by(edit).items():
        document = segments[segment_key(edit.workspace, edit.member, segment)]
        document["kind"] = MANUAL
        document["parts"] = {"0": orjson.dumps([*part])}
        document["entry"] = _entry(edit)


def _say(document: Document, edit: Edit) -> None:
    """The latest word counts, by its time and then its id."""
    said: dict[str, list[Any]] = document.get("said", {})
    for name, value in (edit.personal or {}).items():
        if name not in said or [edit.at, edit.id] > said[name][:2]:
            said = {**said, name: [edit.at, edit.id, value]}
    document["said"] = said


def _entry(edit: Edit) -> Document:
    about = edit.about
    return {
        "id": about["entry"],
        "start": about["start"],
        "end": about["end"],
        "kind": about["manual_kind"],
        "reason": (edit.personal or {}).get("reason"),
        "actor": edit.actor,
        "at": edit.at,
    }

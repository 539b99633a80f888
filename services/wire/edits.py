"""What people do to a diary, as appended and signed facts (architecture.md, *The ledger and the weeks*; S-04, S-08).

An edit is a text about one contract-week, signed by the diary, and a personal part (memo, label, reason) that the text
is bound to by a salted hash, as a record is to its detail. What somebody does at once to several contract-weeks is
several edits with one ``change``. Pure and free of pydantic: the checker of statements reads edits too.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from nacl.signing import SigningKey

from services.wire.proof import EDIT_DOMAIN, ProofError, check, digest, sign
from services.wire.segments import NOTHING_GONE, Gone, Part, unite_gone
from services.wire.slots import SLOT_MINUTES, format_instant, parse_instant, slot_of, slots_between
from services.wire.strict_json import read_json

Kind = Literal["note", "removal", "manual", "picture_removal", "picture_blur"]
_SHAPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # kind → keys of the text beyond the common ones, keys of the detail beyond the salt (which may be left out)
    "note": (frozenset({"segments"}), frozenset({"memo", "label"})),
    "removal": (frozenset({"removed", "captures"}), frozenset({"reason"})),
    "manual": (frozenset({"entry", "manual_kind", "start", "end"}), frozenset({"memo", "label", "reason"})),
    "picture_removal": (frozenset({"captures"}), frozenset({"reason"})),
    "picture_blur": (frozenset({"captures"}), frozenset()),
}
_MINUTE = timedelta(minutes=1)
_COMMON = frozenset(
    {"v", "edit", "change", "workspace", "member", "contract", "week", "at", "actor", "role", "kind", "detail"}
)


class Edit(NamedTuple):
    """One edit, read. ``about`` and ``personal`` are by kind:

    - ``note``: segments [segment_id]; memo, label, each only where it is changed, null to clear it.
    - ``removal``: removed [[segment_id, [minutes 0-9], highest seq covered]], captures [[capture_id, device]]; reason.
      A redelivery of what is covered cannot bring time back; new work may follow.
    - ``manual``: entry, manual_kind (work, break, private), start and end (instants on the minute); memo, label,
      reason. Its segments are ``contract:entry:slot``; it is removed as any other segments are, with 0 as highest seq.
    - ``picture_removal``, ``picture_blur``: captures [[capture_id, device]]; reason.
    """

    id: str
    change: str
    workspace: str
    member: str
    contract: str
    week: str
    at: str
    actor: str
    role: str
    kind: Kind
    about: dict[str, Any]
    personal: dict[str, Any] | None


class Signed(NamedTuple):
    """An edit as it is kept, sent and sealed."""

    text: str
    detail: str | None
    signature: str


def write_edit(key: SigningKey, edit: Edit) -> Signed:
    """The signed text of an edit and its salted personal part."""
    detail = _dump({"salt": secrets.token_hex(16), **(edit.personal or {})})
    common = {
        "v": 1,
        "edit": edit.id,
        "change": edit.change,
        "workspace": edit.workspace,
        "member": edit.member,
        "contract": edit.contract,
        "week": edit.week,
        "at": edit.at,
        "actor": edit.actor,
        "role": edit.role,
        "kind": edit.kind,
        "detail": digest(detail),
    }
    text = _dump(common | edit.about)
    return Signed(text, detail, sign(key, EDIT_DOMAIN, text.encode()))


def read_edit(public: bytes, signed: Signed) -> Edit:
    """The edit of a signed text; ProofError where signature, shape or the personal part's hash does not hold."""
    check(public, EDIT_DOMAIN, signed.text.encode(), signed.signature)
    return parse_edit(signed)


def parse_edit(signed: Signed) -> Edit:
    """As ``read_edit``, but who signed it is not looked at: for who hears it on the bus, which keeps strangers out."""
    body = read_json(signed.text)
    kind: Any = body.get("kind") if isinstance(body, dict) else None
    if kind not in _SHAPES or set(body) != _COMMON | _SHAPES[kind][0] or body["v"] != 1:
        raise ProofError("not an edit of version 1")
    personal = None
    if signed.detail is not None:
        if digest(signed.detail) != body["detail"]:
            raise ProofError("the personal part is another than the edit names")
        personal = read_json(signed.detail)
        if not isinstance(personal, dict):
            raise ProofError("a personal part that is none")
        personal.pop("salt", None)
        if set(personal) - _SHAPES[kind][1]:
            raise ProofError("a personal part with more than its kind has")
    about = {name: body[name] for name in _SHAPES[kind][0]}
    who = {name: body[name] for name in ("change", "workspace", "member", "actor", "role")}
    return Edit(
        id=body["edit"],
        contract=body["contract"],
        week=body["week"],
        at=body["at"],
        kind=kind,
        about=about,
        personal=personal,
        **who,
    )


def removed_by(edit: Edit) -> dict[str, Gone]:
    """What a removal takes of each segment, by segment id; nothing for other kinds."""
    gone: dict[str, Gone] = {}
    for segment, minutes, seq in edit.about.get("removed", ()):
        taken = [seq if index in minutes else -1 for index in range(SLOT_MINUTES)]
        gone[segment] = unite_gone(gone.get(segment, NOTHING_GONE), taken)
    return gone


def entered_by(edit: Edit) -> dict[str, tuple[str, Part]]:
    """The segments of a manual entry, by segment id: each one's slot, and its only part, with seq 0 (S-05)."""
    if edit.kind != "manual":
        return {}
    about, personal = edit.about, edit.personal or {}
    start, end = parse_instant(about["start"]), parse_instant(about["end"])
    minute = [0, 0, 0, 0, about["manual_kind"], None]
    entered = {}
    for slot in slots_between(slot_of(start), end):
        times = [slot + index * _MINUTE for index in range(SLOT_MINUTES)]
        minutes = [list(minute) if start <= time < end else None for time in times]
        part = Part(0, minutes, personal.get("memo"), personal.get("label"), [], [], about["entry"], about["start"])
        text = format_instant(slot)
        entered[f"{edit.contract}:{about['entry']}:{text}"] = text, part
    return entered


def captures_of(edit: Edit) -> Sequence[tuple[str, str]]:
    """The (capture_id, device) an edit names."""
    return [(capture, device) for capture, device in edit.about.get("captures", ())]


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""What people changed in a member's diary: edits are kept for ever, with who made them, and read here (G-02, S-04).

Edits lie by contract-week (``edits.py``). Which weeks a span of the diary may have edits in is said by the clock, by
what came late for it and is billed in another week, and by a billing zone that was another one once.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.diary import days
from services.diary.access import Action, Sight, Viewer
from services.diary.edge import Edge
from services.diary.edits import pictures_of, signed_of
from services.diary.projections import segment_id_of
from services.kit.problems import Problem, invalid
from services.wire.edits import Edit, captures_of, entered_by, parse_edit
from services.wire.language import _
from services.wire.proof import ProofError
from services.wire.slots import SLOT, day_bounds, format_instant, parse_slot, week_of

log = logging.getLogger(__name__)
LONGEST = timedelta(days=93)
_WEEK = timedelta(days=7)
_CHUNK = 200
_WITHOUT_WORDS = frozenset({"client"})
"""A client reads what is said now; what was corrected before they looked is not for them (S-07, decision 0006)."""


class Asked(NamedTuple):
    """Slots that start in [start, end), of one segment or of all; ``before``: an edit's id, to go on behind it."""

    start: datetime
    end: datetime
    segment: str | None = None
    before: str | None = None


async def asked_for(
    edge: Edge, viewer: Viewer, first: str | None, last: str | None, segment: str | None, before: str | None
) -> Asked | None:
    """What is asked for: days of the diary in the billing zone, both included, or a segment; None: no such segment."""
    if segment is not None:
        try:
            slot = parse_slot(segment.split(":", 2)[2])
            days.read_date(slot.date().isoformat(), "segment")  # no year that cannot be reckoned with
        except (ValueError, IndexError, Problem):
            return None
        if first is None and last is None:
            return Asked(slot, slot + SLOT, segment, before)
    if first is None or last is None:
        raise invalid(_("from and to, or segment"), field="from" if first is None else "to")
    zone = (await edge.people.workspace(viewer.workspace)).billing
    start = day_bounds(days.read_date(first, "from"), zone)[0]
    end = day_bounds(days.read_date(last, "to"), zone)[1]
    if end <= start:
        raise invalid(_("to: before the first day"), field="to")
    if end - start > LONGEST:
        raise invalid(_("to: at most {number} days in one go", number=LONGEST.days), field="to")
    return Asked(start, end, segment, before)


async def edits_of(
    edge: Edge, viewer: Viewer, member: str, asked: Asked, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Edits of what the viewer has in sight of the member, the latest first, and the id to go on ``before``.

    404 and 403 as for the member's day.
    """
    allowed = await days.see(edge, viewer, Action.READ_DIARY, member)
    waiting = await _ids(edge, viewer.workspace, member, asked, allowed)
    names = await _names(edge, viewer, member)
    found: list[dict[str, Any]] = []
    while waiting and len(found) <= limit:
        chunk, waiting = waiting[:_CHUNK], waiting[_CHUNK:]
        kept = {one["_id"]: one async for one in edge.db["edits"].find({"_id": {"$in": chunk}})}
        edits = [_read(kept[key]) for key in chunk]
        named = await _named(edge, edits)
        for edit in edits:
            segments = _segments(edit, named)
            if _is_asked(segments, asked):
                found.append(_shown(edit, segments, names, words=viewer.role not in _WITHOUT_WORDS))
    return found[:limit], (found[limit - 1]["id"] if len(found) > limit else None)


async def _ids(edge: Edge, workspace: str, member: str, asked: Asked, allowed: Sight) -> list[str]:
    """The ``_id`` of all edits that may be about what is asked for, the latest first."""
    head = f"{workspace}|{member}|"
    span = {"_id": {"$gte": head + format_instant(asked.start), "$lt": head + format_instant(asked.end)}}
    zone = (await edge.people.workspace(workspace)).billing
    around = (week_of(asked.start, zone) - _WEEK, week_of(asked.end, zone) + _WEEK)
    weeks = {day.isoformat() for day in around}
    for name in ("week", "further.week"):
        weeks |= set(await edge.db["segments"].distinct(name, span))
    own = [one["contract"] for one in await edge.people.contracts(workspace) if one["member"] == member]
    if asked.segment is not None:
        own = [one for one in own if one == asked.segment.split(":", 1)[0]]
    heads = [f"{workspace}|{one}|" for one in own if allowed.shows(one)]
    ranges = [{"_id": {"$gte": f"{one}{min(weeks)}|", "$lt": f"{one}{max(weeks)}}}"}} for one in heads]
    if not ranges:
        return []
    found = await edge.db["edits"].find({"$or": ranges, "member": member}, {"_id": 1}).to_list(None)
    latest = sorted((str(one["_id"]) for one in found), key=_id_of, reverse=True)
    return [key for key in latest if asked.before is None or _id_of(key) < asked.before]


def _id_of(key: str) -> str:
    """An edit's own id; these grow with time."""
    return key.rsplit("|", 1)[1]


def _read(kept: dict[str, Any]) -> Edit:
    try:
        return parse_edit(signed_of(kept))
    except (ProofError, ValueError, KeyError) as error:
        log.error("an edit is not as it was kept: %s", kept["_id"])
        detail = _("It was altered past the services. The operators have been told.")
        raise Problem(409, "broken-edit", _("An edit is not as it was kept."), detail) from error


async def _named(edge: Edge, edits: Iterable[Edit]) -> dict[str, list[str]]:
    """The segments (``_id``) that name the pictures these edits are about, by the picture's ``_id``."""
    wanted = sorted({key for edit in edits for key in pictures_of(edit)})
    if not wanted:
        return {}
    found = edge.db["pictures"].find({"_id": {"$in": wanted}}, {"named": 1})
    return {one["_id"]: sorted(one["named"]) async for one in found}


def _segments(edit: Edit, named: Mapping[str, Sequence[str]]) -> dict[str, list[int] | None]:
    """The segments an edit is about by their ids, with the minutes (0-9) that it took or brought; None: neither."""
    about: dict[str, list[int] | None] = dict.fromkeys(edit.about.get("segments", ()))
    about |= {segment: list(minutes) for segment, minutes, _ in edit.about.get("removed", ())}
    for segment, (_slot, part) in entered_by(edit).items():
        about[segment] = [index for index, minute in enumerate(part.minutes) if minute is not None]
    for picture in pictures_of(edit):
        for key in named.get(picture, ()):
            if key.split("|")[1] == edit.member and key.split("|")[3] == edit.contract:
                about.setdefault(segment_id_of(key))
    return about


def _is_asked(segments: Iterable[str], asked: Asked) -> bool:
    if asked.segment is not None and asked.segment not in segments:
        return False
    first, end = format_instant(asked.start), format_instant(asked.end)
    return any(first <= one.split(":", 2)[2] < end for one in segments)


async def _names(edge: Edge, viewer: Viewer, member: str) -> dict[str, str]:
    """Names of those who may have edited; to a client the member's and their own alone (S-07)."""
    found = {one["member"]: str(one["name"]) for one in await edge.people.members(viewer.workspace)}
    if viewer.role in _WITHOUT_WORDS:
        return {one: name for one, name in found.items() if one in (member, viewer.member)}
    return found


def _shown(
    edit: Edit, segments: Mapping[str, list[int] | None], names: Mapping[str, str], *, words: bool
) -> dict[str, Any]:
    said = edit.personal
    return {
        **{name: getattr(edit, name) for name in ("id", "change", "at", "kind", "contract", "week", "actor")},
        "actor_name": names.get(edit.actor),
        "actor_role": edit.role,
        "segments": [{"segment_id": one, "minutes": minutes} for one, minutes in segments.items()],
        "captures": [capture for capture, _ in captures_of(edit)],
        "entry": edit.about.get("entry"),
        "changed": None if said is None else sorted(said),
        "said": said if words else None,
    }

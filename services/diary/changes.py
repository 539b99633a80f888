"""What somebody wants changed in a diary, for the API and the pages alike: whether they may, and then the change.

Each gives the answer of the API as plain data; a Problem says why not (fine-print.md, *API*).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.diary import captures, manual, notes
from services.diary.access import Action, Viewer, sight
from services.diary.days import read_date
from services.diary.edge import Edge
from services.diary.editing import Plan
from services.diary.manual import ManualTime
from services.diary.notes import Note
from services.diary.pictures import Blur
from services.diary.removals import Removal
from services.kit.problems import forbidden, not_found
from services.wire.slots import day_bounds


async def note(
    edge: Edge, viewer: Viewer, member: str, segments: Sequence[str], said: dict[str, str | None]
) -> dict[str, Any]:
    """Memo, label or both of these segments (S-04, S-12); a client the label of theirs (S-07)."""
    team = await _reach(edge, viewer, Action.CHANGE_LABEL, member)
    outcome = await edge.editor.make(viewer, {member: Note(segments, said, team)})
    return notes.answer(outcome)


async def remove(
    edge: Edge,
    viewer: Viewer,
    member: str,
    *,
    segments: Sequence[str] = (),
    captures: Sequence[str] = (),
    reason: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Segments or captures, with their time where the member asks (S-08); ``dry_run`` says exactly what would go."""
    team = await _reach(edge, viewer, Action.REMOVE_PICTURE, member)
    plan = Removal(segments, captures, reason, team)
    return (await edge.editor.make(viewer, {member: plan}, dry_run=dry_run)).shown()


async def remove_captures(
    edge: Edge, viewer: Viewer, wanted: Sequence[str], reason: str | None = None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Captures of whomever they are: one's own with their time, others' pictures alone, by an admin (S-08, M-03)."""
    owners = await _owners(edge, viewer, wanted, Action.REMOVE_PICTURE)
    plans: dict[str, Plan] = {
        member: Removal((), own, reason, await _team(edge, viewer, member)) for member, own in owners.items()
    }
    return (await edge.editor.make(viewer, plans, dry_run=dry_run)).shown()


async def blur(edge: Edge, viewer: Viewer, wanted: Sequence[str]) -> dict[str, Any]:
    """Captures are blurred for good, by an admin (M-03)."""
    owners = await _owners(edge, viewer, wanted, Action.BLUR_PICTURE)
    plans: dict[str, Plan] = {member: Blur(own) for member, own in owners.items()}
    outcome = await edge.editor.make(viewer, plans)
    return {"change": outcome.change, "captures": outcome.captures}


async def add_manual(edge: Edge, viewer: Viewer, member: str, entry: ManualTime) -> dict[str, Any]:
    """Manual time, by the member or an admin for them (S-05)."""
    await _reach(edge, viewer, Action.ADD_TIME, member)
    await edge.editor.make(viewer, {member: entry})
    left = await manual.segments_of_entry(edge.db, viewer.workspace, member, entry.entry)
    names = ("contract", "kind", "start", "end", "reason", "memo", "label")
    return {"id": entry.entry, **{name: getattr(entry, name) for name in names}, "segments": left}


async def list_manual(edge: Edge, viewer: Viewer, member: str, first: str, last: str) -> list[dict[str, Any]]:
    """The member's manual entries from one day to another, in the billing zone; a client's contracts alone."""
    team = await _reach(edge, viewer, Action.READ_DIARY, member)
    allowed = sight(viewer, Action.READ_DIARY, member, team)
    zone = (await edge.people.workspace(viewer.workspace)).billing
    start, _ = day_bounds(read_date(first, "from"), zone)
    _, end = day_bounds(read_date(last, "to"), zone)
    found = await manual.listed(edge.db, viewer.workspace, member, start, end)
    return [one for one in found if allowed and allowed.shows(one["contract"])]


async def remove_manual(
    edge: Edge, viewer: Viewer, member: str, entry: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """A manual entry goes, whole: by the member or an admin (S-05)."""
    team = await _reach(edge, viewer, Action.ADD_TIME, member)
    left = await manual.segments_of_entry(edge.db, viewer.workspace, member, entry)
    return (await edge.editor.make(viewer, {member: Removal(left, (), None, team)}, dry_run=dry_run)).shown()


async def _team(edge: Edge, viewer: Viewer, member: str) -> str | None:
    document = await edge.people.member(viewer.workspace, member)
    return document["team"] if document else None


async def _reach(edge: Edge, viewer: Viewer, action: Action, member: str) -> str | None:
    """The member's team, where the viewer may do this to them at all; 404 unknown, 403 not theirs to do."""
    document = await edge.people.member(viewer.workspace, member)
    if document is None and member != viewer.member:
        raise not_found("member")
    team = document["team"] if document else None
    if sight(viewer, action, member, team) is None:
        raise forbidden()
    return team


async def _owners(edge: Edge, viewer: Viewer, wanted: Sequence[str], action: Action) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for capture in dict.fromkeys(wanted):
        owners[(await captures.find(edge, viewer, capture)).member].append(capture)
    for member in owners:
        await _reach(edge, viewer, action, member)
    return owners

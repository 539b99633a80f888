"""What somebody wants changed in a diary, for the API and the pages alike: whether they may, and then the change.

Each gives the answer of the API as plain data; a Problem says why not (fine-print.md, *API*).
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from services.diary import captures, manual, notes
from services.diary.access import Action, Sight, Viewer, sight
from services.diary.days import read_date
from services.diary.documents import Step
from services.diary.edge import Edge
from services.diary.editing import Plan
from services.diary.manual import ManualTime
from services.diary.notes import Note
from services.diary.operations import Progress
from services.diary.pictures import Blur
from services.diary.projections import segment_id_of
from services.diary.removals import Removal
from services.kit.problems import forbidden, invalid, not_found
from services.wire.language import N_, _
from services.wire.slots import day_bounds, format_instant, parse_instant

AT_ONCE = 1000
"""What changes more segments than this goes on behind its answer, an operation (``operations.py``)."""


class Span(NamedTuple):
    """All of a member's segments that start in [start, end), of one contract or of all."""

    start: str
    end: str
    contract: str | None = None


async def note(
    edge: Edge, viewer: Viewer, member: str, segments: Sequence[str] | Span, said: dict[str, str | None]
) -> dict[str, Any]:
    """Memo, label or both of these segments (S-04, S-12); a client the label of theirs (S-07).

    Of more than ``AT_ONCE`` segments it gives the operation that does it: ``{"operation", "state", "done", "total"}``.
    """
    team = await _reach(edge, viewer, Action.CHANGE_LABEL, member)
    names = await _named(edge, viewer, member, segments)

    async def work(step: Step | None) -> dict[str, Any]:
        return notes.answer(await edge.editor.make(viewer, {member: Note(names, said, team)}, step=step))

    return await _do(edge, viewer, len(names), work)


async def remove(
    edge: Edge,
    viewer: Viewer,
    member: str,
    *,
    segments: Sequence[str] | Span = (),
    captures: Sequence[str] = (),
    reason: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Segments or captures, with their time where the member asks (S-08); ``dry_run`` says exactly what would go.

    Of more than ``AT_ONCE`` segments it gives an operation, as ``note`` does.
    """
    team = await _reach(edge, viewer, Action.REMOVE_PICTURE, member)
    names = await _named(edge, viewer, member, segments)
    plan = Removal(names, captures, reason, team)

    async def work(step: Step | None) -> dict[str, Any]:
        return (await edge.editor.make(viewer, {member: plan}, dry_run=dry_run, step=step)).shown()

    return await _do(edge, viewer, len(names), work)


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


async def _named(edge: Edge, viewer: Viewer, member: str, segments: Sequence[str] | Span) -> Sequence[str]:
    """The segments' ids; of a span all that the viewer has in sight, 404 where there are none."""
    if not isinstance(segments, Span):
        return segments
    allowed = sight(viewer, Action.READ_DIARY, member, await _team(edge, viewer, member))
    head = f"{viewer.workspace}|{member}|"
    span = {"$gte": head + _instant(segments.start, "from"), "$lt": head + _instant(segments.end, "to")}
    found = await edge.db["segments"].find({"_id": span, "shown": {"$exists": True}}, {"_id": 1}).to_list(None)
    names = [segment_id_of(one["_id"]) for one in found]
    wanted = segments.contract
    names = [one for one in names if wanted in (None, one.split(":", 1)[0]) and _sees(allowed, one)]
    if not names:
        raise not_found(N_("segment"))
    return names


def _instant(text: str, field: str) -> str:
    try:
        return format_instant(parse_instant(text))
    except ValueError as error:
        raise invalid(_("{field}: an instant like 2026-11-21T10:10:00Z", field=field), field=field) from error


def _sees(allowed: Sight | None, segment: str) -> bool:
    return allowed is not None and allowed.shows(segment.split(":", 1)[0])


async def _do(
    edge: Edge, viewer: Viewer, count: int, work: Callable[[Step | None], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    if count <= AT_ONCE:
        return await work(None)

    async def behind(progress: Progress) -> dict[str, Any]:
        async def step(part: float) -> None:
            await progress.at(int(part * count))

        return await work(step)

    begun = await edge.operations.begin(viewer, count, behind)
    return {"operation": begun["id"], **{name: begun[name] for name in ("state", "done", "total")}}


async def _team(edge: Edge, viewer: Viewer, member: str) -> str | None:
    document = await edge.people.member(viewer.workspace, member)
    return document["team"] if document else None


async def _reach(edge: Edge, viewer: Viewer, action: Action, member: str) -> str | None:
    """The member's team, where the viewer may do this to them at all; 404 unknown, 403 not theirs to do."""
    document = await edge.people.member(viewer.workspace, member)
    if document is None and member != viewer.member:
        raise not_found(N_("member"))
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

"""The audit log: admins read their workspace's, everybody who looked at theirs (G-02, B-03).

The diary's own entries (who looked, exported, edited) and licensing's (who changed people, licences, policies …), as
one list in the order of time.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.diary import audit, chaining
from services.diary.access import Action, Viewer, sight
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.days import read_date
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.tables import to_csv
from services.kit.problems import Problem, invalid
from services.wire.language import _
from services.wire.requests import AuditOf
from services.wire.subjects import ID

router = APIRouter(prefix=API)
_COLUMNS = (
    *("id", "at", "action", "actor", "actor_name", "actor_role", "member"),
    *("capture", "target", "address", "detail", "segments", "seq", "hash"),
)
_PAGE, _MOST = 500, 50_000
_Text = Annotated[str | None, Query(max_length=60)]
_Before = Annotated[
    str | None,
    Query(max_length=60, pattern=r"^\d{4}-\d\d-\d\dT[\d:.]{8,15}Z\|[0-9a-f]+$", description="the `next` of an answer"),
]
_From = Annotated[str | None, Query(alias="from", max_length=10, description="the first day, UTC")]
_To = Annotated[str | None, Query(alias="to", max_length=10, description="the last day, UTC")]


@router.get("/audit", dependencies=[gate(Action.READ_AUDIT)])
async def read(
    request: Request,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    member: str | None = None,
    actor: _Text = None,
    action: _Text = None,
    start: _From = None,
    end: _To = None,
    before: _Before = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Entries, newest first; ``before`` is the ``next`` of the answer before.

    ``incomplete`` names a service that did not answer, whose entries are missing.
    """
    filters, span = filters_of(viewer, member, actor, action), span_of(start, end)
    if filters is None:
        return answer({"items": [], "next": None, "incomplete": []})
    return answer(await merged(edge_of(request), viewer, filters, before, limit, span=span))


@router.get("/audit.csv", dependencies=[gate(Action.READ_AUDIT)])
async def export(
    request: Request,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    member: str | None = None,
    actor: _Text = None,
    action: _Text = None,
    start: _From = None,
    end: _To = None,
) -> Response:
    """The same as a file, the newest 50,000 entries; 503 rather than half of it. The export is audited itself."""
    edge, filters, span = edge_of(request), filters_of(viewer, member, actor, action), span_of(start, end)
    await audit.note(edge.db, viewer, "audit.exported", viewer.member)
    content, _ = await exported(edge, viewer, filters, span=span)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


async def exported(
    edge: Edge,
    viewer: Viewer,
    filters: dict[str, str] | None,
    before: str | None = None,
    span: tuple[str | None, str | None] = (None, None),
) -> tuple[bytes, str | None]:
    """The newest 50,000 entries of before an id as CSV, and the id to go on with (None: there are no more)."""
    items: list[dict[str, Any]] = []
    following = before
    while filters is not None and len(items) < _MOST:
        page = await merged(edge, viewer, filters, following, _PAGE, span=span, whole=True)
        items += page["items"]
        if (following := page["next"]) is None:
            break
    return to_csv(_COLUMNS, [[item[name] for name in _COLUMNS] for item in items]), following


@router.get("/audit/check", dependencies=[gate(Action.CHECK_AUDIT)])
async def check(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """Whether the chains of both logs hold, licensing's and the diary's: how many entries, the last hash, and the
    places that are ``broken``; of the diary's also entries that are in no chain a minute after they were written.
    """
    return answer(await checked(edge_of(request), viewer))


async def checked(edge: Edge, viewer: Viewer) -> dict[str, Any]:
    """Both chains and whether they hold; 503 where licensing does not answer."""
    asked = AuditOf(principal=viewer.principal)
    theirs = await edge.bus.ask("licensing", "audit_check", asked, timeout=20.0)
    own = await chaining.check(edge.db, viewer.workspace)
    holds = not (theirs["broken"] or own["broken"] or own["unchained"])
    return {"holds": holds, "licensing": theirs, "diary": own}


def filters_of(viewer: Viewer, member: str | None, actor: str | None, action: str | None) -> dict[str, str] | None:
    """What to look for; None where nothing can match."""
    everything = sight(viewer, Action.READ_AUDIT, "-", None) is not None
    about = member if everything else viewer.member
    if member is not None and (about != member or not ID.fullmatch(member)):
        return None  # a foreign or unknown id in a filter matches nothing
    found = (("member", about), ("actor", actor), ("action", action))
    return {name: value for name, value in found if value is not None}


def span_of(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The instants of whole days, UTC: from the first one on, and before the day after the last one."""
    begin, end = (read_date(text, name) if text else None for text, name in ((first, "from"), (last, "to")))
    if begin and end and end < begin:
        raise invalid(_("to: before the first day"), field="to")
    return f"{begin}T00:00:00Z" if begin else None, f"{end + timedelta(days=1)}T00:00:00Z" if end else None


async def merged(
    edge: Edge,
    viewer: Viewer,
    filters: dict[str, str],
    before: str | None,
    limit: int,
    *,
    span: tuple[str | None, str | None] = (None, None),
    whole: bool = False,
) -> dict[str, Any]:
    """A page of both logs within a span of instants; ``whole``: 503 where licensing does not answer."""
    start, end = span
    found = {"before": before, "start": start, "end": end}
    own, following = await audit.entries(edge.db, viewer.workspace, **filters, **found, limit=limit)
    asked = AuditOf(principal=viewer.principal, filters=filters, **found, limit=limit + 1)  # type: ignore[arg-type]
    incomplete: list[str] = []
    theirs: list[dict[str, Any]] = []
    try:
        theirs = (await edge.bus.ask("licensing", "audit", asked))["items"]
    except Problem as problem:
        if whole or problem.status < 500:
            raise
        incomplete.append("licensing")
    everything = sorted([*own, *theirs], key=lambda one: str(one["id"]), reverse=True)
    items = [dict.fromkeys(_COLUMNS) | one for one in everything[:limit]]
    more = following is not None or len(everything) > limit
    return {"items": items, "next": items[-1]["id"] if more else None, "incomplete": incomplete}

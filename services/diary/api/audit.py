"""The audit log: admins read their workspace's, everybody who looked at theirs (G-02, B-03)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.diary import audit
from services.diary.access import Action, Viewer, sight
from services.diary.api.answers import listed
from services.diary.edge import current_viewer, edge_of
from services.kit.problems import forbidden
from services.wire.subjects import ID

router = APIRouter()


@router.get("/audit")
async def read(
    request: Request,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    member: str | None = None,
    before: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Entries, newest first; ``before`` is the ``next`` of the answer before."""
    if sight(viewer, Action.READ_AUDIT, viewer.member, None) is None:
        raise forbidden()
    everything = sight(viewer, Action.READ_AUDIT, "-", None) is not None
    about = member if everything else viewer.member
    if member is not None and (about != member or not ID.fullmatch(member)):
        return listed([])  # a foreign or unknown id in a filter matches nothing
    items, following = await audit.entries(
        edge_of(request).db, viewer.workspace, member=about, before=before, limit=limit
    )
    return listed(items, following)

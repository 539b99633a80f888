"""A policy's history: every version that ever was, for versions never change (L-02, G-01)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary import policies
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import listed
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.language import N_

router = APIRouter(prefix=API)


@router.get("/policies/{id}/versions", dependencies=[gate(Action.READ_POLICIES)])
async def read(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """``{version, created_at, policy, changes}``, the newest first; ``changes`` says in words what became different."""
    found = await policies.history(edge_of(request), viewer, identifier(id, N_("policy")))
    return listed([{**one, "changes": [change._asdict() for change in one["changes"]]} for one in found])

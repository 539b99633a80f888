"""How far a change of very many segments is (S-12)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.language import N_

router = APIRouter(prefix=API)


@router.get("/operations/{id}", dependencies=[gate(Action.READ_DIARY)])
async def read(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """State (running, done, failed), how many of how many, and in the end the answer or the problem; one's own only."""
    return answer(await edge_of(request).operations.read(viewer, identifier(id, N_("operation"))))

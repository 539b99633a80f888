"""A capture's picture, through the diary only (M-06): found in its segments, audited, then asked of media."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response

from services.diary import captures
from services.diary.access import Action, Viewer
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate

router = APIRouter()


@router.get("/captures/{id}/picture", dependencies=[gate(Action.SEE_PICTURE)])
async def picture(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The picture itself, encoded anew."""
    return await _serve(request, id, viewer, "picture")


@router.get("/captures/{id}/thumbnail", dependencies=[gate(Action.SEE_PICTURE)])
async def thumbnail(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The small picture of the day's view."""
    return await _serve(request, id, viewer, "thumbnail")


async def _serve(request: Request, capture: str, viewer: Viewer, size: Literal["picture", "thumbnail"]) -> Response:
    kind, content = await captures.look(edge_of(request), viewer, identifier(capture, "capture"), size)
    # kept for this session alone: after signing out, or for the next person, the browser has to ask again
    headers = {
        "Cache-Control": "private, max-age=300",
        "Vary": "Cookie, Authorization",
        "Content-Disposition": "inline",
    }
    return Response(content, media_type=kind, headers=headers)

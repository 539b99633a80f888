"""A capture's picture, through the diary only (M-06): found in its segments, audited, then asked of media."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.diary import captures, changes
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.bodies import body_schema, identifier, read_body, take
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.events import Id, Strict
from services.wire.language import N_

router = APIRouter(prefix=API)


@router.get("/captures/{id}/picture", dependencies=[gate(Action.SEE_PICTURE)])
async def picture(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The picture itself, encoded anew."""
    return await _serve(request, id, viewer, "picture")


@router.get("/captures/{id}/thumbnail", dependencies=[gate(Action.SEE_PICTURE)])
async def thumbnail(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The small picture of the day's view."""
    return await _serve(request, id, viewer, "thumbnail")


class Captures(Strict):
    """Some captures, by id."""

    capture_ids: Annotated[list[Id], Field(min_length=1, max_length=2000)]


class Removal(Captures):
    """Captures that are to go; ``dry_run`` only says what would be lost."""

    reason: Annotated[str, Field(max_length=1000)] | None = None
    dry_run: bool = False


@router.delete("/captures/{id}", dependencies=[gate(Action.REMOVE_PICTURE)])
async def remove(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """One's own capture takes its time with it, as the workspace's rule says; of others' an admin removes the picture
    alone (S-08).
    """
    return answer(await changes.remove_captures(edge_of(request), viewer, [identifier(id, N_("capture"))]))


@router.post("/captures/removals", dependencies=[gate(Action.REMOVE_PICTURE)], openapi_extra=body_schema(Removal))
async def remove_many(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """As deleting each, all or none (M-03)."""
    body = take(Removal, await read_body(request))
    found = await changes.remove_captures(edge_of(request), viewer, body.capture_ids, body.reason, dry_run=body.dry_run)
    return answer(found)


@router.post("/captures/blur", dependencies=[gate(Action.BLUR_PICTURE)], openapi_extra=body_schema(Captures))
async def blur(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """Blurs captures for good: nobody sees them clear any more (M-03)."""
    body = take(Captures, await read_body(request))
    return answer(await changes.blur(edge_of(request), viewer, body.capture_ids))


async def _serve(request: Request, capture: str, viewer: Viewer, size: Literal["picture", "thumbnail"]) -> Response:
    kind, content = await captures.look(edge_of(request), viewer, identifier(capture, N_("capture")), size)
    # kept for this session alone: after signing out, or for the next person, the browser has to ask again
    headers = {
        "Cache-Control": "private, max-age=300",
        "Vary": "Cookie, Authorization",
        "Content-Disposition": "inline",
    }
    return Response(content, media_type=kind, headers=headers)

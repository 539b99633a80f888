"""The diary of a member, by day."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary import days
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import json_bytes
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.lean import Lean
from services.wire.language import N_

router = APIRouter(prefix=API, route_class=Lean)


@router.get("/diary/{member}/days/{date}", dependencies=[gate(Action.READ_DIARY)])
async def day(
    request: Request,
    member: str,
    date: str,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    zone: str = "UTC",
) -> Response:
    """A day: totals, score, segments in the order of the clock, and the weeks it lies in (V-01)."""
    return json_bytes(await days.encode_day(edge_of(request), viewer, identifier(member, N_("member")), date, zone))

"""The proof of sync of a device: what has arrived, what is missing, what is quarantined and why (B-02)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary import sync
from services.diary.access import Action, Viewer
from services.diary.api.answers import answer
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate

router = APIRouter()


@router.get("/devices/{id}/sync", dependencies=[gate(Action.READ_SYNC)])
async def read(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """What the ledger says of one device's chain."""
    return answer(await sync.of_device(edge_of(request), viewer, identifier(id, "device")))

"""The proof of sync of a device: what has arrived, what is missing, what is quarantined and why (B-02)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.diary import devices, sync
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import body_schema, identifier, read_body, take
from services.diary.api.collections import read_one
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.events import Strict
from services.wire.language import N_

router = APIRouter(prefix=API)


class Releases(Strict):
    """The ids of records that are held back, as ``/quarantine`` names them."""

    records: list[str] = Field(min_length=1, max_length=1000)


@router.get("/devices/{id}/sync", dependencies=[gate(Action.READ_SYNC)])
async def read(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """What the ledger says of one device's chain."""
    return answer(await sync.of_device(edge_of(request), viewer, identifier(id, N_("device"))))


@router.get("/devices/{id}/contact", dependencies=[gate(Action.READ_DEVICES)])
async def contact(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """When a device was last heard of, what it does now, and why it says nothing where it does not (V-03)."""
    return answer(devices.as_told(await _contact(request, viewer, id)))


@router.get("/devices/{id}/quarantine", dependencies=[gate(Action.READ_DEVICES)])
async def quarantine(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The newest thousand records that are held back, each with its reason (B-02)."""
    return listed((await _contact(request, viewer, id)).held)


@router.post("/devices/{id}/releases", openapi_extra=body_schema(Releases), dependencies=[gate(Action.RELEASE_RECORDS)])
async def release(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """Tries records that are held back once more; what still cannot be taken stays, with its reason."""
    wanted = take(Releases, await read_body(request)).records
    known = await _contact(request, viewer, id)
    tried, released = await devices.release(edge_of(request), viewer, known, wanted)
    return answer({"tried": tried, "released": released})


async def _contact(request: Request, viewer: Viewer, id: str) -> devices.Contact:
    found = await read_one(request, viewer, "devices", id)
    licence = await read_one(request, viewer, "licences", found["licence"])
    [known] = await devices.contacts(edge_of(request), viewer, [found], [licence], proof=True)
    return known

"""A licence as a signed file, for computers that are set up without a browser (L-01, L-02)."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response

from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.bodies import identifier
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.wire.language import N_
from services.wire.requests import LicenceFileOf

router = APIRouter(prefix=API)


# who has the file can activate it, so to have it is to change something
@router.get("/licences/{id}/file", dependencies=[gate(Action.CHANGE_LICENCES)])
async def file(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The file that ``python -m agent activate --licence-file`` takes (``services.wire.licence`` verifies it)."""
    licence = identifier(id, N_("licence"))
    asked = LicenceFileOf(principal=viewer.principal, id=licence, address=client_address(request))
    content = await edge_of(request).bus.ask("licensing", "licence_file", asked)
    headers = {"Content-Disposition": f'attachment; filename="{licence}.daybook-licence"', "Cache-Control": "no-store"}
    return Response(orjson.dumps(content, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)

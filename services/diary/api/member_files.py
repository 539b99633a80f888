"""Members by the file: a CSV brought along, worked off with progress, and the members as a CSV (W-03)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.diary import audit
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.collections import TAKEN, read_all
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.diary.queries import filters
from services.diary.tables import to_csv
from services.kit.problems import Problem
from services.wire.imports import MAX_BYTES, ImportMembers, pack
from services.wire.language import _

router = APIRouter(prefix=API)
_FILE = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}}
_COLUMNS = ("id", "email", "name", "role", "team", "manages", "zone", "invited", "archived", "created_at")


@router.post("/imports", status_code=202, openapi_extra=_FILE, dependencies=[gate(Action.CREATE_IMPORTS)])
async def import_members(
    request: Request,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    name: Annotated[str, Query(max_length=200)] = "members.csv",
    invite: bool = True,
) -> Response:
    """Takes members from a CSV; ``GET /imports/{id}`` says how far it is and which lines were bad."""
    content = await _file(request)
    try:
        packed = pack(content)
    except ValueError as error:
        raise _too_large() from error
    asked = ImportMembers(
        principal=viewer.principal, name=name, content=packed, invite=invite, address=client_address(request)
    )
    return answer(await edge_of(request).bus.ask("licensing", "import_members", asked, timeout=15.0), 202)


@router.get(
    "/members.csv", openapi_extra=filters(TAKEN["members"]["filters"]), dependencies=[gate(Action.READ_MEMBERS)]
)
async def export_members(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """The members that the viewer may see, for a spreadsheet; a name that looks like a formula is no formula.

    Who exports them is in the audit log (G-02).
    """
    members = await read_all(request, viewer, "members")
    await audit.note(edge_of(request).db, viewer, "members.exported", viewer.member, detail=f"{len(members)} members")
    content = to_csv(_COLUMNS, [[member[name] for name in _COLUMNS] for member in members])
    headers = {"Content-Disposition": 'attachment; filename="members.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _file(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise Problem(415, "not-csv", _("Send CSV."), _("The Content-Type must be text/csv."))
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > MAX_BYTES:
            raise _too_large()
    return bytes(taken)


def _too_large() -> Problem:
    return Problem(413, "too-large", _("This file is too large."), _("Send it in several parts."))

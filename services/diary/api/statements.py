"""Statements of locked weeks, the key they are checked with, and the program that checks them (S-07, B-01)."""

import asyncio
import base64
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response

from services.diary import statement_files, statements
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.wire import pack
from services.wire.language import N_

router = APIRouter(prefix=API)
program = APIRouter()
_Form = Literal["zip", "html", "pdf", "csv", "xlsx", "json"]


@router.get("/timesheets/{contract}/{week}/statement", dependencies=[gate(Action.EXPORT_STATEMENT)])
async def statement(
    request: Request,
    contract: str,
    week: str,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    format: _Form = "zip",
) -> Response:
    """All that proves a locked week's bill, as a .zip, or one file of it. The export is in the audit log (G-02)."""
    edge = edge_of(request)
    found = await statements.read(edge, viewer, identifier(contract, N_("contract")), week)
    make, kind = statement_files.FORMS.get(format, (statement_files.packed, "application/zip"))
    content = await asyncio.to_thread(make, found)
    await statements.note(edge, viewer, found, format)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}.{format}"'}
    return Response(content, media_type=kind, headers=headers)


@router.get("/keys", dependencies=[gate(Action.READ_ME)])
async def keys(request: Request) -> Response:
    """The public key that edits and seals are signed with, base64 of 32 bytes: what ``verify --key`` takes."""
    return answer({"seal_key": base64.b64encode(edge_of(request).settings.seal_public).decode()})


@program.get("/verify.pyz", include_in_schema=False, dependencies=[gate(Action.ENTER)])
async def checker() -> Response:
    """The program that checks statements; it runs anywhere, so it is for everybody."""
    headers = {"Content-Disposition": 'attachment; filename="verify.pyz"'}
    return Response(pack.pack(), media_type="application/octet-stream", headers=headers)

"""A workspace is exported, and deleted for good: by its owners, once it is archived (W-02)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.diary import exporting
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.api.bodies import body_schema, read_body, take
from services.diary.edge import COOKIE, client_address, current_viewer, edge_of, gate
from services.kit.mongo import prefix_range
from services.kit.problems import not_found
from services.wire import deletion as wire
from services.wire.events import Strict
from services.wire.language import N_

router = APIRouter(prefix=API)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_HERE = {"segments": "segments", "pictures": "pictures", "sealed_weeks": "seals"}


class Deletion(Strict):
    """``name`` is the workspace's, ``code`` of the authenticator where there is one; ``without_export`` declines the
    offer to export it first.
    """

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    code: str | None = Field(default=None, max_length=40)
    without_export: bool = False


@router.get("/workspaces/{id}/export", dependencies=[gate(Action.EXPORT_WORKSPACE)])
async def export(request: Request, id: str, viewer: _Viewer) -> Response:
    """All of the workspace but its pictures as a .zip; who exports it stands in the audit log (G-02)."""
    _own(viewer, id)
    await exporting.note(request, viewer, "begun")
    headers = {"Content-Disposition": f'attachment; filename="{viewer.workspace}.zip"'}
    return StreamingResponse(exporting.packed(request, viewer), media_type="application/zip", headers=headers)


@router.get("/workspaces/{id}/deletion", dependencies=[gate(Action.DELETE_WORKSPACE)])
async def offered(request: Request, id: str, viewer: _Viewer) -> Response:
    """What would go with the workspace, and when its export was downloaded, within the last seven days."""
    _own(viewer, id)
    return answer(await offer(request, viewer))


@router.post(
    "/workspaces/{id}/deletion",
    status_code=202,
    openapi_extra=body_schema(Deletion),
    dependencies=[gate(Action.DELETE_WORKSPACE)],
)
async def delete(request: Request, id: str, viewer: _Viewer) -> Response:
    """Deletes the archived workspace for good: sessions, tokens and computers end at once, what is kept of it goes
    within seconds. 409 ``export-not-taken`` where it was neither exported nor is deleted ``without_export``.
    """
    _own(viewer, id)
    done = await ask(request, viewer, take(Deletion, await read_body(request)))
    response = answer(done, 202)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=edge_of(request).settings.secure)
    return response


async def offer(request: Request, viewer: Viewer) -> dict[str, Any]:
    """What would go, licensing's and the diary's."""
    edge, below = edge_of(request), {"_id": prefix_range(viewer.workspace)}
    found: dict[str, Any] = await edge.bus.ask("licensing", "deletion", wire.DeletionOf(principal=viewer.principal))
    here = {name: await edge.db[stored].count_documents(below) for name, stored in _HERE.items()}
    return found | {"counts": found["counts"] | here}


async def ask(request: Request, viewer: Viewer, asked: Deletion) -> dict[str, Any]:
    """The workspace goes; this session, and every other one of it, ends."""
    edge = edge_of(request)
    given = asked.model_dump() | {"principal": viewer.principal, "address": client_address(request)}
    done: dict[str, Any] = await edge.bus.ask("licensing", "delete_workspace", take(wire.DeleteWorkspace, given))
    edge.sessions.ended(viewer.principal.session)
    return done


def _own(viewer: Viewer, id: str) -> None:
    """Only the workspace that one is in: any other is as unknown as none."""
    if id != viewer.workspace:
        raise not_found(N_("workspace"))

"""What changes while a page is open, as server-sent events."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from services.diary import days
from services.diary.access import Action, Viewer, sight
from services.diary.api import API
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.live import HEARTBEAT, event
from services.kit.problems import Problem
from services.wire.events import DiaryChanged

router = APIRouter(prefix=API)


@router.get("/events", dependencies=[gate(Action.READ_DIARY)])
async def events(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> StreamingResponse:
    """``diary.changed`` with ``{"member", "slots"}`` for every member the viewer may see, as it happens."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(edge_of(request), viewer), media_type="text/event-stream", headers=headers)


async def _stream(edge: Edge, viewer: Viewer) -> AsyncIterator[bytes]:
    yield HEARTBEAT
    async for change in edge.live.changes(viewer.workspace):
        if time.time() >= viewer.principal.expires or not await still(edge, viewer):
            return
        if change is None:
            yield HEARTBEAT
        elif slots := await visible(edge, viewer, change):
            yield event("diary.changed", {"member": change.member, "slots": slots})


async def still(edge: Edge, viewer: Viewer) -> bool:
    """Whether a stream of this session may go on, to where it was asked for (W-01)."""
    try:
        return await edge.sessions.holds(viewer.principal, viewer.address or None)
    except Problem:
        return False


async def visible(edge: Edge, viewer: Viewer, change: DiaryChanged) -> list[str]:
    """The slots of a change that the viewer may know of; none where it is not theirs to see."""
    member = await edge.people.member(viewer.workspace, change.member)
    now = await edge.people.viewer(viewer.principal)
    allowed = sight(now, Action.READ_DIARY, change.member, member["team"] if member else None)
    if allowed is None:
        return []
    if allowed.contracts is None:
        return change.slots
    return await days.slots_on(edge.db, viewer.workspace, change.member, change.slots, allowed.contracts)

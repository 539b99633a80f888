"""The segments of a day, a week or any range as a file for spreadsheets, sealed or not (V-04, S-07)."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from services.diary import day_tables
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.language import N_

router = APIRouter(prefix=API)
_KINDS = {
    "csv": (day_tables.csv, "text/csv; charset=utf-8"),
    "xlsx": (day_tables.xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@router.get("/diary/{member}/table", dependencies=[gate(Action.READ_DIARY)])
async def table(
    request: Request,
    member: str,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    first: Annotated[str, Query(alias="from", max_length=10, description="the first day")],
    last: Annotated[str, Query(alias="to", max_length=10, description="the last day, at most 62 days")],
    zone: str = "UTC",
    contract: Annotated[str | None, Query(max_length=40)] = None,
    format: Literal["csv", "xlsx"] = "csv",
) -> Response:
    """Every segment of the days, a line each, with ``sealed`` or ``not sealed``: what is not sealed proves nothing and
    may still change. The export is in the audit log (G-02).
    """
    edge, member = edge_of(request), identifier(member, N_("member"))
    rows = await day_tables.read(edge, viewer, member, first, last, zone, contract)
    make, kind = _KINDS[format]
    content = await asyncio.to_thread(make, rows)
    await day_tables.note(edge, viewer, member, f"{first} {last} {format}")
    name = f"diary-{first}" if first == last else f"diary-{first}-{last}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
    return Response(content, media_type=kind, headers=headers)

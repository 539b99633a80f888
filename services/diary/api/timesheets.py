"""Timesheets: a contract's week, day by day in the billing zone, and what people decide of it (S-10)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from services.diary import decisions, timesheets
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import body_schema, identifier, read_body, take
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.events import Strict
from services.wire.language import N_

router = APIRouter(prefix=API)
_Viewer = Annotated[Viewer, Depends(current_viewer)]


class Submission(Strict):
    """Nothing more needs to be said."""


class Approval(Strict):
    """Nothing more needs to be said."""


class Rejection(Strict):
    """Why; the member reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.get("/timesheets", dependencies=[gate(Action.READ_TIMESHEET)])
async def read_all(
    request: Request,
    viewer: _Viewer,
    week: str | None = None,
    member: str | None = None,
    contract: str | None = None,
    state: Annotated[str | None, Query(pattern="^(open|submitted|approved|locked)$")] = None,
    before: Annotated[str | None, Query(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = None,
) -> Response:
    """Timesheets with time in them, newest week first; ``before`` is the ``next`` of the answer before."""
    filters = {"week": week, "member": member, "contract": contract, "state": state, "before": before}
    return listed(*await timesheets.listed(edge_of(request), viewer, **filters))


@router.get("/timesheets/{contract}/{week}", dependencies=[gate(Action.READ_TIMESHEET)])
async def read(request: Request, contract: str, week: str, viewer: _Viewer) -> Response:
    """The week that begins on the Monday ``week``: totals, seven days, money, the limit, history, seal, attendance."""
    edge = edge_of(request)
    case = await timesheets.find(edge, viewer, identifier(contract, N_("contract")), week)
    return answer(await timesheets.whole(edge, case))


@router.post(
    "/timesheets/{contract}/{week}/submission",
    dependencies=[gate(Action.SUBMIT_TIMESHEET)],
    openapi_extra=body_schema(Submission),
)
async def submit(request: Request, contract: str, week: str, viewer: _Viewer) -> Response:
    """The member says that the week is as it should be."""
    take(Submission, await read_body(request))
    return await _decide(request, viewer, contract, week, "submission")


@router.post(
    "/timesheets/{contract}/{week}/approval",
    dependencies=[gate(Action.DECIDE_TIMESHEET)],
    openapi_extra=body_schema(Approval),
)
async def approve(request: Request, contract: str, week: str, viewer: _Viewer) -> Response:
    """A manager of the team, an admin or the owner agrees; the member gets a mail."""
    take(Approval, await read_body(request))
    return await _decide(request, viewer, contract, week, "approval")


@router.post(
    "/timesheets/{contract}/{week}/rejection",
    dependencies=[gate(Action.DECIDE_TIMESHEET)],
    openapi_extra=body_schema(Rejection),
)
async def reject(request: Request, contract: str, week: str, viewer: _Viewer) -> Response:
    """It goes back to the member, open again, with the reason."""
    body = take(Rejection, await read_body(request))
    return await _decide(request, viewer, contract, week, "rejection", body.reason)


async def _decide(
    request: Request, viewer: Viewer, contract: str, week: str, step: Any, reason: Any = None
) -> Response:
    edge, id = edge_of(request), identifier(contract, N_("contract"))
    return answer(await timesheets.whole(edge, await decisions.decide(edge, viewer, id, week, step, reason)))

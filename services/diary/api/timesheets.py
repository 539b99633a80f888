"""A contract's week, day by day in the billing zone (S-10)."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary import days
from services.diary.access import Action, Viewer, sight
from services.diary.api.answers import answer
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.weeks import days_of, locks_at, state_of, week_key
from services.kit.problems import forbidden, invalid, not_found
from services.wire import slots

router = APIRouter()
_FIGURES = (
    *("tracked_minutes", "active_minutes", "billable_minutes"),
    *("automatic_minutes", "manual_minutes", "over_limit_minutes"),
)


@router.get("/timesheets/{contract}/{week}", dependencies=[gate(Action.READ_TIMESHEET)])
async def read(
    request: Request, contract: str, week: str, viewer: Annotated[Viewer, Depends(current_viewer)]
) -> Response:
    """The week that begins on the Monday ``week``: totals, seven days, the limit and when it locks."""
    edge, monday = edge_of(request), days.read_date(week, "week")
    if monday.weekday():
        raise invalid("week: the date of a Monday", field="week")
    found = await edge.people.contract(viewer.workspace, identifier(contract, "contract"))
    if found is None:
        raise not_found("contract")
    member = await edge.people.member(viewer.workspace, found["member"])
    allowed = sight(viewer, Action.READ_TIMESHEET, found["member"], member["team"] if member else None)
    if allowed is None:
        raise forbidden()
    if not allowed.shows(contract):
        raise not_found("contract")
    document = await edge.db["weeks"].find_one({"_id": week_key(viewer.workspace, contract, week)})
    workspace = await edge.people.workspace(viewer.workspace)
    zone = workspace.billing
    terms = (
        document["terms"] if document else {"limit_minutes": found["weekly_limit_minutes"], "billing_unit": "segment"}
    )
    sheet, over = (document["claims"], frozenset(document["over"])) if document else ({}, frozenset[str]())
    return answer(
        {
            "contract": contract,
            "member": found["member"],
            "week": week,
            "zone": zone.key,
            "limit_minutes": terms["limit_minutes"],
            "state": state_of(monday, zone, workspace.lock_hour, datetime.now(UTC)),
            "locks_at": slots.format_instant(locks_at(monday, zone, workspace.lock_hour)),
            "totals": {name: document[name] if document else 0 for name in _FIGURES},
            "days": days_of(sheet, over, contract, terms["billing_unit"], monday, zone),
        }
    )

"""Scores by member and day (K-02, K-03, K-04): scoring's tallies, for those the viewer may see."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.diary import days
from services.diary.access import Action, Viewer, sight
from services.diary.api import API
from services.diary.api.answers import answer
from services.diary.edge import current_viewer, edge_of, gate
from services.kit.problems import invalid
from services.wire import scores, slots
from services.wire.language import _
from services.wire.requests import ScoresOf

router = APIRouter(prefix=API)
_MOST_DAYS = 366


@router.get("/scores", dependencies=[gate(Action.READ_SCORES)])
async def read(
    request: Request,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    member: str | None = None,
    team: str | None = None,
    start: Annotated[str | None, Query(alias="from", description="the first day, UTC")] = None,
    end: Annotated[str | None, Query(alias="to", description="the last day, UTC")] = None,
) -> Response:
    """A score a member and day, and one over all of them from the summed tallies (K-04)."""
    edge = edge_of(request)
    today = datetime.now(UTC).date()
    last = days.read_date(end, "to") if end else today
    first = days.read_date(start, "from") if start else last - timedelta(days=6)
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise invalid(
            _("from, to: at most {number} days, the first one before the last", number=_MOST_DAYS), field="from"
        )
    members = sorted(
        one["member"]
        for one in await edge.people.members(viewer.workspace)
        if sight(viewer, Action.READ_SCORES, one["member"], one["team"]) is not None
        and member in (None, one["member"])
        and team in (None, one["team"])
    )
    items = []
    if members:
        zone = days.read_zone("UTC")
        span = {"from": slots.midnight(first, zone), "to": slots.midnight(last + timedelta(days=1), zone)}
        asked = ScoresOf(
            workspace=viewer.workspace,
            members=members,
            **{name: slots.format_instant(instant) for name, instant in span.items()},
        )
        items = (await edge.bus.ask("scoring", "scores", asked))["items"]
    workspace = await edge.people.workspace(viewer.workspace)
    tally = scores.total(scores.Tally(**one["tally"]) for one in items)
    overall = scores.score(tally, workspace.unproductive_weight_percent)
    return answer({"items": items, "next": None, "score": overall._asdict()})

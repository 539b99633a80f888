"""The calendar of a diary: a month to choose a day from, each with its time (V-01, W-06)."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.diary.access import Action
from services.diary.edge import edge_of, gate
from services.diary.pages.calendar_view import dates_of, month_view
from services.diary.pages.paths import Paths
from services.diary.pages.reading import Place, place_at
from services.diary.pages.render import render
from services.diary.pages.week_reading import read_days
from services.kit.problems import invalid
from services.wire.language import _

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.READ_DIARY)])
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@router.get("/diary/{member}/{date}/calendar")
async def calendar(
    request: Request, place: Annotated[Place, Depends(place_at)], month: str | None = None
) -> HTMLResponse:
    """The month of the day, or another one (``2026-11``)."""
    edge, zone, shown = edge_of(request), place.zones.zone, date.fromisoformat(place.date)
    settings = await edge.people.workspace(place.viewer.workspace)
    dates = dates_of(_first(month) if month else shown)
    found = await read_days(edge, place.viewer, place.member, dates[0], len(dates), zone.key)
    today = datetime.now(UTC).astimezone(zone).date()
    view = month_view(found, shown, today, settings.week_start, lambda day: _page(place, day))
    week = Paths(place.member, view.week[0], place.zones.query).until(view.week[1])
    return HTMLResponse(render("calendar.html", month=view, week=week, address=place.paths.to("calendar")))


def _page(place: Place, day: date) -> str:
    return Paths(place.member, day.isoformat(), place.zones.query).page


def _first(month: str) -> date:
    if not (found := _MONTH.fullmatch(month)):
        raise invalid(_("month: a month like 2026-11, from 2000 to 2099"), field="month")
    return date(int(found[1]), int(found[2]), 1)

"""The pages: a day of the work diary, its fragments, its live changes, and one picture (V-01, M-01)."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from datetime import date as date_type
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from services.diary import audit, days, history
from services.diary.access import Action, Viewer, can
from services.diary.api import events
from services.diary.api.bodies import identifier
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.live import event
from services.diary.pages.day_view import states_of
from services.diary.pages.forms import read_form
from services.diary.pages.grid import grid_of
from services.diary.pages.listing import initials, page_of, search
from services.diary.pages.minutes_view import edit_lines, minutes_view
from services.diary.pages.paths import Paths
from services.diary.pages.picture_view import looks_lines, picture_view, set_of
from services.diary.pages.range_view import days_between, range_edit, range_view
from services.diary.pages.reading import (
    Place,
    contract_titles,
    may_see_looks,
    page_of_day,
    place_at,
    place_of,
    read_view,
)
from services.diary.pages.render import render
from services.diary.pages.shell import framed, others_of, shell_of, today_in
from services.diary.pages.week_reading import read_days
from services.kit.problems import Problem, not_found
from services.wire.language import N_, _

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.READ_DIARY)])

_SomeViewer = Annotated[Viewer, Depends(current_viewer)]


_SomePlace = Annotated[Place, Depends(place_at)]


@router.get("/")
async def home(viewer: _SomeViewer) -> RedirectResponse:
    """To one's own diary of today; a client's home is the list of their contracts (S-07)."""
    return RedirectResponse("/contracts" if viewer.role == "client" else f"/diary/{viewer.member}", 303)


@router.get("/diary/{member}")
async def go_to(
    request: Request,
    member: str,
    viewer: _SomeViewer,
    date: str | None = None,
    zone: str | None = None,
    to: str | None = None,
) -> RedirectResponse:
    """To a date or a range of a diary, today where none is asked for."""
    here = await place_of(
        edge_of(request), viewer, identifier(member, "member"), date or datetime.now(UTC).date().isoformat(), zone
    )
    day = here.date if date else today_in(here.zones.zone, datetime.now(UTC))
    paths = Paths(here.member, day, here.zones.query)
    return RedirectResponse(paths.until(days.read_date(to, "to").isoformat()) if to else paths.page, 303)


@router.get("/diary/{member}/{date}")
async def day(request: Request, place: _SomePlace, to: str | None = None) -> HTMLResponse:
    """The page of a day, or of all days to another one (V-01)."""
    edge = edge_of(request)
    if to is not None:
        return await _range(request, place, days.read_date(to, "to"))
    view = await read_view(edge, place)
    shell = await shell_of(edge, place.viewer, place.member)
    return HTMLResponse(render("day.html", day=view, shell=shell, page=page_of_day(place)))


async def _range(request: Request, place: Place, last: date_type) -> HTMLResponse:
    first, zone = date_type.fromisoformat(place.date), place.zones.zone
    found = await read_days(edge_of(request), place.viewer, place.member, first, days_between(first, last), zone.key)
    view = range_view(found, place.member, zone, datetime.now(UTC))
    titles = await contract_titles(edge_of(request), place.viewer)
    edit = range_edit(found, titles, place.rights.only_read, lambda step: place.paths.over(last.isoformat(), step))
    at = "/" if place.own else ""
    return await framed(request, place.viewer, "range.html", at=at, view=view, edit=edit, page=page_of_day(place))


@router.get("/diary/{member}/{date}/changes")
async def changes(request: Request, place: _SomePlace, hours: str | None = None) -> HTMLResponse:
    """The hour rows that changed (all without ``hours``) and the figures, each to be put in its place."""
    view = await read_view(edge_of(request), place)
    changed = None if hours is None else frozenset(hours.split(","))
    return HTMLResponse(render("changes.html", day=view, page=page_of_day(place), changed=changed, oob=True))


@router.get("/diary/{member}/{date}/live")
async def live(request: Request, place: _SomePlace) -> StreamingResponse:
    """``changed`` with the ids of the hour rows that look different now; ``beat`` so that silence is noticed."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(edge_of(request), place), media_type="text/event-stream", headers=headers)


async def _stream(edge: Edge, place: Place) -> AsyncIterator[bytes]:
    grid = grid_of(datetime.fromisoformat(place.date).date(), place.zones.zone)
    yield _BEAT
    async for change in edge.live.changes(place.viewer.workspace):
        if datetime.now(UTC).timestamp() >= place.viewer.principal.expires or not await events.still(
            edge, place.viewer
        ):
            return
        if change is None:
            yield _BEAT
        elif change.member == place.member:
            places = [grid.place(slot) for slot in await events.visible(edge, place.viewer, change)]
            if rows := {grid.hours[one.hour].id for one in places if one}:
                yield event("changed", sorted(rows))


_BEAT = b"event: beat\ndata:\n\n"
_EDITS = 5
"""So many edits of a segment are shown, the latest; all are in the API."""


@router.get("/diary/{member}/{date}/minutes/{segment}")
async def minutes(request: Request, segment: str, place: _SomePlace) -> HTMLResponse:
    """The counts of each minute of a segment, for the meter's popover, and who edited it last."""
    edge, zone = edge_of(request), place.zones.zone
    read = await days.read_day(edge, place.viewer, place.member, place.date, zone.key)
    found = next((one for one in read["segments"] if one["segment_id"] == segment), None)
    if found is None:
        raise not_found(N_("segment"))
    asked = await history.asked_for(edge, place.viewer, None, None, segment, None)
    made, _more = await history.edits_of(edge, place.viewer, place.member, asked, _EDITS) if asked else ([], None)
    return HTMLResponse(render("minutes.html", view=minutes_view(found, zone), edits=edit_lines(made, zone)))


@router.get("/diary/{member}/{date}/captures/{capture}")
async def capture(request: Request, capture: str, place: _SomePlace) -> HTMLResponse:
    """One picture in its set."""
    edge = edge_of(request)
    read = await days.read_day(edge, place.viewer, place.member, place.date, place.zones.zone.key)
    shots = set_of(read, capture)
    if shots is None:
        raise not_found(N_("picture"))
    looks = None
    if may_see_looks(place):
        found = await audit.looks_at(edge.db, place.viewer.workspace, place.member, [capture])
        looks = looks_lines(found, place.zones.zone)
    whose = None if place.own else place.name
    contracts = await contract_titles(edge, place.viewer)
    settings = await edge.people.workspace(place.viewer.workspace)
    states = states_of([segment for segment, _ in shots], read["weeks"], settings.billing_zone)
    mine = next(segment for segment, one in shots if one["capture_id"] == capture)
    state = states[mine["segment_id"]]
    closed = state if state in ("approved", "locked") else ""
    view = picture_view(shots, capture, place.zones.zone, place.paths, contracts, looks, whose, closed)
    return HTMLResponse(render("picture.html", view=view, page=page_of_day(place, mine["contract"])))


@router.get("/diaries")
async def diaries(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """Everybody whose diary the viewer may open, by name; ``q`` narrows them."""
    others = await others_of(edge_of(request), viewer, "")
    asked, number = request.query_params.get("q", "").strip()[:100], request.query_params.get("page", "")
    found = search([one._asdict() for one in others], asked, ("name",))
    shown = page_of(found, int(number[:6]) if number[:6].isdecimal() else 1, "/diaries", {"q": asked})
    ways = Action.READ_TIMESHEET, Action.SEE_PICTURE
    sheets, pictures = (can(viewer, way) for way in ways)
    return await framed(
        request,
        viewer,
        "diaries.html",
        at="/diaries",
        page=shown,
        initials=initials,
        q=asked,
        any=bool(others),
        sheets=sheets,
        pictures=pictures,
    )


_SECRET = re.compile(r"^(old|new)$|password|secret|code|token|key")


async def ended_page(request: Request, problem: Problem) -> HTMLResponse | RedirectResponse:
    """A form was sent without a session: what was typed stays, to be sent again, but for secrets, which no page keeps.

    What comes from another site never gets here (guard.py): nobody can have somebody else send it again.
    """
    try:
        typed = (await read_form(request)).typed() if "hx-request" not in request.headers else []
    except Problem:
        typed = []
    if not typed or any(value and _SECRET.search(name) for name, value in typed):
        return problem_page(request, problem)
    action = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return HTMLResponse(render("ended.html", typed=typed, action=action), problem.status)


def problem_page(request: Request, problem: Problem) -> HTMLResponse | RedirectResponse:
    """A refusal as a browser is told it: a fragment, a page, or the way to sign in."""
    if request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers:
        title, detail = problem.words
        text = render("note.html", title=title, detail=detail)
        return HTMLResponse(text, problem.status)
    if problem.status == 401:
        asked = _here(request) if request.method == "GET" else "/"
        return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}" if asked != "/" else "/sign-in", 303)
    title, detail = problem.words
    again = _here(request) if problem.status >= 500 and request.method == "GET" else ""
    text = render("message.html", title=title, detail=detail, action=_("Back to the start"), href="/", again=again)
    return HTMLResponse(text, problem.status)


def _here(request: Request) -> str:
    """The address that was asked for, within this site."""
    path = f"/{request.url.path.lstrip('/')}"
    return f"{path}?{request.url.query}" if request.url.query else path

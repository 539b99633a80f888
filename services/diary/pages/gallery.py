"""The pages of captures: a day's pictures of a member, set by set (M-01, M-02)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.diary import days
from services.diary.access import Action, Viewer
from services.diary.api.bodies import identifier
from services.diary.edge import Edge, current_viewer, edge_of, gate
from services.diary.pages.formatting import long_day, short_day
from services.diary.pages.gallery_view import gallery_view, stored_in
from services.diary.pages.reading import Place, page_of_day, place_at, place_of
from services.diary.pages.shell import framed, others_of

_MOST_COUNTED = 30
router = APIRouter(include_in_schema=False, dependencies=[gate(Action.SEE_PICTURE)])


@router.get("/captures")
async def mine(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> RedirectResponse:
    """To one's own pictures of today; a client's way leads to the first of their contracts' members."""
    today = datetime.now(UTC).date().isoformat()
    if viewer.role != "client":
        return RedirectResponse(f"/captures/{viewer.member}/{today}", 303)
    others = await others_of(edge_of(request), viewer, "")
    there = others[0].href.replace("/diary/", "/captures/") if others else ""
    return RedirectResponse(f"{there}/{today}" if there else "/contracts", 303)


@router.get("/captures/{member}")
async def go_to(
    request: Request,
    member: str,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    date: str | None = None,
    zone: str | None = None,
) -> RedirectResponse:
    """To the pictures of a date, of today where none is asked for."""
    asked = date or datetime.now(UTC).date().isoformat()
    here = await place_of(edge_of(request), viewer, identifier(member, "member"), asked, zone)
    return RedirectResponse(f"/captures/{here.member}/{here.date}{here.zones.query}", 303)


@router.get("/captures/{member}/{date}")
async def gallery(request: Request, place: Annotated[Place, Depends(place_at)]) -> HTMLResponse:
    """The pictures of a day."""
    edge, shown, zone = edge_of(request), date.fromisoformat(place.date), place.zones.zone
    day = await days.read_day(edge, place.viewer, place.member, place.date, zone.key)
    before, after = shown - timedelta(days=1), shown + timedelta(days=1)
    return await framed(
        request,
        place.viewer,
        "gallery.html",
        at="/captures" if place.own else "",
        title=long_day(shown),
        date=place.date,
        zones=[link._replace(href=link.href.replace("/diary/", "/captures/", 1)) for link in place.zones.links],
        view=gallery_view(day["segments"], zone, place.paths),
        page=page_of_day(place),
        previous=(before.isoformat(), short_day(before)),
        following=(after.isoformat(), short_day(after)),
        others=await _others(edge, place),
    )


async def _others(edge: Edge, place: Place) -> list[tuple[str, str, str]]:
    """The galleries of others on this day: address, name, and how many pictures; of very many the names alone."""
    links = await others_of(edge, place.viewer, place.member)
    members = [link.href.rsplit("/", 1)[1] for link in links]
    words = [""] * len(links)
    if len(links) <= _MOST_COUNTED:
        zone = place.zones.zone.key
        found = await asyncio.gather(*(days.read_day(edge, place.viewer, one, place.date, zone) for one in members))
        words = [str(stored_in(day["segments"])) for day in found]
    return [
        (f"/captures/{member}/{place.date}{place.zones.query}", link.name, count)
        for member, link, count in zip(members, links, words, strict=True)
    ]

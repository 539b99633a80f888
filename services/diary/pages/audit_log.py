"""The page of the audit log: who did what to whom, and whether the log's chain holds (G-02, B-03)."""

import contextlib
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, can, sight
from services.diary.api import audit
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages import audit_view as view
from services.diary.pages.audit_words import Known
from services.diary.pages.choosing import Choice, choice
from services.diary.pages.devices import around
from services.diary.pages.formatting import zone_name
from services.diary.pages.listing import address_of
from services.diary.pages.render import render
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire.language import _
from services.wire.requests import Collection

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/audit"
_PER_PAGE = 100
_NAMED: tuple[tuple[Collection, Action], ...] = (("teams", Action.READ_TEAMS), ("policies", Action.READ_POLICIES))


@router.get(_AT, dependencies=[gate(Action.READ_AUDIT)])
async def log(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """Entries, newest first, narrowed by who, what, to whom and when; a page leads on to the next."""
    names, zone = await around(request, viewer)
    known = await _known(request, viewer, names, zone)
    asked = request.query_params
    query = {name: asked.get(name, "")[:60] for name in ("actor", "action", "member", "from", "to")}
    filters = audit.filters_of(viewer, *(query[name] or None for name in ("member", "actor", "action")))
    span = audit.span_of(query["from"] or None, query["to"] or None)
    before = asked.get("before", "")[:60]
    found: dict[str, Any] = {"items": [], "next": None, "incomplete": []}
    if filters is not None:
        found = await audit.merged(edge_of(request), viewer, filters, before or None, _PER_PAGE, span=span)
    everything = sight(viewer, Action.READ_AUDIT, "-", None) is not None
    people = [{"member": id, "name": name, "email": ""} for id, name in names.items()] if everything else []
    theirs = {one["actor"]: str(one["actor_name"]) for one in found["items"]}
    return await framed(
        request,
        viewer,
        "audit.html",
        at=_AT,
        lines=view.lines_of(found["items"], known),
        zone=zone_name(zone.key),
        addressed=any(one["address"] for one in found["items"]),
        following=address_of(_AT, {**query, "before": found["next"]}) if found["next"] else None,
        newest=address_of(_AT, query) if before else None,
        incomplete=found["incomplete"],
        query=query,
        narrowed=any(query.values()),
        actor=choice("people", people, "actor", query["actor"], asked.get("actor_q", "")[:100], none=_("By anybody"))
        if everything
        else Choice("people", "actor", [("", _("By anybody")), *sorted(theirs.items())], {query["actor"]}),
        about=choice(
            "people", people, "member", query["member"], asked.get("member_q", "")[:100], none=_("About anybody")
        ),
        actions=view.choices(),
        everything=everything,
        may_check=can(viewer, Action.CHECK_AUDIT),
        export=address_of("/api/v1/audit.csv", query),
    )


async def _known(request: Request, viewer: Viewer, names: dict[str, str], zone: ZoneInfo) -> Known:
    """What the ids in entries stand for; of what licensing alone knows, their names where it answers just now."""
    edge = edge_of(request)
    contracts = await edge.people.contracts(viewer.workspace)
    devices = await edge.people.every_device(viewer.workspace)
    things = {one["contract"]: str(one["project"]) for one in contracts}
    things |= {one["device"]: str(one["device_name"]) for one in devices if one["device_name"]}
    for kind, action in _NAMED:
        if can(viewer, action):
            with contextlib.suppress(Problem):
                things |= {one["id"]: str(one["name"]) for one in await asking.some(request, viewer, kind)}
    return Known({**things, **names}, {one["contract"]: one["member"] for one in contracts}, zone)


@router.get("/audit/check", dependencies=[gate(Action.CHECK_AUDIT)])
async def check(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """Whether the chain holds, as a fragment of the page."""
    try:
        found = await audit.checked(edge_of(request), viewer)
    except Problem as problem:
        title, detail = problem.words
        return HTMLResponse(render("note.html", title=title, detail=detail), problem.status)
    _, zone = await around(request, viewer)
    return HTMLResponse(render("audit_check.html", found=found, since=view.since_of(found["diary"]["unchained"], zone)))

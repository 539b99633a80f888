"""The pages of devices: which report, why others do not, what arrived of each and what is held back (V-03, B-02)."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary import devices as devices_read
from services.diary.access import Action, Viewer, can
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages import device_view as view
from services.diary.pages.formatting import dated, zone_name
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.listing import folded, page_of, search
from services.diary.pages.shell import framed
from services.diary.pages.silence_view import told
from services.kit.problems import Problem
from services.wire.language import _, ngettext

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/devices"
_MOST_HELD = 200


@router.get(_AT, dependencies=[gate(Action.READ_DEVICES)])
async def devices(request: Request, viewer: _SomeViewer, q: str = "", page: int = 1, gone: str = "") -> HTMLResponse:
    """All devices in the viewer's sight; those that gave their seat back with ``gone`` alone."""
    names, zone = await around(request, viewer)
    found = await asking.some(request, viewer, "devices")
    shown = [one | {"who": names.get(one["member"], "")} for one in found if gone or not one["released_at"]]
    shown.sort(key=lambda one: (folded(one["who"]), folded(one["name"]), one["id"]))
    listed = page_of(search(shown, q, ("who", "name", "os", "id")), page, _AT, {"q": q, "gone": gone})
    licences = await asking.some(request, viewer, "licences")
    now = datetime.now(UTC)
    rows = [
        view.row_of(one, names, now, zone)
        for one in await devices_read.contacts(edge_of(request), viewer, listed.items, licences)
    ]
    return await framed(
        request,
        viewer,
        "devices.html",
        at=_AT,
        page=listed._replace(items=rows),
        q=q,
        gone=gone,
        released=sum(bool(one["released_at"]) for one in found),
        any=bool(found),
        own=viewer.role == "employee",
    )


@router.get("/devices/{id}", dependencies=[gate(Action.READ_DEVICES)])
async def device(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """One device: what it does, what has arrived of it and what is held back."""
    return await _page(request, viewer, id)


@router.post("/devices/{id}/name", dependencies=[gate(Action.CHANGE_DEVICES)])
async def rename(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Another name for a device."""
    sent = await read_form(request)
    try:
        changed = await asking.change(request, viewer, "devices", id, {"name": sent.text("name")})
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _page(request, viewer, id, Form.refused({"name": sent.text("name")}, problem), problem.status)
    return done(f"/devices/{id}", _("It is called {name} now.", name=changed["name"]))


@router.post("/devices/{id}/release", dependencies=[gate(Action.RELEASE_RECORDS)])
async def release(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Tries records that are held back once more; what still cannot be taken stays, with its reason."""
    sent, edge = await read_form(request), edge_of(request)
    found = await asking.one(request, viewer, "devices", id)
    [known] = await devices_read.contacts(edge, viewer, [found], [])
    tried, released = await devices_read.release(edge, viewer, known, sent.many("record")[:_MOST_HELD])
    if not tried:
        return done(f"/devices/{id}#held", _("Nothing was chosen."))
    words = ngettext("{number} record is in the ledger now.", "{number} records are in the ledger now.", released)
    if released < tried:
        stay = _("{number} could not be taken yet: the reasons stand there.", number=tried - released)
        words = f"{words} {stay}"
    return done(f"/devices/{id}#held", words)


@router.post("/devices/{id}/doubt", dependencies=[gate(Action.CHANGE_DEVICES)])
async def settle_doubt(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Somebody has looked into a doubt about its key."""
    await asking.change(request, viewer, "devices", id, {"cloned": False})
    return done(f"/devices/{id}", _("The doubt is settled."))


async def _page(request: Request, viewer: Viewer, id: str, form: Form | None = None, status: int = 200) -> HTMLResponse:
    found = await asking.one(request, viewer, "devices", id)
    names, zone = await around(request, viewer)
    licences = await asking.some(request, viewer, "licences")
    [known] = await devices_read.contacts(edge_of(request), viewer, [found], licences, proof=True)
    now = datetime.now(UTC)
    return await framed(
        request,
        viewer,
        "device.html",
        at=_AT,
        status=status,
        device=found,
        member=names.get(found["member"], "–"),
        mode=view.mode_name(str(found["mode"])),
        os=view.os_name(found["os"]),
        activated=dated(found["activated_at"], zone),
        zone=zone_name(zone.key),
        told=told(known.silence, known.status, found, now, zone),
        facts=view.facts_of(known, now, zone),
        proof=view.proof_of(known.sync),
        held=view.held_of(known.held[:_MOST_HELD], zone),
        more_held=max(0, len(known.held) - _MOST_HELD),
        form=form or Form({"name": found["name"]}),
        may_change=can(viewer, Action.CHANGE_DEVICES),
        may_release=can(viewer, Action.RELEASE_RECORDS),
    )


async def around(request: Request, viewer: Viewer) -> tuple[dict[str, str], ZoneInfo]:
    """The names of members by id, and the zone of the reader."""
    people = edge_of(request).people
    names = {one["member"]: str(one["name"]) for one in await people.members(viewer.workspace)}
    me = await people.member(viewer.workspace, viewer.member)
    return names, ZoneInfo(me["zone"] if me else (await people.workspace(viewer.workspace)).zone)

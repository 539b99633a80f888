"""The pages of licences: the list with its drawer, issuing one, and what may be done with it (L-01 to L-05, L-07)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, can
from services.diary.api.bodies import identifier
from services.diary.devices import contacts
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.diary.pages import asking, device_view
from services.diary.pages import licence_view as view
from services.diary.pages.choosing import choice, people_of, sent_by
from services.diary.pages.devices import around
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.listing import folded, page_of, search
from services.diary.pages.shell import framed
from services.diary.policies import as_kept
from services.kit.problems import Problem, invalid, not_found
from services.wire import words
from services.wire.language import N_, _, again
from services.wire.requests import LicenceFileOf

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/licences"
_FIELDS = ("member", "computer", "policy", "seats", "not_before", "expires")
_Do = Callable[[Sent, ZoneInfo], dict[str, Any]]


@router.get(_AT, dependencies=[gate(Action.READ_LICENCES)])
async def licences(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """All licences in the viewer's sight."""
    return await _page(request, viewer)


@router.get("/licences/new", dependencies=[gate(Action.CREATE_LICENCES)])
async def new(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """The form of a new licence."""
    typed = _kept(sent_by(request))
    return await _form(request, viewer, Form({**typed, "seats": typed["seats"] or 1}))


@router.post("/licences/new", dependencies=[gate(Action.CREATE_LICENCES)])
async def create(request: Request, viewer: _SomeViewer) -> Response:
    """Issues a licence and shows its key, this once."""
    sent = await read_form(request)
    zone = (await around(request, viewer))[1]
    try:
        made = await asking.create(request, viewer, "licences", _new(sent, zone))
    except Problem as problem:
        if problem.status not in (404, 409, 422):
            raise
        return await _form(request, viewer, Form.refused(_kept(sent), problem, _FIELDS), problem.status)
    if "key" not in made:
        return done(f"/licences/{made['id']}", _("It is a draft: it has no key until you issue it."))
    return await _key(request, viewer, made)


@router.get("/licences/{id}", dependencies=[gate(Action.READ_LICENCES)])
async def licence(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """The list with one licence opened in the drawer."""
    return await _page(request, viewer, await asking.one(request, viewer, "licences", id))


@router.post("/licences/{id}/file", dependencies=[gate(Action.CHANGE_LICENCES)])
async def file(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """The licence as a signed file, which activates it without typing a key; written down who took it (L-02)."""
    asked = LicenceFileOf(principal=viewer.principal, id=identifier(id, "licence"), address=client_address(request))
    found = await edge_of(request).bus.ask("licensing", "licence_file", asked)
    headers = {"Content-Disposition": f'attachment; filename="daybook-{id}.licence"'}
    return Response(orjson.dumps(found), media_type="application/json", headers=headers)


@router.post("/licences/{id}/transfer", dependencies=[gate(Action.CHANGE_LICENCES)])
async def transfer(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """A device stops; its seat is kept for the next computer that activates the licence, or given back (L-04)."""
    found, sent = await asking.one(request, viewer, "licences", id), await read_form(request)
    device = await asking.one(request, viewer, "devices", sent.text("device"))
    if device["licence"] != found["id"]:
        raise not_found(N_("device"))
    kept = sent.text("act") != "release"
    await asking.change(request, viewer, "devices", device["id"], {"state": "transferred" if kept else "released"})
    said = (
        _("{device} records no more. Its seat waits for the next one that loads the licence.", device=device["name"])
        if kept
        else _("{device} records no more. Its seat is free.", device=device["name"])
    )
    return done(f"/licences/{found['id']}", said)


@router.post("/licences/{id}/{act}", dependencies=[gate(Action.CHANGE_LICENCES)])
async def change(request: Request, id: str, act: str, viewer: _SomeViewer) -> Response:
    """Issues, suspends, resumes, revokes, renews, or gives other seats or another policy."""
    if act not in _ACTS:
        raise not_found(N_("page"))
    sent, (_, zone) = await read_form(request), await around(request, viewer)
    body, said = _ACTS[act]
    try:
        changed = await asking.change(request, viewer, "licences", id, body(sent, zone))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        found = await asking.one(request, viewer, "licences", id)
        kept = {name: sent.text(name) for name in ("drain_hours", "policy", "seats", "not_before", "expires")}
        form = Form.refused(_values(found, zone) | {name: value for name, value in kept.items() if value}, problem)
        return await _page(request, viewer, found, form, problem.status)
    return await _key(request, viewer, changed) if "key" in changed else done(f"/licences/{id}", again(said))


#: What may be done with a licence: the change, and what is said once it is made.
_ACTS: Mapping[str, tuple[_Do, str]] = {
    "issue": (lambda sent, zone: {"state": "issued"}, N_("It is issued.")),
    "suspend": (
        lambda sent, zone: {"state": "suspended"},
        N_("It is suspended: nothing is recorded until you resume it."),
    ),
    "resume": (lambda sent, zone: {"state": "active"}, N_("It is resumed: recording may go on.")),
    "revoke": (
        lambda sent, zone: {"state": "revoked", "drain_hours": _number(sent, "drain_hours", view.DRAIN_HOURS)},
        N_("It is revoked. What was signed before stays valid."),
    ),
    "renew": (lambda sent, zone: _span(sent, zone), N_("Its time is changed.")),
    "seats": (
        lambda sent, zone: {"seats": _number(sent, "seats", 1)},
        N_("Its seats are changed. None is taken away."),
    ),
    "reserved": (lambda sent, zone: {"seats_reserved": 0}, N_("The seats that were kept are free.")),
    "policy": (
        lambda sent, zone: {"policy": sent.text("policy")},
        N_("It has another policy. Who is concerned is told first."),
    ),
}


def _new(sent: Sent, zone: ZoneInfo) -> dict[str, Any]:
    """The body that issues a licence; what means nothing in its mode is left out (L-08)."""
    mode = sent.text("mode") or "worklog"
    computer = sent.some("computer") if mode == "monitoring" else None
    member = None if computer else sent.some("member")
    body: dict[str, Any] = {"mode": mode, "member": member, "computer": computer, "policy": sent.some("policy")}
    body |= {
        "seats": _number(sent, "seats", 1),
        "draft": sent.ticked("draft"),
        "node_locked": sent.ticked("node_locked"),
    }
    return body | _span(sent, zone)


_DATES = {
    "not_before": N_("not_before: a date like 2027-08-31"),
    "expires": N_("expires: a date like 2027-08-31"),
}


def _span(sent: Sent, zone: ZoneInfo) -> dict[str, Any]:
    span = {}
    for name, read in (("not_before", view.begins_of), ("expires", view.ends_of)):
        try:
            span[name] = read(sent.some(name), zone)
        except (ValueError, OverflowError) as error:
            raise invalid(again(_DATES[name]), field=name) from error
    return span


def _number(sent: Sent, name: str, otherwise: int) -> int:
    found = sent.number(name)
    return otherwise if found is None else found


def _kept(sent: Sent) -> dict[str, Any]:
    return {name: sent.text(name) for name in ("mode", *_FIELDS)} | {
        name: sent.ticked(name) for name in ("draft", "node_locked")
    }


def _values(licence: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """What stands in the forms of the drawer."""
    return {
        "drain_hours": view.DRAIN_HOURS,
        "seats": licence["seats"],
        "policy": licence["policy"],
        "not_before": view.day_value(licence["not_before"], zone),
        "expires": view.day_value(licence["expires"], zone, last=True),
    }


async def _key(request: Request, viewer: Viewer, made: dict[str, Any]) -> HTMLResponse:
    """The one page that shows a licence's key."""
    names = (await around(request, viewer))[0]
    whose = made["computer"] or names.get(made["member"], _("this member"))
    return await framed(request, viewer, "licence_key.html", at=_AT, licence=made, whose=whose)


async def _form(request: Request, viewer: Viewer, form: Form, status: int = 200) -> HTMLResponse:
    people = await people_of(request, viewer, form.value("member"))
    return await framed(
        request,
        viewer,
        "licence_form.html",
        at=_AT,
        status=status,
        form=form,
        member=choice("members", people, "member", form.value("member"), sent_by(request).text("member_q")),
        policies=await _policies(request, viewer, _("Nothing but activity counts")),
    )


async def _policies(request: Request, viewer: Viewer, none: str = "") -> list[tuple[str, str]]:
    found = await asking.some(request, viewer, "policies")
    named = [
        (str(one["id"]), _("{policy}, version {version}", policy=one["name"], version=one["version"])) for one in found
    ]
    return ([("", none)] if none else []) + sorted(named, key=lambda one: folded(one[1]))


async def _page(
    request: Request, viewer: Viewer, opened: dict[str, Any] | None = None, form: Form | None = None, status: int = 200
) -> HTMLResponse:
    asked = request.query_params
    q, mode, state, policy = (asked.get(name, "")[:100] for name in ("q", "mode", "state", "policy"))
    names, zone = await around(request, viewer)
    found, now = await asking.some(request, viewer, "licences"), datetime.now(UTC)
    notices = await asking.some(request, viewer, "notices")
    unread = frozenset(one["member"] for one in notices if not one["acknowledged_at"])
    chosen = [
        one | {"whose": one["computer"] or names.get(one["member"], "")}
        for one in found
        if view.fits(one, mode, state, policy)
    ]
    chosen.sort(key=lambda one: (one["state"] in ("revoked", "expired"), folded(one["whose"]), one["id"]))
    number = int(asked.get("page", "1")) if asked.get("page", "1").isdecimal() else 1
    query = {"q": q, "mode": mode, "state": state, "policy": policy}
    listed = page_of(search(chosen, q, ("whose", "id")), number, _AT, query)
    devices = await asking.some(request, viewer, "devices")
    rows = [view.row_of(one, names, unread, zone, now, devices) for one in listed.items]
    workspace = (await asking.some(request, viewer, "workspaces"))[0]
    return await framed(
        request,
        viewer,
        "licences.html",
        at=_AT,
        status=status,
        page=listed._replace(items=rows),
        query=query,
        any=bool(found),
        totals=view.totals_of(found, workspace),
        modes=view.MODES,
        states=view.STATES,
        opened=await _opened(request, viewer, opened, form, names, zone) if opened else None,
        leads=viewer.role != "employee",
        may_create=can(viewer, Action.CREATE_LICENCES),
        may_change=can(viewer, Action.CHANGE_LICENCES),
    )


async def _opened(
    request: Request,
    viewer: Viewer,
    licence: dict[str, Any],
    form: Form | None,
    names: Mapping[str, str],
    zone: ZoneInfo,
) -> dict[str, Any]:
    """The drawer: the licence, its policy in plain words, its devices, and who has read the notice."""
    now = datetime.now(UTC)
    policy = await asking.one(request, viewer, "policies", licence["in_effect"])
    workspace = await asking.settings(request, viewer)
    devices = await asking.some(request, viewer, "devices", licence=licence["id"])
    known = await contacts(edge_of(request), viewer, devices, [licence])
    notices = await asking.some(request, viewer, "notices", member=licence["member"])
    newest = max(notices, key=lambda one: str(one["created_at"]), default=None)
    return {
        "licence": licence,
        "row": view.row_of(licence, names, frozenset(), zone, now),
        "facts": view.facts_of(licence, policy, zone),
        "policy": policy,
        "sentences": words.record_of(as_kept(policy["policy"], workspace), licence["mode"]),
        "devices": [device_view.row_of(one, names, now, zone) for one in known if not one.device["released_at"]],
        "gone": sum(bool(one["released_at"]) for one in devices),
        "notice": newest,
        "read_at": view.moment_words(newest["acknowledged_at"], zone) if newest and newest["acknowledged_at"] else "",
        "form": form or Form(_values(licence, zone)),
        "policies": await _policies(request, viewer),
    }

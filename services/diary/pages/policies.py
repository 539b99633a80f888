"""The pages of policies: what may be recorded, in the words that members read, and every version there ever was."""

import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, can
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages import policy_form as form_of
from services.diary.pages import policy_view as view
from services.diary.pages.devices import around
from services.diary.pages.expiry_words import choices
from services.diary.pages.formatting import dated
from services.diary.pages.forms import Form, Sent, done, read_form, told
from services.diary.pages.render import render
from services.diary.pages.shell import framed
from services.diary.policies import as_kept, effect_of, history
from services.kit.problems import Problem
from services.wire.language import _
from services.wire.retention import FIELDS

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/policies"
_LISTED = 40
"""Versions shown at once; the API gives all."""


@router.get(_AT, dependencies=[gate(Action.READ_POLICIES)])
async def policies(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """All policies, what each records in short, and how many it concerns."""
    found = await asking.some(request, viewer, "policies")
    rows = view.rows_of(found, await asking.some(request, viewer, "licences"))
    may_create = can(viewer, Action.CREATE_POLICIES)
    return await framed(request, viewer, "policies.html", at=_AT, rows=rows, may_create=may_create)


@router.get("/policies/new", dependencies=[gate(Action.CREATE_POLICIES)])
async def new(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """The form of a new policy: everything is off (B-05)."""
    return await _form(request, viewer, Form(form_of.values_of({})), form_of.defaults())


@router.post("/policies/new", dependencies=[gate(Action.CREATE_POLICIES)])
async def create(request: Request, viewer: _SomeViewer) -> Response:
    """Makes a policy in its version 1; nobody carries it yet."""
    sent = await read_form(request)
    try:
        body = {"name": sent.text("name"), "policy": form_of.policy_of(sent)}
        made = await asking.create(request, viewer, "policies", body)
    except Problem as problem:
        return await _refused(request, viewer, sent, problem)
    said = _("{name} is a policy now. Licences and profiles can name it.", name=made["name"])
    return done(f"/policies/{made['id']}", said)


@router.post("/policies/preview", dependencies=[gate(Action.CHANGE_POLICIES)])
async def preview(request: Request, viewer: _SomeViewer, policy: str = "") -> HTMLResponse:
    """The words of what a form says so far, and what saving it would do; ``policy`` is the one it would change."""
    sent = await read_form(request)
    try:
        after = form_of.policy_of(sent)
    except Problem as problem:
        title, detail = _("This cannot be read yet."), told(problem)[1]
        return HTMLResponse(render("note.html", title=title, detail=detail), problem.status)
    before, carrying = await _before(request, viewer, policy)
    workspace = await asking.settings(request, viewer)
    after = as_kept(after, workspace)
    effect = _effect(before and {**before, "policy": as_kept(before["policy"], workspace)}, after, carrying)
    shown = view.preview_of(after, view.mode_of(carrying, sent.text("mode")), effect)
    return HTMLResponse(render("policy_preview.html", preview=shown))


@router.get("/policies/{id}", dependencies=[gate(Action.READ_POLICIES)])
async def policy(request: Request, id: str, viewer: _SomeViewer, mode: str = "") -> HTMLResponse:
    """One policy in plain words, the licences under it, and its versions with what each changed."""
    found, carrying = await _before(request, viewer, id)
    assert found is not None
    versions = await history(edge_of(request), viewer, found["id"])
    read_in = view.mode_of(carrying, mode)
    names, zone = await around(request, viewer)
    return await framed(
        request,
        viewer,
        "policy.html",
        at=_AT,
        policy=found,
        preview=view.preview_of(as_kept(found["policy"], await asking.settings(request, viewer)), read_in, None),
        versions=[one | {"at": dated(one["created_at"], zone)} for one in versions[:_LISTED]],
        declared=dated(found["declaration"]["at"], zone) if found["declaration"] else "",
        older=max(0, len(versions) - _LISTED),
        licences=[one | {"for": one["computer"] or names.get(one["member"], "–")} for one in carrying],
        modes=view.MODES,
        may_change=can(viewer, Action.CHANGE_POLICIES),
    )


@router.get("/policies/{id}/edit", dependencies=[gate(Action.CHANGE_POLICIES)])
async def edit(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """The form of the next version."""
    found = await asking.one(request, viewer, "policies", id)
    return await _form(request, viewer, Form(form_of.values_of(found["policy"], found["name"])), found["policy"], found)


@router.post("/policies/{id}/edit", dependencies=[gate(Action.CHANGE_POLICIES)])
async def change(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Makes the next version: whoever works under it does so from now on (L-04), told first of what is more (G-01)."""
    (found, carrying), sent = await _before(request, viewer, id), await read_form(request)
    assert found is not None
    try:
        body = {"name": sent.text("name"), "policy": form_of.policy_of(sent)}
        changed = await asking.change(request, viewer, "policies", found["id"], body)
    except Problem as problem:
        return await _refused(request, viewer, sent, problem, found)
    effect = effect_of(found["policy"], changed["policy"], carrying)
    said = _("Version {version} holds.", version=changed["version"])
    return done(f"/policies/{found['id']}", f"{said} {view.told_words(effect)}" if effect.told else said)


async def _before(request: Request, viewer: Viewer, policy: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """A policy and the licences under it; nothing where none is named."""
    if not policy:
        return None, []
    found = await asking.one(request, viewer, "policies", identifier(policy, "policy"))
    licences = await asking.some(request, viewer, "licences")
    return found, [dict(one) for one in view.carried(found["id"], licences)]


def _effect(before: dict[str, Any] | None, after: dict[str, Any], carrying: list[dict[str, Any]]) -> Any:
    return effect_of(before["policy"], {**before["policy"], **after}, carrying) if before else None


async def _refused(
    request: Request, viewer: Viewer, sent: Sent, problem: Problem, found: dict[str, Any] | None = None
) -> HTMLResponse:
    """The form again, with the words at the switch that they are about."""
    if problem.status not in (409, 422):
        raise problem
    values, (at, words) = form_of.kept(sent), told(problem)
    where = str(problem.document()["detail"]).partition(": ")[0].removeprefix("policy.")
    field = next((one for one in (where, where.rpartition(".")[0], at) if one in form_of.FIELDS), "")
    form = Form(values, {field: words}) if field else Form(values, notice=words)
    shown = found["policy"] if found else form_of.defaults()
    with contextlib.suppress(Problem):  # the words are of what stands in the fields, where it can be read
        shown = {**shown, **form_of.policy_of(sent)}
    return await _form(request, viewer, form, shown, found, problem.status)


async def _form(
    request: Request,
    viewer: Viewer,
    form: Form,
    policy: dict[str, Any],
    found: dict[str, Any] | None = None,
    status: int = 200,
) -> HTMLResponse:
    _, carrying = await _before(request, viewer, found["id"] if found else "")
    workspace = await asking.settings(request, viewer)
    shown = view.preview_of(as_kept(policy, workspace), view.mode_of(carrying), None)
    return await framed(
        request,
        viewer,
        "policy_form.html",
        at=_AT,
        status=status,
        form=form,
        kept={kind: choices(workspace, kind) for kind in FIELDS},
        policy=found,
        preview=shown,
        modes=view.MODES,
        carried=len(carrying),
    )

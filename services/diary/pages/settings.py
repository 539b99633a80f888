"""The settings of a workspace: each part of the page a form of its own (W-01, W-02, W-06, W-07, W-08)."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer
from services.diary.edge import client_address, current_viewer, gate
from services.diary.pages import asking
from services.diary.pages import settings_view as view
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.gate import zones
from services.diary.pages.shell import framed
from services.kit.problems import Problem, not_found
from services.wire.language import N_, _

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_Body = Callable[[Sent], dict[str, Any]]


def _names(sent: Sent) -> dict[str, Any]:
    return {name: sent.text(name) for name in view.FIELDS["names"]}


def _reading(sent: Sent) -> dict[str, Any]:
    return {name: sent.text(name) for name in view.FIELDS["reading"]}


def _weeks(sent: Sent) -> dict[str, Any]:
    chosen = {name: sent.text(name) for name in ("billing_unit", "deletion_rule")}
    return chosen | {"lock_hour": sent.number("lock_hour")}


def _scores(sent: Sent) -> dict[str, Any]:
    percent = sent.number("unproductive_weight_percent")
    return {"movement_counts": sent.ticked("movement_counts"), "unproductive_weight_percent": percent}


def _retention(sent: Sent) -> dict[str, Any]:
    days = {name: sent.number(name) for name in ("capture_days", "camera_days")}
    return days | {"legal_hold": sent.ticked("legal_hold")}


def _devices(sent: Sent) -> dict[str, Any]:
    return {"seats": sent.number("seats"), "minimum_agent": sent.some("minimum_agent")}


def _networks(sent: Sent) -> dict[str, Any]:
    return {"allowed_ranges": sent.lines("allowed_ranges")}


def _mails(sent: Sent) -> dict[str, Any]:
    on = set(sent.many("mails_on"))
    return {"mails_off": [kind for kind, *_rest in view.MAILS if kind not in on]}


def _provider(sent: Sent) -> dict[str, Any]:
    if sent.ticked("remove"):
        return {"oidc": None}
    given = {"issuer": sent.text("issuer"), "client_id": sent.text("client_id"), "domains": sent.lines("domains")}
    secret = sent.secret("client_secret")
    return {"oidc": given | ({"client_secret": secret} if secret else {})}


#: The parts of the page: what each form changes.
_PARTS: dict[str, _Body] = {
    "names": _names,
    "reading": _reading,
    "weeks": _weeks,
    "scores": _scores,
    "retention": _retention,
    "devices": _devices,
    "networks": _networks,
    "mails": _mails,
    "provider": _provider,
}


@router.get("/settings", dependencies=[gate(Action.CHANGE_WORKSPACES)])
async def settings(request: Request, viewer: _Viewer) -> HTMLResponse:
    """All settings."""
    return await _page(request, viewer)


@router.post("/settings/archive", dependencies=[gate(Action.CHANGE_WORKSPACES)])
async def archive(request: Request, viewer: _Viewer) -> Response:
    """Archives the workspace, or restores it; for owners (W-02)."""
    away = (await read_form(request)).text("archived") == "yes"
    changed = await asking.change(request, viewer, "workspaces", viewer.workspace, {"archived": away})
    if not away:
        return done("/settings", _("The workspace is restored."))
    return done("/settings", _("{name} is archived: only its owners can enter it now.", name=changed["name"]))


@router.post("/settings/{part}", dependencies=[gate(Action.CHANGE_WORKSPACES)])
async def change(request: Request, part: str, viewer: _Viewer) -> Response:
    """Saves one part of the page."""
    if part not in _PARTS:
        raise not_found(N_("page"))
    sent = await read_form(request)
    try:
        await asking.change(request, viewer, "workspaces", viewer.workspace, _PARTS[part](sent))
    except Problem as problem:
        if problem.status == 403:
            raise
        if problem.kind == "locks-you-out":
            problem.extra["field"] = "allowed_ranges"
        form = Form.refused(_typed(sent, part), problem, view.FIELDS[part], name=part)
        return await _page(request, viewer, {part: form}, problem.status)
    return done(f"/settings#{part}", _("Saved."))


def _typed(sent: Sent, part: str) -> dict[str, Any]:
    """What stood in a part's fields, but for its secrets."""
    lists = {"mails_on": sent.many("mails_on")}
    return {name: sent.text(name) for name in view.FIELDS[part] if name != "client_secret"} | lists


async def _page(
    request: Request, viewer: Viewer, refused: dict[str, Form] | None = None, status: int = 200
) -> HTMLResponse:
    workspace = await asking.one(request, viewer, "workspaces", viewer.workspace)
    forms = {part: Form(values, name=part) for part, values in view.values_of(workspace).items()}
    return await framed(
        request,
        viewer,
        "settings.html",
        at="/settings",
        status=status,
        workspace=workspace,
        forms=forms | (refused or {}),
        owner=viewer.role == "owner",
        address=client_address(request),
        choices=view.choices(),
        mails=view.mails(),
        zones=zones(),
    )

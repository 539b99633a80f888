"""The page on which an owner deletes an archived workspace, after its export was offered (W-02)."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer
from services.diary.api import deletion
from services.diary.api.bodies import take
from services.diary.edge import COOKIE, current_viewer, edge_of, gate
from services.diary.pages.formatting import dated
from services.diary.pages.forms import Form, done, read_form
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire.language import _, ngettext, number

router = APIRouter(include_in_schema=False, dependencies=[gate(Action.DELETE_WORKSPACE)])
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_FIELDS = ("name", "password", "code", "without_export")


@router.get("/settings/delete")
async def page(request: Request, viewer: _Viewer) -> HTMLResponse:
    """What would go, the export, and the form."""
    return await _page(request, viewer, Form())


@router.post("/settings/delete")
async def delete(request: Request, viewer: _Viewer) -> Response:
    """Deletes it; else the form again, with the reason at its field."""
    sent = await read_form(request)
    given: dict[str, Any] = {"name": sent.text("name"), "password": sent.secret("password")}
    given |= {"code": sent.some("code"), "without_export": sent.ticked("without_export")}
    try:
        await deletion.ask(request, viewer, take(deletion.Deletion, given))
    except Problem as problem:
        if problem.status == 403 and problem.kind == "forbidden":
            raise
        return await _page(request, viewer, _refused(given, problem), problem.status)
    response = done("/sign-in", _("{name} is deleted. What was kept of it is being taken away.", name=given["name"]))
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=edge_of(request).settings.secure)
    return response


def _refused(given: Mapping[str, Any], problem: Problem) -> Form:
    """The words at the field they are about: a factor that is missing or wrong names none by itself."""
    at = {"wrong-password": "password", "code-needed": "code", "wrong-code": "code"}.get(problem.kind)
    if at:
        words = " ".join(problem.words)
        once_more = _("{words} Type the password again, too.", words=words)
        return Form(given, {at: words if at == "password" else once_more})
    return Form.refused(given, problem, _FIELDS)


async def _page(request: Request, viewer: Viewer, form: Form, status: int = 200) -> HTMLResponse:
    edge = edge_of(request)
    offer = await deletion.offer(request, viewer)
    zone = ZoneInfo((await edge.people.workspace(viewer.workspace)).zone)
    at = offer["export"]["downloaded_at"]
    more = {"offer": offer, "form": form, "exported": dated(at, zone) if at else ""}
    goes = goes_with(offer["counts"])
    return await framed(request, viewer, "settings_delete.html", at="/settings", status=status, goes=goes, **more)


def goes_with(counts: Mapping[str, int]) -> list[str]:
    """What goes with a workspace, of which there is any, in the reader's language. Pure."""
    shown = {name: number(count) for name, count in counts.items()}
    lines = {
        "members": ngettext("{count} member", "{count} members", counts["members"], count=shown["members"]),
        "contracts": ngettext("{count} contract", "{count} contracts", counts["contracts"], count=shown["contracts"]),
        "licences": ngettext("{count} licence", "{count} licences", counts["licences"], count=shown["licences"]),
        "devices": ngettext("{count} computer", "{count} computers", counts["devices"], count=shown["devices"]),
        "segments": ngettext(
            "{count} segment of time", "{count} segments of time", counts["segments"], count=shown["segments"]
        ),
        "pictures": ngettext("{count} picture", "{count} pictures", counts["pictures"], count=shown["pictures"]),
        "sealed_weeks": ngettext(
            "{count} sealed week", "{count} sealed weeks", counts["sealed_weeks"], count=shown["sealed_weeks"]
        ),
    }
    return [line for name, line in lines.items() if counts[name]]

"""The mails of a workspace: a test, what went out or did not, and each once more (W-07, W-09)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages import settings_view as view
from services.diary.pages.forms import done
from services.diary.pages.listing import page_of
from services.diary.pages.shell import framed
from services.wire.language import _

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]


@router.get("/mails", dependencies=[gate(Action.READ_MAILS)])
async def mails(request: Request, viewer: _Viewer, kind: str = "", state: str = "", page: int = 1) -> HTMLResponse:
    """What was sent, the newest first; none of its words, and never a link's secret."""
    filters = {name: value for name, value in (("kind", kind), ("state", state)) if value}
    found = await asking.some(request, viewer, "mails", **filters)
    found.sort(key=lambda one: str(one["created_at"]), reverse=True)
    zone = (await edge_of(request).people.workspace(viewer.workspace)).zone
    shown = page_of(found, page, "/mails", {"kind": kind, "state": state})
    return await framed(
        request,
        viewer,
        "mails.html",
        at="/settings",
        page=shown,
        rows=[view.mail_row(one, zone) for one in shown.items],
        kinds=view.kinds(),
        states=view.states(),
        asked={"kind": kind, "state": state},
    )


@router.post("/mails/test", dependencies=[gate(Action.CREATE_MAILS)])
async def test(request: Request, viewer: _Viewer) -> Response:
    """A mail to whoever asks, to see whether mails arrive."""
    made = await asking.create(request, viewer, "mails", {"kind": "test"})
    return done("/mails", _("A test is on its way to {address}.", address=made["to"]))


@router.post("/mails/{id}/again", dependencies=[gate(Action.CHANGE_MAILS)])
async def again(request: Request, id: str, viewer: _Viewer) -> Response:
    """Sends a mail once more, with a new link."""
    changed = await asking.change(request, viewer, "mails", id, {"state": "waiting"})
    return done("/mails", _("The mail to {address} goes out again.", address=changed["to"]))

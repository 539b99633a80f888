"""Members by the file: the form, the progress, and the lines that were bad (W-03)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.diary.access import Action, Viewer
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages.forms import Form, done, read_form, show
from services.diary.pages.people_view import bad_line
from services.diary.pages.shell import framed
from services.diary.tables import to_csv
from services.kit.problems import Problem, invalid
from services.wire.imports import MAX_BYTES, ImportMembers, pack
from services.wire.language import ENGLISH, LANGUAGES, _, speaking

router = APIRouter(include_in_schema=False)
_Viewer = Annotated[Viewer, Depends(current_viewer)]
_SLACK = 16 * 1024
"""What a form has besides its file."""
_EXAMPLE = (("email", "name", "role", "team", "zone"), ("ada@example.com", "Ada Lind", "employee", "", "Europe/Oslo"))


@router.get("/people/import", dependencies=[gate(Action.CREATE_IMPORTS)])
async def form(request: Request, viewer: _Viewer) -> HTMLResponse:
    """Asks for the file, and says what it is to look like."""
    return await _form(request, viewer, Form({"invite": True}))


async def _form(request: Request, viewer: Viewer, form: Form, status: int = 200) -> HTMLResponse:
    teams = [one["name"] for one in await asking.some(request, viewer, "teams") if not one["archived"]]
    earlier = (await asking.some(request, viewer, "imports"))[::-1][:10]
    more: dict[str, Any] = {"form": form, "teams": sorted(teams, key=str.casefold), "earlier": earlier}
    more["languages"] = list(LANGUAGES)
    return await framed(request, viewer, "people_import.html", at="/people", status=status, **more)


@router.get("/people/import/example.csv", dependencies=[gate(Action.CREATE_IMPORTS)])
async def example() -> Response:
    """A file to begin with."""
    return _csv("members-example.csv", to_csv(_EXAMPLE[0], _EXAMPLE[1:]))


@router.post("/people/import", dependencies=[gate(Action.CREATE_IMPORTS)])
async def upload(request: Request, viewer: _Viewer) -> Response:
    """Takes the file; its page shows how far it is."""
    values = {"invite": False}
    try:
        sent = await read_form(request, MAX_BYTES + _SLACK)
        values["invite"] = sent.ticked("invite")
        file = await sent.file("file")
        if file is None:
            raise invalid(_("file: choose a file"), field="file")
        made = await _begin(request, viewer, *file, values["invite"])
    except Problem as problem:
        return await _form(request, viewer, Form.refused(values, _at_file(problem), ("file",)), problem.status)
    return done(f"/people/imports/{made['id']}")


async def _begin(request: Request, viewer: Viewer, name: str, content: bytes, invite: bool) -> dict[str, Any]:
    try:
        packed = pack(content)
    except ValueError as error:
        raise Problem(413, "too-large", _("This file is too large."), _("Send it in several parts.")) from error
    asked = ImportMembers(
        principal=viewer.principal, name=name, content=packed, invite=invite, address=client_address(request)
    )
    made: dict[str, Any] = await edge_of(request).bus.ask("licensing", "import_members", asked, timeout=15.0)
    return made


def _at_file(problem: Problem) -> Problem:
    if problem.status in (413, 422):
        problem.extra["field"] = "file"
        problem.detail = problem.detail.removeprefix("the file: ")
    return problem


@router.get("/people/imports/{id}", dependencies=[gate(Action.READ_IMPORTS)])
async def progress(request: Request, id: str, viewer: _Viewer) -> HTMLResponse:
    """How far an import is, and the lines that were bad; asked for again by the page while it runs."""
    found = await asking.one(request, viewer, "imports", id)
    view: dict[str, Any] = {"import": found, "bad": [bad_line(one) for one in found["errors"][:200]]}
    if request.headers.get("hx-request") == "true":
        return show(request, "people_progress.html", **view)
    return await framed(request, viewer, "people_imported.html", at="/people", **view)


@router.get("/people/imports/{id}/bad.csv", dependencies=[gate(Action.READ_IMPORTS)])
async def bad(request: Request, id: str, viewer: _Viewer) -> Response:
    """The bad lines, for a spreadsheet."""
    found = await asking.one(request, viewer, "imports", id)
    with speaking(ENGLISH):  # a file is for programs too
        lines = [bad_line(one) for one in found["errors"]]
    rows = [[one["line"], one["why"], one["advice"]] for one in lines]
    return _csv("bad-lines.csv", to_csv(("line", "why it was refused", "what to do"), rows))


def _csv(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

"""What is done on the page of a day, each in a dialogue that says first what will come of it (S-04, S-05, S-08, M-03).

Every one is a fragment for the page's one ``<dialog>``. Sent without ``sure`` it is asked for; with it, it is done: the
answer is empty and says ``daybook:edited`` (static/editing.js), or the dialogue again with the words of the refusal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary import changes, days
from services.diary.access import Action, can
from services.diary.edge import edge_of, gate
from services.diary.manual import ManualTime
from services.diary.pages import manual_view, memo_view, removal_view
from services.diary.pages.formatting import long_day, with_clocks, zone_name
from services.diary.pages.forms import Form, Sent, read_form, said
from services.diary.pages.grid import grid_of
from services.diary.pages.reading import Place, contract_titles, page_of_day, place_at
from services.diary.pages.render import render
from services.kit.problems import Problem, forbidden, not_found
from services.wire.language import N_, _, again, ngettext

router = APIRouter(include_in_schema=False)
_SomePlace = Annotated[Place, Depends(place_at)]
_Segments = list[dict[str, Any]]
_REFUSED = (403, 409, 422)


# memo and label -----------------------------------------------------------------------------------------------------


@router.post("/diary/{member}/{date}/note", dependencies=[gate(Action.CHANGE_LABEL)])
async def note(request: Request, place: _SomePlace) -> Response:
    """Memo and label of some segments (S-04, S-12)."""
    if not (place.rights.memo or place.rights.label):
        raise forbidden()
    sent = await read_form(request)
    segments = await _segments(request, place, sent)
    if not sent.ticked("sure"):
        return await memo_dialog(request, place, segments, sent.text("focus"))
    changed = memo_view.changes_of(sent, memo=place.rights.memo, label=place.rights.label)
    try:
        if changed:
            await changes.note(edge_of(request), place.viewer, place.member, _ids(segments), changed)
    except Problem as problem:
        values = {name: sent.text(name) for name in ("memo", "memo_was", "label")} | {"clear": sent.ticked("clear")}
        return await memo_dialog(request, place, segments, "", refused(values, problem, place), problem.status)
    words = ngettext("Changed {number} segment.", "Changed {number} segments.", len(segments))
    return _done(words if changed else "")


async def memo_dialog(
    request: Request,
    place: Place,
    segments: _Segments,
    focus: str,
    form: Form | None = None,
    status: int = 200,
    href: str = "",
    sent: tuple[str, str] | None = None,
) -> HTMLResponse:
    """The dialogue for memo and label of some segments; ``sent`` to ``href`` says which they are, else their ids."""
    known = await edge_of(request).people.contracts(place.viewer.workspace)
    view = memo_view.memo_view(segments, {one["contract"]: one for one in known}, focus, form)
    what = {"href": href or place.paths.to("note"), "sent": sent or ("segment", view.ids)}
    return HTMLResponse(render("dialog_memo.html", view=view, page=page_of_day(place), **what), status)


# time that goes, and pictures alone ---------------------------------------------------------------------------------


@router.post("/diary/{member}/{date}/removal", dependencies=[gate(Action.REMOVE_PICTURE)])
async def removal(request: Request, place: _SomePlace) -> Response:
    """Segments with their pictures, or one picture with what goes with it (S-08)."""
    edge, sent = edge_of(request), await read_form(request)
    capture = sent.text("capture")
    segments = await (_of_capture(request, place, capture) if capture else _segments(request, place, sent))
    what: Mapping[str, Any] = {"captures": [capture]} if capture else {"segments": _ids(segments)}
    try:
        if sent.ticked("sure"):
            await changes.remove(edge, place.viewer, place.member, reason=sent.some("reason"), **what)
            return _done(_("Deleted, and recorded."), sent.text("back"))
        loss = await changes.remove(edge, place.viewer, place.member, dry_run=True, **what)
    except Problem as problem:
        return stopped(problem, place)
    titles = await contract_titles(edge, place.viewer)
    workspace = await edge.people.workspace(place.viewer.workspace)
    span = removal_view.span_of(segments, _clocks(place, segments), titles)
    view = removal_view.removal_view(loss, titles, workspace.deletion_rule, span)
    return ask(view, place.paths.to("removal"), what, back=sent.text("back"), reason=True)


@router.post("/diary/{member}/{date}/pictures/removal", dependencies=[gate(Action.REMOVE_PICTURE)])
async def remove_pictures(request: Request, place: _SomePlace) -> Response:
    """An admin deletes pictures alone: the time stays (S-08, M-03)."""
    edge, sent = edge_of(request), await read_form(request)
    captures = await _captures(request, place, sent)
    if not sent.ticked("sure"):
        view = removal_view.pictures_view(len(captures), place.name, blur=False)
        href, back = place.paths.to("pictures/removal"), sent.text("back")
        return ask(view, href, {"captures": captures}, back=back, reason=True)
    try:
        await changes.remove_captures(edge, place.viewer, captures, sent.some("reason"))
    except Problem as problem:
        return stopped(problem, place)
    words = ngettext(
        "Deleted {number} picture, and recorded.", "Deleted {number} pictures, and recorded.", len(captures)
    )
    return _done(words, sent.text("back"))


@router.post("/diary/{member}/{date}/pictures/blur", dependencies=[gate(Action.BLUR_PICTURE)])
async def blur(request: Request, place: _SomePlace) -> Response:
    """An admin blurs pictures afterwards, for good (M-03)."""
    edge, sent = edge_of(request), await read_form(request)
    captures = await _captures(request, place, sent)
    if not sent.ticked("sure"):
        view = removal_view.pictures_view(len(captures), place.name, blur=True)
        href, back = place.paths.to("pictures/blur"), sent.text("back")
        return ask(view, href, {"captures": captures}, back=back, reason=False)
    try:
        await changes.blur(edge, place.viewer, captures)
    except Problem as problem:
        return stopped(problem, place)
    words = ngettext("Blurred {number} picture, for good.", "Blurred {number} pictures, for good.", len(captures))
    return _done(words, sent.text("back"))


# manual time --------------------------------------------------------------------------------------------------------


@router.get("/diary/{member}/{date}/manual", dependencies=[gate(Action.ADD_TIME)])
async def manual(request: Request, place: _SomePlace) -> HTMLResponse:
    """The dialogue for manual time (S-05)."""
    return await _manual_dialog(request, place, Form({"kind": "work"}))


@router.post("/diary/{member}/{date}/manual", dependencies=[gate(Action.ADD_TIME)])
async def add_manual(request: Request, place: _SomePlace) -> Response:
    """Enters manual time; the words at their fields where it does not fit."""
    sent = await read_form(request)
    fields = ("contract", "kind", "start", "end", "reason", "memo", "label")
    try:
        body = manual_view.body_of(sent, date.fromisoformat(place.date), place.zones.zone)
        await changes.add_manual(edge_of(request), place.viewer, place.member, ManualTime(**body))
    except Problem as problem:
        form = refused({name: sent.text(name) for name in fields}, problem, place)
        return await _manual_dialog(request, place, form, problem.status)
    return _done(_("Added manual time."))


async def _manual_dialog(request: Request, place: Place, form: Form, status: int = 200) -> HTMLResponse:
    known = await edge_of(request).people.contracts(place.viewer.workspace)
    found = manual_view.contracts_for(known, place.member, place.date)
    labels = sorted({label for one in found for label in one["labels"]}, key=str.casefold)
    text = render(
        "dialog_manual.html",
        page=page_of_day(place),
        title=long_day(date.fromisoformat(place.date)),
        zone=zone_name(place.zones.zone.key),
        form=form,
        contracts=[(one["contract"], one["project"]) for one in found],
        kinds=[(kind, again(name)) for kind, name in manual_view.KINDS],
        labels=[("", _("No label")), *((one, one) for one in labels)] if labels else [],
        may_change=can(place.viewer, Action.CHANGE_CONTRACTS),
    )
    return HTMLResponse(text, status)


# what they have in common -------------------------------------------------------------------------------------------


async def _day(request: Request, place: Place) -> dict[str, Any]:
    return await days.read_day(edge_of(request), place.viewer, place.member, place.date, place.zones.zone.key)


async def _segments(request: Request, place: Place, sent: Sent) -> _Segments:
    """The day's segments that were selected; 404 where one is not there (any more)."""
    wanted = {id for value in sent.many("segment") for id in value.split()}
    found = [one for one in (await _day(request, place))["segments"] if one["segment_id"] in wanted]
    if not wanted or len(found) < len(wanted):
        raise not_found(N_("segment"))
    return found


async def _of_capture(request: Request, place: Place, capture: str) -> _Segments:
    segments = (await _day(request, place))["segments"]
    found = [one for one in segments if any(shot["capture_id"] == capture for shot in one["captures"])]
    if not found:
        raise not_found(N_("picture"))
    return found


async def _captures(request: Request, place: Place, sent: Sent) -> list[str]:
    """The pictures that are named, or those of the selected segments that are still there."""
    if named := [id for value in sent.many("capture") for id in value.split()]:
        return named
    found = await _segments(request, place, sent)
    captures = [one["capture_id"] for segment in found for one in segment["captures"] if one["state"] != "removed"]
    if not captures:
        raise not_found(N_("picture"))
    return captures


def _ids(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["segment_id"] for one in segments]


def _clocks(place: Place, segments: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    grid = grid_of(date.fromisoformat(place.date), place.zones.zone)
    places = sorted(found for one in segments if (found := grid.place(one["slot"])))
    return places[0].clock, places[-1].end


def ask(
    view: removal_view.Removal, href: str, what: Mapping[str, Sequence[str]], *, back: str, reason: bool
) -> HTMLResponse:
    """The question before something goes: what is lost, and ``what`` is sent again with the answer."""
    name, ids = next(iter(what.items()))
    keep = _("Keep it") if len(ids) == 1 and name != "contracts" else _("Keep them")
    text = render(
        "dialog_removal.html",
        view=view,
        href=href,
        what=name.removesuffix("s"),
        ids=" ".join(ids),
        back=back,
        keep=keep,
        reason=reason,
        form=Form(),
    )
    return HTMLResponse(text)


def refused(values: Mapping[str, Any], problem: Problem, place: Place) -> Form:
    """The form of a dialogue again, with the words of the refusal."""
    if problem.status not in _REFUSED:
        raise problem
    form = Form.refused(values, problem)
    return replace(form, notice=with_clocks(form.notice, place.zones.zone))


def stopped(problem: Problem, place: Place) -> HTMLResponse:
    """The dialogue where it cannot be done: what stands against it, and the way out."""
    if problem.status not in (*_REFUSED, 404):
        raise problem
    title, detail = problem.words
    detail = with_clocks(detail, place.zones.zone)
    return HTMLResponse(render("dialog_stopped.html", title=title, detail=detail), problem.status)


def _done(words: str, back: str = "") -> Response:
    """Done: the page takes it from here; from the page of a picture, back to ``back`` of this site."""
    response = Response(status_code=204, headers={"HX-Trigger": "daybook:edited"})
    if back.startswith("/diary/") and "//" not in back and back.isprintable():
        response = Response(status_code=200, headers={"HX-Redirect": back})
    return said(response, words) if words else response

"""What is done to all the time of several days at once, as on the page of a day: first said, then done (S-04, S-08).

Of more segments than ``changes.AT_ONCE`` it goes on behind the answer, and the dialogue shows how far it is (S-12):
first while it is counted what would go, then while it goes. Whatever comes of it is whole, or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary import changes, days
from services.diary.access import Action
from services.diary.api.bodies import identifier
from services.diary.changes import Span
from services.diary.edge import edge_of, gate
from services.diary.pages import memo_view, removal_view
from services.diary.pages.editing import ask, memo_dialog, refused, stopped
from services.diary.pages.forms import Form, Sent, read_form, sent_on
from services.diary.pages.range_view import days_between, span_words
from services.diary.pages.reading import Place, contract_titles, place_at
from services.diary.pages.render import render
from services.diary.pages.week_reading import read_days
from services.kit.problems import Problem, forbidden, not_found
from services.wire.language import N_, _, again, ngettext
from services.wire.slots import format_instant, midnight

router = APIRouter(include_in_schema=False)
_SomePlace = Annotated[Place, Depends(place_at)]
_Doing = Literal["loss", "removal", "note"]
_TITLES: Mapping[str, str] = {
    "loss": N_("Counting what would be deleted"),
    "removal": N_("Deleting"),
    "note": N_("Changing memo and label"),
}
_DONE: Mapping[str, str] = {"removal": N_("Deleted, and recorded."), "note": N_("Changed.")}


@dataclass(frozen=True)
class Range:
    """The days of a diary from ``place.date`` to ``last``, on one contract or on all of them."""

    place: Place
    last: date
    contract: str | None

    @property
    def first(self) -> date:
        """The first day."""
        return date.fromisoformat(self.place.date)

    @property
    def span(self) -> Span:
        """The same as instants."""
        zone = self.place.zones.zone
        ends = midnight(self.first, zone), midnight(self.last + timedelta(days=1), zone)
        return Span(format_instant(ends[0]), format_instant(ends[1]), self.contract)

    def to(self, step: str) -> str:
        """The address of a step."""
        return self.place.paths.over(self.last.isoformat(), step)


def _range(place: Place, to: str, contract: str | None) -> Range:
    last = days.read_date(to, "to")
    days_between(date.fromisoformat(place.date), last)
    return Range(place, last, identifier(contract, "contract") if contract else None)


@router.post("/diary/{member}/{date}/range/note", dependencies=[gate(Action.CHANGE_LABEL)])
async def note(request: Request, place: _SomePlace, to: str) -> Response:
    """Memo and label of all segments of these days (S-04, S-12)."""
    rights, edge, sent = place.rights, edge_of(request), await read_form(request)
    if not (rights.memo or rights.label):
        raise forbidden()
    chosen = _range(place, to, sent.some("contract"))
    if not sent.ticked("sure"):
        return await _memo_dialog(request, chosen)
    changed = memo_view.changes_of(sent, memo=rights.memo, label=rights.label)
    try:
        found = await changes.note(edge, place.viewer, place.member, chosen.span, changed) if changed else {}
    except Problem as problem:
        return await _memo_dialog(request, chosen, refused(_typed(sent), problem, place), problem.status)
    return _progress(chosen, "note", found) if "operation" in found else _finished(chosen, "note")


def _typed(sent: Sent) -> dict[str, Any]:
    return {name: sent.text(name) for name in ("memo", "memo_was", "label")} | {"clear": sent.ticked("clear")}


async def _memo_dialog(request: Request, chosen: Range, form: Form | None = None, status: int = 200) -> HTMLResponse:
    segments, sent = await _segments(request, chosen), ("contract", chosen.contract or "")
    return await memo_dialog(request, chosen.place, segments, "", form, status, chosen.to("note"), sent)


async def _segments(request: Request, chosen: Range) -> list[dict[str, Any]]:
    place, number = chosen.place, days_between(chosen.first, chosen.last)
    found = await read_days(edge_of(request), place.viewer, place.member, chosen.first, number, place.zones.zone.key)
    segments = [one for day in found for one in day["segments"] if chosen.contract in (None, one["contract"])]
    if not segments:
        raise not_found(N_("segment"))
    return segments


@router.post("/diary/{member}/{date}/range/removal", dependencies=[gate(Action.REMOVE_TIME)])
async def removal(request: Request, place: _SomePlace, to: str) -> Response:
    """All time of these days, with its pictures (S-08, S-12)."""
    edge, sent = edge_of(request), await read_form(request)
    if not place.rights.remove:
        raise forbidden()
    chosen, sure = _range(place, to, sent.some("contract")), sent.ticked("sure")
    what: dict[str, Any] = {"segments": chosen.span, "reason": sent.some("reason"), "dry_run": not sure}
    try:
        found = await changes.remove(edge, place.viewer, place.member, **what)
    except Problem as problem:
        return stopped(problem, place)
    doing: _Doing = "removal" if sure else "loss"
    if "operation" in found:
        return _progress(chosen, doing, found)
    return _finished(chosen, "removal") if sure else await _loss(request, chosen, found)


async def _loss(request: Request, chosen: Range, loss: Mapping[str, Any]) -> HTMLResponse:
    """What would go, to the minute, and the question."""
    edge, place = edge_of(request), chosen.place
    titles = await contract_titles(edge, place.viewer)
    workspace = await edge.people.workspace(place.viewer.workspace)
    on = (titles.get(chosen.contract) or _("Contract")) if chosen.contract else _("all contracts")
    segments = ngettext("{number} segment", "{number} segments", len(loss["segments"]))
    span = f"{span_words(chosen.first, chosen.last)}, {on}, {segments}"
    view = removal_view.removal_view(loss, titles, workspace.deletion_rule, span)
    return ask(view, chosen.to("removal"), {"contracts": [chosen.contract or ""]}, back="", reason=True)


# how far it is ------------------------------------------------------------------------------------------------------


@router.get("/diary/{member}/{date}/range/progress/{operation}", dependencies=[gate(Action.READ_DIARY)])
async def progress(
    request: Request, operation: str, place: _SomePlace, to: str, doing: _Doing, contract: str = ""
) -> Response:
    """How far a change of very many segments is; at its end what came of it, in the dialogue's place."""
    chosen = _range(place, to, contract or None)
    found = await edge_of(request).operations.read(place.viewer, identifier(operation, "operation"))
    if found["state"] == "running":
        return _progress(chosen, doing, found | {"operation": found["id"]}, polled=True)
    if found["state"] == "failed":
        response: Response = _failed(found["problem"])
    elif doing == "loss":
        response = await _loss(request, chosen, found["answer"])
    else:
        return _finished(chosen, doing)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _progress(chosen: Range, doing: _Doing, found: Mapping[str, Any], *, polled: bool = False) -> HTMLResponse:
    step = chosen.to(f"progress/{found['operation']}")
    text = render(
        "range_progress.html" if polled else "dialog_progress.html",
        title=again(_TITLES[doing]),
        href=f"{step}&doing={doing}&contract={chosen.contract or ''}",
        done=found["done"],
        total=found["total"],
        only_counted=doing == "loss",
    )
    return HTMLResponse(text)


def _failed(problem: Mapping[str, Any]) -> HTMLResponse:
    return HTMLResponse(render("dialog_stopped.html", title=again(problem["title"]), detail=again(problem["detail"])))


def _finished(chosen: Range, doing: _Doing) -> Response:
    return sent_on(chosen.place.paths.until(chosen.last.isoformat()), again(_DONE[doing]))

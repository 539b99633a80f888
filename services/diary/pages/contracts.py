"""The pages of contracts: what there is, one contract with its weeks, and the forms that change it (S-03, S-07)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary import timesheets
from services.diary.access import Action, Viewer, can
from services.diary.edge import Edge, client_address, current_viewer, edge_of, gate
from services.diary.pages import contracts_view as shown
from services.diary.pages.choosing import choice, people_of, sent_by
from services.diary.pages.contracts_reading import contracts_in_sight, member_names, one_in_sight
from services.diary.pages.devices import around
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.listing import folded, page_of
from services.diary.pages.shell import framed
from services.diary.pages.week_reading import this_week
from services.kit.problems import Problem
from services.wire.language import _
from services.wire.requests import Change, ContractVersionsOf, Create

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/contracts"
_MOST_WEEKS = 26
_MOST_VERSIONS = 20
"""Versions shown at once; the API gives all."""


@router.get("/contracts", dependencies=[gate(Action.READ_CONTRACTS)])
async def contracts(request: Request, viewer: _SomeViewer, q: str = "", page: int = 1) -> HTMLResponse:
    """All contracts in the viewer's sight with the running week; a client's home."""
    edge = edge_of(request)
    found = await contracts_in_sight(edge, viewer)
    monday = await this_week(edge, viewer.workspace)
    weeks, _ = await timesheets.listed(edge, viewer, week=monday.isoformat())
    sheets = {one["contract"]: one for one in weeks}
    names = await member_names(edge, viewer)
    today = datetime.now(UTC).date()
    rows = [shown.row_of(one, names, sheets.get(one["contract"]), monday, today) for one in found]
    rows.sort(key=lambda row: (row.ended, folded(row.project), folded(row.member)))
    return await framed(
        request,
        viewer,
        "contracts.html",
        at=_AT,
        page=page_of(shown.search(rows, q), page, _AT, {"q": q}),
        q=q,
        any=bool(rows),
        may_create=can(viewer, Action.CREATE_CONTRACTS),
        own=viewer.role == "employee",
    )


@router.get("/contracts/new", dependencies=[gate(Action.CREATE_CONTRACTS)])
async def new(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """The form of a new contract."""
    found = sent_by(request)
    return await _form(request, viewer, Form({**shown.kept(found), "currency": found.text("currency") or "EUR"}))


@router.post("/contracts/new", dependencies=[gate(Action.CREATE_CONTRACTS)])
async def create(request: Request, viewer: _SomeViewer) -> Response:
    """Makes a contract; the form again where licensing refuses it."""
    sent = await read_form(request)
    try:
        body = {"member": sent.text("member"), **shown.body_of(sent)}
        asked = Create(principal=viewer.principal, collection="contracts", body=body, address=client_address(request))
        made = await edge_of(request).bus.ask("licensing", "create", asked)
    except Problem as problem:
        return await _refused(request, viewer, sent, problem)
    return done(f"/contracts?new={made['id']}", _("{contract} is a contract now.", contract=made["project"]))


@router.get("/contracts/{id}", dependencies=[gate(Action.READ_CONTRACTS)])
async def contract(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """One contract: its terms, and its weeks against the limit (V-06)."""
    edge = edge_of(request)
    found = await one_in_sight(edge, viewer, id)
    names = await member_names(edge, viewer)
    weeks, _ = await timesheets.listed(edge, viewer, contract=found["contract"])
    versions = await _versions(edge, viewer, found["contract"])
    if versions and versions[0]["version"] > found["revision"]:  # the diary has not heard of it yet
        found = {**found, **versions[0]["contract"], "revision": versions[0]["version"]}
    _, zone = await around(request, viewer)
    return await framed(
        request,
        viewer,
        "contract.html",
        at=_AT,
        contract=found,
        member=names.get(found["member"], ""),
        client=names.get(found["client"] or "", ""),
        terms=shown.terms_of(found),
        weeks=[shown.week_row(one) for one in weeks[:_MOST_WEEKS]],
        may_change=can(viewer, Action.CHANGE_CONTRACTS),
        versions=shown.versions_of(versions[: _MOST_VERSIONS + 1], names, zone)[:_MOST_VERSIONS]
        if versions is not None
        else None,
        older=max(0, len(versions or ()) - _MOST_VERSIONS),
        labels_only=viewer.role == "client",
    )


async def _versions(edge: Edge, viewer: Viewer, contract: str) -> list[dict[str, Any]] | None:
    """A contract's versions, newest first; None while licensing does not answer: its weeks are shown all the same."""
    asked = ContractVersionsOf(principal=viewer.principal, contract=contract)
    try:
        found: list[dict[str, Any]] = (await edge.bus.ask("licensing", "contract_versions", asked))["items"]
    except Problem:
        return None
    return found


@router.get("/contracts/{id}/edit", dependencies=[gate(Action.CHANGE_CONTRACTS)])
async def edit(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """The form that changes a contract; a client's has the labels alone (S-07)."""
    found, typed = await one_in_sight(edge_of(request), viewer, id), sent_by(request)
    searched = "client_q" in request.query_params
    values = {**shown.kept(typed), "member": found["member"]} if searched else shown.values_of(found)
    return await _form(request, viewer, Form(values), found)


@router.post("/contracts/{id}/edit", dependencies=[gate(Action.CHANGE_CONTRACTS)])
async def change(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Changes a contract: from now on, and in all weeks that are not locked."""
    edge, sent = edge_of(request), await read_form(request)
    found = await one_in_sight(edge, viewer, id)
    try:
        body = {"labels": shown.labels_of(sent)} if viewer.role == "client" else shown.body_of(sent)
        asked = Change(
            principal=viewer.principal,
            collection="contracts",
            id=found["contract"],
            body=body,
            address=client_address(request),
        )
        await edge.bus.ask("licensing", "change", asked)
    except Problem as problem:
        return await _refused(request, viewer, sent, problem, found)
    return done(f"/contracts/{found['contract']}", _("The contract is changed. Open weeks are counted anew."))


async def _refused(
    request: Request, viewer: Viewer, sent: Sent, problem: Problem, found: dict[str, Any] | None = None
) -> HTMLResponse:
    if problem.status not in (409, 422):
        raise problem
    values = {**shown.kept(sent), **({"member": found["member"]} if found else {})}
    return await _form(request, viewer, Form.refused(values, problem, shown.FIELDS), found, problem.status)


async def _form(
    request: Request, viewer: Viewer, form: Form, contract: dict[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    people = await people_of(request, viewer, form.value("member"), form.value("client"))
    found = sent_by(request)
    return await framed(
        request,
        viewer,
        "contract_form.html",
        at=_AT,
        action=f"/contracts/{contract['contract']}/edit" if contract else "/contracts/new",
        status=status,
        form=form,
        contract=contract,
        whose=next((one["name"] for one in people if contract and one["member"] == contract["member"]), ""),
        member=choice("members", people, "member", form.value("member"), found.text("member_q")),
        client=choice("clients", people, "client", form.value("client"), found.text("client_q"), none=_("No client")),
        labels_only=viewer.role == "client",
    )

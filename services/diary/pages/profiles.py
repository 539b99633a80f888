"""The pages of monitoring profiles: a policy for members or teams, switched on and off (L-07)."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, can
from services.diary.edge import current_viewer, gate
from services.diary.pages import asking, policy_view
from services.diary.pages.choosing import choice, people_of, sent_by
from services.diary.pages.formatting import counted
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.shell import framed
from services.kit.problems import Problem

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/profiles"
_FIELDS = ("name", "policy", "members", "teams")


@router.get(_AT, dependencies=[gate(Action.READ_PROFILES)])
async def profiles(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """All profiles, and how many licences each puts under its policy now."""
    found = await asking.some(request, viewer, "profiles")
    named = {one["id"]: one for one in await asking.some(request, viewer, "policies")}
    licences = await asking.some(request, viewer, "licences")
    who = await _names(request, viewer)
    rows = []
    for one in sorted(found, key=lambda one: (not one["enabled"], str(one["name"]).casefold())):
        policy = named.get(one["policy"])
        under = sum(licence["profile"] == one["id"] for licence in licences)
        concerned = [who[id] for id in (*one["teams"], *one["members"]) if id in who]
        short = policy_view.short_of(policy["policy"]) if policy else ""
        rows.append({"one": one, "policy": policy, "short": short, "under": under, "who": concerned})
    may_change = can(viewer, Action.CHANGE_PROFILES)
    return await framed(request, viewer, "profiles.html", at="/policies", rows=rows, may_change=may_change)


@router.get("/profiles/new", dependencies=[gate(Action.CREATE_PROFILES)])
async def new(request: Request, viewer: _SomeViewer) -> HTMLResponse:
    """The form of a new profile."""
    typed = _body(sent_by(request))
    searched = "members_q" in request.query_params
    return await _form(request, viewer, Form(typed if searched else {**typed, "enabled": True}))


@router.post("/profiles/new", dependencies=[gate(Action.CREATE_PROFILES)])
async def create(request: Request, viewer: _SomeViewer) -> Response:
    """Makes a profile; whoever it names works under its policy, told first of what is more (G-01)."""
    sent = await read_form(request)
    try:
        made = await asking.create(request, viewer, "profiles", _body(sent))
    except Problem as problem:
        return await _refused(request, viewer, sent, problem)
    return done(_AT, f"{made['name']} is {'on' if made['enabled'] else 'kept, and off'}.")


@router.get("/profiles/{id}", dependencies=[gate(Action.CHANGE_PROFILES)])
async def edit(request: Request, id: str, viewer: _SomeViewer) -> HTMLResponse:
    """The form that changes a profile."""
    found = await asking.one(request, viewer, "profiles", id)
    searched = "members_q" in request.query_params
    return await _form(request, viewer, Form(_body(sent_by(request)) if searched else found), found)


@router.post("/profiles/{id}", dependencies=[gate(Action.CHANGE_PROFILES)])
async def change(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Changes a profile: its policy, whom it is for, on or off."""
    found, sent = await asking.one(request, viewer, "profiles", id), await read_form(request)
    try:
        await asking.change(request, viewer, "profiles", id, _body(sent))
    except Problem as problem:
        return await _refused(request, viewer, sent, problem, found)
    return done(_AT, f"{sent.text('name')} is changed.")


@router.post("/profiles/{id}/switch", dependencies=[gate(Action.CHANGE_PROFILES)])
async def switch(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Turns a profile on or off; whom it named goes back to the policy of their own licence."""
    on = (await read_form(request)).text("enabled") == "yes"
    changed = await asking.change(request, viewer, "profiles", id, {"enabled": on})
    return done(_AT, f"{changed['name']} is {'on' if on else 'off: the licences’ own policies hold again'}.")


def _body(sent: Sent) -> dict[str, Any]:
    return {
        "name": sent.text("name"),
        "policy": sent.text("policy"),
        "members": sent.many("members"),
        "teams": sent.many("teams"),
        "enabled": sent.ticked("enabled"),
    }


async def _refused(
    request: Request, viewer: Viewer, sent: Sent, problem: Problem, found: Mapping[str, Any] | None = None
) -> HTMLResponse:
    if problem.status not in (404, 409, 422):
        raise problem
    return await _form(request, viewer, Form.refused(_body(sent), problem, _FIELDS), found, problem.status)


async def _names(request: Request, viewer: Viewer) -> dict[str, str]:
    """The names of teams and members by id."""
    teams = {one["id"]: f"team {one['name']}" for one in await asking.some(request, viewer, "teams")}
    return teams | {one["id"]: str(one["name"]) for one in await asking.some(request, viewer, "members")}


async def _form(
    request: Request, viewer: Viewer, form: Form, found: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    policies = await asking.some(request, viewer, "policies")
    members = await people_of(request, viewer)
    chosen_ones, q = form.value("members") or (), sent_by(request).text("members_q")
    teams = await asking.some(request, viewer, "teams")
    chosen = [(one["id"], f"{one['name']}: {policy_view.short_of(one['policy'])}") for one in policies]
    here = [one for one in members if not one["archived"] and one["role"] != "client"]
    return await framed(
        request,
        viewer,
        "profile_form.html",
        at="/policies",
        status=status,
        form=form,
        profile=found,
        policies=[("", "Choose"), *sorted(chosen, key=lambda one: one[1].casefold())],
        members=choice("members", members, "members", chosen_ones, q, many=True),
        teams=[(one["id"], one["name"], counted(sum(m["team"] == one["id"] for m in here), "member")) for one in teams],
    )

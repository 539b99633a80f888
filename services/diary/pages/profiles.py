"""The pages of monitoring profiles: a policy for members or teams, switched on and off (L-07)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, can
from services.diary.edge import current_viewer, gate
from services.diary.pages import asking, policy_view
from services.diary.pages.choosing import choice, people_of, sent_by
from services.diary.pages.forms import Form, Sent, done, read_form
from services.diary.pages.listing import Page, folded, page_of, search
from services.diary.pages.shell import framed
from services.kit.problems import Problem
from services.wire.language import _, ngettext

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
    if made["enabled"]:
        return done(_AT, _("{profile} is on.", profile=made["name"]))
    return done(_AT, _("{profile} is kept, and off.", profile=made["name"]))


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
        await asking.change(request, viewer, "profiles", id, await _changed(request, viewer, found, sent))
    except Problem as problem:
        return await _refused(request, viewer, sent, problem, found)
    return done(_AT, _("{name} is changed.", name=sent.text("name")))


@router.post("/profiles/{id}/members", dependencies=[gate(Action.CHANGE_PROFILES)])
async def change_members(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Adds members to a profile and takes others out, however many it names."""
    sent = await read_form(request)
    body = {"add_members": sent.many("add"), "remove_members": sent.many("remove")}
    try:
        await asking.change(request, viewer, "profiles", id, body)
    except Problem as problem:
        problem.extra["field"] = "add"
        found = await asking.one(request, viewer, "profiles", id)
        form = Form.refused({**found, "add": sent.many("add")}, problem, (*_FIELDS, "add"))
        return await _form(request, viewer, form, found, problem.status)
    return done(f"/profiles/{id}#members", _moved(len(body["add_members"]), len(body["remove_members"])))


def _moved(added: int, out: int) -> str:
    words = [
        *([ngettext("{number} member added", "{number} members added", added)] if added else []),
        *([ngettext("{number} member taken out", "{number} members taken out", out)] if out else []),
    ]
    return f"{', '.join(words)}." if words else _("Nobody was chosen.")


@router.post("/profiles/{id}/switch", dependencies=[gate(Action.CHANGE_PROFILES)])
async def switch(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """Turns a profile on or off; whom it named goes back to the policy of their own licence."""
    on = (await read_form(request)).text("enabled") == "yes"
    changed = await asking.change(request, viewer, "profiles", id, {"enabled": on})
    if on:
        return done(_AT, _("{profile} is on.", profile=changed["name"]))
    return done(_AT, _("{profile} is off: the licences’ own policies hold again.", profile=changed["name"]))


def _body(sent: Sent) -> dict[str, Any]:
    return {
        "name": sent.text("name"),
        "policy": sent.text("policy"),
        "members": sent.many("members"),
        "teams": sent.many("teams"),
        "enabled": sent.ticked("enabled"),
    }


async def _changed(request: Request, viewer: Viewer, found: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
    """What the form changes. Of its lists what was ticked and unticked alone: who is not offered (an archived member,
    one of very many) stays as they are.
    """
    body = _body(sent)
    ticked = {name: body.pop(name) for name in ("members", "teams")}
    offered = choice("members", await people_of(request, viewer), "members", found["members"], many=True)
    there = {"teams": {one["id"] for one in await asking.some(request, viewer, "teams")}}
    there |= {"members": set() if offered.searched else {id for id, _ in offered.options}}
    for name, ids in ticked.items():
        body[f"add_{name}"] = [one for one in ids if one not in found[name]]
        body[f"remove_{name}"] = [one for one in found[name] if one in there[name] and one not in ids]
    return body


async def _refused(
    request: Request, viewer: Viewer, sent: Sent, problem: Problem, found: Mapping[str, Any] | None = None
) -> HTMLResponse:
    if problem.status not in (404, 409, 422):
        raise problem
    return await _form(request, viewer, Form.refused(_body(sent), problem, _FIELDS), found, problem.status)


async def _names(request: Request, viewer: Viewer) -> dict[str, str]:
    """The names of teams and members by id."""
    teams = {one["id"]: _("team {team}", team=one["name"]) for one in await asking.some(request, viewer, "teams")}
    return teams | {one["id"]: str(one["name"]) for one in await asking.some(request, viewer, "members")}


async def _form(
    request: Request, viewer: Viewer, form: Form, found: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    policies = await asking.some(request, viewer, "policies")
    members = await people_of(request, viewer)
    asked = sent_by(request)
    chosen_ones, q = form.value("members") or (), asked.text("members_q")
    teams = await asking.some(request, viewer, "teams")
    chosen = [(one["id"], f"{one['name']}: {policy_view.short_of(one['policy'])}") for one in policies]
    named = _named(request, found, members) if found else None
    others = [one for one in members if not found or one["member"] not in found["members"]]
    here = [one for one in members if not one["archived"] and one["role"] != "client"]
    return await framed(
        request,
        viewer,
        "profile_form.html",
        at="/policies",
        status=status,
        form=form,
        profile=found,
        policies=[("", _("Choose")), *sorted(chosen, key=lambda one: one[1].casefold())],
        members=choice("members", members, "members", chosen_ones, q, many=True),
        named=named,
        q=request.query_params.get("q", "")[:100],
        add=choice("members", others, "add", form.value("add") or asked.many("add"), asked.text("add_q"), many=True),
        teams=[(one["id"], one["name"], _members(sum(m["team"] == one["id"] for m in here))) for one in teams],
    )


def _members(count: int) -> str:
    return ngettext("{number} member", "{number} members", count)


def _named(request: Request, found: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> Page:
    """A page of the members that a profile names, by name, narrowed by ``q``."""
    q, number, named = (
        request.query_params.get("q", "")[:100],
        request.query_params.get("page", ""),
        set(found["members"]),
    )
    fit = search([one for one in members if one["member"] in named], q, ("name", "email"))
    rows = sorted(fit, key=lambda one: folded(str(one["name"])))
    at = int(number) if number.isdecimal() and len(number) < 6 else 1
    return page_of(rows, at, f"{_AT}/{found['id']}", {"q": q})

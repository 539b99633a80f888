"""The pages of notices: what I am told is recorded of me, and who has read theirs (G-01)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer
from services.diary.edge import current_viewer, gate
from services.diary.pages import asking
from services.diary.pages.device_view import mode_name
from services.diary.pages.devices import around
from services.diary.pages.formatting import dated, listed
from services.diary.pages.forms import done
from services.diary.pages.listing import page_of
from services.diary.pages.shell import framed
from services.diary.policies import as_kept
from services.wire import widening, words
from services.wire.language import _, ngettext

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
_AT = "/notices"


class Notice(NamedTuple):
    """A notice as its member, or whoever looks after them, reads it; ``by`` says where it was acknowledged."""

    id: str
    member: str
    changes: Sequence[str]
    policy: str
    at: str
    read_at: str
    by: str
    reached: str


class Held(NamedTuple):
    """What is recorded of me, in full, and under what: licences that say the same stand together."""

    mode: str
    computers: str
    policies: str
    sentences: list[words.Sentence]


@router.get(_AT, dependencies=[gate(Action.READ_NOTICES)])
async def notices(request: Request, viewer: _SomeViewer, page: int = 1, all: str = "") -> HTMLResponse:
    """One's own notices, what is recorded of oneself in full, and for leads who has read theirs."""
    names, zone = await around(request, viewer)
    found = sorted(await asking.some(request, viewer, "notices"), key=lambda one: str(one["created_at"]), reverse=True)
    computers = await asking.some(request, viewer, "devices")
    devices = {one["id"]: str(one["name"]) for one in computers}
    shown = [(one, _notice(one, names, devices, zone)) for one in found]
    mine = [notice for one, notice in shown if one["member"] == viewer.member]
    others = [notice for one, notice in shown if one["member"] != viewer.member]
    waiting = [notice for notice in others if not notice.read_at]
    return await framed(
        request,
        viewer,
        "notices.html",
        at=_AT,
        unread=[notice for notice in mine if not notice.read_at],
        read=[notice for notice in mine if notice.read_at],
        held=await _held(request, viewer, computers),
        leads=viewer.role != "employee",
        page=page_of(others if all else waiting, page, _AT, {"all": all}),
        all=all,
        waiting=len(waiting),
        others=len(others),
    )


@router.post("/notices/{id}", dependencies=[gate(Action.CHANGE_NOTICES)])
async def acknowledge(request: Request, id: str, viewer: _SomeViewer) -> Response:
    """I have read it."""
    await asking.change(request, viewer, "notices", id, {"acknowledged": True})
    return done(_AT, _("Your acknowledgement is recorded."))


async def _held(request: Request, viewer: Viewer, computers: Sequence[Mapping[str, Any]]) -> list[Held]:
    """What the licences of the reader record, by the policies that are in effect."""
    licences = await asking.some(request, viewer, "licences", member=viewer.member)
    live = [one for one in licences if one["state"] not in ("draft", "revoked", "expired")]
    policies = {one["id"]: one for one in await asking.some(request, viewer, "policies")} if live else {}
    workspace = await asking.settings(request, viewer) if live else {}
    alike: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in live:
        if policy := policies.get(one["in_effect"]):
            said = words.record_of(as_kept(policy["policy"], workspace), one["mode"])
            alike.setdefault((one["mode"], *said), []).append(one)
    return [_together(key[0], list(key[1:]), some, policies, computers) for key, some in alike.items()]


def _together(
    mode: str,
    sentences: list[words.Sentence],
    licences: Sequence[Mapping[str, Any]],
    policies: Mapping[str, Mapping[str, Any]],
    computers: Sequence[Mapping[str, Any]],
) -> Held:
    ids = {one["id"] for one in licences}
    on = sorted(str(one["name"]) for one in computers if one["licence"] in ids and not one["released_at"])
    found = {one["in_effect"]: policies[one["in_effect"]] for one in licences}
    said = sorted({(str(one["name"]), int(one["version"])) for one in found.values()})
    return Held(mode_name(mode), listed(on) if on else "", _policies(*said[0], len(said) - 1), sentences)


def _policies(name: str, version: int, others: int) -> str:
    about = {"name": name, "version": version}
    if not others:
        return _("Policy {name}, version {version}", **about)
    return ngettext(
        "Policy {name}, version {version} and {number} other that say the same",
        "Policy {name}, version {version} and {number} others that say the same",
        others,
        **about,
    )


def _notice(one: Mapping[str, Any], names: Mapping[str, str], devices: Mapping[str, str], zone: ZoneInfo) -> Notice:
    by = one["acknowledged_by"]
    reached = [devices.get(device["device"], _("another computer")) for device in one["delivered"]]
    return Notice(
        id=one["id"],
        member=names.get(one["member"], "–"),
        changes=widening.told_again(one["changes"]),
        policy=f"/policies/{one['policy']}",
        at=dated(one["created_at"], zone),
        read_at=dated(one["acknowledged_at"], zone) if one["acknowledged_at"] else "",
        by=_by(by, devices) if by else "",
        reached=", ".join(dict.fromkeys(reached)),
    )


def _by(by: str, devices: Mapping[str, str]) -> str:
    """Where a notice was acknowledged."""
    if by == "web":
        return _("on the web")
    return _("on {computer}", computer=devices[by]) if by in devices else _("on a computer")

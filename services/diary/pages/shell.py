"""What stands around every page: who is signed in, where they may go, and in which zones a day can be read.

A page of the frame is one call: ``await framed(request, viewer, "teams.html", at="/teams", …)``, with a template that
extends ``shell.html``; its line in ``ENTRIES`` is its way into everybody's navigation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.diary.access import Action, Viewer, sight
from services.diary.edge import Edge, edge_of
from services.diary.pages.formatting import zone_name
from services.diary.pages.forms import show
from services.diary.pages.listing import folded
from services.wire.language import N_, _, again

_FEW = 4


class Entry(NamedTuple):
    """A page in the navigation: under which heading, and for whom. On a phone the first ``_BAR`` that are ``often``
    stand in the bottom bar, the others behind *More*.
    """

    group: str
    href: str
    name: str
    icon: str
    roles: frozenset[str]
    often: bool = False


_ADMINS = frozenset({"owner", "admin"})
_LEADS = _ADMINS | {"manager"}
_STAFF = _LEADS | {"employee"}
_EVERYBODY = _STAFF | {"client"}
_BAR = 4

#: All pages that stand in the navigation, in their order. A page that is not built yet has no line.
ENTRIES: tuple[Entry, ...] = (
    Entry(N_("Mine"), "/", N_("Diary"), "diary", _STAFF, often=True),
    Entry(N_("Mine"), "/timesheets", N_("Timesheet"), "sheet", _STAFF, often=True),
    Entry(N_("Mine"), "/captures", N_("Captures"), "pics", _EVERYBODY),
    Entry(N_("Mine"), "/contracts", N_("Contracts"), "deal", frozenset({"employee", "client"}), often=True),
    Entry(N_("Mine"), "/devices", N_("Devices"), "mon", frozenset({"employee"})),
    Entry(N_("Mine"), "/notices", N_("Notices"), "bell", _STAFF),
    Entry(N_("Mine"), "/audit", N_("Who looked"), "shield", frozenset({"employee"})),
    Entry(N_("Mine"), "/diaries", N_("Diaries"), "eye", _LEADS | {"client"}, often=True),
    Entry(N_("Team"), "/approvals", N_("Approvals"), "check", _LEADS),
    Entry(N_("Team"), "/contracts", N_("Contracts"), "deal", _LEADS),
    Entry(N_("Workspace"), "/people", N_("People"), "people", _LEADS, often=True),
    Entry(N_("Workspace"), "/teams", N_("Teams"), "team", _LEADS),
    Entry(N_("Workspace"), "/clients", N_("Clients"), "user", _LEADS),
    Entry(N_("Workspace"), "/licences", N_("Licences"), "key", _LEADS),
    Entry(N_("Workspace"), "/policies", N_("Policies"), "file", _LEADS),
    Entry(N_("Workspace"), "/devices", N_("Devices"), "mon", _LEADS),
    Entry(N_("Workspace"), "/audit", N_("Audit"), "shield", _LEADS),
    Entry(N_("Workspace"), "/settings", N_("Settings"), "gear", _ADMINS),
)


class Link(NamedTuple):
    """Somewhere to go; ``current`` where the reader is there."""

    href: str
    name: str
    current: bool


class Way(NamedTuple):
    """An entry as it is shown to somebody; ``bar``: in the bottom bar of a phone."""

    href: str
    name: str
    icon: str
    current: bool
    bar: bool


class Group(NamedTuple):
    """A heading of the navigation, and what stands under it."""

    name: str
    ways: list[Way]


@dataclass(frozen=True)
class Shell:
    """The frame of a page: the workspace, the person, where they may go, and whose diaries they may open.

    ``others`` are the first few; all of them stand at ``/diaries``.
    """

    workspace: str
    name: str
    role: str
    groups: list[Group]
    others: list[Link]


async def framed(
    request: Request, viewer: Viewer, template: str, *, at: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page in the frame; ``at`` is the entry of the navigation that it belongs to. Shows the toast that waits."""
    shell = await shell_of(edge_of(request), viewer, at=at)
    return show(request, template, status, shell=shell, **context)


async def shell_of(edge: Edge, viewer: Viewer, member: str | None = None, *, at: str = "/") -> Shell:
    """The frame of the page at an entry, or around the diary of ``member``."""
    workspace = await edge.people.workspace(viewer.workspace)
    others = await others_of(edge, viewer, member or "")
    here = at if member in (None, viewer.member) else ""
    return Shell(
        workspace=workspace.name or _("Workspace"),
        name=viewer.principal.name,
        role=viewer.role,
        groups=groups_of(viewer.role, here),
        others=others[:_FEW],
    )


def groups_of(role: str, at: str) -> list[Group]:
    """The navigation of a role, seen from the entry ``at``. Pure."""
    mine = [one for one in ENTRIES if role in one.roles]
    bar = [one.href for one in mine if one.often][:_BAR]
    groups: dict[str, list[Way]] = {}
    for one in mine:
        way = Way(one.href, again(one.name), one.icon, one.href == at, one.href in bar)
        groups.setdefault(again(one.group), []).append(way)
    return [Group(name, ways) for name, ways in groups.items()]


async def others_of(edge: Edge, viewer: Viewer, current: str) -> list[Link]:
    """The diaries of others that the viewer may read, by name."""
    if viewer.role == "employee":
        return []
    members = await edge.people.members(viewer.workspace)
    mine = {one["member"] for one in await _with_contracts(edge, viewer)} if viewer.role == "client" else None
    seen = [one for one in members if _in_sight(viewer, one) and (mine is None or one["member"] in mine)]
    links = [Link(f"/diary/{one['member']}", one["name"], one["member"] == current) for one in seen]
    return sorted(links, key=lambda link: folded(link.name))


async def _with_contracts(edge: Edge, viewer: Viewer) -> list[dict[str, Any]]:
    return [one for one in await edge.people.contracts(viewer.workspace) if one["contract"] in viewer.contracts]


def _in_sight(viewer: Viewer, one: Mapping[str, Any]) -> bool:
    if one["member"] == viewer.member or one["archived"] or one["role"] == "client":
        return False
    return sight(viewer, Action.READ_DIARY, one["member"], one["team"]) is not None


class Zones(NamedTuple):
    """The zone a page is read in, what the address says of it (``""``: nothing), and the ways to switch."""

    zone: ZoneInfo
    query: str
    links: list[Link]


def zones_of(path: str, asked: ZoneInfo | None, choices: Iterable[tuple[str, str]], default: str) -> Zones:
    """The switch between UTC, mine, theirs and the workspace's (V-01).

    ``choices`` are (words, zone) in order; a zone that stands there already is not offered twice.
    """
    shown = asked.key if asked else default
    offered: dict[str, str] = {}
    for words, zone in (("", "UTC"), *choices):
        offered.setdefault(zone, f"{words} · {zone_name(zone)}" if words else zone)
    if shown not in offered:
        offered[shown] = zone_name(shown)
    links = [Link(with_query(path, _query(zone, default)), words, zone == shown) for zone, words in offered.items()]
    return Zones(ZoneInfo(shown), _query(shown, default), links)


def _query(zone: str, default: str) -> str:
    return "" if zone == default else f"?{urlencode({'zone': zone})}"


def with_query(path: str, query: str) -> str:
    """A path with ``?zone=…`` (or nothing) behind what it asks already."""
    return path + (query.replace("?", "&", 1) if "?" in path else query)


def today_in(zone: ZoneInfo, now: datetime) -> str:
    """Today's date in a zone."""
    return now.astimezone(zone).date().isoformat()

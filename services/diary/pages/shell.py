"""What stands around every page: who is signed in, where they may go, and in which zones a day can be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.diary.access import Action, Viewer, sight
from services.diary.edge import Edge
from services.diary.pages.formatting import zone_name

_FEW = 8


class Link(NamedTuple):
    """Somewhere to go; ``current`` where the reader is there."""

    href: str
    name: str
    current: bool


@dataclass(frozen=True)
class Shell:
    """The frame of a page: the workspace, the person, and whose diaries they may open.

    ``others`` are the first few; ``more`` says that there are further ones in the list.
    """

    workspace: str
    name: str
    role: str
    has_diary: bool
    at: str
    others: list[Link]
    others_name: str
    more: bool


async def shell_of(edge: Edge, viewer: Viewer, member: str) -> Shell:
    """The frame around the diary of ``member``."""
    workspace = await edge.people.workspace(viewer.workspace)
    others = await others_of(edge, viewer, member)
    shown = others[:_FEW] if len(others) > _FEW else others
    return Shell(
        workspace=workspace.name or "Workspace",
        name=viewer.principal.name,
        role=viewer.role,
        has_diary=viewer.role != "client",
        at="own" if member == viewer.member else "other",
        others=shown,
        others_name={"client": "Your contracts", "manager": "Team"}.get(viewer.role, "People"),
        more=len(others) > _FEW,
    )


async def others_of(edge: Edge, viewer: Viewer, current: str) -> list[Link]:
    """The diaries of others that the viewer may read, by name."""
    if viewer.role == "employee":
        return []
    members = await edge.people.members(viewer.workspace)
    mine = {one["member"] for one in await _with_contracts(edge, viewer)} if viewer.role == "client" else None
    seen = [one for one in members if _in_sight(viewer, one) and (mine is None or one["member"] in mine)]
    links = [Link(f"/diary/{one['member']}", one["name"], one["member"] == current) for one in seen]
    return sorted(links, key=lambda link: link.name.casefold())


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
    links = [Link(path + _query(zone, default), words, zone == shown) for zone, words in offered.items()]
    return Zones(ZoneInfo(shown), _query(shown, default), links)


def _query(zone: str, default: str) -> str:
    return "" if zone == default else f"?{urlencode({'zone': zone})}"


def today_in(zone: ZoneInfo, now: datetime) -> str:
    """Today's date in a zone."""
    return now.astimezone(zone).date().isoformat()

"""What a day's page reads before it can be worked out: the day, names, the proof of sync and who looked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import date as date_type
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import Depends, Request

from services.diary import audit, changes, days, presence, sync
from services.diary.access import Action, Sight, Viewer, sight
from services.diary.api.bodies import identifier
from services.diary.edge import Edge, current_viewer, edge_of
from services.diary.pages.day_view import DayView, Surroundings, day_view
from services.diary.pages.formatting import listed
from services.diary.pages.paths import Paths
from services.diary.pages.rights import Rights, rights_of
from services.diary.pages.shell import Zones, zones_of
from services.diary.weeks import state_of
from services.kit.problems import Problem
from services.wire.events import Presence
from services.wire.language import N_, _, again, ngettext, pgettext
from services.wire.slots import day_of, format_instant, midnight, parse_instant, parse_slot, slot_of, week_of

_MOST_TIMES = 4
_MOST_LOOKED_THROUGH = 2000
"""Segments on contracts that are not the viewer's, before it is given up to look for a last day."""
_EMPTY = {
    0: N_("Time appears here by itself as soon as the agent closes a segment; while offline it keeps everything."),
    -1: N_("Neither recorded nor entered by hand. What a computer still keeps appears here once it is sent."),
    1: N_("This day is still to come."),
}


@dataclass(frozen=True)
class Place:
    """Whose day is read, by whom, in which zone, what of it is in sight and what may be done to it.

    ``name`` is the member's, ``week`` the Monday of the billing week that the day begins in, which is ``locked``
    or not.
    """

    viewer: Viewer
    member: str
    date: str
    name: str
    zones: Zones
    sight: Sight
    rights: Rights
    week: str
    locked: bool

    @property
    def own(self) -> bool:
        """Whether somebody reads their own day."""
        return self.member == self.viewer.member

    @property
    def paths(self) -> Paths:
        """The addresses of this day's pages."""
        return Paths(self.member, self.date, self.zones.query)


async def place_of(edge: Edge, viewer: Viewer, member: str, date: str, zone: str | None) -> Place:
    """Where a page is; 404, 403 or 422 where there is no such day for the viewer."""
    allowed = await days.see(edge, viewer, Action.READ_DIARY, member)
    day = days.read_date(date).isoformat()
    document, mine, contracts = await asyncio.gather(
        edge.people.member(viewer.workspace, member),
        edge.people.member(viewer.workspace, viewer.member),
        edge.people.contracts(viewer.workspace),
    )
    workspace = await edge.people.workspace(viewer.workspace)
    theirs = document["zone"] if document else "UTC"
    choices = [(pgettext("time zone", "Mine"), mine["zone"] if mine else "UTC")]
    if member != viewer.member:
        choices.append((pgettext("time zone", "Theirs"), theirs))
    choices.append((_("Workspace"), workspace.zone))
    default = "UTC" if viewer.role == "client" else theirs
    asked = await days.zone_of(edge, viewer.workspace, member, zone) if zone else None
    zones = zones_of(f"/diary/{member}/{day}", asked, choices, default)
    name, team = (document["name"], document["team"]) if document else (viewer.principal.name, None)
    begins = midnight(date_type.fromisoformat(day), zones.zone)
    monday = week_of(slot_of(begins), workspace.billing)
    locked = state_of(monday, workspace.billing, workspace.lock_hour, datetime.now(UTC)) == "locked"
    rights = rights_of(viewer, member, team, contracts)
    return Place(viewer, member, day, name, zones, allowed, rights, monday.isoformat(), locked)


async def place_at(
    request: Request,
    member: str,
    date: str,
    viewer: Annotated[Viewer, Depends(current_viewer)],
    zone: str | None = None,
) -> Place:
    """The place of a request under ``/diary/{member}/{date}``."""
    return await place_of(edge_of(request), viewer, identifier(member, "member"), date, zone)


def page_of_day(place: Place, contract: str | None = None) -> Any:
    """What the templates of a day write beside the day itself; with the rights to one contract where that is all."""
    paths = place.paths
    today = datetime.now(UTC).astimezone(place.zones.zone).date().isoformat()
    empty = again(_EMPTY[(place.date > today) - (place.date < today)])
    if not place.own and place.date <= today:
        empty = _("{name} has no time that you may see on it.", name=place.name)
    return SimpleNamespace(
        whose=None if place.own else place.name,
        member=place.member,
        zones=place.zones.links,
        zone_param=place.zones.zone.key if place.zones.query else "",
        today_href=f"/diary/{place.member}{paths.query}",
        live_href=f"{paths.day}/live{paths.query}",
        changes_href=f"{paths.day}/changes{paths.query}",
        rights=place.rights.on(contract) if contract else place.rights,
        paths=paths,
        others=place.own and place.viewer.role in ("owner", "admin", "manager"),
        week=place.week,
        locked=place.locked,
        range_to=(date_type.fromisoformat(place.date) + timedelta(days=6)).isoformat(),
        empty_words=empty,
    )


async def read_view(edge: Edge, place: Place) -> DayView:
    """The view of a day, with everything that stands around it."""
    viewer = place.viewer
    day, statements, workspace, contracts = await asyncio.gather(
        days.read_day(edge, viewer, place.member, place.date, place.zones.zone.key),
        _sync(edge, place),
        edge.people.workspace(viewer.workspace),
        contract_titles(edge, viewer),
    )
    document = await edge.people.member(viewer.workspace, place.member)
    entries = await entries_of(edge, place, day)
    team = document["team"] if document else None
    around = Surroundings(
        contracts=contracts,
        devices={one["device"]: one["name"] for one in statements or () if one["name"]},
        billing_zone=workspace.billing_zone,
        paths=place.paths,
        now=datetime.now(UTC),
        sync=statements,
        looks=await _looks(edge, place, day),
        entries=entries,
        doing=await _doing(edge, place, team),
        lock_hour=workspace.lock_hour,
        movement_counts=workspace.movement_counts,
        scores=place.sight.scores,
        only_read=place.rights.only_read,
        synced=_may(place, Action.READ_SYNC, team),
        last=None if day["segments"] else await _last_day(edge, place),
    )
    return day_view(day, place.zones.zone, around)


async def _last_day(edge: Edge, place: Place) -> date_type | None:
    """The last day before this one with time that the viewer may see, which an empty day leads to; None: there is none
    or it is too far back.
    """
    head = f"{place.viewer.workspace}|{place.member}|"
    begins = format_instant(midnight(date_type.fromisoformat(place.date), place.zones.zone))
    before = {"_id": {"$gte": head, "$lt": head + begins}, "shown": {"$exists": True}}
    async for one in edge.db["segments"].find(before, {"_id": 1}).sort("_id", -1).limit(_MOST_LOOKED_THROUGH):
        _workspace, _member, slot, contract, _device = one["_id"].split("|")
        if place.sight.shows(contract):
            return day_of(parse_slot(slot), place.zones.zone)
    return None


async def entries_of(edge: Edge, place: Place, day: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The manual entries of a day by id, each with who entered it (``name``) and why (S-05); nearly always none."""
    if all(one["device"] for one in day["segments"]):
        return {}
    shown = date_type.fromisoformat(place.date)
    # entries are listed by days of the billing zone, which may begin half a day before or after
    first, last = (shown + timedelta(days=step) for step in (-1, 1))
    found = await changes.list_manual(edge, place.viewer, place.member, first.isoformat(), last.isoformat())
    names = {one["member"]: one["name"] for one in await edge.people.members(place.viewer.workspace)}
    return {one["id"]: {**one, "name": names.get(one["actor"], "")} for one in found}


async def contract_titles(edge: Edge, viewer: Viewer) -> dict[str, str]:
    """The projects of a workspace's contracts by id."""
    return {one["contract"]: one["project"] for one in await edge.people.contracts(viewer.workspace)}


async def _sync(edge: Edge, place: Place) -> list[dict[str, Any]] | None:
    try:
        return await sync.of_member(edge, place.viewer, place.member)
    except Problem:
        return None


async def _doing(edge: Edge, place: Place, team: str | None) -> dict[str, Presence] | None:
    """What the member's devices said within the last minutes; None where it is not known, or not the reader's to see
    (B-02).
    """
    if not _may(place, Action.READ_SYNC, team):
        return None
    devices = [one["device"] for one in await edge.people.devices(place.viewer.workspace, place.member)]
    try:
        found = await presence.heard(edge.bus, place.viewer.workspace, devices) if devices else {}
    except Problem:
        return None
    return {device: one.presence for device, one in found.items() if one.presence}


def _may(place: Place, action: Action, team: str | None) -> bool:
    return sight(place.viewer, action, place.member, team) is not None


def may_see_looks(place: Place) -> bool:
    """Whose day it is, and those who read the audit log (B-03, G-02)."""
    return place.own or _may(place, Action.READ_AUDIT, None)


async def _looks(edge: Edge, place: Place, day: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    if not may_see_looks(place):
        return None
    taken = {one["capture_id"]: one["at"] for segment in day["segments"] for one in segment["captures"]}
    if not taken:
        return []
    found = await audit.looks_at(edge.db, place.viewer.workspace, place.member, list(taken))
    return summed_looks(found, taken, place)


def summed_looks(entries: Iterable[Mapping[str, Any]], taken: Mapping[str, str], place: Place) -> list[dict[str, Any]]:
    """Looks by person: the pictures they opened by their times, and how many they saw small in the list of the day."""
    zone = place.zones.zone
    by_person: dict[tuple[str, str, str], dict[str, set[str]]] = {}
    last: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        person = (entry["actor_name"], entry["actor_role"], entry["actor"])
        sizes = by_person.setdefault(person, {"picture": set(), "thumbnail": set()})
        sizes.setdefault(entry["detail"] or "picture", set()).add(entry["capture"])
        last[person] = max(last.get(person, ""), entry["at"])
    looks = []
    for person, sizes in by_person.items():
        opened = sorted({f"{parse_instant(taken[one]).astimezone(zone):%H:%M}" for one in sizes["picture"]})
        said = []
        if opened:
            said.append(ngettext("Picture of {times}", "Pictures of {times}", len(opened), times=_times(opened)))
        if sizes["thumbnail"]:
            small = len(sizes["thumbnail"])
            said.append(
                ngettext(
                    "{number} thumbnail in the list of the day", "{number} thumbnails in the list of the day", small
                )
            )
        what = "; ".join(said)
        looks.append({"name": person[0], "role": person[1], "at": last[person], "what": what})
    return looks


def _times(clocks: Sequence[str]) -> str:
    if len(clocks) <= _MOST_TIMES:
        return listed(list(clocks))
    several, rest = ", ".join(clocks[:_MOST_TIMES]), len(clocks) - _MOST_TIMES
    return _("{several} and {number} more", several=several, number=rest)

"""What the pages of contracts read: the contracts in sight, and whose they are."""

from typing import Any

from services.diary.access import Action, Viewer, sight
from services.diary.api.bodies import identifier
from services.diary.edge import Edge
from services.kit.problems import not_found
from services.wire.language import N_


async def contracts_in_sight(edge: Edge, viewer: Viewer) -> list[dict[str, Any]]:
    """The contracts whose time the viewer may see, as licensing told them last."""
    teams = {one["member"]: one["team"] for one in await edge.people.members(viewer.workspace)}
    found = []
    for one in await edge.people.contracts(viewer.workspace):
        allowed = sight(viewer, Action.READ_TIMESHEET, one["member"], teams.get(one["member"]))
        if allowed is not None and allowed.shows(one["contract"]):
            found.append(one)
    return found


async def one_in_sight(edge: Edge, viewer: Viewer, contract: str) -> dict[str, Any]:
    """One of them; 404 where it is unknown, another tenant's or not in sight."""
    wanted = identifier(contract, N_("contract"))
    found = next((one for one in await contracts_in_sight(edge, viewer) if one["contract"] == wanted), None)
    if found is None:
        raise not_found(N_("contract"))
    return found


async def member_names(edge: Edge, viewer: Viewer) -> dict[str, str]:
    """The names of a workspace's members by id."""
    return {one["member"]: one["name"] for one in await edge.people.members(viewer.workspace)}

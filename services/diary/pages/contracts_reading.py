"""What the pages of contracts read: the contracts in sight, whose they are, and their weeks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from services.diary.access import Action, Viewer, sight
from services.diary.api.bodies import identifier
from services.diary.edge import Edge
from services.diary.weeks import state_of, week_key
from services.kit.mongo import prefix_range
from services.kit.problems import not_found


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
    wanted = identifier(contract, "contract")
    found = next((one for one in await contracts_in_sight(edge, viewer) if one["contract"] == wanted), None)
    if found is None:
        raise not_found("contract")
    return found


async def member_names(edge: Edge, viewer: Viewer) -> dict[str, str]:
    """The names of a workspace's members by id."""
    return {one["member"]: one["name"] for one in await edge.people.members(viewer.workspace)}


async def running_weeks(
    edge: Edge, viewer: Viewer, contracts: Sequence[str], monday: date
) -> dict[str, dict[str, Any]]:
    """The sheets of one week by contract; a contract without time in it has none."""
    keys = [week_key(viewer.workspace, one, monday.isoformat()) for one in contracts]
    found = await edge.db["weeks"].find({"_id": {"$in": keys}}, {"claims": 0, "over": 0}).to_list(None)
    return {one["contract"]: await _stated(edge, one) for one in found}


async def contract_weeks(edge: Edge, viewer: Viewer, contract: str, most: int) -> list[dict[str, Any]]:
    """The weeks of a contract that have time, newest first."""
    wanted = {"_id": prefix_range(viewer.workspace, contract)}
    found = await edge.db["weeks"].find(wanted, {"claims": 0, "over": 0}).sort("_id", -1).limit(most).to_list(most)
    return [await _stated(edge, one) for one in found]


async def _stated(edge: Edge, sheet: dict[str, Any]) -> dict[str, Any]:
    workspace = await edge.people.workspace(sheet["workspace"])
    monday = date.fromisoformat(sheet["week"])
    state = state_of(monday, workspace.billing, workspace.lock_hour, datetime.now(UTC))
    return {**sheet, "limit_minutes": sheet["terms"]["limit_minutes"], "state": state}

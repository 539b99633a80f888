"""What has arrived of a member's devices, as ingest's ledger states it (B-02)."""

from typing import Any, cast

from services.diary import days
from services.diary.access import Action, Viewer, sight
from services.diary.edge import Edge
from services.kit.problems import forbidden, not_found
from services.wire.language import N_
from services.wire.requests import SyncOf


async def of_device(edge: Edge, viewer: Viewer, device: str) -> dict[str, Any]:
    """One device's statement; 404 where it is unknown here, 403 where it is not the viewer's to see."""
    document = await edge.people.device(viewer.workspace, device)
    if document is None:
        raise not_found(N_("device"))
    member = await edge.people.member(viewer.workspace, document["member"])
    if sight(viewer, Action.READ_SYNC, document["member"], member["team"] if member else None) is None:
        raise forbidden()
    found = await _ask(edge, viewer.workspace, [device])
    if not found:
        raise not_found(N_("device"))
    return found[0]


async def of_member(edge: Edge, viewer: Viewer, member: str) -> list[dict[str, Any]]:
    """The statements of all of a member's devices, with each device's name and licence state."""
    await days.see(edge, viewer, Action.READ_SYNC, member)
    devices = {one["device"]: one for one in await edge.people.devices(viewer.workspace, member)}
    found = await _ask(edge, viewer.workspace, sorted(devices))
    return [
        {**one, "name": devices[one["device"]]["device_name"], "state": devices[one["device"]]["state"]}
        for one in found
        if one["device"] in devices
    ]


async def _ask(edge: Edge, workspace: str, devices: list[str]) -> list[dict[str, Any]]:
    if not devices:
        return []
    answer = await edge.bus.ask("ingest", "sync", SyncOf(workspace=workspace, devices=devices))
    return cast(list[dict[str, Any]], answer["devices"])

"""People, contracts, devices and workspaces as licensing last told: the projection's writes and the web's reads.

Documents: ``workspaces`` ``<workspace>|``, ``members`` ``<workspace>|<member>``, ``contracts``
``<workspace>|<contract>``, ``devices`` ``<workspace>|<device>``; each whole, by revision, so that an older telling
changes nothing.
"""

import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pymongo import UpdateOne

from services.diary.access import Viewer
from services.kit.mongo import Database, prefix_range
from services.wire.events import ContractChanged, Fact, LicenceChanged, MemberChanged, WorkspaceChanged
from services.wire.requests import Principal

_REMEMBER_SECONDS = 2.0
_REMEMBER_MOST = 20_000


@dataclass(frozen=True)
class Workspace:
    """The settings the diary computes with; ``revision`` 0 while licensing has told nothing yet."""

    revision: int = 0
    name: str = ""
    zone: str = "UTC"
    billing_zone: str = "UTC"
    lock_hour: int = 12
    billing_unit: str = "segment"
    movement_counts: bool = False
    unproductive_weight_percent: int = 50

    @classmethod
    def of(cls, document: dict[str, Any] | None) -> "Workspace":
        """The settings of a stored document, the defaults where there is none."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__}) if document else cls()

    @property
    def billing(self) -> ZoneInfo:
        """The zone weeks are cut in."""
        return ZoneInfo(self.billing_zone)


def place_of(fact: Fact) -> tuple[str, str] | None:
    """The collection and ``_id`` a telling belongs to; None where it names nothing that is kept here."""
    match fact:
        case WorkspaceChanged():
            return "workspaces", f"{fact.workspace}|"
        case MemberChanged():
            return "members", f"{fact.workspace}|{fact.member}"
        case ContractChanged():
            return "contracts", f"{fact.workspace}|{fact.contract}"
        case LicenceChanged(device=str() as device):
            return "devices", f"{fact.workspace}|{device}"
    return None


def newer(key: str, fact: Fact) -> UpdateOne:
    """Keeps the fact where its revision is above the stored one's; in one step, whatever comes at the same time."""
    told = {"_id": key, **fact.model_dump()}
    return UpdateOne(
        {"_id": key},
        [
            {
                "$replaceWith": {
                    "$cond": [
                        {"$gt": [told["revision"], {"$ifNull": ["$revision", -1]}]},
                        {"$literal": told},
                        "$$ROOT",
                    ]
                }
            }
        ],
        upsert=True,
    )


class People:
    """Reads of the web, remembered for two seconds in each replica."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[Hashable, tuple[float, Any]] = {}

    async def _remembered(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        now = time.monotonic()
        if (found := self._known.get(key)) and found[0] > now:
            return found[1]
        value = await ask()
        if len(self._known) >= _REMEMBER_MOST:
            self._known.clear()
        self._known[key] = (now + _REMEMBER_SECONDS, value)
        return value

    async def workspace(self, workspace: str) -> Workspace:
        """A workspace's settings."""
        found: Workspace = await self._remembered(("workspace", workspace), lambda: self._workspace(workspace))
        return found

    async def _workspace(self, workspace: str) -> Workspace:
        return Workspace.of(await self._db["workspaces"].find_one({"_id": f"{workspace}|"}))

    async def member(self, workspace: str, member: str) -> dict[str, Any] | None:
        """A member as licensing told last: name, email, role, team, manages, zone, archived."""
        found: dict[str, Any] | None = await self._remembered(
            ("member", workspace, member), lambda: self._db["members"].find_one({"_id": f"{workspace}|{member}"})
        )
        return found

    async def members(self, workspace: str) -> list[dict[str, Any]]:
        """All members of a workspace, archived ones too."""
        found: list[dict[str, Any]] = await self._remembered(
            ("members", workspace), lambda: self._db["members"].find({"_id": prefix_range(workspace)}).to_list(None)
        )
        return found

    async def contract(self, workspace: str, contract: str) -> dict[str, Any] | None:
        """A contract as licensing told last."""
        return next((one for one in await self.contracts(workspace) if one["contract"] == contract), None)

    async def contracts(self, workspace: str) -> list[dict[str, Any]]:
        """All contracts of a workspace."""
        found: list[dict[str, Any]] = await self._remembered(
            ("contracts", workspace),
            lambda: self._db["contracts"].find({"_id": prefix_range(workspace)}).to_list(None),
        )
        return found

    async def devices(self, workspace: str, member: str) -> list[dict[str, Any]]:
        """A member's devices: device, device_name, licence, state."""
        found: list[dict[str, Any]] = await self._remembered(
            ("devices", workspace), lambda: self._db["devices"].find({"_id": prefix_range(workspace)}).to_list(None)
        )
        return [one for one in found if one["member"] == member]

    async def device(self, workspace: str, device: str) -> dict[str, Any] | None:
        """A device by its id."""
        return await self._db["devices"].find_one({"_id": f"{workspace}|{device}"})

    async def viewer(self, principal: Principal) -> Viewer:
        """The principal with what their role reaches: the teams they manage, or a client's contracts."""
        if principal.role == "manager":
            document = await self.member(principal.workspace, principal.member)
            return Viewer(principal, manages=frozenset(document["manages"] if document else ()))
        if principal.role == "client":
            contracts = await self.contracts(principal.workspace)
            mine = frozenset(one["contract"] for one in contracts if one["client"] == principal.member)
            return Viewer(principal, contracts=mine)
        return Viewer(principal)

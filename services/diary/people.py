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
from services.kit.bus import Bus
from services.kit.mongo import Database, prefix_range
from services.wire.events import ContractChanged, Fact, LicenceChanged, MemberChanged, WorkspaceChanged, read_fact
from services.wire.language import ENGLISH
from services.wire.requests import Principal

_TOLD_SECONDS = 30.0
_LIST_SECONDS = 2.0
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
    deletion_rule: str = "segment"
    language: str = ENGLISH
    week_start: str = "monday"

    @classmethod
    def of(cls, document: dict[str, Any] | None) -> "Workspace":
        """The settings of a stored document, the defaults where there is none."""
        known = document or {}
        return cls(**{name: known[name] for name in cls.__dataclass_fields__ if name in known})

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


#: What a bill goes by, kept of every version of a contract.
_KEPT = ("revision", "changed_at", "weekly_limit_minutes", "rate_minor", "currency", "starts_on", "ends_on")


def newer(key: str, fact: Fact) -> UpdateOne:
    """Keeps the fact where its revision is above the stored one's; in one step, whatever comes at the same time.

    Of a contract the terms of all revisions are kept beside it, in ``versions``, in whatever order they came (S-03).
    """
    told = {"_id": key, **fact.model_dump()}
    latest: dict[str, Any] = {
        "$cond": [{"$gt": [told["revision"], {"$ifNull": ["$revision", -1]}]}, {"$literal": told}, "$$ROOT"]
    }
    if isinstance(fact, ContractChanged):
        others = {
            "$filter": {
                "input": {"$ifNull": ["$versions", []]},
                "cond": {"$ne": ["$$this.revision", told["revision"]]},
            }
        }
        kept = {"$literal": [{name: told[name] for name in _KEPT}]}
        latest = {"$mergeObjects": [latest, {"versions": {"$concatArrays": [others, kept]}}]}
    return UpdateOne({"_id": key}, [{"$replaceWith": latest}], upsert=True)


class People:
    """Reads of the web, remembered in each replica.

    Members and workspaces for half a minute, since what licensing tells of them is heard here too; lists for two
    seconds.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._settings: dict[str, tuple[dict[str, Any] | None, Workspace]] = {}
        """What the documents that are known say; as long as they are."""

    def attach(self, bus: Bus) -> None:
        """Hears what licensing tells, to remember it at once."""
        for subject in ("workspace.changed.>", "member.changed.>"):
            bus.listen(subject, self._hear)

    async def _hear(self, subject: str, body: bytes) -> None:
        try:
            fact = read_fact(subject, body)
        except ValueError:
            return
        if place := place_of(fact):
            self._keep(place, {"_id": place[1], **fact.model_dump()}, _TOLD_SECONDS)

    def _keep(self, key: Hashable, value: Any, seconds: float) -> Any:
        if value is None:  # not there yet, but told of already; that somebody is nowhere is not remembered
            return self._known.get(key, (0.0, None))[1]
        if len(self._known) >= _REMEMBER_MOST:
            self._known.clear()
            self._settings.clear()
        _, before = self._known.get(key, (0.0, None))
        if isinstance(value, dict) and before and before["revision"] > value["revision"]:
            value = before  # read before it was told
        self._known[key] = (time.monotonic() + seconds, value)
        return value

    async def _remembered(self, key: Hashable, ask: Callable[[], Awaitable[Any]], seconds: float) -> Any:
        if (found := self._known.get(key)) and found[0] > time.monotonic():
            return found[1]
        return self._keep(key, await ask(), seconds)

    async def _one(self, collection: str, key: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self._remembered(
            (collection, key), lambda: self._db[collection].find_one({"_id": key}), _TOLD_SECONDS
        )
        return found

    async def _all(self, collection: str, workspace: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._remembered(
            (collection, workspace, "all"),
            lambda: self._db[collection].find({"_id": prefix_range(workspace)}).to_list(None),
            _LIST_SECONDS,
        )
        return found

    async def workspace(self, workspace: str) -> Workspace:
        """A workspace's settings."""
        document = await self._one("workspaces", f"{workspace}|")
        known = self._settings.get(workspace)
        if known is None or known[0] is not document:
            known = self._settings[workspace] = document, Workspace.of(document)
        return known[1]

    async def member(self, workspace: str, member: str) -> dict[str, Any] | None:
        """A member as licensing told last: name, email, role, team, manages, zone, archived."""
        return await self._one("members", f"{workspace}|{member}")

    async def language(self, principal: Principal) -> str:
        """What Daybook speaks with somebody: the language they chose, else their workspace's (W-06)."""
        member = await self.member(principal.workspace, principal.member) or {}
        return member.get("language") or (await self.workspace(principal.workspace)).language

    def newest(self, workspace: str, member: str, stored: dict[str, Any] | None) -> dict[str, Any] | None:
        """The member as the store has them just now, or as licensing told since."""
        found: dict[str, Any] | None = self._keep(("members", f"{workspace}|{member}"), stored, _TOLD_SECONDS)
        return found

    async def members(self, workspace: str) -> list[dict[str, Any]]:
        """All members of a workspace, archived ones too."""
        return await self._all("members", workspace)

    async def contracts(self, workspace: str) -> list[dict[str, Any]]:
        """All contracts of a workspace."""
        return await self._all("contracts", workspace)

    async def contract(self, workspace: str, contract: str) -> dict[str, Any] | None:
        """A contract as licensing told last."""
        return next((one for one in await self.contracts(workspace) if one["contract"] == contract), None)

    async def devices(self, workspace: str, member: str) -> list[dict[str, Any]]:
        """A member's devices: device, device_name, licence, state."""
        return [one for one in await self._all("devices", workspace) if one["member"] == member]

    async def every_device(self, workspace: str) -> list[dict[str, Any]]:
        """All devices of a workspace."""
        return await self._all("devices", workspace)

    async def device(self, workspace: str, device: str) -> dict[str, Any] | None:
        """A device by its id."""
        return await self._db["devices"].find_one({"_id": f"{workspace}|{device}"})

    async def viewer(self, principal: Principal, address: str = "") -> Viewer:
        """The principal, and from where, with what their role reaches: teams they manage, or a client's contracts."""
        if principal.role == "manager":
            document = await self.member(principal.workspace, principal.member)
            return Viewer(principal, frozenset(document["manages"] if document else ()), address=address)
        if principal.role == "client":
            contracts = await self.contracts(principal.workspace)
            mine = frozenset(one["contract"] for one in contracts if one["client"] == principal.member)
            return Viewer(principal, contracts=mine, address=address)
        return Viewer(principal, address=address)

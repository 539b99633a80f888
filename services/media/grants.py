"""What licensing grants a device, remembered for half a minute and forgotten when it says that it changed."""

import time

from services.kit.bus import Bus
from services.kit.problems import Problem
from services.wire.events import Fact, LicenceChanged, MemberChanged, WorkspaceChanged, check, read_fact
from services.wire.requests import Grant, GrantOf

_SECONDS = 30.0
_MOST = 20_000


class Grants:
    """A replica's memory of grants by (workspace, device)."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: dict[tuple[str, str], tuple[float, Grant]] = {}
        self._changes = 0

    async def of(self, workspace: str, device: str) -> Grant | None:
        """The grant, None where licensing knows no such device; a Problem where licensing cannot be asked."""
        key = (workspace, device)
        until, grant = self._known.get(key, (0.0, None))
        if grant and time.monotonic() < until:
            return grant
        return await self.fresh(workspace, device)

    async def fresh(self, workspace: str, device: str) -> Grant | None:
        """As ``of``, asked of licensing now: for what cannot be undone."""
        key, changes = (workspace, device), self._changes
        try:
            grant = check(Grant, await self._bus.ask("licensing", "grant", GrantOf(workspace=workspace, device=device)))
        except Problem as problem:
            if problem.status == 404:
                return None
            raise
        if len(self._known) >= _MOST:
            self._known.pop(next(iter(self._known)))
        if changes == self._changes:  # what changed while licensing was asked, this answer may not know yet
            self._known[key] = (time.monotonic() + _SECONDS, grant)
        return grant

    async def forget(self, subject: str, body: bytes) -> None:
        """Hears what a grant may be another by: its licence, its member (a legal hold), the workspace's settings."""
        fact = read_fact(subject, body)
        self._changes += 1
        for key, (_, grant) in list(self._known.items()):
            if grant.workspace == fact.workspace and _is_about(fact, grant):
                del self._known[key]


def _is_about(fact: Fact, grant: Grant) -> bool:
    match fact:
        case LicenceChanged():
            return grant.device == fact.device or grant.licence == fact.licence
        case MemberChanged():
            return grant.member == fact.member
    return isinstance(fact, WorkspaceChanged)

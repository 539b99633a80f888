"""Since when what licensing said of somebody's access may be relied on (W-01, W-03, W-08).

Every replica hears of sessions and tokens that ended, of members and of workspaces as they change, and asks anew.
"""

import time
from collections import OrderedDict

from services.kit.bus import Bus

_REMEMBER_MOST = 20_000
_OF_MEMBERS = ("member.changed.>", "access.ended.>")
_OF_WORKSPACES = ("workspace.changed.>", "workspace.deleted.>")


class AccessChanges:
    """When (monotonic seconds) a member's or a workspace's access was last changed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._all = 0.0
        self._reconnects = 0

    def attach(self) -> None:
        """Listens; identity comes from the subject."""
        for subject in (*_OF_MEMBERS, *_OF_WORKSPACES):
            self._bus.listen(subject, self._hear)

    async def _hear(self, subject: str, body: bytes) -> None:
        _, _, workspace, member = subject.split(".")
        self._at[workspace, member] = time.monotonic()
        self._at.move_to_end((workspace, member))
        if len(self._at) > _REMEMBER_MOST:
            _, self._all = self._at.popitem(last=False)

    def since(self, workspace: str, member: str) -> float:
        """What was asked before that moment is to be asked again; a fact of a workspace names the member ``-``."""
        reconnects = self._bus.client.stats["reconnects"]
        if reconnects != self._reconnects:  # what was said while the bus was away is not said again
            self._reconnects, self._all = reconnects, time.monotonic()
        return max(self._all, self._at.get((workspace, member), 0.0), self._at.get((workspace, "-"), 0.0))

"""When each device was last heard of, and whether its key is used by two computers at once (V-03, L-06).

Every replica hears every presence; they are written together every few seconds, for a device says one a minute.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

from pymongo import UpdateOne

from services.kit.bus import Bus
from services.kit.rounds import Rounds
from services.licensing.store import Store, key, now
from services.wire.events import Presence, read

log = logging.getLogger(__name__)

Device = tuple[str, str]
"""Workspace and device."""
_WRITE_SECONDS = 5.0
_REMEMBERED = 100_000


class Boots(NamedTuple):
    """The runs of its computer that a device named: the last one, and the one before."""

    last: str
    before: str | None = None

    def heard(self, boot: str) -> tuple["Boots", bool]:
        """With one more; and whether it went back to an earlier run, which a computer that starts anew never does."""
        if boot == self.last:
            return self, False
        return Boots(boot, self.last), boot == self.before


class Contacts:
    """What a replica heard; ``doubt`` is called for a key that two computers use."""

    def __init__(self, store: Store, doubt: Callable[[str, str], Awaitable[None]]) -> None:
        self._store, self._doubt = store, doubt
        self._heard: dict[Device, datetime] = {}
        self._boots: dict[Device, Boots] = {}
        late = "contacts of devices are written later"
        self._writing = Rounds(self.write, _WRITE_SECONDS, log, late, at_once=False)

    def register(self, bus: Bus) -> None:
        """Listens."""
        bus.listen("presence.*.*", self.present)

    async def present(self, subject: str, body: bytes) -> None:
        """A device says what it is doing; whose it is the subject says, which the bus enforces."""
        _, workspace, device = subject.split(".")
        try:
            said = read(Presence, body)
        except ValueError:
            return
        self.note(workspace, device)
        if said.boot is None:
            return
        if len(self._boots) >= _REMEMBERED:
            self._boots.clear()
        known = self._boots.get((workspace, device))
        self._boots[workspace, device], again = known.heard(said.boot) if known else (Boots(said.boot), False)
        if again:
            await self._doubt(workspace, device)

    def note(self, workspace: str, device: str) -> None:
        """It was heard of now."""
        self._heard[workspace, device] = now()

    def start(self) -> None:
        """Begins to write."""
        self._writing.start()

    async def stop(self) -> None:
        """Writes what is left."""
        await self._writing.stop()
        await self._writing.once()

    async def write(self) -> None:
        """Keeps what was heard since the last time; a device that was silent is so no more."""
        heard, self._heard = self._heard, {}
        changes = [
            UpdateOne(
                {"_id": key(workspace, device)},
                {"$max": {"at": at}, "$set": {"workspace": workspace, "device": device}, "$unset": {"told": ""}},
                upsert=True,
            )
            for (workspace, device), at in heard.items()
        ]
        if not changes:
            return
        try:
            await self._store["contacts"].bulk_write(changes, ordered=False)
        except Exception:
            self._heard = heard | self._heard
            raise

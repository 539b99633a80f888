"""Tells admins of devices that do not report any more, once for each silence (W-07, V-03)."""

import logging
from datetime import timedelta
from functools import partial

from services.kit.mongo import Session
from services.kit.rounds import Rounds
from services.licensing import tell
from services.licensing.standing import Right
from services.licensing.store import Document, Store, instant, key, now
from services.wire.language import N_, again

log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0
_ADMINS = ("owner", "admin")
_REASON = N_("no contact. It may be switched off or away from the network, or the agent was removed.")


class Silence(Rounds):
    """The sweep of a replica; a silence is told in the transaction that marks it, so by one replica."""

    def __init__(self, store: Store, after: timedelta) -> None:
        self._store, self._after = store, after
        super().__init__(self.look, _EVERY_SECONDS, log, "silent devices are looked for later")

    async def look(self) -> None:
        """Looks once."""
        silent = {"at": {"$lt": now() - self._after}, "told": None}
        async for contact in self._store["contacts"].find(silent):
            await self._store.write(partial(self._tell, contact))

    async def _tell(self, contact: Document, session: Session) -> None:
        marked = await self._store["contacts"].find_one_and_update(
            {"_id": contact["_id"], "at": contact["at"], "told": None}, {"$set": {"told": now()}}, session=session
        )
        device = await self._store.one("devices", contact["workspace"], contact["device"], session=session)
        if marked is None or device is None or Right.of(device).at(now()).state != "active":
            return
        values = {"device": device["name"], "since": instant(contact["at"]) or "", "reason": again(_REASON)}
        workspace = await self._store["workspaces"].find_one({"_id": key(device["workspace"])}, session=session)
        where = {"workspace": device["workspace"], "role": {"$in": list(_ADMINS)}, "archived": False}
        for admin in await self._store["members"].find(where, session=session).to_list(None):
            if workspace is not None:
                which = f"device_silent|{device['id']}|{values['since']}|{admin['id']}"
                await tell.stage(self._store, session, workspace, admin, "device_silent", which, values)

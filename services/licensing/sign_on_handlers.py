"""What arrives on the bus about signing in with a workspace's own provider (W-08)."""

from typing import Any

from services.kit.bus import Bus
from services.licensing.sign_on import SignOn
from services.wire import sign_on as wire


class SignOnHandlers:
    """The verbs; the bodies are those of services.wire.sign_on."""

    def __init__(self, sign_on: SignOn) -> None:
        self._sign_on = sign_on

    def register(self, bus: Bus) -> None:
        """Puts every verb on the bus."""
        bus.serve("sign_on_ways", wire.Ways, self.ways)
        bus.serve("sign_on_begin", wire.Begin, self.begin)
        bus.serve("sign_on_finish", wire.Finish, self.finish)

    async def ways(self, request: wire.Ways) -> dict[str, Any]:
        """Where an address may sign in with."""
        return {"items": await self._sign_on.ways(request)}

    async def begin(self, request: wire.Begin) -> wire.Begun:
        """Where to send the browser."""
        return await self._sign_on.begin(request)

    async def finish(self, request: wire.Finish) -> wire.Finished:
        """A session."""
        return await self._sign_on.finish(request)

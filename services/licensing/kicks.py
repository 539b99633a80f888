"""Ends the connections of devices whose right changed, so that what holds now holds at once (B-04)."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import nats
import nats.errors
from nats.aio.client import Client

from services.licensing.callout import ACCOUNT
from services.licensing.registry import Entry

log = logging.getLogger(__name__)

_LOOKS = (0.5, 1.5, 4.0)
"""Seconds after a change at which connections are looked for: late enough for the pushed command to arrive first, and
again for those that were being let in meanwhile."""
_ANSWER_SECONDS = 0.5


class Kicks:
    """A connection to the bus's system account, which finds and ends connections.

    A connection bears the name of the right it was let in under. Every replica ends those of the name it gave until
    now, after it has learned the new one; so whichever replica let a device in, the name it gave is looked for.
    """

    def __init__(self) -> None:
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._current: dict[str, str] = {}

    async def start(self, urls: list[str], seed: str, closed: Callable[[], Awaitable[None]]) -> None:
        """Connects."""
        self._client = await nats.connect(
            urls,
            name="licensing-sys",
            nkeys_seed_str=seed,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            closed_cb=closed,
        )

    async def stop(self) -> None:
        """Leaves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client:
            await self._client.close()

    def soon(self, old: Entry, new: Entry) -> None:
        """Ends what was let in under the old right, within the next seconds."""
        self._current[new.device] = new.user
        task = asyncio.create_task(self._repeat(old))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self, old: Entry) -> None:
        waited = 0.0
        for at in _LOOKS:
            await asyncio.sleep(at - waited)
            waited = at
            if self._current.get(old.device) == old.user:
                return  # suspended and resumed: what was old is what holds
            try:
                await self.kick(old.user)
            except nats.errors.Error:
                log.warning("the bus did not say who is connected", exc_info=True)
        self._current.pop(old.device, None)

    async def kick(self, user: str) -> int:
        """Ends the connections of that name, on every server of the bus; gives how many."""
        client, count = self._connected, 0
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        question = {"acc": ACCOUNT, "auth": True, "user": user, "limit": 1000}
        await client.publish("$SYS.REQ.SERVER.PING.CONNZ", json.dumps(question).encode(), reply=inbox)
        try:
            while True:
                answer = json.loads((await answers.next_msg(timeout=_ANSWER_SECONDS)).data)
                for connection in (answer.get("data") or {}).get("connections") or []:
                    body = json.dumps({"cid": connection["cid"]}).encode()
                    # without a reply subject the bus ignores it
                    kick = f"$SYS.REQ.SERVER.{answer['server']['id']}.KICK"
                    await client.publish(kick, body, reply=client.new_inbox())
                    count += 1
        except nats.errors.TimeoutError:
            return count
        finally:
            await answers.unsubscribe()

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("not connected to the system account")
        return self._client

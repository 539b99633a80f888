"""Ends the connections of devices whose right changed, so that what holds now holds at once (B-04)."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client

from services.licensing.callout import ACCOUNT
from services.licensing.registry import Entry

log = logging.getLogger(__name__)

_LOOKS = (0.5, 1.0, 2.5, 6.0)
"""Seconds after a change at which connections are looked for: late enough for the pushed command to arrive first, and
again, for a replica that had not heard of the change may have let the device in meanwhile."""
_ANSWER_SECONDS = 0.5


class Kicks:
    """A connection to the bus's system account, which finds and ends connections."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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

    def soon(self, entry: Entry) -> None:
        """Ends what this device connected under an older right, within the next seconds."""
        task = asyncio.create_task(self._repeat(entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self, entry: Entry) -> None:
        waited = 0.0
        for at in _LOOKS:
            await asyncio.sleep(at - waited)
            waited = at
            try:
                await self.kick(entry)
            except nats.errors.Error:
                log.warning("the bus did not say who is connected", exc_info=True)

    async def kick(self, entry: Entry) -> int:
        """Ends the connections of a device that were let in before this revision of it; gives how many."""
        old = [
            (server, connection["cid"])
            for server, connection in await self._connections(entry.nkey)
            if _revision(connection) < entry.revision
        ]
        for server, cid in old:
            await self._connected.publish(f"$SYS.REQ.SERVER.{server}.KICK", json.dumps({"cid": cid}).encode())
        return len(old)

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("not connected to the system account")
        return self._client

    async def _connections(self, nkey: str) -> list[tuple[str, dict[str, Any]]]:
        """(server, connection) of a key, from every server of the bus that answers in time."""
        client, found = self._connected, []
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        question = {"acc": ACCOUNT, "auth": True, "user": nkey, "limit": 100}
        await client.publish("$SYS.REQ.SERVER.PING.CONNZ", json.dumps(question).encode(), reply=inbox)
        try:
            while True:
                answer = json.loads((await answers.next_msg(timeout=_ANSWER_SECONDS)).data)
                connections = (answer.get("data") or {}).get("connections") or []
                found += [(answer["server"]["id"], connection) for connection in connections]
        except nats.errors.TimeoutError:
            return found
        finally:
            await answers.unsubscribe()


def _revision(connection: dict[str, Any]) -> int:
    _, _, revision = str(connection.get("name_tag", "")).rpartition(":")
    return int(revision) if revision.isdigit() else 0

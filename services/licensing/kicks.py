"""Ends the connections of devices whose right changed, so that what holds now holds at once (B-04)."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

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
_PAGE_SECONDS = 5.0
_GATHER_SECONDS = 0.1
"""How long changes are gathered that came at once."""
_FEW = 8
"""So many names are looked for one by one."""
_PAGE = 1000
_QUESTION = {"acc": ACCOUNT, "auth": True}
Connection = tuple[str, dict[str, Any]]
"""A server's id, and what it says of one of its connections."""


class Kicks:
    """A connection to the bus's system account, which finds and ends connections.

    A connection bears the name of the right it was let in under. Every replica ends those of the name it gave until
    now, after it has learned the new one; so whichever replica let a device in, the name it gave is looked for.
    """

    def __init__(self) -> None:
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._current: dict[str, str] = {}
        self._changed: list[Entry] = []

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
        """Ends what was let in under the old right, within the next seconds; of very many at once all together."""
        self._current[new.device] = new.user
        self._changed.append(old)
        if len(self._changed) > 1:
            return
        task = asyncio.create_task(self._repeat())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self) -> None:
        await asyncio.sleep(waited := _GATHER_SECONDS)
        changed, self._changed = self._changed, []
        for at in _LOOKS:
            await asyncio.sleep(at - waited)
            waited = at
            # suspended and resumed: what was old is what holds
            users = {old.user for old in changed if self._current.get(old.device) != old.user}
            try:
                await self.kick(users)
            except Exception:  # the next look makes up for it
                log.warning("the bus did not say who is connected", exc_info=True)
        for old in changed:
            self._current.pop(old.device, None)

    async def kick(self, users: Collection[str]) -> int:
        """Ends the connections of these names, on every server of the bus; gives how many."""
        client = self._connected
        found = await (self._named(users) if len(users) <= _FEW else self._among_all(users))
        for server, connection in found:
            # without a reply subject the bus ignores it
            body = json.dumps({"cid": connection["cid"]}).encode()
            await client.publish(f"$SYS.REQ.SERVER.{server}.KICK", body, reply=client.new_inbox())
        return len(found)

    async def _named(self, users: Collection[str]) -> list[Connection]:
        answers = await asyncio.gather(*(self._ask_all(user=user) for user in users))
        return [one for parts in answers for server, data in parts for one in _connections(server, data)]

    async def _among_all(self, users: Collection[str]) -> list[Connection]:
        """Read page by page: asked one by one, ten thousand would have the bus look at each connection as often."""
        found = []
        for server, data in await self._ask_all():
            found += _connections(server, data)
            for offset in range(_PAGE, data["total"], _PAGE):
                question = json.dumps(_QUESTION | {"limit": _PAGE, "offset": offset}).encode()
                subject = f"$SYS.REQ.SERVER.{server}.CONNZ"
                answer = await self._connected.request(subject, question, timeout=_PAGE_SECONDS)
                found += _connections(server, json.loads(answer.data).get("data") or {})
        return [one for one in found if one[1].get("authorized_user") in users]

    async def _ask_all(self, **more: str) -> list[tuple[str, dict[str, Any]]]:
        """What every server says of its connections, its first page, with its id."""
        client = self._connected
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        question = json.dumps(_QUESTION | {"limit": _PAGE} | more).encode()
        await client.publish("$SYS.REQ.SERVER.PING.CONNZ", question, reply=inbox)
        said = []
        try:
            while True:
                answer = json.loads((await answers.next_msg(timeout=_ANSWER_SECONDS)).data)
                said.append((str(answer["server"]["id"]), {"total": 0} | (answer.get("data") or {})))
        except nats.errors.TimeoutError:
            return said
        finally:
            await answers.unsubscribe()

    @property
    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("not connected to the system account")
        return self._client


def _connections(server: str, data: dict[str, Any]) -> list[Connection]:
    return [(server, one) for one in data.get("connections") or []]

"""The diary whole, in this process: real bus, real store, a real web server; the other services are doubles."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import orjson
import uvicorn
from fastapi import FastAPI
from nacl.signing import SigningKey
from nats.aio.client import Client
from pydantic import SecretStr

from services.diary import app, projector
from services.diary.settings import DiarySettings
from services.kit.bus import round_trip
from services.kit.http import Protocol
from services.kit.migrate import migrate
from services.kit.mongo import Database
from services.kit.principals import seal_token
from services.kit.problems import Problem
from services.kit.settings import Settings, signing_key
from services.wire.events import Fact
from services.wire.requests import Principal
from tests.diary.facts import Teller, subject_of
from tests.support import documented
from tests.support.servers import Installation, new_id

Answer = Callable[[dict[str, Any]], Any]


class Diary:
    """A web replica at ``url`` and a projector. ``tell`` publishes facts and waits until they are in the diary."""

    def __init__(self, installation: Installation, mongo_prefix: str, workspace: str) -> None:
        self.installation, self.prefix, self.workspace = installation, mongo_prefix, workspace
        self.teller = Teller(workspace)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    def settings(self, user: str, **more: str) -> DiarySettings:
        env = self.installation.environment(user, mongo_prefix=self.prefix, **more)
        values = {name.removeprefix("DAYBOOK_").lower(): value for name, value in env.items()}
        return DiarySettings(**values)  # type: ignore[arg-type]

    @contextlib.asynccontextmanager
    async def running(self, *, projects: bool = True) -> AsyncIterator["Diary"]:
        """All of it while the context lasts; without its projector where what is told is folded otherwise."""
        env = self.installation.environment("migrate", mongo_prefix=self.prefix)
        await migrate(Settings(nats_url=env["DAYBOOK_NATS_URL"], bus_seed=env["DAYBOOK_BUS_SEED"]))  # type: ignore[arg-type]
        async with contextlib.AsyncExitStack() as stack:
            self.client = await self.installation.connect()
            stack.push_async_callback(self.client.close)
            if projects:
                await stack.enter_async_context(self.projecting())
            web = app.build(self.settings("diary"))
            self.db: Database = web.state.edge.db
            self.edge = web.state.edge
            self.url = await stack.enter_async_context(served(web))
            await self.answer("licensing", "session", lambda body: {"holds": True})
            yield self

    def projecting(self, **more: str) -> Any:
        """A projector while the context lasts."""
        return projector.build(self.settings("projector", **more)).running()

    # telling ----------------------------------------------------------------------------------------------------------

    async def tell(self, *facts: Fact) -> None:
        """Publishes facts in this order and waits until the projector has acknowledged them all."""
        await self.publish([(subject_of(fact), fact.model_dump_json().encode()) for fact in facts])

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        js = self.client.jetstream()
        for subject, body in messages:
            await js.publish(subject, body)
        await self.settled()

    async def settled(self, every: float = 0.02, seconds: float = 30) -> None:
        """Waits until the projector has acknowledged all that was published."""
        await settled(self.client, every, seconds)

    async def forget(self) -> None:
        """An empty diary again, as before a rebuild."""
        for name in await self.db.list_collection_names():
            await self.db[name].delete_many({})
        self.edge.people._known.clear()

    # asking -----------------------------------------------------------------------------------------------------------

    async def answer(self, service: str, verb: str, handle: Answer) -> None:
        """Answers ``rpc.<service>.<verb>`` as that service would, with its permissions on the bus."""
        client = await self.installation.connect(service)

        async def reply(message: Any) -> None:
            body = orjson.loads(message.data)
            self.asked.append((f"{service}.{verb}", body))
            headers = None
            try:
                result = handle(body)
                if isinstance(result, Awaitable):
                    result = await result
            except Problem as problem:
                result, headers = problem.document(), {"Daybook-Status": str(problem.status)}
            if isinstance(result, tuple):
                headers, result = {"Content-Type": result[0]}, result[1]
            content = result if isinstance(result, bytes) else orjson.dumps(result)
            await client.publish(message.reply, content, headers=headers)

        await client.subscribe(f"rpc.{service}.{verb}", cb=reply)
        await round_trip(client)

    def principal(self, member: str, role: str = "employee", **more: Any) -> Principal:
        now = int(time.time())
        told: dict[str, Any] = {
            "workspace": self.workspace,
            "session": new_id("ses"),
            "name": member.title(),
            "person": "per",
        }
        told |= {"issued": now, "expires": now + 3600, **more}
        return Principal(member=member, role=role, **told)  # type: ignore[arg-type]

    def token(self, member: str, role: str = "employee", **more: Any) -> str:
        return seal_token(self.session_key, self.principal(member, role, **more))

    @property
    def session_key(self) -> SigningKey:
        return signing_key(SecretStr(self.installation.keys.signing_seed("session")))

    def browse(self, member: str | None = None, role: str = "employee", **more: Any) -> httpx.AsyncClient:
        """An HTTP client, signed in by bearer token where a member is named."""
        headers = {"Authorization": f"Bearer {self.token(member, role, **more)}"} if member else {}
        hooks = {"response": [documented.hold]}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=False, event_hooks=hooks)

    async def day(
        self, member: str, date: str, zone: str = "UTC", *, who: str | None = None, role: str = "employee"
    ) -> Any:
        """A member's day as ``who`` sees it, by default themselves."""
        return orjson.loads(await self.day_bytes(member, date, zone, who=who, role=role))

    async def day_bytes(
        self, member: str, date: str, zone: str = "UTC", *, who: str | None = None, role: str = "employee"
    ) -> bytes:
        self.edge.people._known.clear()
        async with self.browse(who or member, role) as http:
            answer = await http.get(f"/api/v1/diary/{member}/days/{date}", params={"zone": zone})
        assert answer.status_code == 200, answer.text
        return answer.content


async def settled(client: Client, every: float = 0.02, seconds: float = 30) -> None:
    """Waits until the projector has nothing in hand and all that was published has been delivered to it.

    What is still to come is not counted at once when it is stored, so ``num_pending`` alone may be too early.
    """
    js = client.jetstream()
    last = (await js.stream_info("JOURNAL")).state.last_seq

    async def idle() -> bool:
        info = await js.consumer_info("JOURNAL", "projector")
        delivered = info.delivered.stream_seq if info.delivered else 0
        return delivered >= last and not info.num_pending and not info.num_ack_pending

    await until(idle, seconds, every)


@contextlib.asynccontextmanager
async def served(web: FastAPI) -> AsyncIterator[str]:
    """The address of an application that is served by this process while the context lasts.

    It believes who says from where they come, as behind a proxy: tests come from addresses of their own.
    """
    server = uvicorn.Server(uvicorn.Config(web, port=0, http=Protocol, log_config=None, timeout_graceful_shutdown=3))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def until(fact: Callable[[], Any], seconds: float = 30, every: float = 0.02) -> Any:
    """Waits for a fact and gives it; AssertionError where it never comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = fact()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        await asyncio.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain")

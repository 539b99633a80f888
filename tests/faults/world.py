"""The whole real stack as a place for faults: its parts may be killed, held down, frozen, replaced and looked into."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import nats
import nats.errors
from minio import Minio
from minio.error import S3Error
from nats.aio.client import Client
from pymongo import MongoClient

from deploy.local import api
from deploy.local.company import OPEN_POLICY
from deploy.local.device import Activation
from deploy.local.keys import Keys
from services.kit.streams import consumer_config
from services.wire.slots import format_instant
from services.wire.subjects import STREAMS
from tests.support.servers import new_id
from tests.support.stack import Stack, until

SERVICES = ("licensing", "ingest", "scoring", "projector", "diary", "media")
DURABLES = [(stream.name, durable.name) for stream in STREAMS for durable in stream.durables]
WEEKLY_LIMIT = 1800


class World:
    """One stack, the owner of its workspace, and the places of its parts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.folder = stack.folder / "faults"
        self.folder.mkdir(exist_ok=True)
        self._stage = stack.data / "stage"
        self._stage.mkdir(exist_ok=True)
        self.keys = Keys.open(stack.data)
        self._ports = json.loads((stack.data / "ports.json").read_text())
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(stack.ready["mongo"], serverSelectionTimeoutMS=2000)
        self._objects = Minio(
            stack.ready["s3"].removeprefix("http://"),
            access_key=self.keys.s3_access,
            secret_key=self.keys.s3_secret,
            secure=False,
            region="us-east-1",
        )
        self._token = ""
        self.struck_at = 0.0
        """The moment (monotonic) something was last killed, or allowed to go on."""

    @property
    def workspace(self) -> str:
        found: str = self.stack.ready["workspace"]
        return found

    @property
    def bus_url(self) -> str:
        found: str = self.stack.ready["nats"]
        return found

    def close(self) -> None:
        self.mongo.close()

    # parts ------------------------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        return self.stack.pids[name]

    async def kill(self, name: str) -> None:
        """SIGKILL; returns when the supervisor has started it again and it is ready."""
        old = await until(lambda: self._killed(name), 60)
        self.struck_at = time.monotonic()
        await self.stack.restarted(name, old)
        await self.ready(name)

    def _killed(self, name: str) -> int:
        """The pid that was killed; 0 where it has just ended by itself, and is about to be started again."""
        try:
            return self.stack.kill(name)
        except ProcessLookupError:
            return 0

    async def ready(self, name: str) -> None:
        """Waits until a part answers."""
        await until(lambda: self._answers(name), 90)

    async def _answers(self, name: str) -> bool:
        if name == "mongo":
            return await asyncio.to_thread(self._mongo_answers)
        port = self._ports.get({"nats": "nats.monitor", "diary": "web", "s3": "s3.s3"}.get(name, name))
        path = {"nats": "/healthz", "s3": "/"}.get(name, "/readyz")
        try:
            async with httpx.AsyncClient(timeout=5) as http:
                answer = await http.get(f"http://127.0.0.1:{port or self._ports.get('s3.main')}{path}")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 or (name == "s3" and answer.status_code < 500)

    def _mongo_answers(self) -> bool:
        with contextlib.suppress(Exception):
            return bool(self.mongo.admin.command("hello")["isWritablePrimary"])
        return False

    @contextlib.asynccontextmanager
    async def held(self, name: str, how: signal.Signals = signal.SIGKILL) -> AsyncIterator[None]:
        """The part is down as long as the context lasts, and ready again after it."""
        flag = self._stage / f"{name}.held"
        flag.touch()
        old = self.pid(name)
        try:
            os.kill(old, how)
            await until(lambda: not _lives(old), 30)
            yield
        finally:
            flag.unlink()
            self.struck_at = time.monotonic()
            await self.stack.restarted(name, old)
            await self.ready(name)

    @contextlib.asynccontextmanager
    async def frozen(self, name: str) -> AsyncIterator[None]:
        """The part does not move (SIGSTOP) as long as the context lasts."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self.struck_at = time.monotonic()

    async def replace(self, name: str, arguments: list[str] | None) -> None:
        """The service is started with these arguments of Python from now on; None: with its own again."""
        file = self._stage / f"{name}.instead"
        if arguments is None:
            file.unlink(missing_ok=True)
        else:
            whole = file.with_suffix(".part")
            whole.write_text(json.dumps(arguments))
            whole.replace(file)  # the supervisor may look at any moment
        await self.kill(name)

    async def restore(self, *but: str) -> None:
        """Every service that was replaced is itself again, except for these."""
        for file in self._stage.glob("*.instead"):
            if file.stem not in but:
                await self.replace(file.stem, None)

    def bus_store(self) -> Path:
        return self.stack.bus_store()

    def wipe_bus(self) -> None:
        """Only while the bus is held."""
        shutil.rmtree(self.bus_store(), ignore_errors=True)

    @property
    def mongo_store(self) -> Path:
        return self.stack.data / "mongo" / "data"

    # the owner --------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client signed in as the owner; one session for the whole run."""
        async with self.signed_in(self.stack.account("owner"), self._token) as http:
            self._token = http.headers["Authorization"].removeprefix("Bearer ")
            yield http

    @contextlib.asynccontextmanager
    async def signed_in(self, account: dict[str, Any], token: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client with this session's token, or with that of a new one."""
        async with httpx.AsyncClient(base_url=self.stack.web, timeout=20) as http:
            if not token:
                given = {name: account[name] for name in ("email", "password")}
                answer = await http.post("/api/v1/sessions", json=given)
                assert answer.is_success, answer.text
                token = answer.json()["token"]
                http.cookies.clear()
            http.headers["Authorization"] = f"Bearer {token}"
            yield http

    async def _post(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.owner() as http:
            answer = await http.post(f"/api/v1/{collection}", json=body)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def hire(self, seats: int, days: int = 150, limit: int | None = WEEKLY_LIMIT) -> "Hired":
        """A new member with a contract and a licence for so many devices."""
        account = {"email": f"{new_id('m')}@harness.example", "password": secrets.token_urlsafe(12)}
        member = await self._post("members", {**account, "name": "Harness", "role": "employee", "zone": "UTC"})
        contract = await self._post(
            "contracts", {"member": member["id"], "project": "Harness", "weekly_limit_minutes": limit}
        )
        begin = format_instant(datetime.now(UTC) - timedelta(days=days))
        licence = await self._post(
            "licences",
            {"mode": "worklog", "member": member["id"], "seats": seats, "policy": {**OPEN_POLICY}, "not_before": begin},
        )
        return Hired(self, account, member["id"], contract["id"], licence["id"], licence["key"], limit)

    # inside -----------------------------------------------------------------------------------------------------------

    async def connect(self, user: str) -> Client:
        """The bus with the permissions of one of its users."""
        return await nats.connect(
            self.bus_url, nkeys_seed_str=self.keys.bus_seed(user), max_reconnect_attempts=3, connect_timeout=3
        )

    async def lag(self) -> dict[str, int]:
        """What each durable still has before it or in hand; {} where all is done. Raises where the bus is away."""
        client = await self.connect("migrate")
        try:
            js, waiting = client.jetstream(timeout=3), {}
            for stream, durable in DURABLES:
                info = await js.consumer_info(stream, durable)
                if behind := (info.num_pending or 0) + (info.num_ack_pending or 0):
                    waiting[durable] = behind
            return waiting
        finally:
            await client.close()

    async def is_idle(self) -> bool:
        """Whether every durable has nothing left; not while the bus cannot be asked."""
        try:
            return not await self.lag()
        except Exception:  # whatever it is, it is not idle
            return False

    async def hasten(self, ack_wait_seconds: int) -> None:
        """What was in the hands of a service that died comes again so soon; until the bus is wiped."""
        client = await self.connect("migrate")
        try:
            js = client.jetstream(timeout=10)
            for durable in (durable for stream in STREAMS for durable in stream.durables):
                await js.add_consumer(durable.stream, replace(consumer_config(durable), ack_wait=ack_wait_seconds))
        finally:
            await client.close()

    async def replay(self, *services: str) -> None:
        """Has owners of facts say them again, as the operator does after a restore (docs/operating.md)."""
        span = {"from": "2020-01-01T00:00:00Z", "to": format_instant(datetime.now(UTC) + timedelta(days=2))}
        body = json.dumps({"workspace": self.workspace, **span}).encode()
        for service in services:
            client = await self.connect("diary" if service == "licensing" else "licensing")  # who may ask whom
            try:
                await until(partial(_replayed, client, service, body), 60)
            finally:
                await client.close()

    def ingest_rows(self, collection: str, device: str) -> list[dict[str, Any]]:
        """Rows of ingest's ``ledger`` or ``quarantine`` of one device."""
        head = f"{self.workspace}|{device}"
        found = self.mongo["daybook_ingest"][collection].find(
            {"_id": {"$gte": f"{head}|", "$lt": f"{head}}}"}},
            {"hash": 1, "seq": 1, "reason": 1},
        )
        return list(found)

    def picture(self, device: str, capture: str, sha256: str) -> bytes | None:
        """What the object store has of a picture as it came, its thumbnail behind it; None where it has nothing."""
        name = f"{self.workspace}/{device}/{capture}/original-{sha256[:16]}"
        try:
            answer = self._objects.get_object(bucket_name="daybook", object_name=name)
        except S3Error as error:
            if error.code != "NoSuchKey":
                raise
            return None
        with contextlib.closing(answer):
            return bytes(answer.read())

    def name_new_generation(self) -> None:
        """Step 3 of a restore."""
        change = {"$set": {"generation": secrets.token_hex(8)}}
        self.mongo["daybook_ingest"]["meta"].update_one({"_id": "-|ledger"}, change)


class Hired:
    """A member of the harness, with what devices of theirs need."""

    def __init__(
        self,
        world: World,
        account: dict[str, str],
        member: str,
        contract: str,
        licence: str,
        key: str,
        limit: int | None,
    ) -> None:
        self.world, self._account, self.member, self.contract = world, account, member, contract
        self.licence, self.key, self.limit = licence, key, limit

    @contextlib.asynccontextmanager
    async def signed_in(self) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client with a session of this member."""
        async with self.world.signed_in(self._account) as http:
            yield http

    async def activate(self, name: str) -> Activation:
        """A further device."""
        deadline = time.monotonic() + 30
        while True:  # the diary may be on its way up again
            try:
                key, answer = await api.activate(self.world.stack.web, self.key, name)
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return Activation(key, answer)

    async def change_licence(self, **body: Any) -> None:
        """PATCH of the licence, as the owner."""
        async with self.world.owner() as http:
            answer = await http.patch(f"/api/v1/licences/{self.licence}", json=body)
        assert answer.is_success, answer.text


async def _replayed(client: Client, service: str, body: bytes) -> bool:
    """Whether an owner said its facts again; it may be on its way back to the bus."""
    try:
        answer = await client.request(f"rpc.{service}.replay", body, timeout=60)
    except nats.errors.NoRespondersError:
        return False
    return not (answer.headers or {}).get("Daybook-Status")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/status").read_text() if Path("/proc").exists() else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    return "State:\tZ" not in status

"""What the tests of licensing share: running instances, a seeded workspace, and devices as plain nats-py clients."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import nats
import nats.errors
from argon2 import PasswordHasher
from nacl.signing import SigningKey
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel

from services.kit import mongo
from services.kit.bus import Bus, round_trip
from services.kit.principals import open_token
from services.kit.problems import Problem
from services.licensing import people
from services.licensing.app import build
from services.licensing.seed import seed
from services.licensing.settings import LicensingSettings
from services.licensing.store import Store
from services.wire import proof, requests, subjects
from tests.licensing.mailbox import Mailbox
from tests.support.servers import Installation

PASSWORD = "correct horse battery"

REAL = {"_HASHER": people._HASHER, "_NOBODYS": people._NOBODYS}
"""What a password costs is seen in tests of it (``real_passwords``); who seeds and signs in does not pay for it."""
people._HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
people._NOBODYS = people._HASHER.hash("the password of nobody")


async def until(fact: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Waits for a fact, and fails where it does not come."""
    deadline = time.monotonic() + seconds
    while not await fact():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await asyncio.sleep(0.02)


@dataclass
class Device:
    """A computer: its key pair, and what activation told it."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    workspace: str = ""
    device: str = ""
    errors: list[str] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def nkey(self) -> str:
        return proof.user_nkey(bytes(self.key.verify_key))

    def offer(self, licence_key: str, **more: Any) -> requests.Activate:
        device = requests.DeviceOffer(name="Lisa's laptop", os="Debian 12", kind="desktop", public_key=self.nkey)
        fields = {"licence_key": licence_key, "device": device, "proof": proof.prove_possession(self.key, self.nkey)}
        return requests.Activate(**(fields | {"address": secrets.token_hex(8)} | more))

    def sign(self, nonce: str) -> bytes:
        return proof.sign_nonce(self.key, nonce.encode())

    async def connect(self, url: str, as_nkey: str = "", **options: Any) -> Client:
        """A bus connection as the agent makes it; raises where the bus refuses it."""
        self.closed.clear()
        self.dropped.clear()

        async def error(what: Exception) -> None:
            self.errors.append(str(what))

        async def closed() -> None:
            self.closed.set()

        async def dropped() -> None:
            self.dropped.set()

        callbacks = {"error_cb": error, "closed_cb": closed, "disconnected_cb": dropped}
        inbox = {"inbox_prefix": subjects.device_inbox(self.device or "nobody").encode()}
        # nats-py sends ``nkey`` only together with its own signing, so both are given to it as the agent does
        client = Client()
        client._public_nkey = as_nkey or self.nkey
        given = {"signature_cb": self.sign, "allow_reconnect": False, "connect_timeout": 5}
        await client.connect(url, **(given | callbacks | inbox | options))
        await client.flush(timeout=5)
        return client

    async def is_refused(self, url: str, **options: Any) -> bool:
        """Whether the bus refuses this device's sign-in."""
        try:
            client = await self.connect(url, **options)
        except (nats.errors.Error, OSError):
            return True
        await client.close()
        return False


@dataclass
class Acme:
    """A seeded workspace."""

    licensing: "Licensing"
    answer: dict[str, Any]

    @property
    def workspace(self) -> str:
        return str(self.answer["workspace"])

    def member(self, name: str) -> str:
        """The member id of ``lisa`` (``lisa@…``)."""
        return str(next(one["member"] for one in self.answer["people"] if one["email"].startswith(f"{name}-")))

    def email(self, name: str) -> str:
        return str(next(one["email"] for one in self.answer["people"] if one["email"].startswith(f"{name}-")))

    def principal(self, name: str, **more: Any) -> requests.Principal:
        """As the diary would send it for a signed-in person."""
        role = next(one["role"] for one in self.answer["people"] if one["email"].startswith(f"{name}-"))
        now = int(time.time())
        fields = {"session": "ses-1", "workspace": self.workspace, "member": self.member(name), "role": role}
        fields |= {"name": name, "person": "per-1", "issued": now, "expires": now + 3600}
        return requests.Principal(**(fields | more))

    def key(self, index: int = 0) -> str:
        return str(self.answer["licences"][index]["key"])

    async def read(self, who: str, collection: str, id: str | None = None, **filters: str) -> list[dict[str, Any]]:
        body = requests.Read(principal=self.principal(who), collection=collection, id=id, filters=filters)
        return (await self.licensing.ask("read", body))["items"]

    async def create(self, who: str, collection: str, **body: Any) -> dict[str, Any]:
        asked = requests.Create(principal=self.principal(who), collection=collection, body=body)
        return await self.licensing.ask("create", asked)

    async def change(self, who: str, collection: str, id: str, **body: Any) -> dict[str, Any]:
        asked = requests.Change(principal=self.principal(who), collection=collection, id=id, body=body)
        return await self.licensing.ask("change", asked)

    async def activated(self, index: int = 0, **more: Any) -> Device:
        """A device on the licence of that index."""
        device = Device()
        answer = await self.licensing.ask("activate", device.offer(self.key(index), **more))
        device.workspace, device.device = answer["workspace"], answer["device"]
        return device


class Licensing:
    """Running instances of the service over one database, and a caller that may do everything."""

    def __init__(self, installation: Installation, mongo_prefix: str, **more: str) -> None:
        self.installation, self.prefix = installation, mongo_prefix
        self.mails = Mailbox()
        environment = installation.environment("licensing", mongo_prefix=mongo_prefix)
        fields = {name.removeprefix("DAYBOOK_").lower(): value for name, value in environment.items()} | more
        self.settings = LicensingSettings(**fields)  # type: ignore[arg-type]
        self.store = Store(mongo.database(self.settings, "licensing"), Bus("licensing", self.settings))
        self._stacks: list[AsyncExitStack] = []
        self.caller = Client()
        self.heard: list[Msg] = []
        self.patience = 20.0
        """Seconds that an answer is waited for."""

    @property
    def url(self) -> str:
        return self.installation.nats.url

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """One instance and the caller, as long as the context lasts."""
        try:
            await self.start()
            await self.open()
            yield self
        finally:
            await self.stop()

    async def start(self) -> Self:
        """One more instance."""
        stack = AsyncExitStack()
        await stack.enter_async_context(build(self.settings).running())
        self._stacks.append(stack)
        return self

    async def open(self) -> None:
        """Connects the caller, and begins to hear the facts."""
        self.caller = await self.installation.connect()
        for subject in ("*.changed.>", "notice.raised.>", "commands.>"):
            await self.caller.subscribe(subject, cb=self._hear)
        await round_trip(self.caller)

    async def _hear(self, message: Msg) -> None:
        self.heard.append(message)

    def facts(self, kind: str, workspace: str) -> list[dict[str, Any]]:
        """The facts of a kind heard so far."""
        return [json.loads(one.data) for one in self.heard if one.subject.startswith(f"{kind}.{workspace}.")]

    async def stop_services(self) -> None:
        """All instances end."""
        while self._stacks:
            await self._stacks.pop().aclose()

    async def stop(self) -> None:
        await self.stop_services()
        with suppress(Exception):
            await self.caller.close()
        self.store.db.client.close()

    async def ask(self, verb: str, body: BaseModel) -> Any:
        """An answer, or the Problem that was answered."""
        return await self.ask_raw(verb, body.model_dump_json(by_alias=True).encode())

    async def ask_raw(self, verb: str, body: bytes) -> Any:
        answer = await self.caller.request(subjects.rpc("licensing", verb), body, timeout=self.patience)
        document = json.loads(answer.data)
        if answer.headers and "Daybook-Status" in answer.headers:
            raise Problem.from_document(document)
        return document

    async def refused(self, verb: str, body: BaseModel) -> Problem:
        """The Problem that must come."""
        try:
            await self.ask(verb, body)
        except Problem as problem:
            return problem
        raise AssertionError(f"{verb} was not refused")

    def principal_of(self, token: str) -> requests.Principal:
        return open_token(self.session_public, token, time.time())

    @property
    def session_public(self) -> bytes:
        return base64.b64decode(self.installation.keys.signing_public("session"))

    @property
    def notice_public(self) -> bytes:
        return base64.b64decode(self.installation.keys.signing_public("notice"))

    async def seed(self, **more: Any) -> Acme:
        """A workspace with an owner, an admin, a manager, two employees, a client, three contracts, three licences."""
        tag = secrets.token_hex(4)
        email = "{}-" + tag + "@example.test"
        roles = {"olga": "owner", "adam": "admin", "mara": "manager", "lisa": "employee", "emil": "employee"}
        persons: list[dict[str, Any]] = [
            {"email": email.format(name), "name": name.title(), "role": role, "password": PASSWORD}
            for name, role in (roles | {"cleo": "client"}).items()
        ]
        persons[2]["manages"] = ["Design"]
        persons[3]["team"] = "Design"
        contracts = [
            {"member_email": email.format("lisa"), "project": "Atlas", "client_email": email.format("cleo")},
            {"member_email": email.format("lisa"), "project": "Internal", "labels": ["Research"]},
            {"member_email": email.format("emil"), "project": "Borealis", "rate_minor": 4500},
        ]
        licences = [
            {"mode": "worklog", "member_email": email.format("lisa"), "contract_index": 0},
            {"mode": "worklog", "member_email": email.format("emil"), "seats": 2, "policy": {"apps": True}},
            {"mode": "monitoring", "computer": "Front desk"},
        ]
        workspace = {"name": f"Acme {tag}", "teams": ["Design", "Sales"], "people": persons}
        workspace |= {"contracts": contracts, "licences": licences} | more
        return Acme(self, (await seed(self.store, {"workspaces": [workspace]}))["workspaces"][0])


async def connected(url: str) -> Client:
    """A plain client without any key."""
    return await nats.connect(url, allow_reconnect=False, connect_timeout=5)

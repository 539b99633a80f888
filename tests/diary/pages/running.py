"""The diary's two services on real servers, facts told to them over JOURNAL, and browsers to look with.

The services that pages ask over the bus (licensing for sessions, ingest for the proof of sync, media for bytes) are not
what is tested here: ``Neighbours`` answers for them, over the real bus and in their words.
"""

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from PIL import Image

from services.diary import app, projector
from services.diary.settings import DiarySettings
from services.kit.bus import round_trip
from services.kit.principals import seal_token
from services.kit.settings import signing_key
from services.wire import slots, subjects
from services.wire.events import (
    CaptureStored,
    ContractChanged,
    Fact,
    LicenceChanged,
    MemberChanged,
    SegmentRecorded,
    WorkspaceChanged,
)
from services.wire.requests import Principal
from tests.diary.running import served
from tests.support.servers import Installation, drop_databases, new_id

HASH = "a" * 64


async def until(fact: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Waits for a fact, and fails where it does not come."""
    deadline = time.monotonic() + seconds
    while not await fact():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await asyncio.sleep(0.05)


def a_picture(width: int, height: int) -> bytes:
    """A small WebP that a browser can decode."""
    image = Image.new("RGB", (width, height), (200, 210, 230))
    target = io.BytesIO()
    image.save(target, "WEBP", quality=30)
    return target.getvalue()


@dataclass
class Neighbours:
    """Answers of licensing, ingest and media; ``accounts`` are those that may sign in by form."""

    bus: Client
    accounts: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    failures: int = 0
    ended: set[str] = field(default_factory=set)
    sync: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(
        default_factory=lambda: {"picture": a_picture(1280, 720), "thumbnail": a_picture(320, 180)}
    )
    ingest_away: bool = False
    mails: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None
    versions: list[dict[str, Any]] = field(default_factory=list)

    async def listen(self) -> "Neighbours":
        for subject, answer in {
            subjects.rpc("licensing", "session"): self._session,
            subjects.rpc("licensing", "sign_in"): self._sign_in,
            subjects.rpc("licensing", "sign_out"): self._sign_out,
            subjects.rpc("licensing", "tell"): self._tell,
            subjects.rpc("licensing", "create"): self._create,
            subjects.rpc("licensing", "change"): self._create,
            subjects.rpc("licensing", "contract_versions"): self._versions,
            subjects.rpc("ingest", "sync"): self._sync,
            subjects.rpc("media", "picture"): self._picture,
        }.items():
            await self.bus.subscribe(subject, cb=answer)
        await round_trip(self.bus)
        return self

    async def _session(self, message: Msg) -> None:
        session = orjson.loads(message.data)["principal"]["session"]
        await message.respond(orjson.dumps({"holds": session not in self.ended}))

    async def _sign_in(self, message: Msg) -> None:
        asked = orjson.loads(message.data)
        password, answer = self.accounts.get(asked["email"], ("", {}))
        if self.failures >= 10:
            problem = {
                "type": "urn:daybook:problem:too-many",
                "title": "Too many failed sign-ins.",
                "status": 429,
                "detail": "Try again in 60 seconds.",
                "retry_after": 60,
            }
            await self._refuse(message, problem)
        elif not answer or asked["password"] != password:
            self.failures += 1
            problem = {"type": "urn:daybook:problem:wrong", "title": "E-mail and password do not match.", "status": 401}
            await self._refuse(message, problem)
        else:
            await message.respond(orjson.dumps(answer))

    async def _refuse(self, message: Msg, problem: dict[str, Any]) -> None:
        headers = {"Daybook-Status": str(problem["status"])}
        await self.bus.publish(message.reply, orjson.dumps(problem), headers=headers)

    async def _sign_out(self, message: Msg) -> None:
        self.ended.add(orjson.loads(message.data)["principal"]["session"])
        await message.respond(b"{}")

    async def _tell(self, message: Msg) -> None:
        self.mails.append(orjson.loads(message.data))
        await message.respond(b"{}")

    async def _create(self, message: Msg) -> None:
        asked = orjson.loads(message.data)
        self.asked.append(asked)
        if self.refusal:
            await self._refuse(message, self.refusal)
        else:
            await message.respond(orjson.dumps({"id": asked.get("id", "con-new"), **asked["body"]}))

    async def _versions(self, message: Msg) -> None:
        await message.respond(orjson.dumps({"items": self.versions}))

    async def _sync(self, message: Msg) -> None:
        if self.ingest_away:
            return
        devices = orjson.loads(message.data)["devices"]
        await message.respond(orjson.dumps({"devices": [self.sync[one] for one in devices if one in self.sync]}))

    async def _picture(self, message: Msg) -> None:
        body = self.pictures[orjson.loads(message.data)["size"]]
        await self.bus.publish(message.reply, body, headers={"Content-Type": "image/webp"})


class Diary:
    """One workspace's diary: web and projector, and what the world tells them."""

    def __init__(self, installation: Installation, mongo_prefix: str) -> None:
        self._installation, self._prefix = installation, mongo_prefix
        self.workspace, self.url = new_id("ws"), ""
        self._stack = contextlib.AsyncExitStack()
        self._revision, self._seq = 0, 0
        self._zones: dict[str, str] = {}
        self.bus: Client
        self.neighbours: Neighbours

    async def start(self) -> "Diary":
        await asyncio.to_thread(self._installation.migrate, self._prefix)
        self.bus = await self._installation.connect()
        self._stack.push_async_callback(self.bus.close)
        self.neighbours = await Neighbours(self.bus).listen()
        await self._stack.enter_async_context(projector.build(self._settings("projector")).running())
        self._web = await self._stack.enter_async_context(contextlib.AsyncExitStack())
        await self._serve()
        return self

    async def _serve(self) -> None:
        web = app.build(self._settings("diary"))
        self.url = await self._web.enter_async_context(served(web))
        self._web.callback(web.state.edge.live.close)  # as the signal does that ends the process

    @contextlib.asynccontextmanager
    async def without_web(self) -> AsyncIterator[None]:
        """The web is away while the context lasts; afterwards there is another at a new ``url``."""
        await self._web.aclose()
        yield
        await self._serve()

    def _settings(self, service: str) -> DiarySettings:
        env = self._installation.environment(service, mongo_prefix=self._prefix)
        return DiarySettings(**{name.removeprefix("DAYBOOK_").lower(): value for name, value in env.items()})  # type: ignore[arg-type]

    async def stop(self) -> None:
        await self._stack.aclose()

    # telling --------------------------------------------------------------------------------------------------------

    async def tell(self, kind: str, fact: Fact) -> None:
        """Says a fact on JOURNAL, as its owner would."""
        subject = subjects.fact(kind, fact.workspace, fact.member)
        await self.bus.jetstream().publish(subject, fact.model_dump_json(by_alias=True).encode())

    async def workspace_is(self, zone: str = "Europe/Berlin", **more: Any) -> None:
        self._revision += 1
        fact = WorkspaceChanged(
            workspace=self.workspace,
            member="-",
            revision=self._revision,
            name="Norrvik Studio",
            zone=zone,
            billing_zone="UTC",
            **more,
        )
        await self.tell("workspace.changed", fact)

    async def member(self, name: str, role: str = "employee", zone: str = "Europe/Oslo", **more: Any) -> str:
        """Somebody joins; their id."""
        self._revision += 1
        given = {
            "member": new_id("m"),
            "team": None,
            "manages": [],
            "email": f"{new_id('mail')}@norrvik.example",
        } | more
        fact = MemberChanged(
            workspace=self.workspace, revision=self._revision, name=name, role=role, zone=zone, **given
        )
        await self.tell("member.changed", fact)
        self._zones[fact.member] = zone
        return str(given["member"])

    async def contract(
        self, member: str, project: str, limit: int | None = 1800, client: str | None = None, **more: Any
    ) -> str:
        self._revision += 1
        contract = new_id("c")
        terms: dict[str, Any] = {"currency": "EUR", "rate_minor": 6000, "starts_on": None, "ends_on": None}
        terms |= {"manual_time": False, "labels": [], "memo_required": False, **more}
        fact = ContractChanged(
            workspace=self.workspace,
            member=member,
            revision=self._revision,
            contract=contract,
            project=project,
            client=client,
            weekly_limit_minutes=limit,
            **terms,
        )
        await self.tell("contract.changed", fact)
        return contract

    async def device(self, member: str, name: str = "fjord-14") -> str:
        self._revision += 1
        device = new_id("d")
        fact = LicenceChanged(
            workspace=self.workspace,
            member=member,
            revision=self._revision,
            licence=new_id("l"),
            device=device,
            device_name=name,
            state="active",
        )
        await self.tell("licence.changed", fact)
        return device

    async def segment(self, member: str, contract: str, device: str, slot: datetime, **more: Any) -> dict[str, Any]:
        """A segment is recorded; gives the record's detail, with its captures. ``active``, ``memo``, ``pictures`` …"""
        self._seq += 1
        active = more.get("active", 8)
        minutes = more.get("minutes") or [
            [40 + n, 3, 1, 25, "work", 0] if n < active else [0, 0, 0, 2, "work", 0] for n in range(10)
        ]
        app = [more.get("app", "Editor"), more.get("title", "statement.py"), None, 420]
        captures = [
            {
                "capture_id": new_id("k"),
                "kind": "screen",
                "at": slots.format_instant(slot + timedelta(seconds=90 + 240 * n)),
                "sha256": HASH,
                "bytes": 70_000,
                "width": 1280,
                "height": 720,
                "monitor": 0,
                "blurred": False,
                "app": 0,
            }
            for n in range(more.get("pictures", 1))
        ]
        detail = {
            "salt": "0" * 32,
            "memo": more.get("memo", "Statement export"),
            "label": more.get("label"),
            "apps": [app],
            "captures": captures,
        }
        record = {
            "seq": self._seq,
            "minutes": minutes,
            "session": more.get("session", "s1"),
            "session_started": slots.format_instant(slot),
        }
        text = slots.format_instant(slot)
        fact = SegmentRecorded(
            workspace=self.workspace,
            member=member,
            device=device,
            device_kind="desktop",
            contract=contract,
            segment_id=f"{contract}:{device}:{text}",
            slot=text,
            seq=self._seq,
            record_hash=HASH,
            record=record,
            detail=detail,
            received_at=slots.format_instant(datetime.now(UTC)),
        )
        await self.tell("segment.recorded", fact)
        if more.get("stored", True):
            await self.stored(member, device, captures)
        return {**detail, "segment_id": fact.segment_id}

    async def stored(self, member: str, device: str, captures: list[dict[str, Any]]) -> None:
        """The pictures of these captures are in the store."""
        for one in captures:
            fact = CaptureStored(
                workspace=self.workspace,
                member=member,
                device=device,
                capture_id=one["capture_id"],
                at=one["at"],
                sha256=one["sha256"],
                width=1280,
                height=720,
                stored_at=slots.format_instant(datetime.now(UTC)),
            )
            await self.tell("capture.stored", fact)

    # looking --------------------------------------------------------------------------------------------------------

    def principal(self, member: str, name: str = "Mira Solberg", role: str = "employee") -> Principal:
        now = int(time.time())
        return Principal(
            session=new_id("se"),
            workspace=self.workspace,
            member=member,
            role=role,
            name=name,
            person=new_id("p"),
            issued=now,
            expires=now + 3600,
        )

    def token(self, principal: Principal) -> str:
        from pydantic import SecretStr

        return seal_token(signing_key(SecretStr(self._installation.keys.signing_seed("session"))), principal)

    def client(self, principal: Principal | None = None) -> httpx.AsyncClient:
        """An HTTP client with a browser's cookie, or without."""
        cookies = {"daybook_session": self.token(principal)} if principal else {}
        return httpx.AsyncClient(
            base_url=self.url, cookies=cookies, timeout=20, headers={"sec-fetch-site": "same-origin"}
        )

    async def shows(self, principal: Principal, member: str, date: str, segments: int, stored: int = 0) -> None:
        """Waits until the day has so many segments, and so many stored pictures."""
        answer = None

        async def there() -> bool:
            nonlocal answer
            answer = await http.get(f"/api/v1/diary/{member}/days/{date}?zone=member")
            if not answer.is_success or answer.json()["zone"] != self._zones.get(member, "UTC"):
                return False
            found = answer.json()["segments"]
            states = [one["state"] for segment in found for one in segment["captures"]]
            return len(found) >= segments and states.count("stored") >= stored

        async with self.client(principal) as http:
            try:
                await until(there)
            except AssertionError as error:
                raise AssertionError(f"not what was waited for: {answer and answer.text[:500]}") from error

    async def page(self, http: httpx.AsyncClient, path: str, *texts: str) -> str:
        """The page once it holds these texts; what licensing told may take its moment to be known."""
        text = ""

        async def there() -> bool:
            nonlocal text
            text = (await http.get(path)).text
            return all(one in text for one in texts)

        try:
            await until(there, 10)
        except AssertionError as error:
            raise AssertionError(f"{texts} are not all in\n{text[:6000]}") from error
        return text


@contextlib.asynccontextmanager
async def a_diary(installation: Installation, mongo_url: str) -> AsyncIterator[Diary]:
    """A diary on a store of its own, which goes with it."""
    prefix = new_id("t").replace("-", "")
    running = Diary(installation, prefix)
    try:
        yield await running.start()
    finally:
        await running.stop()
        drop_databases(mongo_url, prefix)

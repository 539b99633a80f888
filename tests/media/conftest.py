"""A media service in this process, on the real bus and the real stores, and a device to send it pictures.

Licensing is not part of these tests: ``Licensing`` answers ``rpc.licensing.grant`` in its place, with licensing's own
bus user and the real model on the wire.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.kit.bus import round_trip
from services.kit.migrate import MigrateSettings, migrate
from services.kit.service import Service
from services.media.app import MediaSettings, build
from services.wire import subjects
from tests.support.pictures import webp
from tests.support.servers import Installation, new_id

TAKEN = "2026-11-21T10:12:30Z"


def settings_from(model: Any, environment: dict[str, str]) -> Any:
    return model(**{name.removeprefix("DAYBOOK_").lower(): value for name, value in environment.items()})


def grant(workspace: str, device: str, **changes: Any) -> dict[str, Any]:
    return {
        "revision": 1,
        "workspace": workspace,
        "member": "member-1",
        "device": device,
        "device_kind": "desktop",
        "public_key": "",
        "licence": "licence-1",
        "mode": "worklog",
        "state": "active",
        "not_before": "2026-09-01T00:00:00Z",
        "expires": None,
        "revoked_at": None,
        "drain_until": None,
        # pictures of whatever day are kept, but where a test says otherwise (M-05)
        "policy": {"version": 1, "screenshots": {"enabled": True, "per_segment": 1}, "capture_days": None},
        "contracts": [],
        **changes,
    }


@dataclass
class Licensing:
    """Stands in for licensing: grants what the test put there, else 404."""

    client: Client
    grants: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    async def answer(self, message: Msg) -> None:
        self.asked += 1
        wanted = json.loads(message.data)
        found = self.grants.get((wanted["workspace"], wanted["device"]))
        if found is None:
            problem = {"type": "urn:daybook:problem:not-found", "title": "None.", "status": 404}
            await self.client.publish(message.reply, json.dumps(problem).encode(), headers={"Daybook-Status": "404"})
        else:
            await self.client.publish(message.reply, json.dumps(found).encode())

    async def change(self, workspace: str, device: str, **changes: Any) -> None:
        """Changes a grant and says so, as licensing does."""
        self.grants[workspace, device] = {**self.grants[workspace, device], **changes}
        fact = {
            "workspace": workspace,
            "member": "member-1",
            "revision": 2,
            "licence": "licence-1",
            "device": device,
            "device_name": None,
            "state": "active",
        }
        subject = subjects.fact("licence.changed", workspace, "member-1")
        await self.client.jetstream().publish(subject, json.dumps(fact).encode())


@dataclass
class Device:
    """A device's side of the conversation; the bus itself keeps it to its own subjects."""

    client: Client
    workspace: str
    device: str

    def capture(self, picture: bytes, thumbnail: bytes, **changes: Any) -> dict[str, Any]:
        return {
            "capture_id": new_id("capture"),
            "kind": "screen",
            "at": TAKEN,
            "sha256": hashlib.sha256(picture).hexdigest(),
            "bytes": len(picture),
            "width": 640,
            "height": 400,
            "monitor": 0,
            "blurred": False,
            "app": 0,
            "thumbnail_bytes": len(thumbnail),
            **changes,
        }

    async def send(self, capture: dict[str, Any], body: bytes, timeout: float = 20) -> dict[str, Any]:
        """The answer to a ``picture`` request."""
        subject = subjects.device_request(self.workspace, self.device, "picture")
        answer = await self.client.request(
            subject, body, timeout=timeout, headers={"Daybook-Capture": json.dumps(capture)}
        )
        return json.loads(answer.data)

    async def offer(self, picture: bytes, thumbnail: bytes | None = None, **changes: Any) -> dict[str, Any]:
        """Sends a picture of 640 × 400 with a good thumbnail, if not said otherwise."""
        thumbnail = webp(320, 200) if thumbnail is None else thumbnail
        return await self.send(self.capture(picture, thumbnail, **changes), picture + thumbnail)


@dataclass
class Media:
    """All of it, running."""

    installation: Installation
    service: Service
    settings: MediaSettings
    operator: Client
    licensing: Licensing
    workspace: str
    stack: AsyncExitStack

    async def device(self, **changes: Any) -> Device:
        """A further device with a grant of its own."""
        name = new_id("device")
        self.licensing.grants[self.workspace, name] = grant(self.workspace, name, **changes)
        return await self.unknown_device(name)

    async def unknown_device(self, name: str) -> Device:
        """A device that licensing has not heard of."""
        client = await self.installation.connect(inbox_prefix=subjects.device_inbox(name).encode())
        self.stack.push_async_callback(client.close)
        return Device(client, self.workspace, name)

    async def look(self, device: Device, capture_id: str, size: str = "picture") -> Msg:
        """What the diary is answered."""
        body = {"workspace": self.workspace, "device": device.device, "capture_id": capture_id, "size": size}
        return await self.operator.request("rpc.media.picture", json.dumps(body).encode(), timeout=60)

    def objects(self) -> dict[str, bytes]:
        """All objects of the bucket."""
        client, bucket = self.installation.s3.client(), self.settings.s3_bucket
        names = [entry.object_name or "" for entry in client.list_objects(bucket, recursive=True)]
        return {name: client.get_object(bucket, name).data for name in names}


@pytest.fixture
async def media(installation: Installation, mongo_prefix: str, workspace_id: str) -> AsyncIterator[Media]:
    environment = installation.environment("media", mongo_prefix=mongo_prefix, s3=True)
    environment["DAYBOOK_S3_BUCKET"] = new_id("bucket")
    settings = settings_from(MediaSettings, environment)
    await migrate(settings_from(MigrateSettings, installation.environment("migrate", mongo_prefix=mongo_prefix)))
    async with AsyncExitStack() as stack:
        operator = await installation.connect()
        stack.push_async_callback(operator.close)
        licensing = Licensing(await installation.connect("licensing"))
        stack.push_async_callback(licensing.client.close)
        await licensing.client.subscribe("rpc.licensing.grant", cb=licensing.answer)
        await round_trip(licensing.client)
        service = build(settings)
        await stack.enter_async_context(service.running())
        yield Media(installation, service, settings, operator, licensing, workspace_id, stack)
    await asyncio.sleep(0)

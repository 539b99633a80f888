"""The real ingest process under test, and an observer of what it does."""

import asyncio
import contextlib
import os
import sys
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pymongo
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from deploy.local.ports import free_ports
from deploy.local.process import Child, wait_until
from services.wire import proof, subjects
from tests.ingest.fleet import Device, Sealed
from tests.support.servers import ROOT, Installation
from tests.support.stack import until


class Ingest:
    """``python -m services.ingest.app`` on a database of its own, or a wrapper of it that injects a fault."""

    def __init__(self, installation: Installation, folder: Path, mongo_prefix: str) -> None:
        self.installation, self.folder, self.mongo_prefix = installation, folder, mongo_prefix
        self._children: list[Child] = []
        self._ports: list[int] = []

    def start(self, *command: str, **more: str) -> "Ingest":
        """Starts one more replica; ``command`` stands after ``python -m``."""
        port = free_ports(1)[0]
        env = self.installation.environment("ingest", mongo_prefix=self.mongo_prefix, http_port=port)
        child = Child(
            "ingest",
            [sys.executable, "-m", *(command or ("services.ingest.app",))],
            self.folder / f"ingest-{len(self._children)}.log",
            env={"PATH": os.environ["PATH"]} | env | more,
            cwd=ROOT,
        )
        child.start()
        self._children.append(child)
        self._ports.append(port)
        return self

    @property
    def child(self) -> Child:
        return self._children[-1]

    @property
    def url(self) -> str:
        """Of the health and metrics of the newest replica."""
        return f"http://127.0.0.1:{self._ports[-1]}"

    def wait_ready(self) -> "Ingest":
        wait_until(lambda: self.get("/readyz")[0] == 200, 180, self.child, "did not get ready")
        return self

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def log(self) -> str:
        return "".join(child.log.read_text() for child in self._children)

    async def died(self) -> int:
        """Waits until the newest replica has ended by itself; its exit status."""
        await eventually(lambda: not self.child.alive)
        return self.child.returncode or 0

    def kill(self) -> None:
        for child in self._children:
            child.kill()


class Observer:
    """Publishes segments and looks at what became of them, with rights that no service has."""

    def __init__(self, client: Client, ingest: Ingest) -> None:
        self.client, self.js, self.ingest = client, client.jetstream(), ingest
        self._mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(ingest.installation.mongo_url)
        self.db = self._mongo[f"{ingest.mongo_prefix}_ingest"]
        self.notice_key = b64decode(ingest.installation.keys.signing_public("notice"))

    def close(self) -> None:
        self._mongo.close()

    # saying ---------------------------------------------------------------------------------------------------------

    async def send(self, device: Device, sealed: Iterable[Sealed | bytes]) -> None:
        """Publishes on the device's subject and waits for the PubAcks."""
        for one in sealed:
            await self.js.publish(device.subject, one if isinstance(one, bytes) else one.body)

    async def ask(self, verb: str, body: dict[str, Any]) -> Any:
        answer = await self.client.request(f"rpc.ingest.{verb}", orjson.dumps(body), timeout=20)
        return orjson.loads(answer.data)

    async def receipt(self, device: Device) -> dict[str, Any]:
        """What the device is answered when it asks."""
        inbox = f"{subjects.device_inbox(device.device)}.1"
        answers: asyncio.Queue[Msg] = asyncio.Queue()
        subscription = await self.client.subscribe(inbox, cb=answers.put)
        subject = subjects.device_request(device.workspace, device.device, "receipts")
        await self.client.publish(subject, b"{}", reply=inbox)
        answer = await asyncio.wait_for(answers.get(), 20)
        await subscription.unsubscribe()
        return proof.open_notice(self.notice_key, answer.data, device.workspace, device.device)

    # looking --------------------------------------------------------------------------------------------------------

    def ledger(self, device: Device) -> list[dict[str, Any]]:
        return list(self.db.ledger.find({"workspace": device.workspace, "device": device.device}).sort("_id", 1))

    def quarantine(self, device: Device) -> list[dict[str, Any]]:
        query = {"workspace": device.workspace, "device": device.device}
        return list(self.db.quarantine.find(query).sort("_id", 1))

    def reasons(self, device: Device) -> dict[int | None, str]:
        return {one["seq"]: one["reason"] for one in self.quarantine(device)}

    async def journalled(self, workspace: str) -> list[Msg]:
        """Every ``segment.recorded`` of a workspace on JOURNAL."""
        found: list[Msg] = []
        # none acked: what waits for an ack on a busy machine would come again, and be counted twice
        once = ConsumerConfig(ack_policy=AckPolicy.NONE)
        subject = f"segment.recorded.{workspace}.*"
        subscription = await self.js.pull_subscribe(subject, stream=subjects.JOURNAL, config=once)
        pending = (await subscription.consumer_info()).num_pending
        while len(found) < pending:
            with contextlib.suppress(TimeoutError):  # a machine that is busy may need longer
                found += await subscription.fetch(pending - len(found), timeout=10)
        await subscription.unsubscribe()
        return found

    async def drained(self) -> bool:
        """Nothing is left in SEGMENTS: everything was acked."""
        return (await self.js.stream_info(subjects.SEGMENTS)).state.messages == 0


async def eventually(fact: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Waits until a fact holds (a plain or async function), and gives it."""
    return await until(fact, seconds, every=0.02)

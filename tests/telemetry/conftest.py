"""The stack with its spans in a collector of ours, and a record that was followed through it."""

import asyncio
import json
import secrets
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.files import read
from deploy.local.keys import Keys
from deploy.local.services import MODULES
from services.wire import subjects
from tests.support.collector import Caught, Collector
from tests.support.pictures import webp
from tests.support.stack import Stack, day, until
from tests.support.stranger import Stranger, busy, slot_before, text_of, today


@dataclass
class Traced:
    """A stack and what it emits."""

    stack: Stack
    collector: Collector

    def scrape(self, service: str) -> str:
        """The metrics of a service, as Prometheus gets them."""
        url = self.stack.web if service == "diary" else f"http://127.0.0.1:{self._ports[service]}"
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def value(self, service: str, sample: str, **labels: str) -> float:
        """The present value of one sample; 0 where there is none yet."""
        for family in text_string_to_metric_families(self.scrape(service)):
            for one in family.samples:
                if one.name == sample and one.labels == labels:
                    return one.value
        return 0.0

    def logs(self) -> dict[str, str]:
        """Everything that the services have written so far."""
        return {name: (self.stack.data / "logs" / f"{name}.log").read_text() for name in MODULES}

    async def connect(self, user: str) -> Client:
        """The bus as one of the services' users."""
        return await nats.connect(self.stack.ready["nats"], nkeys_seed_str=Keys.open(self.stack.data).bus_seed(user))

    @property
    def _ports(self) -> dict[str, int]:
        found: dict[str, int] = read(self.stack.data / "ports.json") or {}
        return found


@pytest.fixture(scope="session")
def traced(stack: Stack, collector: Collector) -> Traced:
    return Traced(stack, collector)


@dataclass
class Followed:
    """A record and a picture with everything personal that a person can write, and the ids of their traces."""

    device: Stranger
    slot: datetime
    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    span: str = field(default_factory=lambda: secrets.token_hex(8))
    picture_trace: str = field(default_factory=lambda: secrets.token_hex(16))
    picture_span: str = field(default_factory=lambda: secrets.token_hex(8))
    canaries: dict[str, str] = field(default_factory=dict)
    picture: bytes = b""
    spans: list[Caught] = field(default_factory=list)

    def canary(self, where: str) -> str:
        """A text that stands nowhere else."""
        self.canaries[where] = f"canary{secrets.token_hex(8)}"
        return self.canaries[where]


@pytest.fixture(scope="session")
def followed(traced: Traced) -> Followed:
    return asyncio.run(_follow(traced))


async def _follow(traced: Traced) -> Followed:
    one = Followed(await traced.stack.device(), slot_before(today(), 20))
    try:
        capture = await _record(one)
        await _send_picture(one, capture)
        await _go_wrong(traced, one)
        await _read(traced, one, capture["capture_id"])
        await until(lambda: len(traced.collector.spans(one.trace)) >= 5, 60)
        await until(lambda: len(traced.collector.spans(one.picture_trace)) >= 2, 60)
        await until(lambda: "take scoring" in {span.name for span in traced.collector.spans()})
        one.spans = await until(lambda: _asked(traced.collector.spans()), 60)
    finally:
        await one.device.close()
    return one


def _asked(spans: list[Caught]) -> list[Caught]:
    """These, once who asked has told of it too, of every answer among them; services export at moments of their own."""
    there = {span.span for span in spans}
    parents = {span.parent for span in spans if span.name in ("answer grant", "answer picture", "answer sign_in")}
    return spans if len(parents) >= 3 and parents <= there else []


async def _record(one: Followed) -> dict[str, Any]:
    one.picture = webp(640, 360, seed=secrets.randbits(32))
    capture = one.device.capture(one.picture, one.slot + timedelta(minutes=4), 640, 360)

    def add(record: dict[str, Any], detail: dict[str, Any]) -> None:
        name, title, site = one.canary("app"), one.canary("title"), f"{one.canary('site')}.example"
        detail["apps"] = [[name, title, site, 540]]

    memo, label = one.canary("memo"), one.canary("label")
    body = one.device.record(one.slot, busy(), memo=memo, label=label, captures=[capture], change=add)
    traceparent = {"traceparent": f"00-{one.trace}-{one.span}-01"}
    await one.device.js.publish(one.device.subject, body, headers=traceparent)
    await one.device.settled()
    return capture


async def _send_picture(one: Followed, capture: dict[str, Any]) -> None:
    thumbnail = webp(320, 180)
    headers = {
        "Daybook-Capture": json.dumps({**capture, "thumbnail_bytes": len(thumbnail)}),
        "traceparent": f"00-{one.picture_trace}-{one.picture_span}-01",
    }
    answer = await one.device.ask("picture", one.picture + thumbnail, headers=headers)
    assert json.loads(answer.data)["state"] == "stored"


async def _go_wrong(traced: Traced, one: Followed) -> None:
    """What ends in quarantine, in poison, in a refusal: errors like to quote what they could not take."""

    def spoil(record: dict[str, Any], detail: dict[str, Any]) -> None:
        detail["memo"] = {"nested": one.canary("quarantined")}

    await one.device.publish(one.device.record(one.slot + timedelta(minutes=10), change=spoil))
    await one.device.publish(json.dumps({"v": 1, "said": one.canary("no envelope")}).encode())
    await one.device.ask(
        "picture", b"x", headers={"Daybook-Capture": json.dumps({"kind": one.canary("refused picture")})}
    )
    ingest = await traced.connect("ingest")
    subject = subjects.fact("segment.recorded", one.device.workspace, one.device.member)

    def poisoned(service: str) -> float:
        return traced.value(service, "daybook_messages_total", subject=service, outcome="poison")

    before = {service: poisoned(service) for service in ("projector", "scoring")}
    for detail in ({"memo": one.canary("unreadable")}, {"apps": [[one.canary("unfoldable"), None, None, "x"]]}):
        await ingest.jetstream().publish(subject, json.dumps(_fact(one, detail)).encode())
    await until(lambda: all(poisoned(service) >= count + 2 for service, count in before.items()), 60)
    await ingest.close()


def _fact(one: Followed, detail: dict[str, Any]) -> dict[str, Any]:
    """A fact whose outside is in order."""
    named = {name: getattr(one.device, name) for name in ("workspace", "member", "device")}
    return named | {
        "device_kind": "desktop",
        "contract": one.device.contracts[0],
        "segment_id": f"{one.device.contracts[0]}:{one.device.device}:{text_of(one.slot)}",
        "slot": text_of(one.slot),
        "seq": 10**6,
        "record_hash": "0" * 64,
        "record": {},
        "detail": detail,
        "received_at": text_of(today()),
    }


async def _read(traced: Traced, one: Followed, capture: str) -> None:
    """A manager's morning: the day with its score, the picture, a search by title, a failed sign-in."""
    segment = one.device.closed[0].segment_id
    async with traced.stack.person("owner") as http:

        async def shown() -> bool:
            found = await day(http, one.device.member, text_of(one.slot)[:10])
            (row,) = [one for one in found["segments"] if one["segment_id"] == segment] or [None]
            return bool(row and row["score"]["activity"] is not None and row["captures"][0]["state"] == "stored")

        await until(shown, 60)
        for size in ("picture", "thumbnail"):
            answer = await http.get(f"/api/v1/captures/{capture}/{size}")
            assert answer.headers["content-type"] == "image/webp", answer.text
        await http.post("/api/v1/sessions", json={"email": f"{one.canary('e-mail')}@example.org", "password": "x"})
        await http.get(f"/api/v1/diary/{one.device.member}/days/{one.canary('date')}")

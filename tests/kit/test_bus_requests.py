"""Requests: a body that is not the verb's own never reaches a handler, and a device is answered in its inbox only."""

import asyncio
from typing import Any

import orjson
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.kit.bus import Bus, Reply
from services.kit.problems import Problem, not_found
from services.wire.requests import GrantOf, Replay
from services.wire.subjects import device_request, rpc
from tests.support.servers import new_id

GOOD = GrantOf(workspace="ws", device="dev")


async def test_an_answer_is_what_the_handler_gives(bus: Bus) -> None:
    async def plain(request: GrantOf) -> dict[str, str]:
        return {"device": request.device}

    async def model(request: GrantOf) -> GrantOf:
        return request

    async def raw(_: GrantOf) -> Reply:
        return Reply(b"\x00\xff", {"Content-Type": "image/webp"})

    for verb, handler in (("plain", plain), ("model", model), ("raw", raw)):
        bus.serve(verb, GrantOf, handler)
    await bus.start()
    assert await bus.ask(bus.service, "plain", GOOD) == {"device": "dev"}
    assert await bus.ask(bus.service, "model", GOOD) == {"workspace": "ws", "device": "dev"}
    answer = await bus.ask_raw(bus.service, "raw", GOOD)
    assert (answer.data, answer.headers) == (b"\x00\xff", {"Content-Type": "image/webp"})


FOREIGN = (b'{"stream":"SEGMENTS","seq":7}', b"", b"7", b"null", b'{"workspace":"ws","device":"dev","more":1}', b"\xff")


@pytest.mark.parametrize("body", FOREIGN)
async def test_a_foreign_body_is_refused_and_not_handled(bus: Bus, client: Client, body: bytes) -> None:
    """Permissions do not cover the reply subject: a device can aim a PubAck at a service (architecture.md)."""
    handled: list[GrantOf] = []

    async def handle(request: GrantOf) -> dict[str, str]:
        handled.append(request)
        return {}

    bus.serve("grant", GrantOf, handle)
    await bus.start()
    answer = await client.request(rpc(bus.service, "grant"), body, timeout=20)
    assert answer.headers == {"Daybook-Status": "422"}
    assert orjson.loads(answer.data)["status"] == 422
    assert handled == []


async def test_a_pub_ack_aimed_at_a_service_does_nothing(bus: Bus, client: Client) -> None:
    handled: list[Any] = []

    async def handle(request: Any) -> dict[str, int]:
        handled.append(request)
        return {}

    bus.serve("replay", Replay, handle)
    await bus.start()
    stream = new_id("s")
    await client.jetstream().add_stream(name=stream, subjects=[f"{stream}.x"])
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    await client.subscribe(rpc(bus.service, "replay"), cb=heard.put)
    await client.publish(f"{stream}.x", b"x", reply=rpc(bus.service, "replay"))
    ack = await asyncio.wait_for(heard.get(), 20)
    assert orjson.loads(ack.data)["stream"] == stream  # it did arrive there
    span = Replay.model_validate({"workspace": "ws", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
    assert await bus.ask(bus.service, "replay", span) == {}
    assert handled == [span]
    await client.jetstream().delete_stream(stream)


async def test_problems_travel_and_defects_are_500(bus: Bus) -> None:
    async def missing(_: GrantOf) -> None:
        raise not_found("device")

    async def broken(_: GrantOf) -> None:
        raise KeyError("oops")

    bus.serve("missing", GrantOf, missing)
    bus.serve("broken", GrantOf, broken)
    await bus.start()
    for verb, status in (("missing", 404), ("broken", 500), ("nobody", 503)):
        with pytest.raises(Problem) as raised:
            await bus.ask(bus.service, verb, GOOD, timeout=10)
        assert raised.value.status == status
        assert "oops" not in str(raised.value.document())


async def test_a_device_is_answered_only_into_its_inbox(bus: Bus, client: Client) -> None:
    """L-06: an answer can be aimed neither at another device, nor at a service, nor at a prefix of the inbox."""
    workspace, device, verb = new_id("ws"), new_id("dev"), new_id("verb")
    handled: list[tuple[str, str]] = []

    async def handle(own_workspace: str, own_device: str, message: Msg) -> bytes:
        handled.append((own_workspace, own_device))
        return b"answer"

    bus.serve_device(verb, handle)
    await bus.start()
    right = f"_INBOX.{device}.1"
    wrong = (
        f"receipts.{workspace}.x",
        f"_INBOX.{device}",
        f"_INBOX.{device}x.1",
        "_INBOX.other.1",
        "rpc.ingest.release",
    )
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    for target in (*wrong, right):
        await client.subscribe(target, cb=heard.put)
    for target in (*wrong, "", right):
        await client.publish(device_request(workspace, device, verb), b"{}", reply=target)
    first = await asyncio.wait_for(heard.get(), 20)
    assert (first.subject, first.data) == (right, b"answer")
    assert handled == [(workspace, device)]
    assert heard.empty()

"""HTTP as the web speaks it: answers whole and in one piece, streams as they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import uvicorn

from services.kit import http
from tests.support.stack import until

GET = b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n"
OK = {"type": "http.response.start", "status": 200}


class Counting(http.Protocol):
    """Counts what is handed to the real transport."""

    sent: list[int]

    def connection_made(self, transport: Any) -> None:
        super().connection_made(cast(asyncio.Transport, Counted(transport)))


class Counted:
    """A transport that notes each time it is made to send."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        Counting.sent.append(1)
        self._transport.write(data)

    def writelines(self, data: Any) -> None:
        Counting.sent.append(len(data))
        self._transport.writelines(data)


class Answers:
    """An application: ``/whole`` at once, ``/stream`` piece by piece as ``go`` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/whole":
            await send({**OK, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"body"})
            return
        await send({**OK, "headers": [(b"connection", b"close")]})
        await self.go.wait()
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await send({"type": "http.response.body", "body": b"second"})


@pytest.fixture
async def answers() -> Answers:
    return Answers()


@pytest.fixture
async def port(answers: Answers) -> AsyncIterator[int]:
    Counting.sent = []
    config = uvicorn.Config(answers, port=0, http=Counting, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    answers.go.set()
    server.should_exit = True
    await serving


async def test_a_head_goes_out_with_its_body(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(GET % b"/whole")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(4) == b"body"
    assert Counting.sent == [2, 2, 2]
    writer.close()


async def test_answers_to_questions_sent_together_come_whole_and_in_order(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % b"/whole" * 5)
    for _ in range(5):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await reader.readexactly(4) == b"body"
    writer.close()


async def test_the_head_of_a_stream_does_not_wait_for_what_follows(port: int, answers: Answers) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % b"/stream")
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        answers.go.set()
        rest = await reader.read()  # to the end: closing sends what is held
    assert rest == b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"
    writer.close()


async def test_what_is_no_request_is_told_so(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"NONSENSE / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b'"type":"urn:daybook:problem:not-a-request"' in answer
    writer.close()

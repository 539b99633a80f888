"""What nats-py does message by message, done for hundreds at a time: to read, fetch, publish and acknowledge.

Its reader runs five coroutines and looks at every letter of a header's name, its fetch makes a task, a timer and a UUID
for every message, its publish checks and wakes its writer for every message. In services that do nothing else that was
a third of all their CPU. It has no public way around: this file, and none but this, reaches into it (nats-py 2.16; what
it relies on is tried in tests/kit/test_bulk.py).
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import BadHeaderError, BadSubjectError, ConnectionClosedError
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.protocol.parser import AWAITING_MSG_PAYLOAD, CRLF_SIZE, Parser

_ACKED = b"PUB %b 0\r\n\r\n"
_OVER = frozenset({"404", "408"})
"""Statuses that end a fetch: nothing is there, or the time is over."""
_HEAD = re.compile(rb"HMSG ([^\s]+) (\d+) ([^\s]+) (\d+) (\d+)\r\n")
_VERSION, _END = b"NATS/1.0\r\n", b"\r\n\r\n"
_NAME = re.compile(rb"[!-9;-~]+:")


def quicken(client: Client) -> None:
    """Lets a connected client read quickly what a stream sends: messages with a reply and headers."""
    client._ps.__class__ = _Parser


class _Parser(Parser):
    """Hands over all whole messages of one read at once, and leaves to nats-py what is anything else."""

    async def parse(self, data: bytes = b"") -> None:
        """Reads on."""
        if self.state == AWAITING_MSG_PAYLOAD:
            missing = self.needed + CRLF_SIZE - len(self.buf)
            await super().parse(data[:missing])
            data = data[missing:]
        elif self.buf:
            data = bytes(self.buf) + data
            self.buf.clear()
        at = 0
        while head := _HEAD.match(data, at):
            start = head.end()
            body, end = start + int(head[4]), start + int(head[5])
            if end + CRLF_SIZE > len(data) or not self._hand_over(head, data[start:body], data[body:end]):
                break
            at = end + CRLF_SIZE
        if at < len(data):
            await super().parse(data[at:])

    def _hand_over(self, head: re.Match[bytes], raw: bytes, body: bytes) -> bool:
        """Whether it could be, as nats-py would have done."""
        client, subscription = self.nc, self.nc._subs.get(int(head[2]))
        headers = _headers(raw)
        if not headers or subscription is None or subscription._future or subscription._jsi or subscription._max_msgs:
            return False
        queue, limit = subscription._pending_queue, subscription._pending_bytes_limit
        if queue.full() or 0 < limit <= subscription._pending_size + len(body):
            return False
        client.stats["in_msgs"] += 1
        client.stats["in_bytes"] += len(body)
        subscription._received += 1
        subscription._pending_size += len(body)
        queue.put_nowait(Msg(client, head[1].decode(), head[3].decode(), body, headers, _sid=int(head[2])))
        return True


def _headers(raw: bytes) -> dict[str, str] | None:
    """Headers of plain names; None for a status of the bus, and for all that is not certain."""
    if not raw.startswith(_VERSION) or not raw.endswith(_END):
        return None
    found = {}
    try:
        for line in raw[len(_VERSION) : -len(_END)].split(b"\r\n"):
            name, colon, value = line.partition(b":")
            found[_name(name + colon)] = value.strip().decode()
    except ValueError:
        return None
    return found


@lru_cache(1000)
def _name(raw: bytes) -> str:
    if not _NAME.fullmatch(raw):
        raise ValueError
    return raw[:-1].decode()


async def fetch(pull: JetStreamContext.PullSubscription, batch: int, timeout: float) -> list[Msg]:
    """Up to so many messages: as many as came within ``timeout`` seconds; TimeoutError where none did.

    Whatever else the bus answers (no leader, too many unacknowledged, a consumer that is gone) is waited out, for it
    would answer the same at once.
    """
    subscription, client = pull._sub, pull._nc
    queue, deadline = subscription._pending_queue, time.monotonic() + timeout
    found: list[Msg] = []
    asked = False
    while len(found) < batch:
        if queue.empty():
            if not asked:
                request = {"batch": batch - len(found), "expires": max(1, int((deadline - time.monotonic()) * 1e9))}
                await client.publish(pull._nms, json.dumps(request).encode(), reply=pull._deliver)
                asked = True
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    message = await queue.get()
            except TimeoutError:
                break
        else:
            message = queue.get_nowait()
        queue.task_done()
        subscription._pending_size -= len(message.data)
        status = (message.headers or {}).get(Header.STATUS.value)
        if status is None:
            found.append(message)
        elif status not in _OVER:
            await asyncio.sleep(max(0.0, deadline - time.monotonic()))
            break
    if not found:
        raise TimeoutError
    return found


async def acknowledge(client: Client, messages: Iterable[Msg]) -> None:
    """Acks what came from a durable."""
    await _send(client, b"".join([_ACKED % message.reply.encode() for message in messages]))


async def publish(client: Client, messages: Iterable[tuple[str, str, bytes, Mapping[str, str]]]) -> None:
    """Publishes (subject, reply or "", body, headers) in this order, in one write."""
    await _send(client, b"".join([_published(*one) for one in messages]))


def _published(subject: str, reply: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    if not subject or " " in subject or not subject.isprintable():
        raise BadSubjectError
    if not headers:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(body), body)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise BadHeaderError("a line break in a header")
    head = b"NATS/1.0\r\n%b\r\n" % lines.encode()
    sizes = (len(head), len(head) + len(body))
    return b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject.encode(), reply.encode(), *sizes, head, body)


async def _send(client: Client, commands: bytes) -> None:
    if client.is_closed:
        raise ConnectionClosedError
    await client._send_command(commands)
    await client._flush_pending()

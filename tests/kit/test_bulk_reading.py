"""Quick reading hands over what nats-py's own reader would, however the bytes are cut."""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services.kit import bulk

BODY = st.binary(max_size=60) | st.just(b"HMSG a 1 b 12 12\r\nNATS/1.0\r\n\r\n\r\n") | st.just(b"\0" * 400)
LINE = st.sampled_from(
    [
        *(b"traceparent: 00-aa-bb-01", b"Nats-Batch-Id: 1", b"a:b", b"a : b", b" a: b", b"a: \t b \x1f", b"a b: c"),
        *(b"a\x1f: b", b"", b":", b"no colon", b"a:", b"a: b: c", b"a: \r", b"a: \n", b"a: \xff"),
        *("Zoë: ü".encode(), "a: Zoë".encode()),
    ]
)
VERSION = st.sampled_from([b"NATS/1.0"] * 6 + [b"NATS/1.0 404", b"NATS/1.0 100 Idle", b"NATS/1.0 404 No Messages"])
HEADERS = st.builds(
    lambda version, lines, end: b"\r\n".join([version, *lines, end]),
    VERSION,
    st.lists(LINE, max_size=4),
    st.sampled_from([b"\r\n"] * 6 + [b""]),
)
SID = st.sampled_from([1, 1, 1, 2, 3, 4])


def _with_headers(sid: int, reply: bytes, headers: bytes, body: bytes) -> bytes:
    sizes = (len(headers), len(headers) + len(body))
    return b"HMSG subject.\xc3\xbc %d %b%d %d\r\n%b%b\r\n" % (sid, reply, *sizes, headers, body)


def _plain(sid: int, reply: bytes, body: bytes) -> bytes:
    return b"MSG subject %d %b%d\r\n%b\r\n" % (sid, reply, len(body), body)


REPLY = st.sampled_from([b"$JS.ACK.S.d.1.2.3.4.5 ", b"$JS.ACK.S.d.1.2.3.4.5 ", b""])
MESSAGE = st.one_of(
    st.builds(_with_headers, SID, REPLY, HEADERS, BODY),
    st.builds(_with_headers, SID, REPLY, HEADERS, BODY),
    st.builds(_plain, SID, REPLY, BODY),
    st.just(b"+OK\r\n"),
)
Heard = list[tuple[int, list[Msg], int, int]]


async def heard(chunks: list[bytes], *, quick: bool) -> tuple[Heard, dict[str, int]]:
    """What each subscription has in its queue, how much it received, and the client's own count."""
    client, dropped = Client(), list[str]()

    async def note(error: Exception) -> None:
        dropped.append(type(error).__name__)

    client._error_cb = note
    if quick:
        bulk.quicken(client)
    subscriptions = [Subscription(client, 1), Subscription(client, 2, max_msgs=2)]
    subscriptions.append(Subscription(client, 3, pending_msgs_limit=1, pending_bytes_limit=50))
    client._subs = {one._id: one for one in subscriptions}  # the fourth is nobody's
    try:
        for chunk in chunks:
            await client._ps.parse(chunk)
    except UnicodeDecodeError as error:  # a status of the bus that is no text: its reader ends
        dropped.append(type(error).__name__)
    found = [(one._id, _queued(one), one._received, one._pending_size) for one in subscriptions]
    return found, {"dropped": len(dropped), "in": client.stats["in_msgs"], "bytes": client.stats["in_bytes"]}


def _queued(subscription: Subscription) -> list[Msg]:
    queue = subscription._pending_queue
    return [queue.get_nowait() for _ in range(queue.qsize())]


def _told(outcome: tuple[Heard, dict[str, int]]) -> object:
    found, counted = outcome
    return counted, [
        (sid, [(one.subject, one.reply, one.data, one.headers, one._sid) for one in queued], *more)
        for sid, queued, *more in found
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGE, max_size=12), st.lists(st.integers(0, 3000), max_size=6))
def test_however_it_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(messages)
    places = sorted({0, len(wire), *(one for one in cuts if one < len(wire))})
    chunks = [wire[start:end] for start, end in pairwise(places)]
    read = [_told(asyncio.run(heard(chunks, quick=quick))) for quick in (True, False)]
    assert read[0] == read[1]


def test_the_usual_way_is_the_quick_one() -> None:
    """Else nothing is gained, and no test would tell."""
    usual = _with_headers(1, b"$JS.ACK.S.d.1.2.3.4.5 ", b"NATS/1.0\r\ntraceparent: 00-aa\r\n\r\n", b"body")
    taken: list[Msg] = []

    class Queue(asyncio.Queue[Msg]):
        def put_nowait(self, item: Msg) -> None:
            taken.append(item)

    async def run() -> None:
        client = Client()
        bulk.quicken(client)
        subscription = Subscription(client, 1)
        subscription._pending_queue = Queue()
        client._subs = {1: subscription}

        async def never(*_: object) -> None:
            raise AssertionError("left to nats-py")

        client._process_msg = never  # type: ignore[assignment,method-assign]
        await client._ps.parse(usual * 3)

    asyncio.run(run())
    assert [one.headers for one in taken] == [{"traceparent": "00-aa"}] * 3

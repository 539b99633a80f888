"""The short way to MongoDB: one question over a kept connection that the loop itself listens to.

Between a command and its answer the driver spends more than on both, and Motor changes threads for it twice. What is
read with every look at a diary goes this way, over connections that the driver made and signed in; whatever comes of it
but a plain answer is nobody's answer, and is asked of Motor anew, which knows errors, elections and retries. So only
what may be asked twice goes this way (docs/decisions/0015).
"""

import asyncio
import ssl
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from bson import decode, encode
from pymongo import MongoClient
from pymongo.read_preferences import ReadPreference

from services.kit.mongo import Database

_HEAD = struct.Struct("<iiiiIB")
"""Of OP_MSG: length, id, answer to which, what it is, flags, and that a document follows."""
_LENGTH = struct.Struct("<i")
_OP_MSG = 2013
_ROOM = 1 << 17
"""Bytes an answer may have without room being made for it."""
_ONE_BATCH = 100_000
_MOST = 16
_ANSWER_SECONDS = 10.0


class Lines:
    """Kept connections to the primary of a database, opened as they are needed, at most 16."""

    def __init__(self, db: Database) -> None:
        self._db, self._idle, self._open = db, list[_Line](), 0
        # asked of Motor with every question they would cost as much as the question
        self._options, self._terms = db.codec_options, {"readConcern": db.read_concern.document, "$db": db.name}

    async def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What an aggregation of few documents gives, as Motor would give it."""
        question = {
            "aggregate": collection,
            "pipeline": pipeline,
            "cursor": {"batchSize": _ONE_BATCH},
            **self._terms,
        }
        if (answer := await self._ask(encode(question))) and not answer["cursor"]["id"]:
            found: list[dict[str, Any]] = answer["cursor"]["firstBatch"]
            return found
        return await self._db[collection].aggregate(pipeline).to_list(None)

    async def stop(self) -> None:
        """Lets go of the connections that nobody waits at."""
        while self._idle:
            self._drop(self._idle.pop())

    async def _ask(self, question: bytes) -> dict[str, Any] | None:
        """The answer; None where Motor is to be asked."""
        line = self._idle.pop() if self._idle else await self._another()
        if line is None:
            return None
        try:
            answer: dict[str, Any] = decode(await line.ask(question), self._options)
            if answer["ok"] != 1:
                raise OSError("this is for Motor to explain")
        except BaseException as error:
            self._drop(line)  # half of an answer may be under way on it
            if isinstance(error, OSError):
                return None
            raise
        self._idle.append(line)
        return answer

    async def _another(self) -> "_Line | None":
        if self._open >= _MOST:
            return None
        self._open += 1
        try:
            loop = asyncio.get_running_loop()
            return _Line(loop, await loop.run_in_executor(None, _connect, self._db.client.delegate))
        except BaseException:
            self._open -= 1
            raise

    def _drop(self, line: "_Line") -> None:
        line.close()
        self._open -= 1


def _connect(client: MongoClient[dict[str, Any]]) -> Any:
    """A connection of the driver's making that it knows nothing of any more; its errors where there is no primary."""
    return client._select_server(ReadPreference.PRIMARY, None, "aggregate").pool.connect()


class _Line:
    """One connection, and one question at a time on it; whatever is wrong with either is an OSError."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        self._loop, self._connection, self._socket = loop, connection, connection.conn.sock
        self._number = self._socket.fileno()
        self._room, self._heard = memoryview(bytearray(_ROOM)), 0
        self._answer: asyncio.Future[memoryview] = loop.create_future()
        self._patience: asyncio.TimerHandle | None = None
        self._socket.setblocking(False)
        loop.add_reader(self._number, self._hear)

    def ask(self, question: bytes) -> asyncio.Future[memoryview]:
        """The document that answers this one, as BSON; it holds until the next question."""
        self._answer = self._loop.create_future()
        self._patience = self._loop.call_later(_ANSWER_SECONDS, self._fail, TimeoutError("no answer in time"))
        message = _HEAD.pack(_HEAD.size + len(question), 1, 0, _OP_MSG, 0, 0) + question
        if self._socket.send(message) < len(message):
            raise OSError("a question that the store does not take at once")
        return self._answer

    def close(self) -> None:
        """Hangs up, once: another may have that number afterwards."""
        if self._patience:
            self._patience.cancel()
        if not self._connection.closed:
            self._loop.remove_reader(self._number)
            self._connection.close_conn(None)

    def _hear(self) -> None:
        try:
            self._listen()
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.close()
        if not self._answer.done():
            self._answer.set_exception(error)

    def _listen(self) -> None:
        """Reads what there is, until all is there: of TLS more may be there than the socket tells of."""
        while self._heard < (length := self._length()):
            if not (more := self._socket.recv_into(self._room[self._heard :])):
                raise OSError("the store hung up")
            self._heard += more
        self._give(length)

    def _length(self) -> int:
        """Of what is being heard, as far as that is known; there is room for it."""
        if self._heard < _HEAD.size:
            return _HEAD.size
        (length,) = _LENGTH.unpack_from(self._room)
        if length > len(self._room):
            larger = memoryview(bytearray(length))
            larger[: self._heard] = self._room[: self._heard]
            self._room = larger
        return int(length)

    def _give(self, length: int) -> None:
        *_, what, flags, kind = _HEAD.unpack_from(self._room)
        if (self._heard, what, flags, kind) != (length, _OP_MSG, 0, 0) or self._answer.done():
            raise OSError("no answer to the question")
        if self._patience:
            self._patience.cancel()
        answer = self._room[_HEAD.size : length]
        self._heard, self._room = 0, self._room if len(self._room) == _ROOM else memoryview(bytearray(_ROOM))
        self._answer.set_result(answer)

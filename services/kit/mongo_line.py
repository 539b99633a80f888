"""The short way to MongoDB: one question over a kept connection that the loop itself listens to.

Between a command and its answer the driver spends more than on both, and Motor changes threads for it twice. What is
read with every look at a diary goes this way, over connections that the driver made and signed in; whatever comes of it
but a plain answer is nobody's answer, and is asked of Motor anew, which knows errors, elections and retries. So only
what may be asked twice goes this way (docs/decisions/0015).
"""

import asyncio
import ssl
import struct
from typing import Any

from bson import decode, encode
from pymongo import MongoClient
from pymongo.read_preferences import ReadPreference

from services.kit.mongo import Database

_HEAD = struct.Struct("<iiiiIB")
"""Of OP_MSG: length, id, answer to which, what it is, flags, and that a document follows."""
_OP_MSG = 2013
_PIECE = 1 << 16
_ONE_BATCH = 100_000
_MOST = 16
_ANSWER_SECONDS = 10.0


class Lines:
    """Kept connections to the primary of a database, opened as they are needed, at most 16."""

    def __init__(self, db: Database) -> None:
        self._db, self._idle, self._open = db, list[_Line](), 0

    async def aggregate(self, collection: str, pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What an aggregation of few documents gives, as Motor would give it."""
        question = {
            "aggregate": collection,
            "pipeline": pipeline,
            "cursor": {"batchSize": _ONE_BATCH},
            "readConcern": self._db.read_concern.document,
            "$db": self._db.name,
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
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer: dict[str, Any] = decode(await line.ask(question), self._db.codec_options)
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
        self._heard = bytearray()
        self._answer: asyncio.Future[memoryview] = loop.create_future()
        self._socket.setblocking(False)
        loop.add_reader(self._number, self._hear)

    def ask(self, question: bytes) -> asyncio.Future[memoryview]:
        """The document that answers this one, as BSON."""
        self._heard, self._answer = bytearray(), self._loop.create_future()
        message = _HEAD.pack(_HEAD.size + len(question), 1, 0, _OP_MSG, 0, 0) + question
        if self._socket.send(message) < len(message):
            raise OSError("a question that the store does not take at once")
        return self._answer

    def close(self) -> None:
        """Hangs up, once: another may have that number afterwards."""
        if not self._connection.closed:
            self._loop.remove_reader(self._number)
            self._connection.close_conn(None)

    def _hear(self) -> None:
        try:
            self._listen()
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self.close()
            if not self._answer.done():
                self._answer.set_exception(error)

    def _listen(self) -> None:
        """Reads what there is, until all is there: of TLS more may be there than the socket tells of."""
        heard = self._heard
        while len(heard) < _HEAD.size or len(heard) < int.from_bytes(heard[:4], "little"):
            if not (piece := self._socket.recv(_PIECE)):
                raise OSError("the store hung up")
            heard += piece
        *_, what, flags, kind = _HEAD.unpack_from(heard)
        if (what, flags, kind) != (_OP_MSG, 0, 0) or self._answer.done():
            raise OSError("no answer to the question")
        self._answer.set_result(memoryview(heard)[_HEAD.size :])

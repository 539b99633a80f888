"""Takes what the spool holds to the services, and hears what they say (architecture.md, *The way of one segment*).

Records go oldest first and never wait for pictures. A PubAck means *on its way*; only a signed receipt frees a record.
Whatever is not signed with the activation's notice key, or names another device, is ignored. Many uplinks may live in
one event loop.
"""

import asyncio
import json
import math
import random as rnd
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent.bus import Backoff, Connection, NoAnswer, Refused, Unreachable
from agent.chain import VERSION, Identity, Record
from agent.clock import Clock
from agent.evidence import Evidence
from agent.spool import Picture, Spool, SpoolError
from services.wire import proof, slots, subjects
from services.wire.language import N_, _

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient an uplink is; seconds unless named otherwise."""

    window: int = 32
    """Records that may be without their PubAck at one time."""
    connect_timeout: float = 10
    request_timeout: float = 5
    picture_timeout: float = 30
    retry_base: float = 1
    retry_cap: float = 60
    refused_cap: float = 300
    ask_every: float = 60
    """How often receipts are asked for while records have none."""
    entitlement_every: float = 3600
    presence_every: float = 60
    patience: timedelta = timedelta(minutes=10)
    """How long after its sending a record without a receipt goes again; doubled each time."""


#: How the bus is reached, and what cannot be seen, for people.
WORDS = N_("online"), N_("offline"), N_("refused"), N_("input"), N_("windows"), N_("captures")


@dataclass(slots=True)
class LinkState:
    """What a status page says of the uplink."""

    state: str = "offline"
    """``offline``, ``online`` or ``refused``."""
    since: datetime | None = None
    problem: str | None = None
    receipt_at: datetime | None = None
    ignored: int = 0
    """Messages that were forged, foreign or broken."""
    held_back: str | None = None
    """Why the bus or ``media`` does not take more just now."""


@dataclass
class Uplink:
    """One device's connection to the services; ``run`` it as a task for as long as the device lives.

    ``on_entitlement`` gets each entitlement that holds, ``on_command`` each other command.
    ``presence`` gives ``{"status", "app", "since"}`` or None; the uplink adds the rest.
    """

    spool: Spool
    identity: Identity
    servers: Sequence[str]
    notice_key: bytes
    clock: Clock
    on_entitlement: Callable[[Message], None] | None = None
    on_command: Callable[[Message], None] | None = None
    presence: Callable[[], Message | None] | None = None
    pace: Pace = Pace()
    random: rnd.Random = field(default_factory=rnd.Random)
    evidence: Evidence | None = None
    """What hears the time that the services sign; its own where none is given."""
    state: LinkState = field(default_factory=LinkState)

    def __post_init__(self) -> None:
        ids = self.identity.workspace, self.identity.device
        self._segments, self._presence_subject = subjects.segments_closed(*ids), subjects.presence(*ids)
        self._receipts, self._commands = subjects.receipts(*ids), subjects.commands(*ids)
        self._ask = {verb: subjects.device_request(*ids, verb) for verb in ("entitlement", "receipts", "picture")}
        self._news = {name: asyncio.Event() for name in ("records", "pictures", "presence", "receipts", "entitlement")}
        self._progress = asyncio.Event()
        self._heard, self._doubt, self._revision = -math.inf, False, 0
        self._said_unsent = 0
        self._evidence = self.evidence or Evidence(self.spool, self.clock)
        self._read: list[str] = []

    # what others call -------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something new in the spool."""
        self._news["records"].set()
        self._news["pictures"].set()

    def presence_changed(self) -> None:
        """What the device is doing has changed: say so now."""
        self._news["presence"].set()

    def acknowledge(self, notices: Sequence[str]) -> None:
        """The member has read these notices: say so with the next question, which is asked now (G-01)."""
        self._read += notices
        self._news["entitlement"].set()

    async def drained(self) -> None:
        """Waits until every record has its receipt and every picture is stored or refused."""
        while (backlog := self.spool.backlog()).unsent or backlog.pictures:
            self._progress.clear()
            await self._progress.wait()

    async def run(self) -> None:
        """Connects, works, and connects again with full jitter, until it is cancelled."""
        lost = Backoff(self.pace.retry_base, self.pace.retry_cap, self.random)
        refused = Backoff(self.pace.retry_base * 4, self.pace.refused_cap, self.random)
        while True:
            connection = Connection(self.identity.key, self.identity.device)
            try:
                server = self.random.choice(self.servers)
                await connection.open(server, f"daybook-agent {VERSION}", self.pace.connect_timeout)
                self._now_is("online")
                lost.reset()
                refused.reset()
                await self._work(connection)
                self._now_is("offline", connection.last_error or _("the connection was lost"))
                wait = lost.next()
            except Refused as error:
                self._now_is("refused", error.args[0])
                wait = refused.next()
            except Unreachable as error:
                self._now_is("offline", error.args[0])
                wait = lost.next()
            except SpoolError as error:
                self._now_is("offline", _("the disk cannot be read: {problem}", problem=str(error)))
                wait = lost.next()
            finally:
                await connection.close()
            await asyncio.sleep(wait)

    def _now_is(self, state: str, problem: str | None = None) -> None:
        if state != self.state.state:
            self.state.since = self.clock.now()
        self.state.state, self.state.problem = state, problem

    # one connection's life --------------------------------------------------------------------------------------------

    async def _work(self, connection: Connection) -> None:
        """Until the connection is closed. A task that fails for another reason is a defect, and is raised."""
        heard: dict[str, asyncio.Queue[bytes]] = {"receipts": asyncio.Queue(100), "commands": asyncio.Queue(100)}
        await connection.listen(self._receipts, heard["receipts"])
        await connection.listen(self._commands, heard["commands"])
        # asked first, and by itself: what is safe already need not go again
        await self._ask_receipts(connection)
        for event in self._news.values():
            event.set()
        parts: list[Coroutine[Any, Any, Any]] = [
            connection.closed.wait(),
            self._send_records(connection),
            self._send_pictures(connection),
            self._say_presence(connection),
            self._keep_asking(connection),
            self._keep_entitled(connection),
            self._hear(heard["receipts"], self._believe_push),
            self._hear(heard["commands"], self._obey),
        ]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, Unreachable):
                raise result

    async def _woken(self, name: str, timeout: float | None = None) -> None:
        """Waits until there is news of that name, or the timeout is over."""
        event = self._news[name]
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    # records ----------------------------------------------------------------------------------------------------------

    async def _send_records(self, connection: Connection) -> None:
        backoff = Backoff(self.pace.retry_base, self.pace.retry_cap, self.random)
        while True:
            records = self.spool.unsent(self.pace.window)
            if not records:
                self._news["pictures"].set()
                await self._woken("records")
                continue
            try:
                self.spool.mark_sending([record.seq for record in records])
                results = await asyncio.gather(*(self._send(connection, record) for record in records))
                sent = [record.seq for record, problem in zip(records, results, strict=True) if problem is None]
                self.state.held_back = next((problem for problem in results if problem is not None), None)
                self.spool.mark_sent(sent, self.clock.now())
            except SpoolError as error:
                # what was sent goes again: a duplicate costs less than a lost record
                self.state.held_back = _("the disk does not take it: {problem}", problem=str(error))
            if self.state.held_back:
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()

    async def _send(self, connection: Connection, record: Record) -> str | None:
        """None when the bus has it, else why not."""
        headers = {"traceparent": record.traceparent}
        try:
            answer = await connection.request(self._segments, record.body, self.pace.request_timeout, headers)
            ack = json.loads(answer)
            if ack.get("stream") == subjects.SEGMENTS and "error" not in ack:
                return None
            # 10077: the stream is full and takes nothing new; the spool is the place to wait
            return _("the bus does not take records: {problem}", problem=str(ack.get("error"))[:200])
        except NoAnswer as error:
            return _("the bus does not take records: {problem}", problem=str(error))
        except (ValueError, AttributeError):
            return _("the bus answered something that is no acknowledgement")

    # receipts ---------------------------------------------------------------------------------------------------------

    async def _ask_receipts(self, connection: Connection) -> None:
        # a doubt that comes while the answer is under way is about what the answer may not know yet: it stays
        self._doubt = False
        try:
            body = await connection.request(self._ask["receipts"], b"{}", self.pace.request_timeout)
        except NoAnswer:
            # asked again, also where nothing waits: a restored ledger may lack what was safe once
            self._doubt = True
            return
        if self._believe(body, answered=True) and self.spool.send_again(self.clock.now(), self.pace.patience):
            self._news["records"].set()

    async def _keep_asking(self, connection: Connection) -> None:
        while True:
            await self._woken("receipts", self.pace.ask_every * self.random.uniform(0.8, 1.2))
            heard_lately = self._monotonic() - self._heard < self.pace.ask_every / 2
            if self._doubt or (self.spool.backlog().unsent and not heard_lately):
                await self._ask_receipts(connection)

    @staticmethod
    def _monotonic() -> float:
        # the pace of a conversation is real time, also where the device's clock is simulated
        return asyncio.get_running_loop().time()

    def _believe_push(self, body: bytes) -> None:
        self._believe(body, answered=False)

    def _believe(self, body: bytes, *, answered: bool) -> bool:
        receipt = self._open(body)
        if receipt is None:
            return False
        try:
            if not answered and receipt["ledger"] != self.spool.ledger():
                self._doubt = True  # another ledger than we know: ask what it has
                self._news["receipts"].set()
                return False
            settled = self.spool.settle(receipt, self.clock.now(), answered=answered)
        except (KeyError, TypeError, ValueError):
            self.state.ignored += 1
            return False
        except SpoolError:
            return False  # it will be said again
        self.state.receipt_at, self._heard = self.clock.now(), self._monotonic()
        if settled.again:
            self._news["records"].set()
        if settled.freed and self._said_unsent and not self.spool.backlog().unsent:
            self._news["presence"].set()  # else the diary says for a minute more that something waits (B-02)
        self._progress.set()
        return True

    def _open(self, body: bytes) -> Message | None:
        try:
            message = proof.open_notice(self.notice_key, body, self.identity.workspace, self.identity.device)
        except proof.ProofError:
            self.state.ignored += 1
            return None
        self._evidence.heard(message)
        return message

    # entitlement and commands -----------------------------------------------------------------------------------------

    async def _keep_entitled(self, connection: Connection) -> None:
        backoff = Backoff(self.pace.retry_base, self.pace.retry_cap, self.random)
        while True:
            self._news["entitlement"].clear()
            read = self._read[:100]
            question = json.dumps({"acknowledged": read} if read else {}).encode()
            try:
                body = await connection.request(self._ask["entitlement"], question, self.pace.request_timeout)
            except NoAnswer:
                await asyncio.sleep(backoff.next())
                continue
            backoff.reset()
            del self._read[: len(read)]
            entitlement = self._open(body)
            if entitlement is not None:
                self._entitle(entitlement)
                if entitlement.get("held"):  # what waited for a notice begins with the next answer (G-01)
                    self._news["entitlement"].set()
            await self._woken("entitlement", self.pace.entitlement_every)

    def _entitle(self, entitlement: Message) -> None:
        self._revision = entitlement["revision"] if isinstance(entitlement.get("revision"), int) else 0
        if self.on_entitlement:
            self.on_entitlement(entitlement)

    def _obey(self, body: bytes) -> None:
        command = self._open(body)
        if command is None:
            return
        if not self._evidence.admits(command):
            self.state.ignored += 1
            return
        if command.get("command") == "entitlement":
            # the push carries it whole, because the bus may hang up right after; but only an answer goes back in time
            if isinstance(command.get("revision"), int) and command["revision"] >= self._revision:
                self._entitle(command)
                if command.get("held"):  # asking is how the services learn that the notice arrived (G-01)
                    self._news["entitlement"].set()
            else:
                self._news["entitlement"].set()
        elif self.on_command:
            self.on_command(command)

    async def _hear(self, heard: "asyncio.Queue[bytes]", act: Callable[[bytes], None]) -> None:
        while True:
            act(await heard.get())

    # pictures ---------------------------------------------------------------------------------------------------------

    async def _send_pictures(self, connection: Connection) -> None:
        backoff = Backoff(self.pace.retry_base, self.pace.refused_cap, self.random)
        while True:
            picture = None if self.spool.unsent(1) else self.spool.next_picture()
            if picture is None:
                await self._woken("pictures")
            elif await self._send_picture(connection, picture):
                backoff.reset()
                self._progress.set()
            else:
                await asyncio.sleep(backoff.next())

    async def _send_picture(self, connection: Connection, picture: Picture) -> bool:
        """True when it is settled, stored or refused."""
        entry = {**picture.entry, "thumbnail_bytes": len(picture.thumbnail)}
        headers = {"Daybook-Capture": json.dumps(entry, separators=(",", ":"))}
        body = picture.picture + picture.thumbnail
        try:
            answer = json.loads(
                await connection.request(self._ask["picture"], body, self.pace.picture_timeout, headers)
            )
            if answer["state"] == "stored":
                self.spool.picture_stored(picture.capture_id, self.clock.now())
            elif answer["state"] == "refused":
                self.spool.picture_refused(picture.capture_id, str(answer["reason"]), self.clock.now())
            else:
                return False
        except (NoAnswer, SpoolError, ValueError, KeyError, TypeError):
            return False
        return True

    # presence ---------------------------------------------------------------------------------------------------------

    async def _say_presence(self, connection: Connection) -> None:
        while True:
            said = self.presence() if self.presence else None
            if said is not None:
                await connection.publish(self._presence_subject, self._presence_body(said))
            self._news["presence"].clear()
            await self._woken("presence", self.pace.presence_every)

    def _presence_body(self, said: Mapping[str, Any]) -> bytes:
        backlog = self.spool.backlog()
        oldest = slots.format_instant(backlog.oldest) if backlog.oldest else None
        self._said_unsent = backlog.unsent
        body = {**said, "agent": VERSION, "unsent": backlog.unsent, "oldest_unsent": oldest, "boot": self.clock.boot}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

"""The bus: FastStream over NATS, with what its users here must not get wrong made impossible to leave out.

Every subscriber is made by one of three functions, and each has its acknowledgement settled:

- ``work``: batches from a durable; acked only after the handler returned (that is: after its commit), else tried again
  with growing delay and no limit on deliveries;
- ``serve``: requests of services (``rpc.<service>.<verb>``);
- ``serve_device``: requests of devices, answered only into the device's own inbox.

``listen`` hears core NATS broadcasts, which are lost while nobody listens.
"""

import asyncio
import json
import logging
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import faststream.nats.subscriber.usecases.stream_pull_subscriber as _pull
import nats.errors
import orjson
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.message import NatsBatchMessage, NatsMessage
from faststream.nats.security import NatsNKey
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from pydantic import BaseModel

from services.kit import bulk, declared, metrics, telemetry
from services.kit.journal import Journal
from services.kit.problems import Problem, unavailable
from services.kit.pub_acks import is_pub_ack
from services.kit.settings import Settings
from services.kit.streams import consumer_config
from services.wire import events, subjects
from services.wire.language import _
from services.wire.subjects import Durable

# nats-py can raise plain asyncio.TimeoutError from fetch, which FastStream's pull loop lets through: its task dies and
# what was fetched waits for ack_wait. See https://github.com/ag2ai/faststream (stream_pull_subscriber) until fixed.
_pull.TimeoutError = asyncio.TimeoutError  # type: ignore[attr-defined,assignment]

log = logging.getLogger(__name__)

Body = TypeVar("Body", bound=BaseModel)
_STATUS = "Daybook-Status"
_REPLAY = "Daybook-Replay"


async def round_trip(client: Client, timeout: int = 10) -> None:
    """Returns once the bus has all that this client said and subscribed to so far; raises like ``flush``.

    nats-py writes the ping of a flush past what it has not written yet, so that its answer proves nothing about that;
    by the time of the second one it is written.
    """
    await client.flush(timeout)
    await client.flush(timeout)


_STRAYED: set[str] = set()
"""Where this process has said so once already: whoever does it could else fill the log."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One message of a batch. Its ids are those of the subject, never of the body."""

    message: Msg
    postponed: float | None = None

    @property
    def subject(self) -> str:
        """The subject it was published on."""
        return self.message.subject

    @property
    def body(self) -> bytes:
        """The bytes as sent."""
        return self.message.data

    @property
    def traceparent(self) -> str | None:
        """Where the message belongs in a trace."""
        return (self.message.headers or {}).get("traceparent")

    @property
    def replayed(self) -> bool:
        """Whether it was said before, and is said again for who lost it."""
        return _REPLAY in (self.message.headers or {})

    def postpone(self, seconds: float) -> None:
        """This one is to come again later; the rest of the batch goes its way."""
        self.postponed = seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of plain bytes with headers, for what is not JSON."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class DeviceHandler(Protocol):
    """Answers a device's request; workspace and device come from the subject."""

    async def __call__(self, workspace: str, device: str, message: Msg) -> bytes:
        """The answer's bytes."""


def retry_delay(deliveries: int) -> float:
    """Seconds until the next try of a message that failed: 1, 2, 4 … 60, with jitter."""
    return float(min(60.0, 2.0 ** min(deliveries - 1, 6)) * random.uniform(0.5, 1.0))


class Bus:
    """One service's connection to the bus."""

    def __init__(self, service: str, settings: Settings) -> None:
        self.service = service
        self._stopping = False
        self._settings = settings
        self.broker = NatsBroker(
            settings.nats_urls,
            name=service,
            security=NatsNKey.from_seed(settings.bus_seed.get_secret_value()),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=20,
            pending_size=8 * 1024 * 1024,
            graceful_timeout=settings.graceful_seconds,
            ack_policy=AckPolicy.MANUAL,
            closed_cb=self._closed,
            apply_types=False,  # a handler gets what came, as it came: injection costs more than most handlers
            serializer=None,
            logger=log,
            log_level=logging.DEBUG,  # two lines a message; what fails is an error all the same
        )
        self._client: Client | None = None
        self._journal: Journal | None = None
        self._listening: list[tuple[str, Callable[[Msg], Awaitable[None]]]] = []

    # life -----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connects (waiting for the bus if it is not there yet) and starts every subscriber."""
        self._client = await self.broker.connect()
        bulk.quicken(self._client)
        self._journal = Journal(self._client)
        for subject, hear in self._listening:
            await self._client.subscribe(subject, cb=hear)
        await self.broker.start()
        for subscriber in self.broker.subscribers:
            pull = getattr(subscriber, "subscription", None)
            if isinstance(pull, JetStreamContext.PullSubscription):
                pull.fetch = partial(bulk.fetch, pull)  # type: ignore[method-assign]
        await round_trip(self._client)  # what is heard stands at the server when this returns

    async def stop(self) -> None:
        """Finishes what is in hand, then drains."""
        self._stopping = True
        await self.broker.stop()

    async def _closed(self) -> None:
        # Any -ERR but a few closes a nats-py client for good, whatever max_reconnect_attempts says: a fresh process is
        # the one state that is known to be sound.
        if not self._stopping:
            log.error("the bus closed the connection for good: ending, to be started again")
            os.kill(os.getpid(), signal.SIGTERM)

    @property
    def client(self) -> Client:
        """The nats-py client; RuntimeError before ``start``."""
        if self._client is None:
            raise RuntimeError("the bus is not connected yet")
        return self._client

    @property
    def _said(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("the bus is not connected yet")
        return self._journal

    async def ping(self) -> None:
        """Raises where the bus does not answer."""
        await self.client.flush(timeout=2)

    # hearing --------------------------------------------------------------------------------------------------------

    def work(
        self,
        durable: Durable,
        handle: Callable[[list[Delivery]], Awaitable[None]],
        *,
        batch: int = 500,
        wait_seconds: float = 0.1,
    ) -> None:
        """Gives ``handle`` batches of raw messages and acks each once it returned.

        Where it raises, the whole batch comes again with growing delay; ``postpone`` sends single ones back.
        """
        label = durable.source

        @self.broker.subscriber(
            durable.subjects[0],
            stream=JStream(durable.stream, declare=False),
            durable=durable.name,
            config=consumer_config(durable),
            pull_sub=PullSub(batch_size=batch, batch=True, timeout=wait_seconds),
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
        )
        async def take(messages: list[Msg]) -> None:
            batch = [Delivery(one) for one in messages]
            if durable.stream != subjects.SEGMENTS:  # what devices say, ingest judges
                batch = await _without_strays(batch, label, self.client)
            if batch:
                await _settle(batch, handle, label, self.client)

    def serve(
        self,
        verb: str,
        model: type[Body],
        handle: Callable[[Body], Awaitable[Any]],
        *,
        workers: int = 8,
    ) -> None:
        """Answers ``rpc.<this service>.<verb>``: JSON of what ``handle`` returns (a model, plain data, or a Reply).

        A body that is not the verb's own is answered 422 and never reaches the handler; a Problem travels as such.
        """

        @self.broker.subscriber(
            subjects.rpc(self.service, verb),
            queue=self.service,
            max_workers=workers,
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
            no_reply=True,
        )
        async def answer(raw: Msg) -> None:
            started = time.perf_counter()
            reply = await _answer(verb, model, handle, raw)
            metrics.REQUEST_SECONDS.labels(verb, reply.headers.get(_STATUS, "200")).observe(
                time.perf_counter() - started
            )
            if raw.reply:
                await self.client.publish(raw.reply, reply.body, headers=reply.headers or None)

    def serve_device(self, verb: str, handle: DeviceHandler, *, workers: int = 8) -> None:
        """Answers ``rpc.device.<workspace>.<device>.<verb>``, only into ``_INBOX.<device>.``.

        Publish permissions do not cover the reply subject, so a device could name another's: such a request is not
        even handled. Where the handler raises there is no answer, and the device asks again.
        """

        @self.broker.subscriber(
            f"rpc.device.*.*.{verb}",
            queue=self.service,
            max_workers=workers,
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
            no_reply=True,
        )
        async def answer(raw: Msg) -> None:
            _, _, workspace, device, _ = raw.subject.split(".")
            if not raw.reply.startswith(f"{subjects.device_inbox(device)}."):
                log.warning("a device asked %s to answer somewhere else than into its inbox", verb)
                return
            started, status = time.perf_counter(), "500"
            try:
                with telemetry.span(declared.ANSWER_DEVICE, telemetry.context_of(raw.headers), verb=verb):
                    await self.client.publish(raw.reply, await handle(workspace, device, raw))
                status = "200"
            finally:
                metrics.REQUEST_SECONDS.labels(f"device.{verb}", status).observe(time.perf_counter() - started)

    def listen(self, subject: str, handle: Callable[[str, bytes], Awaitable[None]]) -> None:
        """Hears a core NATS subject in every replica, from ``start`` on; what it raises is logged.

        Past FastStream, whose work for each message is many times that of a handler which drops a name from a cache.
        """

        async def hear(raw: Msg) -> None:
            try:
                await handle(raw.subject, raw.data)
            except Exception:
                log.exception("something that was heard on %s could not be taken", subject)

        self._listening.append((subject, hear))

    # saying ---------------------------------------------------------------------------------------------------------

    async def journal(self, messages: Sequence[tuple[str, bytes, str | None]], *, replay: bool = False) -> None:
        """Publishes (subject, body, traceparent) to JOURNAL and waits until the bus has them all.

        ``replay`` marks them as said before. Raises where one is not acknowledged: nothing may be acked then that
        relies on it.
        """
        mark = {_REPLAY: "1"} if replay else {}
        await self._said.say(
            [(subject, body, mark | {"traceparent": trace_} if trace_ else mark) for subject, body, trace_ in messages]
        )

    async def say(self, subject: str, body: bytes) -> None:
        """Publishes to core NATS; lost where nobody listens."""
        await self.client.publish(subject, body)

    async def say_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publishes very many (subject, body) to core NATS in one write; returns once the bus has them."""
        await bulk.publish(self.client, [(subject, "", body, {}) for subject, body in messages])
        await round_trip(self.client, timeout=2)

    async def ask(self, service: str, verb: str, body: BaseModel, *, timeout: float = 5.0) -> Any:
        """Asks another service and gives its answer's JSON; a Problem it answered is raised, 503 where it is away."""
        return orjson.loads((await self.ask_raw(service, verb, body, timeout=timeout)).data)

    async def ask_raw(self, service: str, verb: str, body: BaseModel, *, timeout: float = 5.0) -> Msg:
        """As ``ask``, giving the message itself."""
        with telemetry.span(declared.ASK, service=service, verb=verb):
            try:
                answer = await self.client.request(
                    subjects.rpc(service, verb),
                    body.model_dump_json(by_alias=True).encode(),
                    timeout=timeout,
                    headers=telemetry.headers_of() or None,
                )
            except (TimeoutError, nats.errors.Error) as error:
                raise unavailable(_("The {service} service", service=service)) from error
        if answer.headers and _STATUS in answer.headers:
            raise Problem.from_document(json.loads(answer.data))
        return answer


async def _as_it_came(message: NatsMessage | NatsBatchMessage) -> Msg | list[Msg]:
    """FastStream would guess at JSON (a numeric string becomes a float); here handlers get the bus's own messages."""
    return message.raw_message


async def _without_strays(batch: list[Delivery], label: str, client: Client) -> list[Delivery]:
    """A batch without what the bus itself answered somebody: a device may aim its PubAck at a fact's subject."""
    strays = [one for one in batch if is_pub_ack(one.body)]
    if strays:
        await bulk.acknowledge(client, [one.message for one in strays])
        if label not in _STRAYED:
            _STRAYED.add(label)
            log.warning("acknowledgements of the bus are aimed at %s; they are counted and passed over", label)
        metrics.MESSAGES.labels(label, "stray").inc(len(strays))
    return [one for one in batch if not is_pub_ack(one.body)] if strays else batch


async def _settle(
    batch: list[Delivery], handle: Callable[[list[Delivery]], Awaitable[None]], label: str, client: Client
) -> None:
    with (
        telemetry.span(
            declared.BATCH,
            links=telemetry.links_to([one.message.headers for one in batch]),
            attributes={"daybook.messages": len(batch)},
            source=label,
        ) as span,
        metrics.BATCH_SECONDS.labels(label).time(),
    ):
        try:
            await handle(batch)
        except Exception as error:
            telemetry.failed(span, error)
            log.exception("a batch of %d from %s failed and will come again", len(batch), label)
            for one in batch:
                await one.message.nak(delay=retry_delay(one.message.metadata.num_delivered))
            metrics.MESSAGES.labels(label, "failed").inc(len(batch))
            return
    await bulk.acknowledge(client, [one.message for one in batch if one.postponed is None])
    later = [(one.message, one.postponed) for one in batch if one.postponed is not None]
    for message, seconds in later:
        await message.nak(delay=seconds)
    metrics.MESSAGES.labels(label, "done").inc(len(batch) - len(later))
    metrics.MESSAGES.labels(label, "postponed").inc(len(later))


async def _answer(verb: str, model: type[Body], handle: Callable[[Body], Awaitable[Any]], raw: Msg) -> Reply:
    with telemetry.span(declared.ANSWER, telemetry.context_of(raw.headers), verb=verb) as span:
        try:
            try:
                request = events.read(model, raw.data)
            except ValueError as error:
                raise Problem(422, "invalid", _("Not a request of this verb."), str(error)) from error
            result = await handle(request)
        except Problem as problem:
            return _refusal(problem)
        except Exception as error:
            telemetry.failed(span, error)
            log.exception("the request %s failed", verb)
            words = _("Something went wrong here."), _("It has been logged; try again.")
            return _refusal(Problem(500, "internal", *words))
    if isinstance(result, Reply):
        return result
    if isinstance(result, BaseModel):
        return Reply(result.model_dump_json(by_alias=True).encode())
    return Reply(orjson.dumps(result))


def _refusal(problem: Problem) -> Reply:
    return Reply(orjson.dumps(problem.told()), {_STATUS: str(problem.status)})

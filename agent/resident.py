"""The resident process: one desk, one session, one uplink, one door (architecture.md, *The way of one segment*)."""

import asyncio
import base64
import json
import logging
import logging.handlers
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from agent import control, language
from agent.chain import VERSION
from agent.evidence import Evidence
from agent.foreground import ComputersDesk
from agent.policy import Entitlement, read_entitlement
from agent.session import NotAllowed, Session
from agent.settings import Activation, Settings, local_zone
from agent.shutter import CaptureFailed, Job, Shutter
from agent.slot import App
from agent.spool import Spool, SpoolError
from agent.uplink import Uplink
from services.wire import licence, slots, widening, words
from services.wire.language import ENGLISH, N_, _, again, speaking, spoken
from services.wire.licence import LicenceError
from services.wire.retold import retold

log = logging.getLogger("daybook.agent")

#: Why captures or counts are missing, as it was said elsewhere.
_REASONS = (N_("the screen cannot be captured: {error}"),)
_HOUSEKEEPING = 600.0
_RETRY_DESK = 30.0
_RETRY_UPLINK = 5.0
_FAREWELL = 2.0
"""Seconds the last record may take to reach the services before the process ends; it is on disk in any case."""


class Resident:
    """Everything that lives as long as the process. Make it inside the home's lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = settings.make_clock()
        self._spool = Spool(settings.spool)
        activation = settings.activation()
        entitlement, confirmed_at = remembered(self._spool, activation)
        self._evidence = Evidence(self._spool, self._clock)
        identity = settings.identity(entitlement.licence)
        self._desk = ComputersDesk()
        self._shutter = Shutter(self._spool, settings.home)
        self._uplink = Uplink(
            spool=self._spool,
            identity=identity,
            servers=activation.bus,
            notice_key=activation.notice_public,
            clock=self._clock,
            on_entitlement=self._entitled,
            on_command=self._commanded,
            presence=lambda: self._session.presence(),
            evidence=self._evidence,
        )
        self._session = Session(
            self._spool,
            identity,
            self._clock,
            self._desk,
            entitlement,
            confirmed_at=confirmed_at,
            zone=local_zone(),
            trusted=self._evidence.now,
            changed=self._changed,
        )
        self._monitors = settings.monitors
        self._capturing: asyncio.Task[None] | None = None
        self._capture_problem: str | None = None
        self._told: str | None = None
        self._ending = asyncio.Event()

    async def run(self, start: dict[str, Any] | None = None) -> None:
        """Lives until it is told to end; the running slot is then closed. ``start``: begin at once."""
        for name in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(name, self._ending.set)
        self._session.book.recover()
        if start is not None:
            self._session.start(**start)
        self._begin_monitoring()
        lives = [self._tick(), self._keep_house(), self._keep_uplink(), control.serve(self._settings.door, self._asked)]
        tasks = [asyncio.ensure_future(life) for life in lives]
        ending = asyncio.ensure_future(self._ending.wait())
        done = (await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED))[0]
        await self._shutter.finished()
        self._session.stop(_("the agent was ended"))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._uplink.drained(), _FAREWELL)
        for task in (ending, *tasks):
            task.cancel()
        await asyncio.gather(ending, *tasks, return_exceptions=True)
        self._desk.close()
        self._spool.close()
        for task in done - {ending}:
            task.result()  # only a defect, or no door, ends one of them by itself

    # what lives -------------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Looks at the desk as each second of the clock begins, so that minutes end on time."""
        while True:
            self._session.tick()
            due = self._session.capture_due()
            if due and (self._capturing is None or self._capturing.done()):
                self._capturing = asyncio.create_task(self._capture(*due))
            await self._clock.sleep(1 - self._clock.now().microsecond / 1e6)

    async def _capture(self, segment_id: str, app: App | None) -> None:
        policy = self._session.entitlement.policy
        job = Job(
            at=slots.format_instant(self._clock.now()),
            monitors=self._monitors if policy.monitors == "member" else policy.monitors,
            width=policy.width,
            blur=policy.blur,
            pointer=self._desk.pointer(),
        )
        try:
            shots = await self._shutter.take(job)
            if self._session.may_keep(segment_id):
                self._shutter.keep(segment_id, app, shots)
            self._capture_problem = None
        except CaptureFailed as problem:
            self._capture_problem = problem.args[0]
            log.warning("no capture: %s", problem)

    async def _keep_house(self) -> None:
        waited = 0.0
        while True:
            self._evidence.look()
            if self._desk.missing:
                self._desk.open()
            if waited <= 0:
                waited = _HOUSEKEEPING
                with suppress(SpoolError):
                    self._spool.prune(self._clock.now())
            await asyncio.sleep(_RETRY_DESK)
            waited -= _RETRY_DESK

    async def _keep_uplink(self) -> None:
        while True:
            try:
                await self._uplink.run()
            except Exception:  # recording must outlive a defect in sending
                log.exception("the uplink failed; it is started again")
            await asyncio.sleep(_RETRY_UPLINK)

    def _changed(self) -> None:
        self._uplink.wake()
        self._uplink.presence_changed()

    # what the services say --------------------------------------------------------------------------------------------

    def _entitled(self, message: dict[str, Any]) -> None:
        now = self._evidence.now()
        try:
            entitlement = read_entitlement(message)
            remember(self._spool, message, now)
        except (ValueError, SpoolError) as error:
            log.warning("an entitlement could not be taken: %s", error)
            return
        self._session.entitle(entitlement, now)
        self._begin_monitoring()

    def _begin_monitoring(self) -> None:
        """T-02: under monitoring the agent needs nobody to press Start."""
        if self._session.entitlement.monitoring and not self._session.running:
            with suppress(NotAllowed):
                self._session.start(None)

    def _commanded(self, message: dict[str, Any]) -> None:
        """A signed command: Start and Stop on the web page reach the computer so (T-21)."""
        command = message.get("command")
        try:
            if command == "start":
                self._session.start(message.get("contract"), message.get("memo"), message.get("label"))
            elif command == "stop":
                self._session.stop(_("stopped on the web page"))
            elif command == "discard":
                self._session.discard()
            elif command == "update":
                self._told = _("version {version} is to be installed", version=str(message.get("version", "?")))
            else:
                log.info("a command that this version does not know: %.20r", command)
        except NotAllowed as reason:
            log.warning("%s was asked for, and is not possible: %s", command, reason)

    # what the member asks ---------------------------------------------------------------------------------------------

    async def _asked(self, command: str, more: dict[str, Any]) -> dict[str, Any]:
        with speaking(language.of(self._session.entitlement.language)):
            try:
                return await self._do(command, more)
            except NotAllowed as reason:
                return {"error": str(reason)}
            except SpoolError as problem:
                return {"error": _("the disk cannot be read: {problem}", problem=str(problem))}

    async def _do(self, command: str, more: dict[str, Any]) -> dict[str, Any]:
        session = self._session
        if command in ("start", "stop") and session.entitlement.monitoring:
            raise NotAllowed(_("this computer records by itself: its licence is for monitoring"))
        if command == "start":
            session.start(more.get("contract"), more.get("memo"), more.get("label"))
        elif command == "stop":
            await self._shutter.finished()
            session.stop()
        elif command == "note":
            session.annotate(more.get("memo"), more.get("label"))
        elif command in ("work", "break", "private"):
            session.switch(command)
        elif command == "discard":
            session.discard()
        elif command == "notices":
            self._uplink.acknowledge([str(one) for one in more.get("read") or ()])
        elif command == "monitors":
            if not session.entitlement.policy.may_choose_monitors:
                raise NotAllowed(_("the policy of this computer says which monitors are captured"))
            self._monitors = "active" if more.get("which") == "active" else "all"
        elif command == "contracts":
            return {"contracts": [_plain(contract) for contract in session.entitlement.contracts]}
        elif command != "status":
            raise NotAllowed(_("no such command: {command}", command=command[:20]))
        return self._status()

    def _status(self) -> dict[str, Any]:
        self._session.tick()
        session, link = self._session, self._uplink.state
        running, slot = session.running, session.book.slot
        backlog = self._spool.backlog()
        return {
            **session.presence(),
            "contract": running and running.contract,
            "memo": running and running.memo,
            "label": running and running.label,
            "session_started": running and running.started,
            "segment_minutes": slot.tracked.bit_count() if slot else 0,
            "minutes": self._counters(),
            "captures_held": len(self._spool.held(session.book.segment_of(slot))) if slot else 0,
            "stopped_because": session.stopped_because and again(session.stopped_because),
            **self._licence(),
            "bus": link.state,
            "bus_problem": again(link.problem or link.held_back or "") or None,
            "unsent": backlog.unsent,
            "oldest_unsent": backlog.oldest and slots.format_instant(backlog.oldest),
            "pictures_unsent": backlog.pictures,
            "quarantined": self._spool.quarantined(),
            "sources": self._desk.sources,
            "missing": {source: retold(reason, _REASONS) for source, reason in self._missing().items()},
            "disk_problem": session.book.problem,
            "cuts": session.cuts,
            "told": self._told and again(self._told),
            "language": spoken(),
            "agent": VERSION,
            "pid": os.getpid(),
        }

    def _missing(self) -> dict[str, str]:
        """What cannot be seen, and why."""
        return self._desk.missing | ({"captures": self._capture_problem} if self._capture_problem else {})

    def _licence(self) -> dict[str, Any]:
        """How the licence stands, until when without a connection, and what is recorded under it, in words (G-01)."""
        entitlement = self._session.entitlement
        until = entitlement.grace_until(self._evidence.now(), self._session.confirmed_at)
        return {
            "licence": "grace" if until else entitlement.state,
            "grace_until": until and slots.format_instant(until),
            "mode": entitlement.mode,
            "notices": [_in_words(notice) for notice in entitlement.notices],
            "recorded": words.lines(entitlement.said, entitlement.mode),
        }

    def _counters(self) -> dict[str, int]:
        """T-12: minutes of this session, today and this week; the session clock is not the bill."""
        now, running, slot = self._clock.now(), self._session.running, self._session.book.slot
        today = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        week = today - timedelta(days=today.weekday())
        here = slot.tracked.bit_count() if slot else 0
        began = slots.parse_instant(running.started) if running else now
        return {
            "session": (now - began) // timedelta(minutes=1),
            "today": self._spool.minutes_since(today.astimezone(UTC)) + here,
            "week": self._spool.minutes_since(week.astimezone(UTC)) + here,
        }


def _in_words(notice: Any) -> Any:
    """A notice as its member reads it."""
    if not isinstance(notice, dict) or not isinstance(notice.get("changes"), list):
        return notice
    return {**notice, "changes": widening.told_again([str(line) for line in notice["changes"]])}


def _plain(contract: Any) -> dict[str, Any]:
    return {name: getattr(contract, name) for name in ("contract", "title", "labels", "memo_required")}


def remember(spool: Spool, message: dict[str, Any], confirmed_at: datetime) -> None:
    """Keeps an entitlement on disk: an offline agent goes on under its last policy (L-04)."""
    kept = {"message": message, "confirmed_at": slots.format_instant(confirmed_at)}
    spool.write_note("entitlement", json.dumps(kept))


def remembered(spool: Spool, activation: Activation) -> tuple[Entitlement, datetime | None]:
    """The entitlement of the spool, as far as its signed licence document bears it out (L-02)."""
    text = spool.note("entitlement")
    if text is None:
        return Entitlement(state="not known yet"), None
    found = json.loads(text)
    message, confirmed_at = found["message"], slots.parse_instant(found["confirmed_at"])
    if activation.licence_public:
        try:
            message |= _proved(activation, message.get("document") or {})
        except LicenceError as problem:
            return Entitlement(state=f"not valid ({problem})"), confirmed_at
    return read_entitlement(message), confirmed_at


def _proved(activation: Activation, document: dict[str, Any]) -> dict[str, Any]:
    """What the document says of what somebody might have changed in the spool."""
    proved = licence.verify(base64.b64decode(activation.licence_public), document, activation.device)
    span = {"not_before": proved.not_before, "expires": proved.expires}
    said = {name: slots.format_instant(at) if at else None for name, at in span.items()}
    return said | {"licence": proved.licence, "mode": proved.mode, "policy": dict(proved.policy)}


def run(settings: Settings, start: dict[str, Any] | None = None) -> None:
    """Runs the resident process of a home until it is told to end; SettingsError where it cannot begin."""
    settings.make_home()
    handler = logging.handlers.RotatingFileHandler(settings.log, maxBytes=500_000, backupCount=2, encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[handler, *([logging.StreamHandler()] if sys.stderr.isatty() else [])],
    )
    logging.getLogger("nats").setLevel(logging.CRITICAL)  # its errors come to the uplink, which words them
    with settings.lock(), speaking(ENGLISH):  # what is kept and logged; what is asked for is said again
        asyncio.run(_run(settings, start))


async def _run(settings: Settings, start: dict[str, Any] | None) -> None:
    await Resident(settings).run(start)

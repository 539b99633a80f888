"""Starts the parts in order, starts again what dies, and stops everything: ``python -m deploy.local up``."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from deploy.local.data import Ports, locked
from deploy.local.demo import Demo, seed_document
from deploy.local.files import read, write_private
from deploy.local.narrator import Narrator, say
from deploy.local.nursery import Nursery
from deploy.local.process import Child, StartError, Stopped, ask_to_stop, rest
from deploy.local.servers import Server
from deploy.local.services import GRACE_SECONDS, Service, step
from deploy.local.stack import Stack

_POLL_SECONDS = 0.2
# Long enough for who killed it to look at what it left, short enough that nobody waits.
_RESTART_SECONDS = 1.0
_RESTART_MOST_SECONDS = 15.0
_CALM_SECONDS = 30.0
_STEP_SECONDS = 180.0
_FLEET_SECONDS = 900.0
_FLEET_TRIES = 3


@dataclass(frozen=True)
class Options:
    """The command line. ``port`` 0: any free one, kept; ``fleet``: how many simulated people."""

    data: Path
    port: int = 8080
    fleet: int = 3
    ready_file: Path | None = None


@dataclass
class Watched:
    """A part that is to live, and when it last died."""

    part: Server | Service | Child
    failures: int = 0
    started: float = 0.0
    restart_at: float | None = None

    def check(self, now: float) -> bool:
        """Start it again when it has died and its pause is over; whether it was."""
        if self.part.alive:
            if self.failures and now - self.started > _CALM_SECONDS:
                self.failures = 0
            return False
        if self.restart_at is None:
            self.restart_at = now + min(_RESTART_SECONDS * 2**self.failures, _RESTART_MOST_SECONDS)
            return False
        if now < self.restart_at:
            return False
        self.failures, self.started, self.restart_at = self.failures + 1, now, None
        self.part.start()
        return True


class Supervisor:
    """One stack from start to stop."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stack = Stack(options.data, Ports(options.data).web(options.port))
        self.ready_file = options.ready_file
        self._steps: list[Child] = []
        self._migration = self.stack.migration()
        self._nursery = Nursery(self.stack.log("nursery"))
        self._watched: dict[str, Watched] = {}
        self._ready: dict[str, object] = {}
        self._arrived = False
        self._narrator = Narrator()

    def run(self) -> None:
        """Start all, say so, and watch until a signal comes; everything is stopped whatever happens."""
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        try:
            self._start()
            self._say_ready()
            while True:
                self._watch()
                self._see_the_rest_arrive()
                rest(_POLL_SECONDS)
        finally:
            self._stop()

    # starting ---------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        stack = self.stack
        _keep_last_logs(stack.data / "logs")
        say(f"Starting {', '.join(stack.servers) or 'no server'} …")
        for server in stack.servers.values():
            server.start()
        self._nursery.start()
        drawing = self._python("screens", "deploy.local.screens", str(stack.data / "screens"))
        drawing.start(self._nursery)
        for name in ("nats", "mongo"):
            if name in stack.servers:
                stack.servers[name].wait_ready()
        self._steps.append(self._migration)
        self._migration.start(self._nursery)
        demo = self._demo()
        if stack.mail:
            self._steps.append(stack.mail)
            stack.mail.start(self._nursery)
        self._migration.wait(_STEP_SECONDS)
        say("Starting the services …")
        for name, service in stack.services.items():
            if name != "media":
                service.start(self._nursery)
        if "s3" in stack.servers:
            stack.servers["s3"].wait_ready()
        stack.services["media"].start(self._nursery)
        for service in stack.services.values():
            service.wait_ready()
        self._watched = {name: Watched(part) for name, part in (stack.servers | stack.services).items()}
        if stack.mail:
            self._watched["mail"] = Watched(stack.mail)
        drawing.wait(_STEP_SECONDS)
        self._start_fleet(demo())

    def _python(self, name: str, module: str, *arguments: str) -> Child:
        child = step(name, module, {}, self.stack.log(name))
        child.command += arguments
        self._steps.append(child)
        return child

    def _demo(self) -> Callable[[], Demo]:
        """The demo of this data folder; being made when it has none, and waited for by who calls what this gives."""
        path = self.stack.data / "demo.json"
        if demo := Demo.load(path):
            return lambda: demo
        say("Making the demo workspaces …")
        document, seeding = seed_document(self.options.fleet, datetime.now(UTC)), self.stack.seeding()
        self._steps.append(seeding)
        seeded = seeding.ask(orjson.dumps(document), self._nursery)
        return lambda: Demo.keep(path, document, orjson.loads(seeded(_STEP_SECONDS)))

    def _start_fleet(self, demo: Demo) -> None:
        """Start the simulated people, and wait until the diary shows their last fourteen days.

        Pictures of the time before the last days may still be on their way then (``_see_the_rest_arrive``).
        """
        self._progress.unlink(missing_ok=True)
        arguments = str(self.stack.data), self.stack.places.public_url, str(self.options.fleet)
        fleet = self._python("fleet", "deploy.local.fleet", *arguments)
        fleet.start(self._nursery)
        self._nursery.close()
        watched = self._watched["fleet"] = Watched(fleet)
        deadline = time.monotonic() + _FLEET_SECONDS
        while not (found := read(self._progress) or {}).get("caught_up"):
            if watched.failures > _FLEET_TRIES or time.monotonic() > deadline:
                raise fleet.failure("did not catch up with the present")
            self._narrator.tell(found)
            self._watch()
            rest(_POLL_SECONDS)
        self._ready = demo.ready(found["others_capture"], found["licences_taken"])

    @property
    def _progress(self) -> Path:
        return self.stack.data / "fleet" / "progress.json"

    def _see_the_rest_arrive(self) -> None:
        """Tell how far the older pictures are; when all of the fortnight is in, write the ready file."""
        if not self._arrived and (found := read(self._progress)):
            self._narrator.tell(found)
            if found["arrived"]:
                self._arrived = True
                self._write_ready()

    # ready ------------------------------------------------------------------------------------------------------------

    def _write_ready(self) -> None:
        if self.ready_file and self._arrived:
            places = self.stack.places
            urls = {"web": places.public_url, "nats": places.nats, "mongo": places.mongo, "s3": places.s3}
            urls |= {"mail": self.stack.mail_url} if self.stack.mail_url else {}
            write_private(self.ready_file, {**urls, "pids": self.stack.pids(), **self._ready})

    def _say_ready(self) -> None:
        """Invite the person at the terminal; programs wait for the ready file, which says that all is in."""
        accounts = self._ready["accounts"]
        assert isinstance(accounts, list)
        say("", f"Daybook is at {self.stack.places.public_url} – sign in as", "")
        for account in accounts:
            say(f"  {account['role']:<9} {account['email']:<32} {account['password']}")
        if self.stack.mail_url:
            say("", f"Mails are not delivered; they can be read at {self.stack.mail_url}.")
        say("", f"Data and logs are in {self.stack.data}. Ctrl-C stops everything.")

    # watching ---------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Start again what has died; after the bus, see that its streams are there."""
        now = time.monotonic()
        restarted = [name for name, watched in self._watched.items() if watched.check(now)]
        for name in restarted:
            say(f"{name} had ended and was started again; see {self.stack.log(name)}")
        if restarted:
            self._write_ready()
        if "nats" in restarted or (self._migration.returncode and not self._migration.alive):
            # its store may have been wiped; the migration waits for the bus, and changes nothing where all is there
            self._migration.kill()
            self._migration.start()

    # stopping ---------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Ask the services to end, then the servers; what has not ended in its time is killed."""
        say("Stopping …")
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        self._nursery.close()
        _end([*(service.child for service in self.stack.services.values()), *self._steps], GRACE_SECONDS)
        _end([server.child for server in self.stack.servers.values() if server.pid], GRACE_SECONDS)
        for server in self.stack.servers.values():
            server.kill()


def _end(children: list[Child], seconds: float) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + seconds
    for child in children:
        child.finish(deadline)


def _keep_last_logs(folder: Path) -> None:
    """Begin with empty logs; those of the run before are kept with ``.old``."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.old"))


def up(options: Options) -> int:
    """Run a stack until it is told to stop: 0, or 1 with the reason printed."""
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    try:
        with locked(options.data):
            Supervisor(options).run()
    except Stopped:
        return 0
    except (StartError, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0

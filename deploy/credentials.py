"""``python -m deploy.credentials kubernetes|compose FOLDER``: an installation's secrets, as what runs it takes them.

Run again, it writes the same again: all secrets come from FOLDER/keys.json, which is made once. Keep that file safe,
and out of the repository: who has it can sign in as any service.

kubernetes   secrets.yaml (kubectl apply), nats-values.yaml (for NATS' chart), mongo-users.js (mongosh)
compose      env/<process>.env, nats.conf (for deploy/compose.yaml, with DAYBOOK_FOLDER=FOLDER)
"""

import argparse
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.local import bus_config
from deploy.local.keys import SERVICES, Keys, Places

#: What Places answers and no secret is: it stands in the ConfigMap of deploy/k8s/base.
_PLACES = {
    *("DAYBOOK_NATS_URL", "DAYBOOK_MONGO_PREFIX", "DAYBOOK_HTTP_HOST", "DAYBOOK_HTTP_PORT", "DAYBOOK_PUBLIC_URL"),
    *("DAYBOOK_S3_URL", "DAYBOOK_S3_BUCKET", "DAYBOOK_BUS_PUBLIC_URLS", "OTEL_EXPORTER_OTLP_ENDPOINT"),
}
_PROCESSES = (*SERVICES, "migrate")


def mongo_password(keys: Keys, service: str) -> str:
    """A service's password in MongoDB: derived from its bus seed, so that keys.json remains the one secret."""
    return hashlib.sha256(f"daybook/mongo/v1\0{keys.bus_seed(service)}".encode()).hexdigest()[:40]


def mongo_user(service: str) -> str:
    """Whose database a process uses: the projector works on diary's."""
    return "diary" if service == "projector" else service


def secrets(keys: Keys, mongo: str, smtp: str = "") -> dict[str, dict[str, str]]:
    """Secret's name → variable → value. ``mongo`` is a URL with ``{user}`` and ``{password}``."""
    found = {}
    for process in _PROCESSES:
        user = mongo_user(process)
        url = mongo.replace("{user}", user).replace("{password}", mongo_password(keys, user))
        values = keys.environment(process, Places(nats="", mongo=url, s3="", smtp=smtp))
        if process == "migrate":  # it works on the bus alone
            values.pop("DAYBOOK_MONGO_URL")
        found[f"daybook-{process}"] = {name: value for name, value in values.items() if name not in _PLACES}
    return found


def nats_values(keys: Keys) -> dict[str, object]:
    """Values of NATS' own Helm chart (1.x and later): three servers, JetStream written through, who may sign in."""
    return {
        "config": {
            "cluster": {"enabled": True, "replicas": 3},
            "jetstream": {
                "enabled": True,
                "fileStore": {"enabled": True, "pvc": {"enabled": True, "size": "100Gi"}},
                "memoryStore": {"enabled": True, "maxSize": "256Mi"},
                "merge": {"sync_interval": "always"},
            },
            "nats": {"tls": {"enabled": True, "secretName": "nats-tls"}},
            "monitor": {"enabled": True, "port": 8222},
            "merge": {"max_payload": 1_048_576, **bus_config.accounts(keys)},
        },
        "promExporter": {"enabled": True, "podMonitor": {"enabled": True}},
        "natsBox": {"enabled": False},
    }


def mongo_users(keys: Keys, prefix: str) -> str:
    """Commands for mongosh: a user for each service, of its own database and no other."""
    commands = [
        f"db.getSiblingDB('admin').createUser({{user: '{service}', pwd: '{mongo_password(keys, service)}', "
        f"roles: [{{role: 'readWrite', db: '{prefix}_{service}'}}]}});"
        for service in SERVICES
        if mongo_user(service) == service
    ]
    return "\n".join(commands) + "\n"


def kubernetes(keys: Keys, folder: Path, mongo: str, prefix: str = "daybook", smtp: str = "") -> None:
    """Writes what an installation on Kubernetes needs."""
    documents = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "daybook", "labels": {"app.kubernetes.io/part-of": "daybook"}},
            "type": "Opaque",
            "stringData": values,
        }
        for name, values in secrets(keys, mongo, smtp).items()
    ]
    _write(folder / "secrets.yaml", yaml.safe_dump_all(documents))
    _write(folder / "nats-values.yaml", yaml.safe_dump(nats_values(keys)))
    _write(folder / "mongo-users.js", mongo_users(keys, prefix))


def compose(keys: Keys, folder: Path, public_url: str, bus_url: str, smtp: str = "") -> None:
    """Writes what deploy/compose.yaml mounts and reads."""
    places = Places(
        nats="nats://nats:4222",
        mongo="mongodb://mongo:27017/?replicaSet=rs0",
        s3="http://minio:9000",
        public_url=public_url,
        bus_public_urls=(bus_url,),
        smtp=smtp,
    )
    for process in _PROCESSES:
        values = keys.environment(process, places) | {
            "DAYBOOK_HTTP_HOST": "0.0.0.0",  # noqa: S104 - in a container
            "DAYBOOK_HTTP_PORT": "8000",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector:4318",
        }
        if process == "diary":  # it is reached by way of loopback alone, so whoever asks is the proxy
            values["DAYBOOK_TRUSTED_PROXIES"] = "*"
        _write(folder / "env" / f"{process}.env", _lines(values))
    _write(
        folder / "env" / "minio.env", _lines({"MINIO_ROOT_USER": keys.s3_access, "MINIO_ROOT_PASSWORD": keys.s3_secret})
    )
    _write(folder / "nats.conf", bus_config.render(keys, Path("/data"), 4222, 8222, "daybook", host="0.0.0.0"))  # noqa: S104


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _write(path: Path, text: str) -> None:
    """For its owner's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    print(f"wrote {path}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m deploy.credentials", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    kinds = parser.add_subparsers(dest="kind", required=True)
    cluster = kinds.add_parser("kubernetes")
    cluster.add_argument("folder", type=Path)
    cluster.add_argument("--mongo", required=True, help="mongodb://{user}:{password}@HOSTS/?replicaSet=…&tls=true")
    cluster.add_argument("--prefix", default="daybook", help="databases are <prefix>_<service>")
    machine = kinds.add_parser("compose")
    machine.add_argument("folder", type=Path)
    machine.add_argument("--public-url", default="http://127.0.0.1:8080", help="where browsers reach the web")
    machine.add_argument("--bus-url", default="nats://127.0.0.1:4222", help="where agents reach the bus")
    for one in (cluster, machine):
        # from the environment, where a password is not for everybody on this machine to see
        one.set_defaults(smtp=os.environ.get("DAYBOOK_SMTP_URL", ""))
    given = parser.parse_args()
    keys = Keys.open(given.folder)
    if given.kind == "kubernetes":
        kubernetes(keys, given.folder, given.mongo, given.prefix, given.smtp)
    else:
        compose(keys, given.folder, given.public_url, given.bus_url, given.smtp)


if __name__ == "__main__":
    main()

"""The secrets of one installation, and which service is given which.

``Keys.open(folder)`` makes them once and keeps them in ``folder/keys.json`` (mode 0600).
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nkeys
from nacl.signing import SigningKey

from deploy.local.files import read, write_private

#: Every user of the bus that is no device. ``projector`` is diary's worker; ``migrate`` makes streams and durables.
BUS_USERS = (
    "ingest",
    "media",
    "scoring",
    "licensing",
    "licensing-callout",
    "licensing-sys",
    "diary",
    "projector",
    "migrate",
)

#: Ed25519 keys, kept as base64 of the 32 seed bytes: receipts, commands and entitlements; session tokens; licence
#: documents; edits and seals of the diary.
SIGNERS = ("notice", "session", "licence", "seal")

SERVICES = ("licensing", "ingest", "media", "scoring", "projector", "diary")


@dataclass(frozen=True)
class Places:
    """Where the parts of one installation are reached."""

    nats: str
    mongo: str
    s3: str
    public_url: str = "http://127.0.0.1:8080"
    http_ports: Mapping[str, int] = field(default_factory=dict)
    bus_public_urls: tuple[str, ...] = ()
    mongo_prefix: str = "daybook"
    s3_bucket: str = "daybook"
    smtp: str = ""


def _new_nkey(prefix: int) -> str:
    return bytes(nkeys.encode_seed(secrets.token_bytes(32), prefix)).decode()


class Keys:
    """All secrets of one installation, by name."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @classmethod
    def open(cls, folder: Path) -> "Keys":
        """The folder's keys; what is missing is made and written (0600) first."""
        path = folder / "keys.json"
        values: dict[str, str] = read(path) or {}
        keys = cls(values)
        if keys._complete():
            write_private(path, values)
        return keys

    def _complete(self) -> bool:
        """Make what is missing; whether anything was."""
        before = len(self._values)
        self._values.setdefault("issuer", _new_nkey(nkeys.PREFIX_BYTE_ACCOUNT))
        for user in BUS_USERS:
            self._values.setdefault(f"bus:{user}", _new_nkey(nkeys.PREFIX_BYTE_USER))
        for signer in SIGNERS:
            self._values.setdefault(f"sign:{signer}", base64.b64encode(secrets.token_bytes(32)).decode())
        self._values.setdefault("s3:access", secrets.token_hex(10))
        self._values.setdefault("s3:secret", secrets.token_urlsafe(30))
        return len(self._values) > before

    def bus_seed(self, user: str) -> str:
        """The nkey seed (``SU…``) of a bus user."""
        return self._values[f"bus:{user}"]

    def bus_public(self, user: str) -> str:
        """The public nkey (``U…``) of a bus user."""
        return _public_nkey(self.bus_seed(user))

    @property
    def issuer_seed(self) -> str:
        """The account nkey seed (``SA…``) that signs the bus users of devices."""
        return self._values["issuer"]

    @property
    def issuer_public(self) -> str:
        """The account's public nkey (``A…``)."""
        return _public_nkey(self.issuer_seed)

    def signing_seed(self, signer: str) -> str:
        """The Ed25519 seed of one of SIGNERS, base64 of 32 bytes."""
        return self._values[f"sign:{signer}"]

    def signing_public(self, signer: str) -> str:
        """The public half of a signing seed, base64 of 32 bytes."""
        seed = base64.b64decode(self.signing_seed(signer))
        return base64.b64encode(bytes(SigningKey(seed).verify_key)).decode()

    @property
    def s3_access(self) -> str:
        """The object store's access key; that of a store of somebody else's comes from the environment."""
        return os.environ.get("DAYBOOK_S3_ACCESS_KEY") or self._values["s3:access"]

    @property
    def s3_secret(self) -> str:
        """The object store's secret key; see ``s3_access``."""
        return os.environ.get("DAYBOOK_S3_SECRET_KEY") or self._values["s3:secret"]

    def environment(self, service: str, places: Places) -> dict[str, str]:
        """The variables of one service (or ``migrate``): where things are, and only the secrets it needs."""
        env = {
            "DAYBOOK_NATS_URL": places.nats,
            "DAYBOOK_MONGO_URL": places.mongo,
            "DAYBOOK_MONGO_PREFIX": places.mongo_prefix,
            "DAYBOOK_BUS_SEED": self.bus_seed(service),
            "DAYBOOK_HTTP_HOST": "127.0.0.1",
            "DAYBOOK_HTTP_PORT": str(places.http_ports.get(service, 0)),
        }
        if endpoint := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            env["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
        return env | self._secrets(service, places)

    def _secrets(self, service: str, places: Places) -> dict[str, str]:
        web = {"DAYBOOK_PUBLIC_URL": places.public_url}
        session = {"DAYBOOK_SESSION_PUBLIC": self.signing_public("session")}
        seal = {"DAYBOOK_SEAL_SEED": self.signing_seed("seal")}
        match service:
            case "ingest":
                return {"DAYBOOK_NOTICE_SEED": self.signing_seed("notice")}
            case "media":
                return {
                    "DAYBOOK_S3_URL": places.s3,
                    "DAYBOOK_S3_ACCESS_KEY": self.s3_access,
                    "DAYBOOK_S3_SECRET_KEY": self.s3_secret,
                    "DAYBOOK_S3_BUCKET": places.s3_bucket,
                }
            case "licensing":
                smtp = {"DAYBOOK_SMTP_URL": places.smtp} if places.smtp else {}
                if sender := os.environ.get("DAYBOOK_SMTP_SENDER"):
                    smtp["DAYBOOK_SMTP_SENDER"] = sender
                return (web | smtp) | {
                    "DAYBOOK_NOTICE_SEED": self.signing_seed("notice"),
                    "DAYBOOK_SESSION_SEED": self.signing_seed("session"),
                    "DAYBOOK_LICENCE_SEED": self.signing_seed("licence"),
                    "DAYBOOK_ISSUER_SEED": self.issuer_seed,
                    "DAYBOOK_CALLOUT_SEED": self.bus_seed("licensing-callout"),
                    "DAYBOOK_SYS_SEED": self.bus_seed("licensing-sys"),
                    "DAYBOOK_BUS_PUBLIC_URLS": ",".join(places.bus_public_urls or (places.nats,)),
                }
            case "diary":
                return web | session | seal
            case "projector":
                return session | seal
            case _:
                return {}


def _public_nkey(seed: str) -> str:
    return bytes(nkeys.from_seed(seed.encode()).public_key).decode()

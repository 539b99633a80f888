"""The agent's home on this computer: the device's key, its activation, the spool, the lock (fine-print.md, *Ids*).

Everything lies in one folder that only its owner may read: the key beside the spool, so that both are lost together.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from agent.chain import Identity
from agent.clock import Clock, FastClock, SystemClock
from services.wire import proof, slots
from services.wire.language import _

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class SettingsError(Exception):
    """Something about this home is not as it must be; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What the server answered when the licence was activated here."""

    server: str
    workspace: str
    member: str
    device: str
    bus: tuple[str, ...]
    notice_key: str
    licence_public: str = ""
    """What licences are signed with, base64; empty where the activation was by an older version."""

    @property
    def notice_public(self) -> bytes:
        """The public half of the key that signs notices; 32 bytes."""
        return base64.b64decode(self.notice_key)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the agent lives and what a member may choose; read from the environment and ``settings.json``."""

    home: Path
    server: str | None = None
    monitors: str = "all"
    """Which monitors are captured where the policy leaves it to the member (T-06): ``all`` or ``active``."""
    licence_public: str | None = None
    """What licence files are to be signed with, base64, where the deployment says so: then they are checked offline."""
    clock: str | None = None
    """For tests: ``RATE@INSTANT``, a clock that has run RATE times as fast since then."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Self:
        """Settings of a home; SettingsError where its settings.json cannot be read."""
        found = home or Path(environment.get("DAYBOOK_AGENT_HOME") or _default_home(environment))
        chosen = _read_json(found / "settings.json") or {}
        return cls(
            home=found.absolute(),
            server=environment.get("DAYBOOK_AGENT_SERVER") or chosen.get("server"),
            licence_public=environment.get("DAYBOOK_AGENT_LICENCE_PUBLIC") or chosen.get("licence_public"),
            monitors="active" if chosen.get("monitors") == "active" else "all",
            clock=environment.get("DAYBOOK_AGENT_CLOCK"),
        )

    def make_clock(self) -> Clock:
        """The computer's clock."""
        if not self.clock:
            return SystemClock()
        rate, _, anchor = self.clock.partition("@")
        return FastClock(float(rate), slots.parse_instant(anchor))

    @property
    def spool(self) -> Path:
        """The spool's file."""
        return self.home / "spool.db"

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.home / "agent.log"

    @property
    def door(self) -> str:
        """Where the resident process listens for the commands of this computer's user."""
        if sys.platform == "win32":
            return rf"\\.\pipe\daybook-{proof.digest(str(self.home))[:16]}"
        return str(self.home / "agent.sock")

    def make_home(self) -> None:
        """Makes the folder, for its owner alone."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    def key(self, *, make: bool = False) -> SigningKey:
        """The device's key; SettingsError where there is none and none is to be made."""
        path = self.home / "device.key"
        try:
            return SigningKey(base64.b64decode(path.read_bytes(), validate=True))
        except FileNotFoundError:
            if not make:
                raise SettingsError(_("this computer is not activated: run `activate` with a licence key")) from None
        except (OSError, ValueError, CryptoError) as error:
            raise SettingsError(_("{path} cannot be read: {error}", path=str(path), error=str(error))) from error
        key = SigningKey.generate()
        write_private(path, base64.b64encode(bytes(key)))
        return key

    def activation(self) -> Activation:
        """The activation; SettingsError where there is none."""
        found = _read_json(self.home / "activation.json")
        if found is None:
            raise SettingsError(_("this computer is not activated: run `activate` with a licence key"))
        try:
            return Activation(**{**found, "bus": tuple(found["bus"])})
        except (TypeError, KeyError) as error:
            raise SettingsError(_("activation.json is of another version: run `activate` again")) from error

    def keep(self, activation: Activation) -> None:
        """Remembers an activation."""
        write_private(self.home / "activation.json", json.dumps(asdict(activation), indent=1).encode())

    def identity(self, licence: str) -> Identity:
        """Who signs this device's records."""
        found = self.activation()
        return Identity(found.workspace, found.member, found.device, licence, self.key())

    @contextmanager
    def lock(self) -> Any:
        """Held by the one resident process of a home; SettingsError where another holds it."""
        with (self.home / "lock").open("a+b") as file:
            try:
                if sys.platform == "win32":
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SettingsError(_("the agent runs already for this home")) from None
            yield


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read; replaced whole, so that a crash leaves the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def local_zone(environment: Mapping[str, str] = os.environ) -> str:
    """The IANA name of this computer's time zone; ``UTC`` where it is not to be found."""
    named = environment.get("TZ", "").removeprefix(":")
    if "/" in named and not named.startswith("/"):
        return named[:64]
    target = str(Path("/etc/localtime").resolve())
    return target.partition("zoneinfo/")[2][:64] or "UTC"


def _default_home(environment: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", Path.home())) / "Daybook"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Daybook"
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "daybook"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(_("{path} cannot be read: {error}", path=str(path), error=str(error))) from error
    if not isinstance(found, dict):
        raise SettingsError(_("{path} does not hold what it should", path=str(path)))
    return found

"""Activation: a licence key and this device's key become a device (L-01, L-03; fine-print.md, *Activation*)."""

import base64
import json
import platform
import socket
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from agent.chain import VERSION
from agent.evidence import Evidence
from agent.settings import Activation, Settings, SettingsError
from agent.spool import Spool
from services.wire import licence, proof, subjects
from services.wire.language import _, again

_TIMEOUT = 30
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ActivationError(Exception):
    """Why the licence could not be activated, in one line."""


def activate(settings: Settings, server: str, given: str) -> tuple[Activation, dict[str, Any]]:
    """Activates a licence and remembers it; also gives the entitlement that came with it.

    ``given`` is the licence's key or the text of its signed file. Activating again with the same key and licence is the
    same activation. ActivationError says why not.
    """
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ActivationError(_("not the address of a server: {server}", server=server[:100]))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ActivationError(_("a licence key goes to another computer over https only"))
    settings.make_home()
    key = settings.key(make=True)
    public_key = proof.user_nkey(bytes(key.verify_key))
    body = {
        **_licence(settings, given.strip()),
        "device": {
            "name": (socket.gethostname() or "computer")[:100],
            "os": f"{platform.system()} {platform.release()}"[:100],
            "kind": "desktop",
            "public_key": public_key,
        },
        "proof": proof.prove_possession(key, public_key),
    }
    answer = _post(f"{server.rstrip('/')}/api/v1/activations", body)
    activation, entitlement = _read_answer(server, answer)
    settings.keep(activation)
    return activation, entitlement


def _licence(settings: Settings, given: str) -> dict[str, str]:
    """The key, or the file as far as this computer can tell that it holds (L-02)."""
    if not given.startswith("{"):
        return {"licence_key": given}
    try:
        envelope = licence.read_file(given)
        if public := settings.licence_public or _known_key(settings):
            found = licence.verify(base64.b64decode(public), envelope)
            found.check_time(_trusted_now(settings))
    except licence.LicenceError as problem:
        raise ActivationError(problem.args[0]) from problem
    except ValueError as error:
        raise ActivationError(_("the public licence key of this installation cannot be read")) from error
    return {"licence_file": given}


def _known_key(settings: Settings) -> str:
    """The key that an earlier activation brought; empty where there was none."""
    try:
        return settings.activation().licence_public
    except SettingsError:
        return ""


def _trusted_now(settings: Settings) -> datetime:
    """By the latest time this computer has seen, not by its clock alone."""
    spool = Spool(settings.spool)
    try:
        return Evidence(spool, settings.make_clock()).now()
    finally:
        spool.close()


def _read_answer(server: str, answer: dict[str, Any]) -> tuple[Activation, dict[str, Any]]:
    try:
        activation = Activation(
            server=server,
            workspace=subjects.token(answer["workspace"]),
            member=subjects.token(answer["member"]),
            device=subjects.token(answer["device"]),
            bus=tuple(str(url) for url in answer["bus"]),
            notice_key=str(answer["notice_key"]),
            licence_public=str(answer.get("licence_public") or ""),
        )
        notice = json.dumps(answer["entitlement"]).encode()
        entitlement = proof.open_notice(activation.notice_public, notice, activation.workspace, activation.device)
        if not activation.bus:
            raise ValueError("it names no bus")
    except (KeyError, TypeError, ValueError) as error:
        raise ActivationError(
            _("{server} answered something that is no activation: {error}", server=server, error=str(error))
        ) from error
    return activation, entitlement


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": f"daybook-agent/{VERSION}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
            answer = json.loads(response.read(1_000_000))
    except urllib.error.HTTPError as error:
        raise ActivationError(_problem(error)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ActivationError(_("{url} cannot be reached: {reason}", url=url, reason=str(reason))) from error
    if not isinstance(answer, dict):
        raise ActivationError(_("{url} answered something that is no activation", url=url))
    return answer


def _problem(error: urllib.error.HTTPError) -> str:
    """One line out of an RFC 9457 problem document, or out of the bare status."""
    try:
        found = json.loads(error.read(100_000))
        said = ": ".join(again(str(found[name])).rstrip(".") for name in ("title", "detail") if found.get(name))
    except (OSError, ValueError, AttributeError, TypeError):
        said = ""
    later = error.headers.get("Retry-After")
    wait = _(" (again in {seconds} s)", seconds=later) if later else ""
    return " ".join(f"{said or error.reason} [{error.code}]{wait}".split())

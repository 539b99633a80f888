"""Why a device says nothing, as likely as can be told, and what to do about it. Pure (V-03, L-05).

What is known for certain comes first (its seat was given back, its licence does not allow it), then what the ledger
shows (a clock that is ahead), then what can only be seen from outside.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from services.wire.slots import parse_instant

Reason = Literal[
    "removed",
    "revoked",
    "suspended",
    "archived",
    "expired",
    "not_begun",
    "limit",
    "cloned",
    "clock",
    "monitoring_off",
    "never_seen",
    "no_contact",
]

IN_CONTACT = timedelta(minutes=5)
"""An agent that runs is heard of every minute; the bus remembers it for five."""
LONG = timedelta(hours=26)
"""Longer than a night, and than any agent that runs goes without a sign-in."""


class Known(NamedTuple):
    """What is known of a device: as licensing shows it and its licence, as ingest states it, and its last word.

    ``heard_at`` is when it was last in contact by any way, ``status`` what it said it is doing if that is minutes ago.
    """

    device: Mapping[str, Any]
    licence: Mapping[str, Any]
    sync: Mapping[str, Any] | None
    heard_at: datetime | None
    status: str | None


class Silence(NamedTuple):
    """The reason, since when (None: unknown), and whether somebody should look into it."""

    reason: Reason
    since: datetime | None
    grave: bool


def why_silent(known: Known, now: datetime) -> Silence | None:
    """Why a device does not report; None where it does."""
    return _by_licence(known, now) or _by_ledger(known) or _by_contact(known, now)


def _by_licence(known: Known, now: datetime) -> Silence | None:
    device, licence = known.device, known.licence
    if device["released_at"]:
        return Silence("removed", _instant(device["released_at"]), False)
    if device["state"] == "revoked":
        return Silence("revoked", _instant(device["revoked_at"]), False)
    if device["state"] == "expired":
        return Silence("expired", _instant(licence.get("expires")), True)
    if licence.get("archived"):
        return Silence("archived", None, False)
    if device["state"] == "suspended":
        return Silence("suspended", None, False)
    begins = _instant(licence.get("not_before"))
    if begins is not None and begins > now:
        return Silence("not_begun", begins, False)
    return None


def _by_ledger(known: Known) -> Silence | None:
    if known.device.get("cloned_at"):
        return Silence("cloned", _instant(known.device["cloned_at"]), True)
    held: Sequence[Sequence[Any]] = known.sync["quarantined"] if known.sync else ()
    ahead = [seq for seq, reason in held if reason == "clock_ahead"]
    # a clock that was set right again has sent later records since, and they were taken
    if known.sync and ahead and max(ahead) >= known.sync["through"]:
        return Silence("clock", None, True)
    return None


def _by_contact(known: Known, now: datetime) -> Silence | None:
    if known.heard_at is None:
        activated = _instant(known.device["activated_at"])
        if known.licence.get("over_limit"):
            return Silence("limit", activated, True)
        return Silence("never_seen", activated, activated is None or now - activated > IN_CONTACT)
    if now - known.heard_at > IN_CONTACT:
        return Silence("no_contact", known.heard_at, now - known.heard_at > LONG)
    if known.device["mode"] == "monitoring" and known.status == "stopped":
        return Silence("monitoring_off", None, True)
    return None


def last_heard(device: Mapping[str, Any], sync: Mapping[str, Any] | None, said_at: datetime | None) -> datetime | None:
    """The latest of what licensing, ingest and the bus know of a device's contact; None: it was never heard of."""
    instants = [said_at, _instant(device.get("last_contact_at")), _instant(sync["last_received_at"]) if sync else None]
    return max(filter(None, instants), default=None)


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None

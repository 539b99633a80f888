"""What each device is doing now: the one reader of presence (V-03).

The bus remembers what a device said last for five minutes; when it was in contact before that, licensing knows.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats.errors
import orjson
from nats.aio.msg import Msg

from services.kit.bus import Bus
from services.kit.problems import unavailable
from services.wire import events, subjects
from services.wire.events import Presence
from services.wire.language import N_
from services.wire.slots import parse_instant

_ASK = f"$JS.API.DIRECT.GET.{subjects.PRESENCE}"
_AT_ONCE = 500
"""Devices a question names; the bus answers at most 1,024."""
_WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """When the bus took a device's last word, and what it said; None where it was no presence."""

    at: datetime
    presence: Presence | None


async def heard(bus: Bus, workspace: str, devices: Sequence[str]) -> dict[str, Heard]:
    """What these devices said within the last five minutes, by device; 503 where the bus does not answer."""
    found: dict[str, Heard] = {}
    for start in range(0, len(devices), _AT_ONCE):
        asked = [subjects.presence(workspace, one) for one in devices[start : start + _AT_ONCE]]
        for message in await _last(bus, asked):
            if one := _read(message):
                found[one[0]] = one[1]
    return found


async def _last(bus: Bus, asked: Sequence[str]) -> list[Msg]:
    """The last message of each subject. The bus answers with one message each, and an empty one at the end."""
    client, found = bus.client, list[Msg]()
    answers = await client.subscribe(client.new_inbox())
    try:
        await client.publish(_ASK, orjson.dumps({"multi_last": list(asked)}), reply=answers.subject)
        while True:
            message = await answers.next_msg(_WAIT_SECONDS)
            status = (message.headers or {}).get("Status")
            if status is None:
                found.append(message)
            elif status in ("204", "404"):
                return found
            else:
                raise unavailable(N_("What devices are doing"))
    except (TimeoutError, nats.errors.Error) as error:
        raise unavailable(N_("What devices are doing")) from error
    finally:
        with suppress(nats.errors.Error):
            await answers.unsubscribe()


def _read(message: Msg) -> tuple[str, Heard] | None:
    """Whose word it is, by the subject on which the bus took it; None where the bus's own headers are missing."""
    headers: dict[str, Any] = message.headers or {}
    try:
        device = headers["Nats-Subject"].split(".")[2]
        at = parse_instant(f"{headers['Nats-Time-Stamp'][:19]}Z")
    except (KeyError, ValueError, IndexError):
        return None
    try:
        return device, Heard(at, events.read(Presence, message.data))
    except ValueError:
        return device, Heard(at, None)

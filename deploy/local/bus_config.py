"""The bus's configuration: accounts, the users that are no devices, and which subjects each of them needs.

Devices are not in it. The bus asks ``licensing`` about every key that is not listed here (auth callout), and licensing
puts a device into account DAYBOOK with its own subjects only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.keys import Keys
from services.wire.subjects import JOURNAL, PRESENCE, STREAMS

ACCOUNT = "DAYBOOK"


@dataclass(frozen=True)
class Allowed:
    """What one user may publish and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


# Answers to requests, and the acknowledgements of the bus itself, come and go by inboxes; every user has them.
_INBOX = ("_INBOX.>",)

# Facts that say who may do what: every service that remembers such things listens, to forget in time.
_PEOPLE = (
    *("workspace.changed.>", "workspace.deleted.>", "member.changed.>", "team.changed.>", "contract.changed.>"),
    *("licence.changed.>", "access.ended.>"),
)

#: service → publish, subscribe. What a service needs for its durables is added from services.wire.subjects.
TABLE: Mapping[str, Allowed] = {
    "ingest": Allowed(
        publish=("segment.recorded.>", "receipts.>", "notice.raised.>", "rpc.licensing.>"),
        subscribe=("rpc.ingest.>", "rpc.device.*.*.receipts", *_PEOPLE),
    ),
    "media": Allowed(
        publish=("capture.stored.>", "capture.removed.>", "notice.raised.>", "rpc.licensing.>", "rpc.ingest.>"),
        subscribe=("rpc.media.>", "rpc.device.*.*.picture", "live.>", *_PEOPLE),
    ),
    "scoring": Allowed(
        publish=("segment.scored.>", "rpc.ingest.>", "rpc.licensing.>"),
        subscribe=("rpc.scoring.>", *_PEOPLE),
    ),
    "licensing": Allowed(
        publish=(
            *(*_PEOPLE, "notice.raised.>", "commands.>"),
            *("rpc.ingest.>", "rpc.media.>", "rpc.scoring.>", "rpc.diary.>"),
            *(f"$JS.API.STREAM.PURGE.{stream}" for stream in (JOURNAL, PRESENCE)),  # erasure
        ),
        subscribe=("rpc.licensing.>", "rpc.device.*.*.entitlement", "presence.>", "notice.raised.>", *_PEOPLE),
    ),
    "diary": Allowed(
        publish=(
            *("diary.edited.>", "week.sealed.>", "notice.raised.>", "diary.changed.>"),
            *("rpc.ingest.>", "rpc.media.>", "rpc.scoring.>", "rpc.licensing.>", "rpc.projector.>"),
            *(f"$JS.API.DIRECT.GET.{PRESENCE}", f"$JS.API.DIRECT.GET.{PRESENCE}.>"),
            *(f"$JS.API.STREAM.MSG.GET.{PRESENCE}", f"$JS.API.CONSUMER.CREATE.{PRESENCE}.>"),
            *(f"$JS.API.CONSUMER.DELETE.{PRESENCE}.>", f"$JS.FC.{PRESENCE}.>"),
        ),
        subscribe=("rpc.diary.>", "diary.changed.>", "presence.>", "notice.raised.>", *_PEOPLE),
    ),
    "projector": Allowed(
        publish=(
            *("diary.edited.>", "week.sealed.>", "notice.raised.>", "diary.changed.>"),
            *("rpc.ingest.>", "rpc.media.>", "rpc.scoring.>", "rpc.licensing.>", "rpc.diary.>"),
        ),
        subscribe=("rpc.projector.>", *_PEOPLE),
    ),
    "migrate": Allowed(publish=("$JS.API.>",), subscribe=()),
}

#: The user that tests look and publish with; it is in no installation but theirs.
EVERYTHING = Allowed(publish=(">",), subscribe=(">",))


def _durables(service: str) -> tuple[str, ...]:
    """To read from its own durables and to look at streams; making them is the migration's."""
    subjects = ["$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    for stream in STREAMS:
        subjects.append(f"$JS.API.STREAM.INFO.{stream.name}")
        for durable in stream.durables:
            if durable.name == service:
                subjects += [
                    f"$JS.API.CONSUMER.INFO.{stream.name}.{service}",
                    f"$JS.API.CONSUMER.MSG.NEXT.{stream.name}.{service}",
                    f"$JS.ACK.{stream.name}.{service}.>",
                ]
    return tuple(subjects)


def permissions(service: str) -> Allowed:
    """All that one service may do on the bus."""
    own = TABLE[service]
    return Allowed((*own.publish, *_durables(service), *_INBOX), (*own.subscribe, *_INBOX))


def _user(public: str, allowed: Allowed, **more: bool) -> dict[str, Any]:
    table = {"publish": list(allowed.publish), "subscribe": list(allowed.subscribe)}
    return {"nkey": public, "permissions": {side: names for side, names in table.items() if names} | more}


def accounts(keys: Keys, extra_users: Mapping[str, Allowed] | None = None) -> dict[str, Any]:
    """The part of the configuration that says who may sign in, the same on every server of a cluster.

    Only public keys are in it. ``extra_users``: further public nkeys for account DAYBOOK.
    """
    system, callout = keys.bus_public("licensing-sys"), keys.bus_public("licensing-callout")
    users = [_user(keys.bus_public(service), permissions(service)) for service in TABLE]
    users += [_user(public, allowed) for public, allowed in (extra_users or {}).items()]
    # finds and kicks the connections of revoked devices, hears who comes and goes
    kicks = Allowed(("$SYS.REQ.SERVER.>", "$SYS.REQ.ACCOUNT.>"), ("_INBOX.>", f"$SYS.ACCOUNT.{ACCOUNT}.>"))
    asked = Allowed((), ("$SYS.REQ.USER.AUTH",))
    return {
        "system_account": "SYS",
        "accounts": {
            "SYS": {"users": [_user(system, kicks)]},
            "AUTH": {"users": [_user(callout, asked, allow_responses=True)]},
            ACCOUNT: {"jetstream": "enabled", "users": users},
        },
        "authorization": {
            "auth_callout": {
                "issuer": keys.issuer_public,
                "account": "AUTH",
                # they sign in with these keys, also while licensing is down; all others are licensing's to judge
                "auth_users": [system, callout, *(user["nkey"] for user in users)],
            }
        },
    }


def render(
    keys: Keys,
    store: Path,
    port: int,
    monitor_port: int,
    server_name: str,
    extra_users: Mapping[str, Allowed] | None = None,
    host: str = "127.0.0.1",
) -> str:
    """The text of nats.conf for one server. ``extra_users``: further public nkeys for account DAYBOOK."""
    signing_in = accounts(keys, extra_users)
    return f"""server_name: {json.dumps(server_name)}
listen: {host}:{port}
http: {host}:{monitor_port}
max_payload: 1MB
jetstream {{
  store_dir: {json.dumps(str(store), ensure_ascii=False)}
  # Without it an acknowledged message can be lost for two minutes after it was acknowledged.
  sync_interval: always
  # A device can have a PubAck sent to $JS.API subjects, where it counts as the bus's own request: PURGE and MSG.DELETE
  # ran that way when unknown fields were let pass (tests/licensing/test_bus_sign_in.py).
  strict: true
  max_memory_store: 256MB
  max_file_store: 100GB
}}
{chr(10).join(f"{key}: {json.dumps(value, indent=1)}" for key, value in signing_in.items())}
"""

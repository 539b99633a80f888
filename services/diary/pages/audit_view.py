"""The audit log as its page shows it: an entry in words. Pure (G-02, B-03)."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import DASH, dated
from services.wire.slots import parse_instant

_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
#: What is done often, in words; anything else is named by its own name.
_WORDS = {
    "capture.viewed": "looked at a picture",
    "capture.blurred": "blurred a picture",
    "capture.deleted": "deleted a picture",
    "capture.removed": "removed a picture",
    "time.added": "added manual time",
    "time.removed": "took time out",
    "segment.noted": "changed a memo or label",
    "timesheet.submitted": "submitted a week",
    "timesheet.approved": "approved a week",
    "timesheet.rejected": "rejected a week",
    "statement.exported": "exported a statement",
    "account.password_changed": "changed the password",
    "account.two_factor_on": "turned two-factor on",
    "account.two_factor_off": "turned two-factor off",
    "audit.exported": "exported the audit log",
    "members.exported": "exported members",
    "records.released": "released records that were held back",
    "policy.created": "made a policy",
    "policy.changed": "changed a policy",
    "profile.created": "made a profile",
    "profile.changed": "changed a profile",
    "licence.created": "issued a licence",
    "licence.changed": "changed a licence",
    "licence.exported": "took a licence's signed file",
    "device.changed": "changed a device",
    "notice.changed": "acknowledged a notice",
    "member.created": "added a member",
    "member.changed": "changed a member",
    "client.created": "added a client",
    "client.changed": "changed a client",
    "team.created": "made a team",
    "team.changed": "changed a team",
    "contract.created": "made a contract",
    "contract.changed": "changed a contract",
    "workspace.created": "made a workspace",
    "workspace.changed": "changed the workspace",
    "token.created": "made an API token",
    "token.changed": "revoked an API token",
    "import.created": "began an import of members",
    "session.started": "signed in",
    "session.refused": "was refused at signing in",
}
_PLACES = {"policy": "/policies", "licence": "/licences", "device": "/devices", "contract": "/contracts"}


class Line(NamedTuple):
    """One entry; ``about`` is whom it concerns, ``target`` what was touched, with its page where it has one.

    ``several`` are the ids of the pictures where the line stands for several entries, or of the segments it is about.
    """

    day: str
    clock: str
    actor: str
    role: str
    did: str
    action: str
    about: str
    target: str
    href: str
    detail: str
    address: str
    several: str = ""


def lines_of(entries: Sequence[Mapping[str, Any]], names: Mapping[str, str], zone: ZoneInfo) -> list[Line]:
    """Entries as they are read: pictures that somebody looked through within a minute are one line."""
    groups = groupby(entries, key=lambda one: _look(one) or one["id"])
    return [_looked(list(some), names, zone) for _, some in groups]


def _look(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    if entry["action"] != "capture.viewed":
        return None
    return (str(entry["actor"]), str(entry["member"]), str(entry["detail"]), str(entry["at"])[:16])


def _looked(some: Sequence[Mapping[str, Any]], names: Mapping[str, str], zone: ZoneInfo) -> Line:
    line = line_of(some[0], names, zone)
    if len(some) == 1:
        return line
    captures = ", ".join(str(one["capture"] or one["target"]) for one in some)
    return line._replace(did=f"looked at {len(some)} pictures", target="", several=captures)


def line_of(entry: Mapping[str, Any], names: Mapping[str, str], zone: ZoneInfo) -> Line:
    """An entry as it is read."""
    local = parse_instant(entry["at"]).astimezone(zone)
    action, target = str(entry["action"]), str(entry["target"] or entry["capture"] or "")
    place = _PLACES.get(action.partition(".")[0])
    about = names.get(entry["member"] or "", "")
    return Line(
        day=f"{local.day} {local:%b %Y}",
        clock=f"{local:%H:%M:%S}",
        actor=str(entry["actor_name"] or DASH),
        role=str(entry["actor_role"] or ""),
        did=_WORDS.get(action, action.replace(".", " ").replace("_", " ")),
        action=action,
        about="" if entry["member"] == entry["actor"] else about,
        target="" if target == entry["member"] or action.startswith("session.") else target,
        href=f"{place}/{target}" if place and target else "",
        detail=_plain(str(entry["detail"] or "")),
        address=str(entry["address"] or ""),
        several=", ".join(entry.get("segments") or ()),
    )


def _plain(detail: str) -> str:
    """A detail without the marks of programs: ``name: Ada Lind`` of ``name="Ada Lind"``."""
    return _PAIR.sub(lambda found: f"{found[1].replace('_', ' ')}: {found[2]}", detail)


def choices() -> list[tuple[str, str]]:
    """The actions a filter offers, by their words."""
    named = sorted(((action, said[0].upper() + said[1:]) for action, said in _WORDS.items()), key=lambda one: one[1])
    return [("", "Anything"), *named]


def since_of(loose: Sequence[str], zone: ZoneInfo) -> str:
    """When the first of the entries in no chain was written, as its id says: anything, where that is no instant."""
    first = loose[0].partition("|")[0] if loose else ""
    try:
        return dated(first, zone)
    except ValueError:  # put in past the services: its id may be anything
        return first

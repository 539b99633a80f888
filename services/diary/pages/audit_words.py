"""What an entry of the audit log says, in the product's words: what was done, and how (G-02). Pure.

Services write entries for programs: ``by="password"``, ``rate_minor, project``, an id and a date. A detail that cannot
be read so is shown as it is: nothing of the log is left out.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import week_title, with_clocks

#: What is done often, in words; anything else is named by its own name.
DID = {
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
    "diary.exported": "exported days of a diary",
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
    "workspace.exported": "exported the workspace",
    "token.created": "made an API token",
    "token.changed": "revoked an API token",
    "import.created": "began an import of members",
    "session.started": "signed in",
    "session.refused": "was refused at signing in",
    "device.activated": "loaded a licence on a computer",
    "device.doubted": "was found to run as a copy",
    "invitation.accepted": "accepted an invitation",
    "access.ended": "lost their access",
}
_FIELDS = {
    "rate_minor": "rate",
    "weekly_limit_minutes": "weekly limit",
    "starts_on": "first day",
    "ends_on": "last day",
    "not_before": "first day",
    "expires": "last day",
    "node_locked": "stays on one computer",
    "mails_off": "mails turned off",
    "allowed_ranges": "allowed addresses",
    "lock_hour": "locks at hour",
    "drain_hours": "hours to hand in what is recorded",
    "invite": "with invitations",
    "manages": "teams managed",
}
_HOW = {
    "password": "with the password",
    "oidc": "by the workspace’s own sign-in",
    "switch": "coming from another workspace",
    "renewed": "going on with a session",
    "mail": "by a link in a mail",
    "thumbnail": "small, in a list",
    "picture": "in full",
    "code": "the code was wrong",
}
_FIELD = re.compile(r"(\w+)(=)?")
_WEEK = re.compile(r"(\S+) (\d{4}-\d\d-\d\d)(?: (\w+))?")
_ID = re.compile(r"\b[a-z]{2,6}-[a-z0-9]{8,}\b")
_ONE = re.compile(r"\b1 (?:minutes|segments|captures|pictures|members)\b")
_UNSAID = object()
"""A field that was named without its value: it may be personal."""


class Known(NamedTuple):
    """What ids stand for: ``names`` of members, contracts and devices by id, ``members`` of contracts."""

    names: Mapping[str, str]
    members: Mapping[str, str] = {}
    zone: ZoneInfo = ZoneInfo("UTC")


class Week(NamedTuple):
    """A contract's week that an entry is about, with its page, ``""`` where the contract is not known."""

    title: str
    href: str
    form: str


def did(action: str) -> str:
    """What was done: ``looked at a picture``; what has no words of its own by its name."""
    return DID.get(action, action.replace(".", " ").replace("_", " "))


def week_in(detail: str, known: Known) -> Week | None:
    """The week of ``<contract> <Monday> [<format>]``, as timesheets and statements name it."""
    found = _WEEK.fullmatch(detail)
    if found is None:
        return None
    contract, monday, form = found.groups()
    title = f"{known.names.get(contract, contract)}, {week_title(date.fromisoformat(monday))}"
    member = known.members.get(contract, "")
    return Week(title, f"/timesheets/{member}?week={monday}" if member else "", f"as {form.upper()}" if form else "")


def said(detail: str, known: Known) -> str:
    """A detail as people read it."""
    fields = _fields(detail)
    words = detail if fields is None else ", ".join(_named(name, value) for name, value in fields)
    words = _ONE.sub(lambda one: one[0].removesuffix("s"), words)
    return with_clocks(_ID.sub(lambda id: known.names.get(id[0], id[0]), words), known.zone)


def _fields(detail: str) -> list[tuple[str, Any]] | None:
    """The fields of ``name, seats=1, mode="worklog"``; None where it is no such list (or one that was cut off)."""
    decoder, at, found = json.JSONDecoder(), 0, list[tuple[str, Any]]()
    while match := _FIELD.match(detail, at):
        value, at = _UNSAID, match.end()
        if match[2]:
            try:
                value, at = decoder.raw_decode(detail, at)
            except ValueError:
                return None
        found.append((match[1], value))
        if at == len(detail):
            return found
        if not detail.startswith(", ", at):
            return None
        at += 2
    return None


def _named(name: str, value: Any) -> str:
    how = _HOW.get(str(value)) if name in ("by", "why") else _HOW.get(name) if value is _UNSAID else None
    if how:
        return how
    words = _FIELDS.get(name, name.replace("_", " "))
    return words if value is _UNSAID else f"{words}: {_value(value)}"


def _value(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " and ".join(map(_value, value))
    return value.replace("_", " ") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""What an entry of the audit log says, in the product's words: what was done, and how (G-02). Pure.

Services write entries for programs: ``by="password"``, ``rate_minor, project``, an id and a date. A detail that cannot
be read so is shown as it is: nothing of the log is left out.
"""

import json
import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import both, week_title, with_clocks
from services.wire.language import N_, _, again, pgettext
from services.wire.retold import retold

#: What is done often, in words; anything else is named by its own name.
DID = {
    "capture.viewed": N_("looked at a picture"),
    "capture.blurred": N_("blurred a picture"),
    "capture.deleted": N_("deleted a picture"),
    "capture.removed": N_("removed a picture"),
    "time.added": N_("added manual time"),
    "time.removed": N_("took time out"),
    "segment.noted": N_("changed a memo or label"),
    "timesheet.submitted": N_("submitted a week"),
    "timesheet.approved": N_("approved a week"),
    "timesheet.rejected": N_("rejected a week"),
    "statement.exported": N_("exported a statement"),
    "diary.exported": N_("exported days of a diary"),
    "account.password_changed": N_("changed the password"),
    "account.two_factor_on": N_("turned two-factor on"),
    "account.two_factor_off": N_("turned two-factor off"),
    "audit.exported": N_("exported the audit log"),
    "members.exported": N_("exported members"),
    "records.released": N_("released records that were held back"),
    "policy.created": N_("made a policy"),
    "policy.changed": N_("changed a policy"),
    "profile.created": N_("made a profile"),
    "profile.changed": N_("changed a profile"),
    "licence.created": N_("issued a licence"),
    "licence.changed": N_("changed a licence"),
    "licence.exported": N_("took a licence's signed file"),
    "device.changed": N_("changed a device"),
    "notice.changed": N_("acknowledged a notice"),
    "member.created": N_("added a member"),
    "member.changed": N_("changed a member"),
    "client.created": N_("added a client"),
    "client.changed": N_("changed a client"),
    "team.created": N_("made a team"),
    "team.changed": N_("changed a team"),
    "contract.created": N_("made a contract"),
    "contract.changed": N_("changed a contract"),
    "workspace.created": N_("made a workspace"),
    "workspace.changed": N_("changed the workspace"),
    "workspace.exported": N_("exported the workspace"),
    "token.created": N_("made an API token"),
    "token.changed": N_("revoked an API token"),
    "import.created": N_("began an import of members"),
    "session.started": N_("signed in"),
    "session.refused": N_("was refused at signing in"),
    "device.activated": N_("loaded a licence on a computer"),
    "device.doubted": N_("was found to run as a copy"),
    "invitation.accepted": N_("accepted an invitation"),
    "access.ended": N_("lost their access"),
}
_FIELDS = {
    "rate_minor": N_("rate"),
    "weekly_limit_minutes": N_("weekly limit"),
    "starts_on": N_("first day"),
    "ends_on": N_("last day"),
    "not_before": N_("first day"),
    "expires": N_("last day"),
    "node_locked": N_("stays on one computer"),
    "mails_off": N_("mails turned off"),
    "allowed_ranges": N_("allowed addresses"),
    "lock_hour": N_("locks at hour"),
    "drain_hours": N_("hours to hand in what is recorded"),
    "invite": N_("with invitations"),
    "manages": N_("teams managed"),
}
_NAMES = (
    *(N_("name"), N_("role"), N_("team"), N_("teams"), N_("zone"), N_("language"), N_("legal hold"), N_("archived")),
    *(N_("member"), N_("members"), N_("project"), N_("client"), N_("currency"), N_("manual time"), N_("labels")),
    *(N_("memo required"), N_("mode"), N_("computer"), N_("policy"), N_("seats"), N_("draft"), N_("state")),
    *(N_("seats reserved"), N_("enabled"), N_("add members"), N_("remove members"), N_("add teams")),
    *(N_("remove teams"), N_("billing zone"), N_("billing unit"), N_("movement counts"), N_("deletion rule")),
    *(N_("unproductive weight percent"), N_("week start"), N_("capture days"), N_("camera days"), N_("minimum agent")),
    *(
        N_("cloned"),
        N_("acknowledged"),
        N_("scopes"),
        N_("email"),
        N_("kind"),
        N_("licence"),
        N_("because"),
        N_("oidc"),
    ),
)
"""The fields that are called by their own names."""
_VALUES = (
    *(N_("owner"), N_("admin"), N_("manager"), N_("employee"), N_("client"), N_("worklog"), N_("monitoring")),
    *(N_("active"), N_("suspended"), N_("revoked"), N_("released"), N_("issued"), N_("minute"), N_("segment")),
    *(N_("monday"), N_("saturday"), N_("sunday"), N_("read"), N_("write"), N_("member"), N_("workspace")),
    *(N_("conflict"), N_("boots"), N_("transferred"), N_("waiting"), N_("since previous")),
)
"""The words that stand as values; anything else may be somebody's name."""
_SENTENCES = (
    *(N_("{minutes} minutes of {segments} segments, {captures} captures"), N_("with its time"), N_("for good")),
    *(N_("{minutes} minutes of work by hand"), N_("{minutes} minutes of break by hand"), N_("the picture alone")),
    *(N_("{minutes} minutes of private by hand"), N_("label and memo of {count} segments")),
    *(N_("memo of {count} segments"), N_("label of {count} segments"), N_("{count} members")),
    N_("{count} of {all} of device {device}"),
)
"""Details that are sentences of their own."""
_HOW = {
    "password": N_("with the password"),
    "oidc": N_("by the workspace’s own sign-in"),
    "switch": N_("coming from another workspace"),
    "renewed": N_("going on with a session"),
    "mail": N_("by a link in a mail"),
    "thumbnail": N_("small, in a list"),
    "picture": N_("in full"),
    "code": N_("the code was wrong"),
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
    return again(DID[action]) if action in DID else action.replace(".", " ").replace("_", " ")


def week_in(detail: str, known: Known) -> Week | None:
    """The week of ``<contract> <Monday> [<format>]``, as timesheets and statements name it."""
    found = _WEEK.fullmatch(detail)
    if found is None:
        return None
    contract, monday, form = found.groups()
    title = f"{known.names.get(contract, contract)}, {week_title(date.fromisoformat(monday))}"
    member = known.members.get(contract, "")
    return Week(
        title,
        f"/timesheets/{member}?week={monday}" if member else "",
        _("as {format}", format=form.upper()) if form else "",
    )


def said(detail: str, known: Known) -> str:
    """A detail as people read it."""
    fields = _fields(detail)
    words = retold(detail, _SENTENCES) if fields is None else ", ".join(_named(name, value) for name, value in fields)
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
        return again(how)
    words = _word(name, _NAMES) if name not in _FIELDS else again(_FIELDS[name])
    return words if value is _UNSAID else f"{words}: {_value(value)}"


def _value(value: Any) -> str:
    if value is None or value == [] or value == "":
        return pgettext("value", "none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return both(map(_value, value))
    return _word(value, _VALUES) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _word(name: str, known: Collection[str]) -> str:
    """What a program calls by a name, in words; those that are ours in the reader's language."""
    words = name.replace("_", " ")
    return again(words) if words in known else words
